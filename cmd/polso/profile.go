package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/figures"
)

func (a *app) profileCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "profile",
		Short: "The cluster's timing: show or change it",
		Example: `  polso profile show
  polso profile set vm --yes --wait 1m`,
	}
	c.AddCommand(a.profileShowCmd(), a.profileSetCmd())
	return c
}

func (a *app) profileShowCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "The cluster's timing, and how far a change of it has come",
		Example: "  polso profile show\n  polso profile show -o json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			p, err := cl.Profile(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(p, func(w io.Writer) error {
				t := newTable("PROFILE", ">H", "USE")
				for _, k := range p.Known {
					use := "-"
					switch {
					case k.Name == p.Profile && p.Change != nil && p.Change.Step == "both":
						use = "changes to " + p.Change.To
					case k.Name == p.Profile:
						use = "now"
					}
					t.row(k.Name, figures.Seconds(k.H).String(), use)
				}
				if err := a.table(w, t); err != nil || p.Change == nil {
					return err
				}
				_, err := fmt.Fprintln(w, changing(*p.Change))
				return err
			})
		},
	}
}

// changing says how far a change of the profile has come.
func changing(c api.ProfileChange) string {
	waits := "every router has said that it follows"
	if len(c.Waiting) > 0 {
		waits = "waiting for " + strings.Join(c.Waiting, ", ")
	}
	return fmt.Sprintf("PROFILE  changes to %s: %s", c.To, waits)
}

func (a *app) profileSetCmd() *cobra.Command {
	var yes bool
	var wait time.Duration
	c := &cobra.Command{
		Use:   "set PROFILE",
		Short: "Change the cluster's timing while it runs",
		Long: `Change the cluster's timing while it runs: fast (150 ms), lan (400 ms), vm (1.5 s) or wan (3 s). Until every router has said that it
follows, leases are as short as the shorter and promises as long as the longer timing, so that no two routers can hold an address. Then
they take the new one. Once on the way each router begins its part in raft anew, one after the other; the director hands the addresses over
first. A router that does not answer holds the change up. Setting the present profile takes it back.`,
		Example: `  polso profile set vm
  polso profile set wan --yes --wait 1m
  polso profile set lan --yes              # takes a change back that waits`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.confirm(yes, "Change the timing to "+args[0]+"? The addresses move once."); err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.SetProfile(cmd.Context(), api.ProfileRequest{Profile: args[0]})
			if err == nil && wait > 0 {
				err = profileSettled(cmd.Context(), cl, wait)
			}
			return a.done(done, err)
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().DurationVar(&wait, "wait", 0, "wait so long until every router follows")
	return c
}

// profileSettled returns once no change of the profile is under way.
func profileSettled(ctx context.Context, cl *api.Client, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	said := "nobody answered yet"
	for {
		if p, err := cl.Profile(ctx); err == nil {
			if p.Change == nil {
				return nil
			}
			said = changing(*p.Change)
		}
		select {
		case <-ctx.Done():
			return api.Errorf(api.CodeTimeout, "the change is accepted, but after %s not every router follows it", limit).
				WithDetail("%s", said).WithHint("polso profile show; polso members")
		case <-tick.C:
		}
	}
}
