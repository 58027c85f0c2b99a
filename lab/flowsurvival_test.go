package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// flowsSurviveFailover: established connections under traffic live through the loss of the director and through a planned
// transfer, by direct routing and by masquerading, whose gateway moves along. It logs the table of docs/operate.md.
func flowsSurviveFailover(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	count, long := 20, 0
	if os.Getenv("POLSO_LAB_LONG") != "" {
		count, long = 100, 10
	}
	near := Virtual{Name: "near", Address: WebVIP, Port: echoPort, Protocol: "tcp", Servers: []string{"a", "b"}}
	far := Virtual{Name: "far", Address: NATVIP, Port: echoPort, Protocol: "tcp", Servers: []string{"na", "nb"}}
	must(t, l.Apply(ctx, l.Routers[0], SharedConnections+l.Document(near, far)))
	_, err := l.SameTable(ctx, tableLines(near, far))
	must(t, err)
	open := func() *Flows {
		flows, err := StartFlows(ctx, l.Client, count, time.Duration(count)*20*time.Millisecond,
			netip.AddrPortFrom(WebVIP, echoPort), netip.AddrPortFrom(NATVIP, echoPort))
		must(t, err)
		t.Cleanup(flows.Stop)
		return flows
	}
	transfer := func(ctx context.Context, r *Router) error { return handOver(ctx, r) }
	flows := open()
	must(t, Pause(ctx, Told))

	var rows strings.Builder
	table := tabwriter.NewWriter(&rows, 0, 0, 1, ' ', tabwriter.Debug)
	fmt.Fprint(table, "| the director\t failovers\t connections\t broken\t longest silence\t\n| ---\t ---\t ---\t ---\t ---\t\n")
	for _, event := range []struct {
		name   string
		rounds int // several: who was just cut off itself takes over
		strike func(context.Context, *Router) error
		repair func(context.Context, *Router) error
	}{
		{"cut off", 3, func(ctx context.Context, r *Router) error { return l.Cut(ctx, r.Node) }, func(ctx context.Context, r *Router) error { return l.Heal(ctx, r.Node) }},
		{"killed", 1, func(_ context.Context, r *Router) error { return r.Kill() }, func(ctx context.Context, r *Router) error { return r.Start(ctx) }},
		{"relieved", 1, transfer, nil},
	} {
		var sum Tally
		rounds := max(event.rounds, long)
		for range rounds {
			must(t, l.WaitShared(ctx))
			old, err := l.Active(ctx)
			must(t, err)
			before, err := flows.Tally(ctx, time.Now())
			must(t, err)
			if before.Broken > 0 {
				t.Errorf("before %s was %s: %v", old.Name, event.name, before)
			}
			must(t, event.strike(ctx, old))
			next, err := l.Successor(ctx, old, WebVIP)
			must(t, err)
			got, err := flows.Tally(ctx, time.Now())
			must(t, err)
			t.Logf("%s was %s, %s took over: %v", old.Name, event.name, next.Name, got)
			sum = sum.Plus(got)
			if got.Broken > 0 {
				must(t, Pause(ctx, Told)) // of those that were opened in their place
			}
			if event.repair != nil {
				must(t, event.repair(ctx, old))
			}
			must(t, l.WaitWhole(ctx))
			must(t, backupOnly(ctx, l))
		}
		if sum.Broken > 0 {
			t.Errorf("the director was %s: %v", event.name, sum)
		}
		fmt.Fprintf(table, "| %s\t %d\t %d\t %d\t %d ms\t\n", event.name, rounds, sum.Flows, sum.Broken, sum.Silence.Milliseconds())
	}

	// Links to servers lose everything for a moment, and then the servers are seen one after the other: the director's, while the others
	// see them, and the servers' own, so that they leave the table.
	active, err := l.Active(ctx)
	must(t, err)
	sees := func(want string) func(context.Context) error {
		return func(ctx context.Context) error {
			s, err := active.Status(ctx, Own)
			for _, name := range far.Servers {
				if state := s.ServerState(far.Name, name); err == nil && state != want {
					err = fmt.Errorf("%s sees %s %q, want %q", active.Name, name, state, want)
				}
			}
			return err
		}
	}
	hasNone := func(ctx context.Context) error {
		table, err := active.Table(ctx)
		for _, name := range far.Servers {
			if at := l.Servers[name].Addr(Inside).String(); err == nil && strings.Contains(table, at) {
				err = fmt.Errorf("%s has %s in its table", active.Name, at)
			}
		}
		return err
	}
	na, nb := l.Servers["na"].Node, l.Servers["nb"].Node
	for _, event := range []struct {
		name         string
		strike, heal func() error
		goes         func(context.Context) error // nil once the moment is over
	}{
		{"loses its link to the servers", func() error { return l.cutInside(ctx, active, "nomaster") }, func() error { return l.Heal(ctx, active.Node) }, sees("down")},
		{"and the others miss the servers", func() error { return errors.Join(l.Cut(ctx, na), l.Cut(ctx, nb)) },
			func() error { return errors.Join(l.Heal(ctx, na), l.Heal(ctx, nb)) }, hasNone},
	} {
		must(t, event.strike())
		must(t, Eventually(ctx, startupTimeout, event.goes))
		must(t, event.heal())
		got, err := flows.Tally(ctx, time.Now())
		must(t, err)
		if got.Broken > 0 {
			t.Errorf("%s, which directed, %s for a moment: %v", active.Name, event.name, got)
		}
		must(t, l.WaitWhole(ctx))
		active, err = l.Active(ctx) // on a machine so slow that the moment was a long one, another
		must(t, err)
		must(t, Eventually(ctx, startupTimeout, sees("up")))
		fmt.Fprintf(table, "| %s, for a moment\t 0\t %d\t %d\t %d ms\t\n", event.name, got.Flows, got.Broken, got.Silence.Milliseconds())
	}

	// What must break: the test would see it.
	must(t, l.Apply(ctx, active, l.Document(near, far)))
	untold := open()
	must(t, Pause(ctx, Told))
	must(t, transfer(ctx, active))
	got, err := untold.Tally(ctx, time.Now())
	must(t, err)
	if got.Broken != got.Flows {
		t.Errorf("without the sync daemon: %v, want all: rr finds nobody's server again", got)
	}
	fmt.Fprintf(table, "| relieved, without sync_daemon\t 1\t %d\t %d\t -\t\n", got.Flows, got.Broken)
	must(t, table.Flush())
	t.Logf("profile %s\n\n%s", DefaultProfile(), rows.String())
}

// backupOnly checks that the kernels of those who stand by balance nothing by themselves, and the director's does.
func backupOnly(ctx context.Context, l *Lab) error {
	return Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		active, err := l.Active(ctx)
		if err != nil {
			return err
		}
		for _, r := range l.Routers {
			err := r.Do(func() error {
				text, err := os.ReadFile("/proc/sys/net/ipv4/vs/backup_only")
				if want := map[bool]string{true: "0\n", false: "1\n"}[r == active]; err == nil && string(text) != want {
					err = fmt.Errorf("%s: backup_only is %q, want %q", r.Name, text, want)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
