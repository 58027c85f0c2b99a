package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
)

func (a *app) auditCmd() *cobra.Command {
	req := api.AuditRequest{}
	var since time.Duration
	var follow bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "Every change and every change of the lead: who, from where, what came of it",
		Long: `Every change and every change of the lead in the order in which they happened, refused ones too; the last 1,000 are kept. FROM is the
address that a request came from, if it did not come over the socket, and the router that was asked.`,
		Example: `  polso audit -n 100
  polso audit --since 24h -o json
  polso audit -f                  # goes on until interrupted`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if req.Count < 1 || req.Count > mostRevisions {
				return usageError{fmt.Errorf("--count %d is not between 1 and %d", req.Count, mostRevisions)}
			}
			if since < 0 {
				return usageError{fmt.Errorf("--since %v: say how long ago, as in 1h", since)}
			}
			if since > 0 {
				req.Since = time.Now().Add(-since)
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			if follow {
				return a.follow(cmd.Context(), cl, req)
			}
			list, err := cl.Audit(cmd.Context(), req)
			if err != nil {
				return err
			}
			return a.print(listing{"audit", list}, func(w io.Writer) error { return a.entries(w, list) })
		},
	}
	f := c.Flags()
	f.IntVarP(&req.Count, "count", "n", 50, "how many, the newest")
	f.DurationVar(&since, "since", 0, "no older than so long: 90m, 24h")
	f.BoolVarP(&follow, "follow", "f", false, "go on with what is new every second; JSON takes a line for each")
	return c
}

// follow prints the entries that were asked for, then what is new every second, until ctx ends.
func (a *app) follow(ctx context.Context, cl *api.Client, req api.AuditRequest) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		list, err := cl.Audit(ctx, req)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			a.exit(err) // the next second may know more
		case len(list) > 0:
			if err := a.tellEntries(list); err != nil {
				return err
			}
			req.After, req.Count, a.noHeaders = list[len(list)-1].Index, mostRevisions, true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tellEntries prints some of a series.
func (a *app) tellEntries(list []api.AuditEntry) error {
	if a.output == "" || a.wide() || a.names() {
		return a.entries(a.stdout, list)
	}
	for _, e := range list {
		if err := a.printLine(one{e}, nil); err != nil {
			return err
		}
	}
	return nil
}

// entries is a piece of the audit as a table.
func (a *app) entries(w io.Writer, list []api.AuditEntry) error {
	if a.names() {
		for _, e := range list {
			fmt.Fprintf(w, "audit/%d\n", e.Index)
		}
		return nil
	}
	t := newTable("TIME", "WHO", "FROM", "WHAT", ">REVISION", "RESULT")
	for _, e := range list {
		what, revision, result := e.Detail, "", "done"
		if what != "document" && (e.Action == "set_document" || e.Action == "restore") { // what somebody wrote
			what = "document: " + what
		}
		if e.Revision > 0 {
			revision = fmt.Sprint(e.Revision)
		}
		if e.Error != "" {
			result = "refused: " + e.Error
		}
		t.row(e.At.Local().Format(time.DateTime), e.By, from(e.Address, e.Via), what, revision, result)
	}
	return a.table(w, t)
}
