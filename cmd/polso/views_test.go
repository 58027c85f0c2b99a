package main

import (
	"bytes"
	"strings"
	"testing"

	"polso/api"
)

// Where routers see a server differently, status, describe and the wide table say who sees what.
func TestViews(t *testing.T) {
	differ := []api.View{{Router: "r1", State: "up"}, {Router: "r2", State: "down", Reason: "tcp: connection refused"}, {Router: "r3", State: "unknown"}}
	st := api.Status{
		Formed: true, Virtuals: []api.Virtual{{Name: "web", Protocol: "tcp", Servers: []api.Server{{Name: "a", State: "up", Views: differ}, {Name: "b", State: "up"}}}},
		LastFailover: &api.Failover{From: "r3", To: "r1", Reason: "transfer: r3 sees 0 servers up, r1 2, r2 2"},
		Members:      []api.Member{{Name: "r1", Sees: &api.Sees{Up: 1, Down: 1}, Unfit: []string{"router_check gateway: no answer", "penalty 10, router_check flag: file: /x is there"}}, {Name: "r2", Checks: []api.RouterCheck{{Name: "flag", State: "down", Reason: "file: /x is there", Penalty: 10}}}},
	}
	const line = "routers differ: r1 up, r2 down: tcp: connection refused, r3 unknown\n"
	for name, tt := range map[string]struct {
		output string
		show   func(*app, *bytes.Buffer) error
		want   []string
	}{
		"status": {"", func(a *app, b *bytes.Buffer) error { return a.status(b, st) }, []string{
			"SERVER web/a  " + line, "FAILOVER because r3 sees 0 servers up, r1 2, r2 2\n"}},
		"describe": {"", func(a *app, _ *bytes.Buffer) error {
			found, err := a.find(st, "virtual", "web")
			if err != nil {
				return err
			}
			return a.describe(st, found, "web", description{})
		}, []string{"web/a  " + line}},
		"servers, wide": {"wide", func(a *app, b *bytes.Buffer) error { return a.serverTable(b, "server", serverRows(st)) }, []string{"ROUTERS SEE", "r1 up, r2 down: tcp: connection refused, r3 unknown\n"}},
		"members, wide": {"wide", func(a *app, b *bytes.Buffer) error { return a.memberTable(b, st) }, []string{"SEES", "1/2", "router_check gateway: no answer"}},
	} {
		var out bytes.Buffer
		a := newApp(nil, &out, &out, func(string) string { return "" })
		a.output = tt.output
		if err := tt.show(a, &out); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s lacks %q:\n%s", name, want, out.String())
			}
		}
	}
}
