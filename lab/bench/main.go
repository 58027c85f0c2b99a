// Command bench measures what a client loses when the director is cut off, killed or relieved, with Polso and with
// keepalived on the same routers, servers and traffic, in one run.
//
//	bench [--polso bin/polso] [--runs 20] [--only NAME,NAME] [--kernel real|simulated] [--flows N]
//
// It runs in the laboratory (see tools/labvm) and wants keepalived installed; without it, it measures Polso alone. With
// --kernel simulated the routers answer the client themselves, for all contenders alike: what remains is who holds the
// address and when the neighbours learn it, under any kernel, so that no emulation is in the figures. With --flows it measures
// instead how many of N established connections each failover breaks, both sides with connection synchronisation.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	binary := flags.String("polso", "bin/polso", "the polso binary to measure")
	runs := flags.Int("runs", 20, "how often each event happens")
	on := flags.String("kernel", string(balances), "real: IPVS balances; simulated: the router that holds the address answers itself")
	count := flags.Int("flows", 0, "measure what becomes of so many established connections instead")
	only := flags.String("only", "", "measure only these, by name, separated by commas")
	if err := flags.Parse(args); err != nil {
		return 64
	}
	if k := kernel(*on); k != balances && k != answers {
		fmt.Fprintf(stderr, "bench: --kernel %q: %s or %s\n", k, balances, answers)
		return 64
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	all := contenders(path, kernel(*on))
	if *count > 0 {
		all = sharers(path)
	}
	var selected []contender
	for _, c := range all {
		if *only == "" || slices.Contains(strings.Split(*only, ","), c.name) {
			selected = append(selected, c)
		}
	}
	if _, err := exec.LookPath("keepalived"); err != nil {
		fmt.Fprintln(stderr, "bench: keepalived is not installed; Polso alone")
		selected = slices.DeleteFunc(selected, func(c contender) bool { return strings.HasPrefix(c.name, "keepalived") })
	}
	start := time.Now()
	if *count > 0 {
		err = survive(ctx, stdout, stderr, selected, *runs, *count)
	} else {
		err = compare(ctx, stdout, stderr, selected, *runs, kernel(*on))
	}
	fmt.Fprintf(stdout, "\n%d minutes.\n", int(time.Since(start).Minutes()+0.5))
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// compare measures the gaps of every contender and prints the table.
func compare(ctx context.Context, stdout, stderr io.Writer, selected []contender, runs int, k kernel) error {
	var results []result
	var errs []error
	for _, c := range selected {
		r, err := measure(ctx, stderr, c, runs)
		results = append(results, r)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	report(stdout, results, runs, k)
	return errors.Join(errs...)
}
