// Command checks measures what a check of a real server costs its prober: Polso's agent and keepalived's checker ask the same servers
// at the same pace, one after the other on the same router.
//
//	checks [--polso bin/polso] [--rates 200,500] [--kinds tcp,http] [--for 1m]
//
// The servers count what they are asked. Processor time is the prober's own process, user and system, divided by that count; Polso's
// with and without what the same agent takes with the same servers and a check an hour. It runs in the laboratory (see tools/labvm) and
// wants keepalived installed.
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
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"polso/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("checks", flag.ContinueOnError)
	flags.SetOutput(stderr)
	binary := flags.String("polso", "bin/polso", "the polso binary to measure")
	rates := flags.String("rates", "200,500", "how many checks a second, separated by commas: so many servers, each once a second")
	kinds := flags.String("kinds", "tcp,http", "of which kind")
	span := flags.Duration("for", time.Minute, "how long each is measured")
	if err := flags.Parse(args); err != nil {
		return 64
	}
	path, err := filepath.Abs(*binary)
	if err == nil {
		err = measureAll(ctx, stdout, stderr, path, strings.Split(*rates, ","), strings.Split(*kinds, ","), *span)
	}
	if err != nil {
		fmt.Fprintln(stderr, "checks:", err)
		return 1
	}
	return 0
}

// measureAll prints a table with a line for each kind and rate.
func measureAll(ctx context.Context, stdout, progress io.Writer, binary string, rates, kinds []string, span time.Duration) (err error) {
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\nProcessor time a check, over %v\n\nCHECKS A SECOND\tKIND\tPOLSO\tKEEPALIVED\tRATIO\tPOLSO WITH ALL ELSE\tPOLSO MADE\tKEEPALIVED MADE\n", span)
	defer func() { err = errors.Join(err, table.Flush()) }()
	for _, rate := range rates {
		n, err := strconv.Atoi(rate)
		if err != nil || n < 1 || n > maxServers {
			return fmt.Errorf("rate %q: 1 to %d", rate, maxServers)
		}
		for _, kind := range kinds {
			row, err := measure(ctx, binary, kind, n, span)
			if err != nil {
				return fmt.Errorf("%s, %d a second: %w", kind, n, err)
			}
			fmt.Fprintf(progress, "checks: %s, %d a second: %+v\n", kind, n, row)
			ours, whole, theirs := (row.polso.processor-row.idle.processor).Seconds()/float64(row.polso.asked), row.polso.each(), row.keepalived.each()
			fmt.Fprintf(table, "%d\t%s\t%.0f µs\t%.0f µs\t%.2f\t%.0f µs\t%.0f/s\t%.0f/s\n", n, kind, ours*1e6, theirs*1e6, ours/theirs, whole*1e6,
				row.polso.rate(span), row.keepalived.rate(span))
		}
	}
	return nil
}

// spent is what a prober did while it was measured.
type spent struct {
	asked     int64
	processor time.Duration
}

func (s spent) each() float64 { return s.processor.Seconds() / float64(s.asked) }

func (s spent) rate(span time.Duration) float64 { return float64(s.asked) / span.Seconds() }

type row struct{ polso, idle, keepalived spent }

// measure has one router's probers ask n servers.
func measure(ctx context.Context, binary, kind string, n int, span time.Duration) (row row, err error) {
	l, err := lab.New(ctx, lab.Options{Binary: binary, Routers: 1, Beside: []string{"a"}, Behind: []string{}})
	if err != nil {
		return row, err
	}
	defer func() {
		where, kerr := l.KeepLogs("checks-" + kind + strconv.Itoa(n))
		if err != nil && kerr == nil {
			err = fmt.Errorf("%w (logs: %s)", err, where)
		}
		err = errors.Join(err, kerr, l.Close())
	}()
	p, err := openPorts(l.Servers["a"].Node, n)
	if err != nil {
		return row, err
	}
	defer p.close()
	m := measurement{ctx: ctx, r: l.Routers[0], ports: p, kind: kind, span: span}

	if err := m.r.Start(ctx); err != nil {
		return row, err
	}
	if err := l.Form(ctx, "--profile", lab.DefaultProfile()); err != nil {
		return row, err
	}
	for _, of := range []struct {
		every string
		into  *spent
	}{{"1s", &row.polso}, {"1h", &row.idle}} {
		// New servers are asked four times as often, which is much for an emulated machine.
		if err := l.Apply(ctx, m.r, m.document(of.every), "--wait", "1m"); err != nil {
			return row, err
		}
		pid, err := m.r.Usage()
		if err != nil {
			return row, err
		}
		if *of.into, err = m.watch(pid.PID); err != nil {
			return row, err
		}
	}
	if err := errors.Join(m.r.Term(), m.r.Wait(ctx)); err != nil {
		return row, err
	}
	row.keepalived, err = m.keepalived()
	return row, err
}
