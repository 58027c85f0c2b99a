// Command faults lets chance, from a seed, do to a cluster what a machine room does, under traffic and concurrent writes,
// and checks after every round what must always hold: one holder of an address, no acknowledged change lost, one order of all
// changes, tables as the document says, nothing left open.
//
//	faults [--polso .lab/bin/polso] [--rounds 200] [--seed N] [--round N] [--only FAULT,FAULT] [--for 4m] [--profile PROFILE]
//
// It runs in the laboratory (see tools/labvm) and exits 0 only if everything held in every round. A round that failed,
// or in which clients went very long without an answer, leaves its seed, schedule, requests and the routers' logs in the
// artifacts folder. The binary must be built with the tag "lab": every router here shares one kernel's clock, so a jump of one
// router's lease clock is injected.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
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
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	binary := flags.String("polso", ".lab/bin/polso", "the polso binary to try, built with the tag lab")
	rounds := flags.Int("rounds", 200, "how many rounds")
	seed := flags.Uint64("seed", 0, "what chance is made of; 0: the time, and it is printed")
	only := flags.String("only", "", "only these faults, by name, separated by commas")
	round := flags.Int("round", 0, "only this round of the seed; 0: all")
	limit := flags.Duration("for", 0, "begin no further round after this time; 0: no limit")
	profile := flags.String("profile", lab.DefaultProfile(), "the cluster's timing")
	if err := flags.Parse(args); err != nil {
		return 64
	}
	faults, err := parseFaults(*only)
	lease, ok := lab.Profiles()[*profile]
	if err == nil && !ok {
		err = fmt.Errorf("there is no profile %q", *profile)
	}
	if err != nil {
		fmt.Fprintln(stderr, "faults:", err)
		return 64
	}
	path, err := filepath.Abs(*binary)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		fmt.Fprintln(stderr, "faults:", err)
		return 1
	}
	if os.Getenv("POLSO_LAB_VM") == "" && *only == "" {
		fmt.Fprintln(stderr, "faults: this machine's clock is not the laboratory's: no clock rounds")
		faults = slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return f == clock })
	}
	if *seed == 0 {
		*seed = uint64(time.Now().Unix())
	}
	r := &runner{binary: path, profile: *profile, lease: lease, seed: *seed, faults: faults, only: *only, progress: stderr}
	return r.all(ctx, stdout, numbers(*rounds, *round), *limit)
}

// numbers are the rounds to run.
func numbers(rounds, only int) (list []int) {
	if only > 0 {
		return []int{only}
	}
	for n := range rounds {
		list = append(list, n+1)
	}
	return list
}

// all runs the rounds, prints the table and returns the exit status.
func (r *runner) all(ctx context.Context, stdout io.Writer, numbers []int, limit time.Duration) (status int) {
	defer func() {
		if err := r.close(); err != nil {
			fmt.Fprintln(r.progress, "faults:", err)
			status = 1
		}
	}()
	fmt.Fprintf(r.progress, "faults: seed %d, profile %s, lease %v\n", r.seed, r.profile, r.lease)
	start := time.Now()
	var results []result
	for i, n := range numbers {
		if limit > 0 && time.Since(start) > limit {
			break
		}
		x, err := r.one(ctx, n)
		if err != nil {
			fmt.Fprintln(r.progress, "faults:", err)
			status = 1
			break
		}
		results = append(results, x)
		fmt.Fprintf(r.progress, "faults: %d of %d, round %d: %s\n", i+1, len(numbers), n, x.line)
		for _, v := range x.violations {
			fmt.Fprintf(r.progress, "faults:   VIOLATION %s\n", v)
			status = 1
		}
		if x.kept != "" {
			fmt.Fprintf(r.progress, "faults:   kept in %s\n", x.kept)
		}
	}
	if r.lab != nil && status == 0 {
		found, err := r.goroutines(ctx)
		if err != nil {
			found = append(found, err.Error())
		}
		for _, v := range found {
			fmt.Fprintln(stdout, v)
			status = 1
		}
	}
	fmt.Fprintf(stdout, "\n%d of %d rounds of seed %d, profile %s, in %.1f minutes\n\n", len(results), len(numbers), r.seed, r.profile, time.Since(start).Minutes())
	report(stdout, results)
	if status != 0 || len(results) == 0 {
		fmt.Fprintln(stdout, "\nFAILED")
		return 1
	}
	return 0
}
