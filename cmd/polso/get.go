package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
	"polso/figures"
)

// kinds are what get and describe know, with their aliases.
var kinds = map[string]string{
	"virtuals": "virtual", "virtual": "virtual", "vs": "virtual",
	"servers": "server", "server": "server", "rs": "server",
	"vips": "vip", "vip": "vip",
	"checks": "check", "check": "check",
	"overrides": "override", "override": "override",
	"members": "member", "member": "member", "routers": "member", "router": "member",
	"notifies": kindNotify, "notify": kindNotify,
	"router_checks": kindRouterCheck, "router_check": kindRouterCheck, "router-check": kindRouterCheck,
}

func kindOf(word string) (string, error) {
	if k, ok := kinds[word]; ok {
		return k, nil
	}
	return "", usageError{fmt.Errorf("%q is not a kind; use virtuals, servers, vips, checks, overrides, members, notifies or router_checks", word)}
}

func (a *app) getCmd() *cobra.Command {
	return a.sortable(&cobra.Command{
		Use:       "get KIND [NAME]",
		Short:     "List virtuals, servers, vips, checks, overrides, members, notify blocks or router_checks",
		Aliases:   []string{"ls"},
		Example:   "  polso get virtuals\n  polso get servers web\n  polso get router_checks -o json    # what each router asks of itself, and how it is answered\n  polso get virtuals web -o hcl      # as it would be applied",
		Args:      cobra.RangeArgs(1, 2),
		ValidArgs: []string{"virtuals", "servers", "vips", "checks", "overrides", "members", "notifies", "router_checks"},
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, err := kindOf(args[0])
			if err != nil {
				return err
			}
			name := ""
			if len(args) == 2 {
				name = args[1]
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			if a.output == outputHCL {
				return a.written(cmd.Context(), cl, kind, name)
			}
			if kind == kindNotify || kind == kindRouterCheck {
				found, _, err := a.documented(cmd.Context(), cl, kind, name)
				if err != nil {
					return err
				}
				return a.list(found)
			}
			ask := cl.Status
			if kind == "member" || kind == "vip" {
				ask = cl.BriefStatus
			}
			st, err := ask(cmd.Context())
			if err != nil {
				return err
			}
			found, err := a.find(st, kind, name)
			if err != nil {
				return err
			}
			return a.list(found)
		},
	})
}

// written prints parts of the running document as apply takes them.
func (a *app) written(ctx context.Context, cl *api.Client, kind, name string) error {
	if kind == kindNotify || kind == kindRouterCheck {
		_, text, err := a.documented(ctx, cl, kind, name)
		if err == nil {
			_, err = a.stdout.Write(text)
		}
		return err
	}
	if kind != "virtual" {
		return usageError{errors.New("-o hcl is for get virtuals, notifies and router_checks, and for show: the whole document")}
	}
	r, err := cl.Document(ctx)
	if err != nil {
		return err
	}
	doc, err := documentOf(r)
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(doc.Virtuals, func(v config.Virtual) bool { return name != "" && v.Name != name })
	if name != "" && len(list) == 0 {
		return notThere(kind, name)
	}
	_, err = a.stdout.Write(config.FormatVirtuals(list))
	return err
}

func notThere(kind, name string) error {
	return api.Errorf(api.CodeNotFound, "%s %q is not there", label(kind), name).WithHint("polso get %s lists what is", plural(kind))
}

// selection is what was found of a kind: for scripts, by name, and as a table for people.
type selection struct {
	kind  string
	items []any
	names []string
	table func(io.Writer) error
}

// choose makes a selection of what keep keeps, in a list of its own that it returns too.
func choose[T any](kind string, all []T, name func(T) string, keep func(T) bool) (selection, []T) {
	s, kept := selection{kind: kind, items: []any{}}, []T{}
	for _, item := range all {
		if keep(item) {
			s.items, s.names, kept = append(s.items, item), append(s.names, label(kind)+"/"+name(item)), append(kept, item)
		}
	}
	return s, kept
}

