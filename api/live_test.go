package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const liveHCL = `virtual "web" {
  address = "10.9.0.50"
  port    = 80
  server "a" {
    address = "10.0.0.1"
  }
  server "b" {
    address = "10.0.0.2"
  }
}
virtual "mail" {
  address = "10.9.0.50"
  port    = 25
  server "a" {
    address = "10.0.0.3"
  }
}
`

// A plan says what each change touches now on the router that directs, and what will happen, in the lines and the warnings.
func TestLivePlan(t *testing.T) {
	b := formed(t)
	c := serve(t, b)
	if _, err := c.Apply(t.Context(), ApplyRequest{Files: []File{{Name: "edge.hcl", Text: liveHCL}}}); err != nil {
		t.Fatal(err)
	}
	on := func(service, server string, n int) Connections { return Connections{service, server, n} }
	b.routers = []RouterPlan{
		{Name: "r1", Reached: true, Directs: true, Revision: 2, Steps: []string{}, Drift: []string{}, Connections: []Connections{
			on("tcp 10.9.0.50:80", "10.0.0.1:80", 1), on("tcp 10.9.0.50:80", "10.0.0.2:80", 3102), on("tcp 10.9.0.50:25", "10.0.0.3:25", 7),
		}},
		{Name: "r2", Reached: true, Revision: 2, Steps: []string{}, Drift: []string{"-d -t 10.9.0.50:80 -r 10.6.6.6:80"},
			Connections: []Connections{on("tcp 10.9.0.50:80", "10.0.0.2:80", 99)}, Problems: []Problem{{What: "vip 10.8.0.1", Why: "no link has its subnet"}}},
		{Name: "r3", Steps: []string{}, Drift: []string{}, Connections: []Connections{}},
	}
	never := 0.0
	edit := func(old, now string) string { return strings.Replace(liveHCL, old, now, 1) }
	const b2 = "  server \"b\" {\n    address = \"10.0.0.2\"\n  }\n"
	silent := "; router r2: its kernel is not as revision 2 wants it; missing: ipvsadm -d -t 10.9.0.50:80 -r 10.6.6.6:80" +
		"; router r3 does not answer: what it would do is not known; r2: vip 10.8.0.1: no link has its subnet"
	for _, tt := range []struct {
		name, hcl string
		drain     *float64
		lines     string
		warnings  string
	}{
		{"a server less", edit(b2, ""), nil,
			`- server "web/b"  10.0.0.2  (drain 5m, then remove; 3 102 active connections now)`, ""},
		{"at once", edit(b2, ""), &never,
			`- server "web/b"  10.0.0.2  (removed at once; 3 102 active connections now)`, "server web/b: it goes at once, and 3 102 active connections end; "},
		{"a scheduler", edit("  port    = 80\n", "  port    = 80\n  scheduler = \"mh\"\n"), nil,
			`~ virtual "web"  scheduler  wlc -> mh  (in place, existing connections stay; 3 103 active connections now)`, ""},
		{"renamed", edit(`server "a"`, `server "z"`), nil,
			`~ server "web/z"  name  a -> z  (renamed, connections stay; 1 active connection now)`, ""},
		{"another port: another service", edit("  port    = 80\n", "  port    = 81\n"), nil,
			`-/+ virtual "web"  port  80 -> 81  (new service: connections of the old one end; 3 103 active connections now)`,
			"virtual web: its service goes at once, and 3 103 active connections end; "},
		{"a virtual less", liveHCL[:strings.Index(liveHCL, `virtual "mail"`)], nil,
			`- virtual "mail"    10.9.0.50:25/tcp  (its connections end; 7 active connections now)`,
			"virtual mail: its service goes at once, and 7 active connections end; "},
		{"all servers at once", edit("10.0.0.3", "10.0.0.4"), nil,
			`~ server "mail/a"  address  10.0.0.3:25 -> 10.0.0.4:25  (new destination: the old one takes no new connections; 7 active connections now)`,
			"virtual mail: all its servers are replaced at once; the new ones serve when their checks have passed; "},
		{"no weight", edit("    address = \"10.0.0.3\"\n", "    address = \"10.0.0.3\"\n    weight = 0\n"), nil,
			`~ server "mail/a"  weight  1 -> 0  (in place, existing connections stay; 7 active connections now)`,
			"virtual mail: every server has weight 0, so it takes no new connection; "},
		{"nothing", liveHCL, nil, "No changes. Based on revision 2.", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := c.Plan(t.Context(), PlanRequest{Files: []File{{Name: "edge.hcl", Text: tt.hcl}}, Drain: tt.drain})
			if err != nil {
				t.Fatal(err)
			}
			if first, _, _ := strings.Cut(p.Text, "\n"); strings.Join(strings.Fields(first), " ") != strings.Join(strings.Fields(tt.lines), " ") {
				t.Errorf("got  %s\nwant %s", first, tt.lines)
			}
			if d := cmp.Diff(tt.warnings+strings.TrimPrefix(silent, "; "), strings.Join(p.Warnings, "; ")); d != "" {
				t.Errorf("warnings (-want +got):\n%s", d)
			}
			if len(p.Routers) != 3 {
				t.Errorf("%d routers", len(p.Routers))
			}
		})
	}
}

// Who writes without having seen the plan is told the same by the kernels: of an apply as of a rollback. A kernel that cannot be
// asked is said, and keeps nothing from being written.
func TestWriteWarnsLikeThePlan(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	if _, err := c.Apply(ctx, ApplyRequest{Files: []File{{Name: "edge.hcl", Text: liveHCL}}}); err != nil {
		t.Fatal(err)
	}
	b.routers = []RouterPlan{
		{Name: "r1", Reached: true, Directs: true, Revision: 2, Steps: []string{"-D -t 10.9.0.50:25"}, Drift: []string{},
			Connections: []Connections{{"tcp 10.9.0.50:25", "10.0.0.3:25", 7}}},
		{Name: "r3", Steps: []string{}, Drift: []string{}, Connections: []Connections{}},
	}
	less := []File{{Name: "edge.hcl", Text: liveHCL[:strings.Index(liveHCL, `virtual "mail"`)]}}
	plan, err := c.Plan(ctx, PlanRequest{Files: less})
	if err != nil || len(plan.Warnings) != 2 || len(plan.Routers) != 2 {
		t.Fatalf("plan %+v, %v; want the end of 7 connections and the silence of r3", plan, err)
	}
	done, err := c.Apply(ctx, ApplyRequest{Files: less})
	if err != nil || done.Revision != 3 {
		t.Fatalf("applied %+v, %v", done, err)
	}
	plan.Routers = nil
	if d := cmp.Diff(plan, done.Plan); d != "" {
		t.Errorf("the plan of what was applied (-planned +applied):\n%s", d)
	}
	if done, err = c.Rollback(ctx, RollbackRequest{}); err != nil || strings.Join(done.Plan.Warnings, "; ") != "router r3 does not answer: what it would do is not known" {
		t.Errorf("rolled back: %+v, %v; want the silence of r3", done, err)
	}
	b.blind = Errorf(CodeInternal, "no kernel")
	if done, err = c.Apply(ctx, ApplyRequest{Files: less}); err != nil || done.Revision != 5 || !strings.Contains(strings.Join(done.Plan.Warnings, "; "), "is not known: no kernel") {
		t.Errorf("blind: %+v, %v; want it written with a warning", done, err)
	}
}
