package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/events"
)

func (a *app) eventsCmd() *cobra.Command {
	req := api.EventsRequest{}
	since := time.Hour
	var follow bool
	c := &cobra.Command{
		Use:   "events",
		Short: "What happened in the cluster: roles, failovers, addresses, servers, problems, changes",
		Long: `What happened in the cluster, as every router saw it, oldest first: who leads and how long each stage of a failover took, addresses taken
up and let go, servers, virtuals and routers that went down or came back, problems, and every change. Any router tells it; it asks the
others. What a router saw is in its memory: the last 1,000, until its agent stops. Changes and who led are the cluster's, and stay.

Kinds: ` + strings.Join(kindWords(), ", ") + `.`,
		Example: `  polso events
  polso events -f                                        # goes on until interrupted
  polso events --since 24h --kind failover -o json
  polso events -f --kind server_down,server_up -o json   # a line of JSON for each`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since <= 0 {
				return usageError{fmt.Errorf("--since %v: say how long ago, as in 1h", since)}
			}
			req.Since = since.String()
			cl, err := a.client()
			if err != nil {
				return err
			}
			if follow {
				return a.followEvents(cmd.Context(), cl, req)
			}
			list, err := cl.Events(cmd.Context(), req)
			if api.CodeOf(err) == api.CodeInvalid {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			if err := a.print(list, func(w io.Writer) error { return a.eventTable(w, list.Events) }); err != nil {
				return err
			}
			a.tellSilent(list.Silent)
			return nil
		},
	}
	f := c.Flags()
	f.BoolVarP(&follow, "follow", "f", false, "go on with what happens; JSON takes a line for each")
	f.DurationVar(&since, "since", since, "no older than so long: 90m, 24h")
	f.StringSliceVar(&req.Kinds, "kind", nil, "of these kinds only")
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(kindWords(), cobra.ShellCompDirectiveNoFileComp)) // there is such a flag
	return c
}

func kindWords() (words []string) {
	for _, k := range events.Kinds() {
		words = append(words, string(k))
	}
	return words
}

// followEvents prints what happened since the request's time and then what happens, until ctx ends. A stream that ends is followed on
// from where it was: its router may be starting anew.
func (a *app) followEvents(ctx context.Context, cl *api.Client, req api.EventsRequest) error {
	if (a.output == "" || a.wide()) && !a.names() && !a.noHeaders {
		fmt.Fprintln(a.stdout, a.eventLine("TIME", "ROUTER", "KIND", "WHAT", "ID"))
	}
	wait := time.NewTimer(0)
	defer wait.Stop()
	said := ""
	for heard := false; ; {
		err := cl.Follow(ctx, req, func(t api.Told) error {
			req.Last, heard, said = cmp.Or(t.Place, req.Last), true, ""
			switch {
			case t.Event != nil:
				return a.tellEvent(*t.Event)
			case t.Silent != nil:
				a.tellSilent(t.Silent)
			}
			return nil
		})
		_, output := err.(outputError)
		switch {
		case ctx.Err() != nil:
			return nil
		case output:
			return err
		case api.CodeOf(err) == api.CodeInvalid:
			return usageError{err}
		case err != nil && !heard, api.CodeOf(err) == api.CodeDenied:
			return err
		case err != nil && err.Error() != said:
			said = err.Error()
			a.tell("%s Trying again.", sentence(said))
		}
		wait.Reset(time.Second)
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
	}
}

// outputError is what cannot be written to standard output: asking again mends nothing.
type outputError struct{ error }

// tellEvent prints one of a series.
func (a *app) tellEvent(e events.Event) error {
	var err error
	switch {
	case a.names():
		_, err = fmt.Fprintln(a.stdout, "event/"+e.ID)
	case a.output == "", a.wide():
		_, err = fmt.Fprintln(a.stdout, a.eventLine(stamp(e.At), cmp.Or(e.Router, "-"), string(e.Kind), oneLine(e.What), e.ID))
	default:
		err = a.printLine(one{e}, nil)
	}
	if err != nil {
		return outputError{err}
	}
	return nil
}

// eventLine is a line of a series, of which nobody knows yet how wide its columns will be.
func (a *app) eventLine(at, router, kind, what, id string) string {
	line := fmt.Sprintf("%-*s  %-8s  %-12s  %s", len(stampLayout), at, router, kind, what)
	if a.wide() {
		line += "  " + id
	}
	return line
}

// stampLayout has the milliseconds that tell one step of a failover from the next.
const stampLayout = "2006-01-02 15:04:05.000"

func stamp(t time.Time) string { return t.Local().Format(stampLayout) }

// eventTable is a list of events.
func (a *app) eventTable(w io.Writer, list []events.Event) error {
	if a.names() {
		for _, e := range list {
			fmt.Fprintln(w, "event/"+e.ID)
		}
		return nil
	}
	header := []string{"TIME", "ROUTER", "KIND", "WHAT"}
	if a.wide() {
		header = append(header, "ID")
	}
	t := newTable(header...)
	for _, e := range list {
		cells := []string{stamp(e.At), e.Router, string(e.Kind), e.What}
		if a.wide() {
			cells = append(cells, e.ID)
		}
		t.row(cells...)
	}
	return a.table(w, t)
}

// tellSilent says whose events are missing.
func (a *app) tellSilent(list []api.Silent) {
	for _, s := range list {
		a.tell("Of %s only what the others saw: %s", s.Router, sentence(s.Reason))
	}
}
