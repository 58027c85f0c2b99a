package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/figures"
)

func (a *app) checkCmd() *cobra.Command {
	const examples = `  polso check run web/a -v                               # byte by byte
  polso check run web --from r2                          # every server, as r2 sees them
  polso check run web/a -o json`
	var req api.CheckRequest
	c := &cobra.Command{Use: "check", Short: "Probe servers once, now", Example: examples}
	run := a.sortable(&cobra.Command{
		Use:   "run VIRTUAL[/SERVER]",
		Short: "Probe a server once, now, as its check does",
		Long: `Probe a server, or every one of a virtual, once, now, as its check does and from where it does: this router, or the one that --from
names. Nothing follows from it: what the servers count as does not change. Exit status 3 when one is down.

With -v each step with what was sent and received, in clear where the connection is encrypted. Headers that are secrets are masked;
what a check sends otherwise is shown as it is.`,
		Example: examples,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			virtual, server, one := strings.Cut(strings.TrimPrefix(args[0], "server/"), "/")
			if virtual == "" || one && server == "" {
				return usageError{fmt.Errorf("%q names no server; use VIRTUAL/SERVER, as in web/a, or VIRTUAL", args[0])}
			}
			req.Virtual, req.Server, req.Steps = virtual, server, a.verbose
			cl, err := a.client()
			if err != nil {
				return err
			}
			got, err := cl.RunCheck(cmd.Context(), req)
			if err != nil {
				return err
			}
			if err := a.print(got, func(w io.Writer) error { return a.checkRun(w, got) }); err != nil {
				return err
			}
			for _, p := range got.Results {
				if p.State == "down" {
					return status(exitDegraded)
				}
			}
			return nil
		},
	})
	run.Flags().StringVar(&req.On, "from", "", "the router that asks; default: this one")
	c.AddCommand(run)
	return c
}

func (a *app) checkRun(w io.Writer, got api.CheckRun) error {
	if a.names() {
		for _, p := range got.Results {
			fmt.Fprintln(w, "server/"+p.Virtual+"/"+p.Server)
		}
		return nil
	}
	t := newTable("SERVER", "STATE", "ADDRESS", ">TOOK", "ANSWER", "FROM")
	for _, p := range got.Results {
		took := "-"
		if p.State != "unchecked" {
			took = figures.Milliseconds(p.Seconds)
		}
		t.row(p.Virtual+"/"+p.Server, a.state(p.State), p.Address, took, p.Reason, got.Node)
	}
	if err := a.table(w, t); err != nil {
		return err
	}
	for _, p := range got.Results {
		if len(p.Steps) > 0 {
			fmt.Fprintf(w, "\n%s/%s\n", p.Virtual, p.Server)
			tellSteps(w, p)
		}
	}
	return nil
}

// tellSteps prints the steps of a probe, text as text and the rest as numbers.
func tellSteps(w io.Writer, p api.CheckProbe) {
	for _, s := range p.Steps {
		what := oneLine(s.What)
		if n := len(s.Bytes); n > 0 {
			what += " " + figures.Count(n, "byte")
		}
		fmt.Fprintf(w, "%10s  %s\n", figures.Milliseconds(s.At), what)
		for _, line := range figures.Octets(s.Bytes) {
			fmt.Fprintf(w, "            | %s\n", line)
		}
	}
	if p.Cut {
		fmt.Fprintln(w, "            (there was more)")
	}
}
