package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
)

const drainExamples = `  polso drain router r1 -m "new kernel"
  polso drain router r1 --for 2h
  polso drain router r1 --deadline 06:00`

const undrainExamples = `  polso undrain router r1
  polso undrain router r1 -o json`

func (a *app) drainCmd() *cobra.Command {
	c := &cobra.Command{Use: "drain", Short: "Keep a router from directing", Example: drainExamples}
	c.AddCommand(a.drainRouterCmd())
	return c
}

func (a *app) drainRouterCmd() *cobra.Command {
	var req api.DrainRequest
	var length time.Duration
	var deadline string
	c := &cobra.Command{
		Use:   "router NAME",
		Short: "Keep a router from directing; if it does, another takes over at once",
		Long: `Keep a router from directing, say before work on it. If it directs, the addresses move to another router at once, as soon as one
is fit; until then it goes on, and the status says why. It goes on voting, checking and keeping its table.`,
		Example: drainExamples,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case cmd.Flags().Changed("for") && length < time.Second:
				return usageError{fmt.Errorf("--for %v: at least one second", length)}
			case cmd.Flags().Changed("for") && deadline != "":
				return usageError{fmt.Errorf("--for and --deadline say the same; give one of them")}
			case deadline != "":
				end, err := deadlineOf(deadline, time.Now())
				if err != nil {
					return usageError{err}
				}
				req.Until = &end
			}
			req.For = length.Seconds()
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.DrainRouter(cmd.Context(), args[0], req)
			return a.done(done, err)
		},
	}
	f := c.Flags()
	f.DurationVar(&length, "for", 0, "ends by itself after so long: 90m, 2h")
	f.StringVar(&deadline, "deadline", "", "ends by itself then: 15:04, or 2006-01-02T15:04:05Z; a duration is as --for")
	f.StringVarP(&req.Reason, "message", "m", "", "why, for whoever looks at the status")
	return c
}

// deadlineOf reads a time of day, of today or else tomorrow, a date with its time, or a duration from now.
func deadlineOf(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= time.Second {
		return now.Add(d), nil
	}
	clock, err := time.Parse("15:04", text)
	if err != nil {
		return time.Time{}, fmt.Errorf("--deadline %q: write 15:04, 2006-01-02T15:04:05Z or a duration as in 2h", text)
	}
	y, m, d := now.Date()
	end := time.Date(y, m, d, clock.Hour(), clock.Minute(), 0, 0, now.Location())
	if !end.After(now) {
		end = time.Date(y, m, d+1, clock.Hour(), clock.Minute(), 0, 0, now.Location())
	}
	return end, nil
}

func (a *app) undrainCmd() *cobra.Command {
	c := &cobra.Command{Use: "undrain", Short: "Let a router direct again", Example: undrainExamples}
	c.AddCommand(&cobra.Command{
		Use:     "router NAME",
		Short:   "Let a router direct again",
		Long:    "Let a router direct again. The addresses stay where they are, unless the document has failback and prefers it.",
		Example: undrainExamples,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.UndrainRouter(cmd.Context(), args[0])
			return a.done(done, err)
		},
	})
	return c
}
