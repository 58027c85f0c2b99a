package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/figures"
)

func (a *app) connectionsCmd() *cobra.Command {
	req := api.ConnectionsRequest{}
	c := a.sortable(&cobra.Command{
		Use:   "connections [VIRTUAL[/SERVER]]",
		Short: "The kernel's connection table, chosen from or counted",
		Long: `The connections that this router's kernel knows (--on: another's), as ipvsadm -Lnc lists them, with the names of the document. A
persistence template has client port 0. On a router that stands by they are those that the sync daemon told of: ORIGIN in -o wide.

The table is read once, without holding it, up to the limit and for half a minute at most: Linux before 6.14 takes long over a large one.`,
		Example: `  polso connections web
  polso connections web/a --state established --client 198.51.100.0/24 -o wide
  polso connections --count --on r2                      # how many in which state, by server
  polso connections web --limit 10000 -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				req.Virtual, req.Server, _ = strings.Cut(args[0], "/")
			}
			if req.Limit < 1 || req.Limit > mostConnections {
				return usageError{fmt.Errorf("--limit %d is not between 1 and %d", req.Limit, mostConnections)}
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			found, err := cl.Connections(cmd.Context(), req)
			if api.CodeOf(err) == api.CodeInvalid {
				return usageError{err}
			}
			if err != nil {
				return err
			}
			if err := a.print(found, func(w io.Writer) error {
				if req.Count {
					return a.countTable(w, found)
				}
				return a.connectionTable(w, found.Connections)
			}); err != nil {
				return err
			}
			switch {
			case found.More && !req.Count && found.Total == req.Limit:
				a.tell("There are more; --limit shows up to %d, --count counts them all.", mostConnections)
			case found.More:
				a.tell("The table is too long for this kernel: these are of the first %d entries, as far as it came in time.", found.Read)
			}
			return nil
		},
	})
	f := c.Flags()
	f.StringVar(&req.Client, "client", "", "of this address or network only: 198.51.100.0/24")
	f.StringVar(&req.State, "state", "", "in this state only: established, time_wait, ...")
	f.IntVar(&req.Limit, "limit", 100, "how many at most")
	f.BoolVar(&req.Count, "count", false, "how many in which state, by server; the whole table is read")
	f.BoolVar(&req.Engine, "engine", false, "what persistence engines keep, instead of the origin")
	onFlag(f, &req.On)
	return c
}

// mostConnections is what the agent shows at once.
const mostConnections = 10_000

func (a *app) connectionTable(w io.Writer, list []api.Connection) error {
	if a.names() {
		for _, c := range list {
			fmt.Fprintln(w, c.Client)
		}
		return nil
	}
	header := []string{"SERVER", "STATE", "PROTO", "CLIENT", "SERVICE", "ADDRESS", ">EXPIRES"}
	if a.wide() {
		header = append(header, "ORIGIN", "ENGINE", "DATA")
	}
	t := newTable(header...)
	for _, c := range list {
		cells := []string{named(c.Virtual, c.Server), c.State, c.Protocol, c.Client, c.Service, c.Address, figures.Age(figures.Seconds(c.Expires))}
		if a.wide() {
			cells = append(cells, c.Origin, c.Engine, c.Data)
		}
		t.row(cells...)
	}
	return a.table(w, t)
}

// named is VIRTUAL/SERVER, as much of it as has a name.
func named(virtual, server string) string { return strings.Trim(virtual+"/"+server, "/") }

// countTable has a column for each state that something is in.
func (a *app) countTable(w io.Writer, found api.ConnectionTable) error {
	if a.names() {
		for _, n := range found.Counts {
			fmt.Fprintln(w, "server/"+named(n.Virtual, cmp.Or(n.Server, n.Address)))
		}
		return nil
	}
	occurring := make(map[string]int)
	for _, n := range found.Counts {
		for state := range n.States {
			occurring[state]++
		}
	}
	states := slices.Sorted(maps.Keys(occurring))
	header := []string{"SERVER", "ADDRESS", ">TOTAL"}
	for _, state := range states {
		header = append(header, ">"+state)
	}
	t := newTable(header...)
	for _, n := range found.Counts {
		cells := []string{named(n.Virtual, n.Server), n.Address, fmt.Sprint(n.Total)}
		for _, state := range states {
			cells = append(cells, fmt.Sprint(n.States[state]))
		}
		t.row(cells...)
	}
	if err := a.table(w, t); err != nil {
		return err
	}
	a.tell("%s on %s.", figures.Count(found.Total, "connection"), found.Node)
	return nil
}
