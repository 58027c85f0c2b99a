package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
)

func (a *app) describeCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "describe KIND/NAME",
		Short: "Everything about one virtual, server, vip, member, notify block or router_check",
		Long: `What the status says of one virtual, server, vip, member or router_check, what operators said of it, and below it a virtual, server, notify block or
router_check as the running document has it: check, tunnel, persistence, flags and all.`,
		Example: "  polso describe virtual/web\n  polso describe server/web/a\n  polso describe router_check/gateway",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, name, err := oneOf(args[0])
			if err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			if kind == kindNotify || kind == kindRouterCheck {
				found, text, err := a.documented(cmd.Context(), cl, kind, name)
				if err != nil {
					return err
				}
				return a.describe(api.Status{}, found, name, description{text: text})
			}
			st, err := cl.Status(cmd.Context())
			if err != nil {
				return err
			}
			found, err := a.find(st, kind, name)
			if err != nil {
				return err
			}
			var written description
			if kind == "virtual" || kind == "server" {
				r, err := cl.Document(cmd.Context())
				if err != nil {
					return err
				}
				if written, err = descriptionOf(r, name); err != nil {
					return err
				}
			}
			return a.describe(st, found, name, written)
		},
	}
}

// oneOf reads KIND/NAME, where NAME can only be one's.
func oneOf(arg string) (kind, name string, err error) {
	word, name, _ := strings.Cut(arg, "/")
	if kind, err = kindOf(word); err != nil {
		return "", "", err
	}
	if name == "" || (kind == "server" || kind == "check") && !strings.Contains(strings.Trim(name, "/"), "/") {
		return "", "", usageError{fmt.Errorf("%q names no one; use KIND/NAME, as in virtual/web or server/web/a", arg)}
	}
	return kind, name, nil
}

// description is a virtual as the running document has it, with all of its servers or one.
type description struct {
	Document any    `json:"document,omitempty"`
	text     []byte // as apply takes it; empty: the document has none, say because it leaves
}

// descriptionOf finds VIRTUAL or VIRTUAL/SERVER in a revision.
func descriptionOf(r api.Revision, name string) (description, error) {
	doc, err := documentOf(r)
	if err != nil {
		return description{}, err
	}
	virtual, server, one := strings.Cut(name, "/")
	for _, v := range doc.Virtuals {
		if v.Name != virtual {
			continue
		}
		if one {
			v.Servers = slices.DeleteFunc(v.Servers, func(s config.Server) bool { return s.Name != server })
			if len(v.Servers) == 0 {
				return description{}, nil
			}
		}
		b, err := config.Canonical(config.Document{Cluster: doc.Cluster, Virtuals: []config.Virtual{v}})
		if err != nil {
			return description{}, err
		}
		tree, err := generic(json.RawMessage(b))
		if err != nil {
			return description{}, err
		}
		d := description{text: config.FormatVirtuals([]config.Virtual{v})}
		if m, ok := tree.(map[string]any); ok {
			if list, ok := m["virtuals"].([]any); ok && len(list) == 1 {
				d.Document = list[0]
			}
		}
		return d, nil
	}
	return description{}, nil
}

func (a *app) describe(st api.Status, found selection, name string, written description) error {
	if found.kind == "override" || a.names() { // of a target there may be several
		return a.list(found)
	}
	if len(found.items) > 1 { // the vip of a virtual has its name, and a vip block may have it too
		return usageError{fmt.Errorf("%s %q is more than one; name it by its address", found.kind, name)}
	}
	item := found.items[0]
	switch x := item.(type) {
	case api.Virtual:
		item = struct {
			api.Virtual
			description
		}{x, written}
	case serverRow:
		item = struct {
			serverRow
			description
		}{x, written}
	}
	return a.print(one{item}, func(w io.Writer) error {
		if err := found.table(w); err != nil {
			return err
		}
		if v, ok := found.items[0].(api.Virtual); ok {
			if len(v.Servers) > 0 {
				servers, err := a.find(st, "server", name)
				if err != nil {
					return err
				}
				fmt.Fprintln(w)
				if err := servers.table(w); err != nil {
					return err
				}
				if !a.wide() { // which has a column for it
					tellViews(w, servers.items)
				}
			}
			if v.Mark != v.FWMark {
				fmt.Fprintf(w, "\nMARK  %d: its ports are one service under this firewall mark\n", v.Mark)
			}
		}
		if len(written.text) > 0 && !a.noHeaders {
			fmt.Fprintf(w, "\n%s", written.text)
		}
		return nil
	})
}
