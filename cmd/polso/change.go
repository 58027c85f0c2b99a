package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
)

// change is a document on its way in, and how its author wants it handled: what every command that changes the document shares.
type change struct {
	req         api.ApplyRequest
	yes, dryRun bool
	wait        time.Duration
}

// flags lets c's caller say how the change is handled.
func (ch *change) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&ch.req.Message, "message", "m", "", "why, for the history")
	f.Uint64Var(&ch.req.Base, "check-revision", 0, "refuse unless this revision is running")
	drainFlag(f, &ch.req.Drain)
	f.BoolVar(&ch.yes, "yes", false, "do not ask")
	f.BoolVar(&ch.dryRun, "dry-run", false, "only show the plan")
	f.BoolVar(&ch.req.Adopt, "adopt", false, "let go of services in the kernel that Polso did not put there")
	confirmFlag(c, &ch.req.ConfirmSeconds)
	f.DurationVar(&ch.wait, "wait", 0, "wait until every reachable router's kernel follows it; exit 7 when the time is up, 3 when something needs you then")
}

// checked refuses a revision that is none: a script's empty variable must not mean "no check".
func (ch change) checked(c *cobra.Command) error {
	if ch.req.Base == 0 && c.Flags().Changed("check-revision") {
		return usageError{errors.New("--check-revision 0 is no revision: they begin at 1")}
	}
	return nil
}

// change shows what the document would change, asks, applies it, and says how to undo it.
func (a *app) change(ctx context.Context, cl *api.Client, ch change) error {
	return a.changed(ctx, cl, ch, func(base uint64) (api.Applied, error) {
		ch.req.Base = base
		return cl.Apply(ctx, ch.req)
	}, func() (api.Plan, error) {
		return cl.Plan(ctx, api.PlanRequest{Files: ch.req.Files, Drain: ch.req.Drain})
	})
}

// changed is change by whichever way the document comes in: apply does it if that revision is running (0: whichever is), and plan
// tells beforehand what it would do.
func (a *app) changed(ctx context.Context, cl *api.Client, ch change, apply func(base uint64) (api.Applied, error), plan func() (api.Plan, error)) error {
	base := ch.req.Base
	if ch.dryRun || !ch.yes {
		p, err := plan()
		if err != nil {
			return err
		}
		a.warn(p.Warnings)
		if ch.dryRun {
			return a.print(p, func(w io.Writer) error { return a.plan(w, p) })
		}
		if len(p.Changes) > 0 {
			fmt.Fprint(a.stderr, p.Text)
			if err := a.confirm(ch.yes, "Apply?"); err != nil {
				return err
			}
		}
		if base == 0 {
			base = p.Base // what was shown is what is changed
		}
	}
	done, err := apply(base)
	if err != nil {
		return err
	}
	if ch.yes {
		a.warn(done.Plan.Warnings)
	}
	return a.applied(ctx, cl, done, ch.wait)
}
