package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"text/tabwriter"
	"time"

	"polso/lab"
)

// sharers are the contenders whose routers tell each other of their connections: by direct routing and by masquerading, half of
// the connections each. Keepalived runs with the kernel's own settings, as its manual leaves them, and with those that Polso sets.
func sharers(binary string) []contender {
	w := load{shared: true, services: []lab.Virtual{
		{Name: "near", Address: lab.WebVIP, Port: 7000, Protocol: "tcp", Servers: []string{"a", "b"}},
		{Name: "far", Address: lab.NATVIP, Port: 7000, Protocol: "tcp", Servers: []string{"na", "nb"}},
	}}
	ours := polso(binary, balances, w, lab.DefaultProfile(), nil)
	w.sysctls = []string{"net/ipv4/vs/sync_threshold", "3 50", "net/ipv4/vs/sync_refresh_period", "0", "net/ipv4/vs/sync_retries", "0"}
	theirs := keepalived(balances, w, "1s", 2, "1", time.Second)
	w.sysctls = []string{"net/ipv4/vs/sync_threshold", "0 0", "net/ipv4/vs/sync_refresh_period", "10", "net/ipv4/vs/sync_retries", "1"}
	tuned := keepalived(balances, w, "1s-tuned", 2, "1", time.Second)
	return []contender{ours, theirs, tuned}
}

// survive lets every event happen to each contender's director, runs times each, and prints what became of count connections. A
// contender that cannot go on keeps what it has shown, and the others go on; only Polso's failure is one of the measurement.
func survive(ctx context.Context, stdout, progress io.Writer, selected []contender, runs, count int) error {
	fmt.Fprintf(stdout, "\nConnections broken, and the longest silence of one that was not, by %d failovers of each kind under %d connections\n\n", runs, count)
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "DIRECTOR")
	for _, e := range events {
		fmt.Fprintf(table, "\t%v", e)
	}
	fmt.Fprintln(table)
	var errs []error
	for _, c := range selected {
		sums, err := surviveAs(ctx, progress, c, runs, count)
		switch {
		case err == nil:
		case c.peer:
			fmt.Fprintf(progress, "bench: %s stops here, the others go on: %v\n", c.name, err)
		default:
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
		fmt.Fprint(table, c.name)
		for _, e := range events {
			fmt.Fprintf(table, "\t%d of %d, %d ms", sums[e].Broken, sums[e].Flows, sums[e].Silence.Milliseconds())
			if n := sums[e].Broken; n > 0 && !c.peer {
				errs = append(errs, fmt.Errorf("%s: %d connections did not survive (%v)", c.name, n, e))
			}
		}
		fmt.Fprintln(table)
	}
	table.Flush()
	return errors.Join(errs...)
}

func surviveAs(ctx context.Context, progress io.Writer, c contender, runs, count int) (sums map[event]lab.Tally, err error) {
	sums = make(map[event]lab.Tally)
	l, err := lab.New(ctx, lab.Options{Binary: c.binary, Beside: []string{"a", "b"}, Behind: []string{"na", "nb"}})
	if err != nil {
		return sums, err
	}
	defer func() { err = leave(l, "flows-"+c.name, err) }()
	if err := c.start(ctx, l); err != nil {
		return sums, err
	}
	if _, err := l.Successor(ctx, nil, lab.NATVIP); err != nil {
		return sums, err
	}
	if err := c.settle(ctx, l); err != nil {
		return sums, err
	}
	flows, err := lab.StartFlows(ctx, l.Client, count, time.Duration(count)*20*time.Millisecond, netip.AddrPortFrom(lab.WebVIP, 7000), netip.AddrPortFrom(lab.NATVIP, 7000))
	if err != nil {
		return sums, err
	}
	defer flows.Stop()
	for i := range runs {
		for _, e := range events {
			for moved := false; !moved; {
				var got lab.Tally
				if got, moved, err = outlive(ctx, l, c, e, flows); err != nil {
					return sums, fmt.Errorf("%v, run %d: %w", e, i+1, err)
				}
				if !moved { // what broke all the same is told, but that was no failover
					got.Flows = 0
				}
				fmt.Fprintf(progress, "bench: %s, %v, run %d of %d, the director is another: %v: %v\n", c.name, e, i+1, runs, moved, got)
				sums[e] = sums[e].Plus(got)
			}
		}
	}
	return sums, nil
}

// outlive lets one event happen and says whether there is another director for it, and what became of the connections.
func outlive(ctx context.Context, l *lab.Lab, c contender, e event, flows *lab.Flows) (got lab.Tally, moved bool, err error) {
	if err := errors.Join(c.settle(ctx, l), lab.Pause(ctx, lab.Told)); err != nil {
		return got, false, err
	}
	active, err := l.Successor(ctx, nil, lab.WebVIP)
	if err != nil {
		return got, false, err
	}
	if _, err := flows.Tally(ctx, time.Now()); err != nil { // from here on it counts
		return got, false, err
	}
	if err := c.strike(ctx, l, e, active); err != nil {
		return got, false, err
	}
	next, err := l.Successor(ctx, c.excluded(e, active), lab.WebVIP)
	if err != nil {
		return got, false, err
	}
	if got, err = flows.Tally(ctx, time.Now()); err != nil {
		return got, false, err
	}
	return got, next != active, c.restore(ctx, l, e, active)
}
