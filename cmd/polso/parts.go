package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"polso/api"
	"polso/config"
	"polso/figures"
)

// What get and describe know beside what is in the status: parts of the document.
const (
	kindNotify      = string(config.KindNotify)
	kindRouterCheck = string(config.KindRouterCheck)
)

// answered is what a router says of a router_check: the report of one that answers and has asked.
type answered struct {
	Router string `json:"router"`
	api.RouterCheck
}

// documented finds the notify blocks or router_checks of the running document that are called name, or all of them if that is empty, and
// their text, as apply takes it.
func (a *app) documented(ctx context.Context, cl *api.Client, kind, name string) (selection, []byte, error) {
	r, err := cl.Document(ctx)
	if err != nil {
		return selection{}, nil, err
	}
	doc, err := documentOf(r)
	if err != nil {
		return selection{}, nil, err
	}
	var only config.Document
	var found selection
	if kind == kindNotify {
		found, only.Notifies = choose(kind, doc.Notifies, func(n config.Notify) string { return n.Name }, func(n config.Notify) bool { return name == "" || n.Name == name })
		found.table = func(w io.Writer) error { return a.notifyTable(w, only.Notifies) }
	} else {
		found, only.RouterChecks = choose(kind, doc.RouterChecks, func(c config.RouterCheck) string { return c.Name }, func(c config.RouterCheck) bool { return name == "" || c.Name == name })
	}
	if name != "" && len(found.items) == 0 {
		return selection{}, nil, notThere(kind, name)
	}
	if found.items, err = canonicalParts(only); err != nil {
		return selection{}, nil, err
	}
	if kind == kindRouterCheck {
		st, err := cl.BriefStatus(ctx)
		if err != nil {
			return selection{}, nil, err
		}
		asked := make(map[string][]answered)
		for i, c := range only.RouterChecks {
			asked[c.Name] = answers(c, st.Members)
			item := maps.Clone(found.items[i].(map[string]any))
			item["answers"] = asked[c.Name]
			found.items[i] = item
		}
		found.table = func(w io.Writer) error { return a.routerCheckTable(w, only.RouterChecks, asked) }
	}
	return found, config.FormatBlocks(only), nil
}

// canonicalParts are the parts of a document that has those of one kind alone, as `show -o json` has them.
func canonicalParts(only config.Document) ([]any, error) {
	b, err := config.Canonical(only)
	if err != nil {
		return nil, err
	}
	var m struct {
		Notifies []any `json:"notifies"`
		Checks   []any `json:"router_checks"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	return append(append([]any{}, m.Notifies...), m.Checks...), nil
}

// answers are what the routers that are to ask it say of a check, those that say nothing included.
func answers(c config.RouterCheck, members []api.Member) []answered {
	out := []answered{}
	for _, m := range members {
		if m.Kind == "witness" || !c.On(m.Name) {
			continue
		}
		said := answered{m.Name, api.RouterCheck{Name: c.Name, Asks: c.Asks(), State: "unknown", Penalty: c.Penalty}}
		if i := slices.IndexFunc(m.Checks, func(x api.RouterCheck) bool { return x.Name == c.Name }); i >= 0 {
			said.RouterCheck = m.Checks[i]
		}
		out = append(out, said)
	}
	return out
}

func (a *app) notifyTable(w io.Writer, list []config.Notify) error {
	t := newTable("NOTIFY", "TO", "EVENTS", "VIRTUALS", ">LIMIT")
	for _, n := range list {
		var events []string
		for _, e := range n.Events {
			events = append(events, string(e))
		}
		t.row(n.Name, oneLine(n.Way()), cmp.Or(strings.Join(events, ", "), "every one"), cmp.Or(strings.Join(n.Virtuals, ", "), "every one"), fmt.Sprintf("%d/min", n.Limit))
	}
	return a.table(w, t)
}

func (a *app) routerCheckTable(w io.Writer, list []config.RouterCheck, asked map[string][]answered) error {
	t := newTable("ROUTER_CHECK", "ROUTER", "STATE", "ASKS", "SINCE", "LAST CHECK", "WHILE IT FAILS")
	for _, c := range list {
		fails := "not fit to direct"
		if c.Penalty > 0 {
			fails = fmt.Sprintf("penalty %d", c.Penalty)
		}
		for _, x := range asked[c.Name] {
			t.row(c.Name, x.Router, a.state(x.State), oneLine(c.Asks()), figures.Since(x.Since), oneLine(x.Reason), fails)
		}
		if len(asked[c.Name]) == 0 {
			t.row(c.Name, "-", "-", oneLine(c.Asks()), "-", "-", fails)
		}
	}
	return a.table(w, t)
}
