package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
)

// kinds are what get and describe know, with their aliases.
var kinds = map[string]string{
	"virtuals": "virtual", "virtual": "virtual", "vs": "virtual",
	"servers": "server", "server": "server", "rs": "server",
	"vips": "vip", "vip": "vip",
	"checks": "check", "check": "check",
	"members": "member", "member": "member", "routers": "member", "router": "member",
}

func kindOf(word string) (string, error) {
	if k, ok := kinds[word]; ok {
		return k, nil
	}
	return "", usageError{fmt.Errorf("%q is not a kind; use virtuals, servers, vips, checks or members", word)}
}

func (a *app) getCmd() *cobra.Command {
	return &cobra.Command{
		Use:       "get KIND [NAME]",
		Short:     "List virtuals, servers, vips, checks or members",
		Aliases:   []string{"ls"},
		Example:   "  polso get virtuals\n  polso get servers web\n  polso get vips -o json",
		Args:      cobra.RangeArgs(1, 2),
		ValidArgs: []string{"virtuals", "servers", "vips", "checks", "members"},
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
			st, err := cl.Status(cmd.Context())
			if err != nil {
				return err
			}
			return a.get(st, kind, name)
		},
	}
}

func (a *app) get(st api.Status, kind, name string) error {
	keep := func(n string) bool { return name == "" || n == name }
	switch kind {
	case "virtual":
		st.Virtuals = slices.DeleteFunc(st.Virtuals, func(v api.Virtual) bool { return !keep(v.Name) })
		return list(a, kind, name, st.Virtuals, func(v api.Virtual) string { return v.Name }, func(w io.Writer) error { return a.virtualTable(w, st) })
	case "vip":
		st.VIPs = slices.DeleteFunc(st.VIPs, func(v api.VIP) bool { return !keep(v.Name) && !keep(v.Address) })
		return list(a, kind, name, st.VIPs, func(v api.VIP) string { return v.Name }, func(w io.Writer) error { return a.vipTable(w, st, "DOWN") })
	case "member":
		st.Members = slices.DeleteFunc(st.Members, func(m api.Member) bool { return !keep(m.Name) })
		return list(a, kind, name, st.Members, func(m api.Member) string { return m.Name }, func(w io.Writer) error { return a.members(w, st) })
	}
	virtual, server, _ := strings.Cut(name, "/")
	rows := []serverRow{}
	for _, v := range st.Virtuals {
		for _, s := range v.Servers {
			if (virtual == "" || v.Name == virtual) && (server == "" || s.Name == server) {
				rows = append(rows, serverRow{Virtual: v.Name, Server: s})
			}
		}
	}
	return list(a, kind, name, rows, func(r serverRow) string { return r.Virtual + "/" + r.Name }, func(w io.Writer) error { return a.serverTable(w, kind, rows) })
}

// serverRow is a server with the virtual it belongs to.
type serverRow struct {
	Virtual string `json:"virtual"`
	api.Server
}

// label is how one of the kind is named: members are routers.
func label(kind string) string {
	if kind == "member" {
		return "router"
	}
	return kind
}

// list prints items, or says that the one that was named is not there.
func list[T any](a *app, kind, name string, items []T, nameOf func(T) string, human func(io.Writer) error) error {
	if name != "" && len(items) == 0 {
		return api.Errorf(api.CodeNotFound, "%s %q is not there", label(kind), name).WithHint("polso get %ss lists what is", kind)
	}
	return a.print(items, func(w io.Writer) error {
		if !a.names() {
			return human(w)
		}
		for _, item := range items {
			fmt.Fprintln(w, label(kind)+"/"+nameOf(item))
		}
		return nil
	})
}

func (a *app) serverTable(w io.Writer, kind string, rows []serverRow) error {
	t := newTable("SERVER", "STATE", "ADDRESS", ">WEIGHT", ">ACTIVE", ">INACTIVE", ">CONN/S", "SINCE", "LAST CHECK")
	if kind == "check" {
		t = newTable("SERVER", "STATE", "SINCE", "LAST CHECK")
	}
	for _, r := range rows {
		name, state := r.Virtual+"/"+r.Name, a.state(r.State)
		if kind == "check" {
			t.row(name, state, since(r.Since), r.Reason)
			continue
		}
		weight := fmt.Sprint(r.EffectiveWeight)
		if r.EffectiveWeight != r.Weight {
			weight += fmt.Sprintf(" of %d", r.Weight)
		}
		t.row(name, state, hostPort(r.Server), weight, si(uint64(r.Active)), si(uint64(r.Inactive)),
			si(r.Rates.Connections), since(r.Since), r.Reason)
	}
	return a.table(w, t)
}

func (a *app) describeCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "describe KIND/NAME",
		Short:   "Everything about one virtual, server, vip or member",
		Example: "  polso describe virtual/web\n  polso describe server/web/a",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			word, name, ok := strings.Cut(args[0], "/")
			kind, err := kindOf(word)
			if err != nil {
				return err
			}
			if !ok || name == "" {
				return usageError{fmt.Errorf("%q names no one; use KIND/NAME, as in virtual/web", args[0])}
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			st, err := cl.Status(cmd.Context())
			if err != nil {
				return err
			}
			if err := a.get(st, kind, name); err != nil || a.output != "" || a.quiet {
				return err
			}
			if kind == "virtual" {
				fmt.Fprintln(a.stdout)
				return a.get(st, "server", name)
			}
			return nil
		},
	}
}
