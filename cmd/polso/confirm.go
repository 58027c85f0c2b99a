package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/figures"
)

// confirmFlag gives a command that changes the document the flag --confirm.
func confirmFlag(c *cobra.Command, seconds *float64) {
	c.Flags().Func("confirm", "go back by itself after so long (10s to 24h) unless polso confirm follows", func(text string) error {
		d, err := time.ParseDuration(text)
		if err == nil && d <= 0 { // a script's empty variable must not mean "it stays"
			err = fmt.Errorf("%v is no time to look at it", d)
		}
		*seconds = d.Seconds()
		return err
	})
}

func (a *app) confirmCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "confirm [REVISION]",
		Short: "Have a change stay that would go back by itself",
		Long: `Have a change stay that was made with --confirm and would go back by itself otherwise. With REVISION it is refused if another one
waits. Exit 6 when none does: it was confirmed already, or went back. polso status says what waits, and for how long.`,
		Example: `  polso apply -f edge.hcl --confirm 5m && curl -f http://192.0.2.10/healthz && polso confirm
  polso confirm
  polso confirm 43`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var req api.ConfirmRequest
			if len(args) == 1 {
				n, err := revisionNumber(args[0])
				if err != nil {
					return err
				}
				req.Revision = n
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			done, err := cl.Confirm(cmd.Context(), req)
			return a.done(done, err)
		},
	}
}

// left is the time until then: 5m, 4m59s.
func left(until time.Time) string {
	d := figures.Age(time.Until(until).Round(time.Second))
	if short, ok := strings.CutSuffix(d, "m00s"); ok {
		return short + "m"
	}
	if short, ok := strings.CutSuffix(d, "h00m"); ok {
		return short + "h"
	}
	return d
}
