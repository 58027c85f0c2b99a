package api

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/fsm"
)

// A plan says what is added and what happens to connections, for scripts as for people.
func TestPlanTellsWhatIsAdded(t *testing.T) {
	c := serve(t, formed(t))
	p, err := c.Plan(t.Context(), PlanRequest{Files: []File{{Name: "edge.hcl", Text: webHCL}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Changes) != 2 || p.Changes[0].Text == "" || !strings.Contains(p.Changes[1].Text, "10.0.0.1") {
		t.Errorf("got %+v, want the gist of the virtual and of its server", p.Changes)
	}
	if !strings.HasSuffix(p.Text, "Plan: 2 to add, 0 to change, 0 to remove. Based on revision 1.\n") || p.Base != 1 {
		t.Errorf("got base %d and text\n%s", p.Base, p.Text)
	}
}

// A router that is preferred need not be there: the plan says so, and so does who applies it all the same.
func TestPlanWarns(t *testing.T) {
	c := serve(t, formed(t))
	for text, want := range map[string]string{
		`prefer = ["r1", "r9"]`: `cluster prefer: no router is called "r9" now; it counts when one joins under that name`,
		`failback = true`:       "cluster failback: without prefer there is no router to go back to",
		`prefer = ["r1"]`:       "",
	} {
		files := []File{{Name: "edge.hcl", Text: "cluster {\n  " + text + "\n}\n"}}
		p, err := c.Plan(t.Context(), PlanRequest{Files: files})
		if got := strings.Join(p.Warnings, "; "); err != nil || got != want {
			t.Errorf("plan of %s: %q, %v; want %q", text, got, err, want)
		}
		a, err := c.Apply(t.Context(), ApplyRequest{Files: files})
		if got := strings.Join(a.Plan.Warnings, "; "); err != nil || got != want {
			t.Errorf("apply of %s: %q, %v; want %q", text, got, err, want)
		}
	}
}

// A witness never directs: who prefers one meant another, and is told, except by a rollback to a time when the name was a router's.
func TestNobodyPrefersAWitness(t *testing.T) {
	var d config.Document
	s := &fsm.Snapshot{Nodes: []fsm.Node{{Name: "r1", Kind: fsm.Router}, {Name: "w1", Kind: fsm.Witness}}}
	for prefer, want := range map[string]bool{"": true, "r1": true, "r1 r9": true, "r1 w1": false} {
		d.Cluster.Prefer = strings.Fields(prefer)
		err := preferable(s, d)
		if (err == nil) != want || err != nil && (CodeOf(err) != CodeInvalid || !strings.Contains(err.Error(), "w1 is a witness")) {
			t.Errorf("prefer %q: %v, want it accepted: %v", prefer, err, want)
		}
		if warned := strings.Contains(strings.Join(warnings(s, d), ";"), "w1 is a witness"); warned == want {
			t.Errorf("prefer %q: warned %v, want %v", prefer, warned, !want)
		}
	}
}

// A slow start of servers that have a weight of 1, which is the default, is none: who asks for one is told.
func TestPlanWarnsOfAStartThatIsNotSlow(t *testing.T) {
	servers := func(weights ...int) (out []config.Server) {
		for i, w := range weights {
			out = append(out, config.Server{Name: string(rune('a' + i)), Weight: w})
		}
		return out
	}
	for _, tt := range []struct {
		over    time.Duration
		servers []config.Server
		want    string
	}{
		{0, servers(1, 1), ""},
		{time.Minute, nil, ""},
		{time.Minute, servers(0, 2, 100), ""},
		{time.Minute, servers(1, 1), "virtual web: slow_start does nothing, as every server has weight 1, of which there is no part; give them 20 or more"},
		{time.Minute, servers(1, 20, 1), "virtual web: slow_start does nothing for a, c: of a weight of 1 there is no part"},
	} {
		d := config.Document{Virtuals: []config.Virtual{{Name: "web", SlowStart: tt.over, Servers: tt.servers}}}
		if got := strings.Join(warnings(new(fsm.Snapshot), d), "; "); got != tt.want {
			t.Errorf("%v of %+v: %q, want %q", tt.over, tt.servers, got, tt.want)
		}
	}
}

// TestPlanNamesRoutersThatServe: what they need, and what becomes of their table, is said before it is a surprise.
func TestPlanNamesRoutersThatServe(t *testing.T) {
	at := func(address string) config.Server {
		return config.Server{Name: "x", Address: netip.MustParseAddrPort(address), Forward: config.DR}
	}
	s := &fsm.Snapshot{Nodes: []fsm.Node{
		{Name: "r1", Kind: fsm.Router, Addresses: []string{"10.9.1.11:5390", "10.9.0.11:5390"}},
		{Name: "w1", Kind: fsm.Witness, Addresses: []string{"10.9.0.13:5390"}},
	}}
	const named = `server web/x is router r1: it needs 192.0.2.10 on lo there, and keeps no table for "web" while another router directs`
	for _, tt := range []struct {
		name   string
		server config.Server
		sync   *config.SyncDaemon
		want   string
	}{
		{"a router's address", at("10.9.0.11:80"), nil, named},
		{"its tunnel", config.Server{Name: "x", Address: netip.MustParseAddrPort("10.9.0.11:80"), Forward: config.Tun}, nil, named},
		{"masqueraded", config.Server{Name: "x", Address: netip.MustParseAddrPort("10.9.0.11:80"), Forward: config.NAT}, nil, ""},
		{"the kernel sees to it", at("10.9.0.11:80"), &config.SyncDaemon{}, ""},
		{"a witness's: it never has a table", at("10.9.0.13:80"), nil, ""},
		{"a server of its own", at("10.9.0.21:80"), nil, ""},
	} {
		d := config.Document{Cluster: config.Cluster{SyncDaemon: tt.sync}, Virtuals: []config.Virtual{{Name: "web", Address: netip.MustParseAddr("192.0.2.10"), Servers: []config.Server{tt.server}}}}
		if got := strings.Join(warnings(s, d), "; "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A bare document is the running one without what it changed.
func TestBareDocument(t *testing.T) {
	c := serve(t, formed(t))
	if _, err := c.Apply(t.Context(), ApplyRequest{Files: []File{{Name: "edge.hcl", Text: webHCL}}}); err != nil {
		t.Fatal(err)
	}
	whole, err := c.Document(t.Context())
	if err != nil || whole.Summary == "" {
		t.Fatalf("%+v, %v; want it with a summary", whole, err)
	}
	bare, err := c.BareDocument(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if whole.Summary = ""; !reflect.DeepEqual(bare, whole) {
		t.Errorf("%+v, want %+v", bare, whole)
	}
}
