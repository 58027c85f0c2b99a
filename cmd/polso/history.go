package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
)

// mostRevisions is what the agent lists at most.
const mostRevisions = 1000

func (a *app) historyCmd() *cobra.Command {
	var n int
	var changes bool
	c := &cobra.Command{
		Use:   "history",
		Short: "The documents that ran, newest first",
		Example: `  polso history
  polso history -n 5 --sort-by at
  polso history -n 3 -p           # each with what it changed
  polso history -o json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if n < 1 || n > mostRevisions {
				return usageError{fmt.Errorf("--count %d is not between 1 and %d", n, mostRevisions)}
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			ask := cl.History
			if changes {
				ask = cl.HistoryOfChanges
			}
			list, err := ask(cmd.Context(), n)
			if err != nil {
				return err
			}
			return a.print(listing{"revisions", list}, func(w io.Writer) error {
				if a.names() {
					for _, r := range list {
						fmt.Fprintf(w, "revision/%d\n", r.Number)
					}
					return nil
				}
				if changes {
					return a.revisionsInFull(w, list)
				}
				return a.revisions(w, list)
			})
		},
	}
	c.Flags().IntVarP(&n, "count", "n", 20, "how many")
	c.Flags().BoolVarP(&changes, "plan", "p", false, "each with what it changed")
	return a.sortable(c)
}

// revisions is a history as a table.
func (a *app) revisions(w io.Writer, list []api.Revision) error {
	header := []string{">REVISION", "AT", "BY", "CHANGES", "MESSAGE"}
	if a.wide() {
		header = append(header, "FROM")
	}
	t := newTable(header...)
	for _, r := range list {
		number := fmt.Sprint(r.Number)
		if r.Current {
			number = "* " + number
		}
		changes := strings.TrimSuffix(strings.TrimPrefix(r.Summary, "Plan: "), ".")
		cells := []string{number, r.At.Local().Format(time.DateTime), r.Author, changes, r.Message}
		if a.wide() {
			cells = append(cells, from(r.Address, r.Via))
		}
		t.row(cells...)
	}
	return a.table(w, t)
}

// revisionsInFull is a history with every change.
func (a *app) revisionsInFull(w io.Writer, list []api.Revision) error {
	for i, r := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, a.heading(r))
		for line := range strings.Lines(r.Changes) {
			fmt.Fprint(w, "  "+line)
		}
	}
	return nil
}

// heading is a revision in one line.
func (a *app) heading(r api.Revision) string {
	line := fmt.Sprintf("# revision %d, %s, %s", r.Number, r.At.Local().Format(time.DateTime), oneLine(r.Author))
	if a.wide() {
		line += " from " + oneLine(from(r.Address, r.Via))
	}
	return line + message(r.Message)
}

// from is where a request came from: an address, the router that was asked, or both.
func from(address, via string) string {
	if address != "" && via != "" {
		return address + " via " + via
	}
	return cmp.Or(address, via, "-")
}

func (a *app) showCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "show [REVISION]",
		Short:   "A document as it was written",
		Example: "  polso show\n  polso show 41",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			number := uint64(0)
			if len(args) == 1 {
				if number, err = revisionNumber(args[0]); err != nil {
					return err
				}
			}
			r, err := revision(cmd.Context(), cl, number)
			if err != nil {
				return err
			}
			return a.print(r, func(w io.Writer) error {
				a.tell("%s", a.heading(r))
				text := r.Source
				if a.output == outputHCL { // which is not what was written if that was JSON
					doc, err := documentOf(r)
					if err != nil {
						return err
					}
					text = string(config.Editable([]byte(r.Source), doc))
				}
				_, err := io.WriteString(w, text)
				return err
			})
		},
	}
}

// revision asks for a revision; for the running one if number is 0.
func revision(ctx context.Context, cl *api.Client, number uint64) (api.Revision, error) {
	if number == 0 {
		return cl.Document(ctx)
	}
	return cl.Revision(ctx, number)
}

func message(m string) string {
	if m == "" {
		return ""
	}
	return ": " + oneLine(m)
}

func revisionNumber(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 {
		return 0, usageError{fmt.Errorf("revision %q is not a number above 0", s)}
	}
	return n, nil
}

func (a *app) rollbackCmd() *cobra.Command {
	var req api.RollbackRequest
	var yes bool
	var wait time.Duration
	c := &cobra.Command{
		Use:   "rollback [REVISION]",
		Short: "Run an old document again, as a new revision",
		Example: `  polso rollback                                         # to the one before
  polso rollback 41 --dry-run
  polso rollback 41 --confirm 5m                         # and forward again unless polso confirm follows
  polso rollback 41 -m "mh was worse" --yes --wait 30s`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
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
			asked := req
			if req.DryRun || !yes {
				asked.DryRun = true
				shown, err := cl.Rollback(cmd.Context(), asked)
				if err != nil {
					return err
				}
				a.warn(shown.Plan.Warnings)
				if req.DryRun {
					return a.print(shown.Plan, func(w io.Writer) error { return a.plan(w, shown.Plan) })
				}
				fmt.Fprint(a.stderr, shown.Plan.Text)
				if err := a.confirm(yes, "Roll back?"); err != nil {
					return err
				}
				req.Revision, req.Base = shown.Rollback, shown.Plan.Base // what was shown is what is done
			}
			done, err := cl.Rollback(cmd.Context(), req)
			if err != nil {
				return err
			}
			if yes {
				a.warn(done.Plan.Warnings)
			}
			return a.applied(cmd.Context(), cl, done, wait)
		},
	}
	f := c.Flags()
	f.StringVarP(&req.Message, "message", "m", "", "why, for the history")
	drainFlag(f, &req.Drain)
	f.BoolVar(&req.DryRun, "dry-run", false, "only show what it would change")
	f.BoolVar(&yes, "yes", false, "do not ask")
	confirmFlag(c, &req.ConfirmSeconds)
	f.DurationVar(&wait, "wait", 0, "wait until every reachable router's kernel follows it")
	return c
}
