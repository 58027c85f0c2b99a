package lab

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// directorsTable waits until the router that holds has a table of so many lines, and the others have none.
func (l *Lab) directorsTable(ctx context.Context, lines int) (table string, err error) {
	err = Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		active, err := l.Active(ctx)
		if err != nil {
			return err
		}
		for _, r := range l.Routers {
			got, err := r.Table(ctx)
			if err != nil {
				return err
			}
			n, want := 0, 0
			if got != "" {
				n = strings.Count(got, "\n") + 1
			}
			if r == active {
				table, want = got, lines
			}
			if n != want {
				return fmt.Errorf("%s directs, and %s has %d lines, want %d:\n%s", active.Name, r.Name, n, want, got)
			}
		}
		return nil
	})
	return table, err
}

// coldDirectorLost is directorLost with routers that make their table when they take over, which masquerade too, and hand over as
// planned.
func coldDirectorLost(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	must(t, l.Apply(ctx, l.Routers[0], "cluster {\n  standby = \"cold\"\n}\n\n"+l.Document(web, web6, dns, nat)))
	tables := func(ctx context.Context, lines int) (string, error) {
		return l.directorsTable(ctx, lines+tableLines(nat))
	}
	lost := func(t *testing.T, name string, lose func(*testing.T)) {
		t.Helper()
		ok := t.Run(name, func(t *testing.T) {
			lose(t)
			traffic(t, ctx, l, nat, len(nat.Servers))
		})
		if !ok {
			t.Fatalf("the cluster is not as the next round expects it")
		}
	}
	for _, f := range []Fault{CutOff, Killed, Terminated, Frozen} {
		lost(t, f.String(), func(t *testing.T) { loseDirector(t, ctx, l, f, tables) })
	}
	lost(t, "relieved", func(t *testing.T) {
		before, err := tables(ctx, tableLines(web, web6, dns))
		must(t, err)
		old, err := l.Active(ctx)
		must(t, err)
		must(t, handOver(ctx, old))
		_, err = l.Successor(ctx, old, WebVIP)
		must(t, err)
		after, err := tables(ctx, tableLines(web, web6, dns))
		must(t, err)
		if after != before {
			t.Errorf("the table is\n%s\nwas\n%s", after, before)
		}
		traffic(t, ctx, l, web, len(web.Servers))
		traffic(t, ctx, l, web6, len(web6.Servers))
	})
}
