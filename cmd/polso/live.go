package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"polso/api"
)

// drainFlag says how long removed servers may keep their connections; without it the agent's default stands.
func drainFlag(f *pflag.FlagSet, seconds **float64) {
	f.Func("drain", "how long a removed server may keep its connections; 0: it goes at once (default 5m)", func(text string) error {
		d, err := time.ParseDuration(text)
		if err == nil && d < 0 {
			err = errors.New("it is in the past")
		}
		s := d.Seconds()
		*seconds = &s
		return err
	})
}

// plan prints a plan; wide, with the steps of each router.
func (a *app) plan(w io.Writer, p api.Plan) error {
	if _, err := io.WriteString(w, p.Text); err != nil || !a.wide() {
		return err
	}
	for _, r := range p.Routers {
		fmt.Fprintf(w, "ROUTER %s\n", r.Name)
		for _, s := range r.Steps {
			fmt.Fprintf(w, "ipvsadm %s\n", oneLine(s))
		}
		for _, s := range r.Rules {
			fmt.Fprintf(w, "nft %s\n", oneLine(s))
		}
	}
	return nil
}