// find selects what is called name, or everything if that is empty; that nothing has the name is an error.
func (a *app) find(st api.Status, kind, name string) (selection, error) {
	is := func(n string) bool { return name == "" || n == name }
	var s selection
	switch kind {
	case "virtual":
		s, st.Virtuals = choose(kind, st.Virtuals, func(v api.Virtual) string { return v.Name }, func(v api.Virtual) bool { return is(v.Name) })
		s.table = func(w io.Writer) error { return a.virtualTable(w, st) }
	case "vip":
		s, st.VIPs = choose(kind, st.VIPs, func(v api.VIP) string { return v.Name }, func(v api.VIP) bool { return is(v.Name) || is(v.Address) })
		s.table = func(w io.Writer) error { return a.vipTable(w, st, "DOWN") }
	case "member":
		s, st.Members = choose(kind, st.Members, func(m api.Member) string { return m.Name }, func(m api.Member) bool { return is(m.Name) })
		s.table = func(w io.Writer) error { return a.memberTable(w, st) }
	case "override":
		s, st.Overrides = choose(kind, st.Overrides, func(o api.Override) string { return o.Target }, func(o api.Override) bool { return is(o.Target) })
		s.table = func(w io.Writer) error { return a.overrideTable(w, st.Overrides) }
	case "server", "check":
		virtual, server, _ := strings.Cut(name, "/")
		var rows []serverRow
		s, rows = choose(kind, serverRows(st), func(r serverRow) string { return r.Virtual + "/" + r.Name }, func(r serverRow) bool {
			return (virtual == "" || r.Virtual == virtual) && (server == "" || r.Name == server)
		})
		s.table = func(w io.Writer) error { return a.serverTable(w, kind, rows) }
	default:
		panic("find: unknown kind " + kind) // kindOf knows no other
	}
	if name != "" && len(s.items) == 0 {
		return s, notThere(kind, name)
	}
	return s, nil
}

// list prints a selection as one document, as a table or name by name.
func (a *app) list(s selection) error {
	return a.print(listing{plural(s.kind), s.items}, func(w io.Writer) error {
		if !a.names() {
			return s.table(w)
		}
		for _, name := range s.names {
			fmt.Fprintln(w, name)
		}
		return nil
	})
}

// serverRow is a server with the virtual it belongs to.
type serverRow struct {
	Virtual string `json:"virtual"`
	api.Server
}

func serverRows(st api.Status) []serverRow {
	var rows []serverRow
	for _, v := range st.Virtuals {
		for _, s := range v.Servers {
			rows = append(rows, serverRow{Virtual: v.Name, Server: s})
		}
	}
	return rows
}

// plural is what several of the kind are called.
func plural(kind string) string {
	if kind == kindNotify {
		return "notifies"
	}
	return kind + "s"
}

// label is how one of the kind is named: members are routers.
func label(kind string) string {
	if kind == "member" {
		return "router"
	}
	return kind
}

func (a *app) serverTable(w io.Writer, kind string, rows []serverRow) error {
	header := []string{"SERVER", "STATE", "ADDRESS", ">WEIGHT", ">ACTIVE", ">INACTIVE", ">CONN/S", "SINCE", "LAST CHECK", "OVERRIDE"}
	if kind == "check" {
		header = []string{"SERVER", "STATE", "SINCE", "LAST CHECK"}
	}
	if a.wide() {
		header = append(header, "ROUTERS SEE")
	}
	t := newTable(header...)
	for _, r := range rows {
		name, state := r.Virtual+"/"+r.Name, a.state(r.State)
		if r.Sorry {
			state += " (sorry)"
		}
		var wide []string
		if a.wide() {
			wide = []string{viewsOf(r.Server)}
		}
		if kind == "check" {
			t.row(append([]string{name, a.state(cmp.Or(r.Health, r.State)), figures.Since(r.Since), r.Reason}, wide...)...)
			continue
		}
		weight := fmt.Sprint(r.EffectiveWeight)
		if r.EffectiveWeight != r.Weight {
			weight += fmt.Sprintf(" of %d", r.Weight)
		}
		t.row(append([]string{name, state, hostPort(r.Server), weight, figures.SI(uint64(r.Active)), figures.SI(uint64(r.Inactive)),
			figures.SI(r.Rates.Connections), figures.Since(r.Since), r.Reason, overrideWords(r.Overrides)}, wide...)...)
	}
	return a.table(w, t)
}
