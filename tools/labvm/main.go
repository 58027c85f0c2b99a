// Command labvm runs a command as root under a kernel with IPVS: this machine's own in fresh namespaces, or Debian's in a
// virtual machine.
//
//	labvm [--timeout 10m] [--mem 2G] [--need PROGRAM[=PACKAGE]] [--forward ADDRESS:PORT=PORT] -- COMMAND [ARG...]
//
// Its exit status is the command's; 124 when time is up, 125 when the command could not be run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"polso/lab/boot"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := boot.Options{Stdout: stdout, Stderr: stderr}
	flags := flag.NewFlagSet("labvm", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&o.Timeout, "timeout", 10*time.Minute, "kill the command and the machine after this time")
	flags.StringVar(&o.Memory, "mem", "2G", "memory of the virtual machine")
	flags.IntVar(&o.CPUs, "cpus", 2, "processors of the virtual machine")
	flags.StringVar(&o.Artifacts, "artifacts", "", "folder the command may write to; inside it is $POLSO_LAB_ARTIFACTS (default CACHE/artifacts)")
	flags.Func("need", "a program the command wants, installed if missing: PROGRAM or PROGRAM=PACKAGE (repeatable)", func(s string) error {
		n, err := boot.ParseNeed(s)
		o.Needs = append(o.Needs, n)
		return err
	})
	flags.Func("forward", "a port here that leads to one where the command runs: IPV4:PORT=PORT (repeatable)", func(s string) error {
		f, err := boot.ParseForward(s)
		o.Forwards = append(o.Forwards, f)
		return err
	})
	flags.Func("mode", "auto, direct (this kernel) or vm", func(s string) (err error) {
		o.Mode, err = boot.ParseMode(s)
		return err
	})
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 64
	}
	o.Command = flags.Args()
	status, err := boot.Run(ctx, o)
	if err != nil {
		fmt.Fprintf(stderr, "labvm: %v\n", err)
		if errors.Is(err, boot.ErrTimeout) {
			return 124
		}
		return 125
	}
	return status
}
