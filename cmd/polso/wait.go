package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"polso/api"
)

// applied says what was done and waits for it to be true everywhere. What is followed and troubles a router all the same, an
// address that fits no link, say, makes the exit status that of a degraded cluster.
func (a *app) applied(ctx context.Context, cl *api.Client, done api.Applied, wait time.Duration) error {
	if c := done.Confirm; c != nil {
		a.tell("Revision %d goes back to %d in %s unless confirmed: polso confirm", c.Revision, c.BackTo, left(c.Until))
	}
	var troubles []api.Problem
	if wait > 0 {
		var err error
		if troubles, err = a.waitFor(ctx, cl, done.Revision, wait); err != nil {
			return err
		}
	}
	err := a.print(done, func(w io.Writer) error {
		if done.Unchanged {
			_, err := fmt.Fprintf(w, "Unchanged: the document means the same; revision %d keeps its text.\n", done.Revision)
			return err
		}
		_, err := fmt.Fprintf(w, "Applied revision %d. Undo: polso rollback %d\n", done.Revision, done.Before)
		return err
	})
	if err == nil && len(troubles) > 0 {
		tellProblems(a.stderr, troubles)
		return status(exitDegraded)
	}
	return err
}

// settle is how long trouble may last before it counts: a step that the kernel was too slow for is done again at once.
const settle = 2 * time.Second

// waitFor returns once every router that answered lately follows revision, with what troubles those routers then, and still does
// a moment later.
func (a *app) waitFor(ctx context.Context, cl *api.Client, revision uint64, limit time.Duration) ([]api.Problem, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := []string{"nobody answered yet"}
	var troubles []api.Problem
	var troubled time.Time // since when every router follows, and something troubles one
	for {
		if st, err := cl.BriefStatus(ctx); err == nil {
			var silent []string
			late = nil
			for _, m := range st.Members {
				switch {
				case m.State != "up" && m.State != "drain" || m.Age > 2:
					silent = append(silent, m.Name)
				case m.AppliedRevision < revision || !m.Converged:
					late = append(late, m.Name)
				}
			}
			troubles = slices.DeleteFunc(st.Problems, func(p api.Problem) bool {
				return slices.Contains(silent, p.Node) || p.What == "drain" // which is an operator's own word
			})
			switch {
			case len(late) > 0:
				troubled = time.Time{}
			case len(troubles) > 0 && troubled.IsZero():
				troubled = time.Now()
			case len(troubles) == 0 || time.Since(troubled) > settle:
				if len(silent) > 0 {
					a.tell("Not waited for (no answer): %s.", strings.Join(silent, ", "))
				}
				return troubles, nil
			}
		}
		select {
		case <-ctx.Done():
			if !troubled.IsZero() {
				return troubles, nil
			}
			return nil, api.Errorf(api.CodeTimeout, "revision %d is accepted, but after %s not every router follows it", revision, limit).
				WithDetail("waiting for %s", strings.Join(late, ", ")).WithHint("polso status; polso members -o wide")
		case <-tick.C:
		}
	}
}
