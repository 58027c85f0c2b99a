// Command demo shows a cluster being made, balancing and losing its director, step by step, and checks every step.
//
//	demo [--polso bin/polso] [--profile PROFILE]
//
// It runs in the laboratory (see tools/labvm) and exits 0 only if every check held.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"polso/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	binary := flags.String("polso", "bin/polso", "the polso binary to show")
	profile := flags.String("profile", lab.DefaultProfile(), "the cluster's timing")
	if err := flags.Parse(args); err != nil {
		return 64
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	start := time.Now()
	d := &demo{out: stdout, profile: *profile}
	if err := d.play(ctx, lab.Options{Binary: path, Beside: []string{"a", "b"}, Behind: []string{}}); err != nil {
		fmt.Fprintf(stderr, "\n✗ %v\n", err)
		return 1
	}
	fmt.Fprintf(stdout, "\nAll %d checks held, in %d seconds.\n", d.checks, int(time.Since(start).Seconds()))
	return 0
}
