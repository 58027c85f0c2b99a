// Command scale measures what the size of a table costs: to fill the kernel's from empty and to change one server, beside
// `ipvsadm -R` and keepalived on the same kernel in the same run; then, with three routers, under Polso and under keepalived, an
// apply, a change, a takeover, an idle router's processor time and its memory. Takeovers alone, of routers with simulated tables, it measures on any kernel.
//
//	scale [--polso bin/polso] [--sizes 100x10,1000x10] [--runs 3] [--only table,routers,switch]
//
// It runs in the laboratory (see tools/labvm) and wants ipvsadm and keepalived installed; without keepalived it leaves that out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
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
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.SetOutput(stderr)
	binary := flags.String("polso", "bin/polso", "the polso binary to measure")
	list := flags.String("sizes", "100x10,1000x10,2284x16", "virtual servers x real servers of each, separated by commas")
	runs := flags.Int("runs", 3, "how often each is measured; what takes long is measured once")
	only := flags.String("only", "table,routers", "what to measure")
	if err := flags.Parse(args); err != nil {
		return 64
	}
	sizes, err := parseSizes(*list)
	if err == nil && *runs < 1 {
		err = fmt.Errorf("%d runs: at least 1", *runs)
	}
	if err != nil {
		fmt.Fprintln(stderr, "scale:", err)
		return 64
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		fmt.Fprintln(stderr, "scale:", err)
		return 1
	}
	progress := func(format string, args ...any) { fmt.Fprintf(stderr, "scale: "+format+"\n", args...) }
	var errs []error
	if strings.Contains(*only, "table") {
		rows, err := measureTables(ctx, progress, sizes, *runs)
		reportTables(stdout, rows)
		errs = append(errs, err)
	}
	if strings.Contains(*only, "routers") {
		var rows []routersRow
		for _, by := range rivals() {
			more, err := each(sizes, func(size lab.Crowd) (routersRow, error) { return measureRouters(ctx, progress, path, size, *runs, by) })
			rows, errs = append(rows, more...), append(errs, err)
		}
		reportRouters(stdout, rows)
	}
	if strings.Contains(*only, "switch") {
		rows, err := each(sizes, func(size lab.Crowd) (switchRow, error) { return measureSwitch(ctx, progress, path, size, *runs) })
		reportSwitch(stdout, rows)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(stderr, "scale:", err)
		return 1
	}
	return 0
}

// each measures one size after the other, up to the first that cannot be.
func each[Row any](sizes []lab.Crowd, measure func(lab.Crowd) (Row, error)) (rows []Row, err error) {
	for _, size := range sizes {
		row, err := measure(size)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", name(size), err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func parseSizes(list string) (sizes []lab.Crowd, err error) {
	for s := range strings.SplitSeq(list, ",") {
		c := lab.Crowd{First: 1}
		if n, err := fmt.Sscanf(s, "%dx%d", &c.Virtuals, &c.Servers); n != 2 || err != nil || c.Virtuals < 1 || c.Servers < 1 || c.Virtuals*c.Servers > 40000 {
			return nil, fmt.Errorf("size %q: VIRTUALSxSERVERS, of at most 40000 servers", s)
		}
		sizes = append(sizes, c)
	}
	return sizes, nil
}

func name(c lab.Crowd) string { return fmt.Sprintf("%d x %d", c.Virtuals, c.Servers) }

// long is what is measured once only.
const long = 20 * time.Second
