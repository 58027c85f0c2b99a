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

// coldDirectorLost is directorLost with routers that make their table when they take over.
func coldDirectorLost(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	must(t, l.Apply(ctx, l.Routers[0], "cluster {\n  standby = \"cold\"\n}\n\n"+l.Document(web, web6, dns)))
	for _, f := range []Fault{CutOff, Killed, Terminated, Frozen} {
		if !t.Run(f.String(), func(t *testing.T) { loseDirector(t, ctx, l, f, l.directorsTable) }) {
			t.Fatalf("the cluster is not as the next round expects it")
		}
	}
}
