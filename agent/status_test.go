package agent

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/fsm"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

func TestHealthWord(t *testing.T) {
	held := api.VIP{Address: "192.0.2.1", Held: true}
	free := api.VIP{Address: "192.0.2.2"}
	well := api.Status{Leader: "r1", Converged: true, Quorum: api.Quorum{Voters: 3, Healthy: 3}, VIPs: []api.VIP{held}}
	for _, test := range []struct {
		name string
		edit func(*api.Status)
		want api.ClusterHealth
	}{
		{"all is well", func(*api.Status) {}, api.Healthy},
		{"nothing is asked for", func(s *api.Status) { s.VIPs = nil }, api.Healthy},
		{"no leader", func(s *api.Status) { s.Leader = "" }, api.Down},
		{"nobody holds", func(s *api.Status) { s.VIPs = []api.VIP{free} }, api.Down},
		{"one of two is held", func(s *api.Status) { s.VIPs = []api.VIP{held, free} }, api.Degraded},
		{"a voter is silent", func(s *api.Status) { s.Quorum.Healthy = 2 }, api.Degraded},
		{"the kernel is behind", func(s *api.Status) { s.Converged = false }, api.Degraded},
		{"a problem", func(s *api.Status) { s.Problems = []api.Problem{{What: "x"}} }, api.Degraded},
		{"a server is down", func(s *api.Status) {
			s.Virtuals = []api.Virtual{{Servers: []api.Server{{State: "up"}, {State: "down"}}}}
		}, api.Degraded},
		{"a server drains", func(s *api.Status) { s.Virtuals = []api.Virtual{{Servers: []api.Server{{State: "drain"}}}} }, api.Healthy},
	} {
		st := well
		test.edit(&st)
		if got := healthOf(st); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// A router that stands by well is no less healthy for holding nothing; one that should hold is.
func TestHealthHere(t *testing.T) {
	free := []api.VIP{{Address: "192.0.2.1"}}
	for _, test := range []struct {
		name string
		st   api.Status
		want api.ClusterHealth
	}{
		{"stands by", api.Status{Leader: "r1", Converged: true, VIPs: free, Quorum: api.Quorum{Voters: 3}}, api.Healthy},
		{"holds the lease and nothing else", api.Status{Leader: "r1", Converged: true, VIPs: free, Lease: api.Lease{Held: true}}, api.Down},
		{"knows no leader", api.Status{Converged: true, VIPs: free}, api.Down},
		{"kernel behind", api.Status{Leader: "r1", VIPs: free}, api.Degraded},
	} {
		if got := healthHere(test.st); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// What another router says is added: what it holds, that it directs, what troubles it.
func TestMerge(t *testing.T) {
	st := api.Status{
		Node: "r1", VIPs: []api.VIP{{Address: "192.0.2.1", Interface: "eth0"}, {Address: "192.0.2.2", Held: true, On: "r1"}},
		Problems: []api.Problem{{Node: "r1", What: "a"}},
	}
	merge(&st, api.Status{
		Node: "r2", Lease: api.Lease{Held: true}, Problems: []api.Problem{{Node: "r2", What: "b"}},
		VIPs: []api.VIP{{Address: "192.0.2.1", Held: true, On: "r2", Interface: "eth9"}, {Address: "192.0.2.2", Held: true, On: "r2"}, {Address: "192.0.2.3", Held: true, On: "r2"}},
	})
	want := api.Status{
		Node: "r1", Active: "r2", Problems: []api.Problem{{Node: "r1", What: "a"}, {Node: "r2", What: "b"}},
		VIPs: []api.VIP{{Address: "192.0.2.1", Held: true, On: "r2", Interface: "eth9"}, {Address: "192.0.2.2", Held: true, On: "r1"}},
	}
	if diff := cmp.Diff(want, st); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	merge(&st, api.Status{Node: "r3", Lease: api.Lease{Held: true}})
	if st.Active != "r2" {
		t.Errorf("active %s, want r2: the first that says so", st.Active)
	}
}

func parse(t *testing.T, text string) config.Document {
	t.Helper()
	doc, err := config.Load(config.File{Name: "test.hcl", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

const twoHCL = `vip "inside" {
  address = "10.0.0.254/24"
}
virtual "web" {
  address = "192.0.2.10"
  port    = 80
  forward = "nat"
  check "tcp" {
    every = "1s"
  }
  server "a" {
    address = "10.0.0.1:8080"
    weight  = 5
  }
  server "b" {
    address = "10.0.0.2:8080"
  }
  server "c" {
    address = "10.0.0.3:8080"
  }
  server "d" {
    address = "10.0.0.4:8080"
  }
}
virtual "mark" {
  fwmark  = 7
  forward = "nat"
  server "a" {
    address = "10.0.0.1"
  }
}
`

// The document, the kernel, the checks and the operators' overrides come together in one list.
func TestStatusOfVirtuals(t *testing.T) {
	doc := parse(t, twoHCL)
	web := doc.Virtuals[0]
	if web.Name != "web" {
		web = doc.Virtuals[1]
	}
	key, ok := director.KeyOf(web)
	if !ok {
		t.Fatal("no key")
	}
	since := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	view := health.View{}
	say := func(server int, st health.Status) {
		target, checked := director.TargetOf(web, web.Servers[server])
		if !checked {
			t.Fatal("not checked")
		}
		view[target.Key()] = st
	}
	say(0, health.Status{State: health.Up, Reason: "connected", Since: since})
	say(1, health.Status{State: health.Down, Reason: "refused", Since: since})
	say(2, health.Status{State: health.Up, Reason: "connected", Since: since})
	a := netip.MustParseAddrPort("10.0.0.1:8080")
	gone := config.Server{Name: "old", Address: netip.MustParseAddrPort("10.0.0.9:8080")}
	weighed := fsm.Override{Target: "server/web/a", Kind: fsm.Weight, Weight: 2}
	drained := fsm.Override{Target: "server/web/c", Kind: fsm.Drain, By: fsm.Actor{Name: "ada"}}
	snap := &fsm.Snapshot{
		Document: doc,
		Overrides: []fsm.Override{
			{Target: "router/r1", Kind: fsm.Drain},
			weighed, drained,
		},
		Leaving: []fsm.Leaving{{Virtual: web, Server: gone, Until: since}},
	}
	dir := &director.Status{
		Health: view,
		Table:  ipvs.Table{Services: []ipvs.Service{{Key: key, Destinations: []ipvs.Destination{{Addr: a, Weight: 2}}}}},
		Stats:  ipvs.Stats{key: {Counters: ipvs.Counters{CPS: 12}, Destinations: map[netip.AddrPort]ipvs.DestinationStats{a: {Active: 3, Inactive: 4}}}},
	}
	got := map[string]api.Virtual{}
	for _, v := range virtuals(snap, dir) {
		got[v.Name] = v
	}
	want := []api.Server{
		{Name: "a", Address: "10.0.0.1", Port: 8080, State: "up", Health: "up", Overrides: api.OverridesOf([]fsm.Override{weighed}), Weight: 2, EffectiveWeight: 2, Reason: "connected", Since: &since, Active: 3, Inactive: 4},
		{Name: "b", Address: "10.0.0.2", Port: 8080, State: "down", Health: "down", Weight: 1, Reason: "refused", Since: &since},
		{Name: "c", Address: "10.0.0.3", Port: 8080, State: "drain", Health: "up", Overrides: api.OverridesOf([]fsm.Override{drained}), Weight: 1, Reason: "connected", Since: &since},
		{Name: "d", Address: "10.0.0.4", Port: 8080, State: "unknown", Health: "unknown", Weight: 1},
		{Name: "old", Address: "10.0.0.9", Port: 8080, State: "leaving", Reason: "removed; drains", Until: &since},
	}
	if diff := cmp.Diff(want, got["web"].Servers); diff != "" {
		t.Errorf("servers of web (-want +got):\n%s", diff)
	}
	if v := got["web"]; v.Rates.Connections != 12 || v.Address != "192.0.2.10" || v.FWMark != 0 {
		t.Errorf("web: %+v", v)
	}
	if v := got["mark"]; v.FWMark != 7 || v.Mark != 7 || v.Address != "" || len(v.Ports) != 0 || v.Ports == nil || v.Servers[0].State != "up" || v.Servers[0].Health != "unchecked" {
		t.Errorf("mark: %+v; want mark 7, no address, an unchecked server counted as up", v)
	}
}

// A virtual that is not up says why, a server why it has the weight that it has, and a sorry server is named as one.
func TestStatusOfAPool(t *testing.T) {
	doc := parse(t, twoHCL)
	web := &doc.Virtuals[0]
	if web.Name != "web" {
		web = &doc.Virtuals[1]
	}
	web.Sorry = []config.Server{{Name: "a", Address: netip.MustParseAddrPort("10.0.0.99:8080"), Weight: 1}}
	key, _ := director.KeyOf(*web)
	target, _ := director.TargetOf(*web, web.Servers[0])
	snap := &fsm.Snapshot{Document: doc, Overrides: []fsm.Override{{Target: "server/web/a", Kind: fsm.Drain, By: fsm.Actor{Name: "ada"}}}}
	dir := &director.Status{
		Health: health.View{target.Key(): {State: health.Up, Reason: "connected"}},
		Pools: map[ipvs.Key]director.Pool{key: {Up: 1, Of: 4, Need: 2, Down: true, Sorry: true, Whys: map[netip.AddrPort]string{
			web.Servers[0].Address: "slow start 40 %", web.Servers[1].Address: "panic",
		}}},
	}
	for _, v := range virtuals(snap, dir) {
		switch v.Name {
		case "mark":
			if v.State != "unknown" {
				t.Errorf("one that is not decided on: %q", v.State)
			}
		case "web":
			if want := "1 of 2 needed, the sorry server answers"; v.State != "down" || v.Reason != want {
				t.Errorf("state %q, reason %q; want down, %q", v.State, v.Reason, want)
			}
			a, b, s := v.Servers[0], v.Servers[1], v.Servers[len(v.Servers)-1]
			if a.Reason != "slow start 40 %; connected" || b.Reason != "panic" || !s.Sorry || s.Name != "a" || s.State == "drain" || a.Sorry {
				t.Errorf("servers %+v, %+v, sorry server %+v", a, b, s)
			}
		}
	}
	dir.Undecided = []string{"web"}
	for _, v := range virtuals(snap, dir) {
		if v.State != "unknown" || v.Reason != "" {
			t.Errorf("undecided: %s is %q, %q", v.Name, v.State, v.Reason)
		}
	}
}

// What keeps a router from directing is told with what mends it, not with where to ask.
func TestRemedy(t *testing.T) {
	homeless := director.Problem{What: "vip 192.0.2.10", Why: "no link has its subnet", Fix: "give a link an address of its subnet"}
	other := director.Problem{What: "virtual web", Why: "its check has no port", Fix: `add "port" to the check`}
	foreign := director.Problem{What: "ipvs table", Why: "1 service was there", Fix: "polso apply --adopt"}
	down := []director.Place{{Addr: netip.MustParseAddr("192.0.2.10"), Link: "eth0"}, {Addr: netip.MustParseAddr("192.0.2.11"), Link: "eth0"}}
	for _, test := range []struct {
		name string
		dir  director.Status
		want string
	}{
		{"no link", director.Status{Unfit: []string{"vip 192.0.2.10: no link has its subnet"}, Problems: []director.Problem{other, homeless}}, homeless.Fix},
		{"a link that is down", director.Status{Unfit: []string{"link eth0 of vip 192.0.2.10 is down"}, Places: down, Links: vip.Links{{Name: "eth0"}}, Problems: []director.Problem{other}},
			"ip link set eth0 up"},
		{"somebody else's services", director.Status{Unfit: []string{"services that are not Polso's are in the kernel"}, Problems: []director.Problem{foreign}}, foreign.Fix},
		{"what failed when it last directed", director.Status{Unfit: []string{"when it last directed: -A -t 192.0.2.10:80: no such scheduler"}}, "the log of this router's agent says more"},
	} {
		if got := remedy(&test.dir); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// Each address is listed once, with who asks for it, where it would go and whether it is there.
func TestStatusOfVIPs(t *testing.T) {
	announced := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	web, inside := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("10.0.0.254")
	dir := &director.Status{
		Places: []director.Place{{Addr: web, Link: "eth0"}, {Addr: inside, Link: "eth1"}},
		Held:   []director.HeldStatus{{Held: vip.Held{Addr: web, Link: "eth0"}, Present: true, Announced: announced}, {Held: vip.Held{Addr: inside, Link: "eth1"}}},
	}
	got := vips(&fsm.Snapshot{Document: parse(t, twoHCL)}, dir)
	want := []api.VIP{
		{Name: "inside", Address: "10.0.0.254", Group: "default", Interface: "eth1", Virtuals: []string{}},
		{Name: "web", Address: "192.0.2.10", Group: "default", Interface: "eth0", Held: true, Announced: &announced, Virtuals: []string{"web"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Since when a router directs is known from the first lead on, and of no other than whom the log has as the leader.
func TestActiveSince(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	nodes := []fsm.Node{{ID: "n1", Name: "r1"}, {ID: "n2", Name: "r2"}}
	for _, test := range []struct {
		name   string
		lead   fsm.Lead
		active string
		want   *time.Time
	}{
		{"nobody led yet", fsm.Lead{}, "", nil},
		{"the first lead of all", fsm.Lead{Node: "n1", At: at, Reason: "first"}, "r1", &at},
		{"a takeover", fsm.Lead{Node: "n2", From: "n1", At: at, Reason: "leader lost"}, "r2", &at},
		{"it leads and does not direct", fsm.Lead{Node: "n1", At: at, Reason: "first"}, "", nil},
		{"the one before directs still", fsm.Lead{Node: "n2", From: "n1", At: at, Reason: "transfer"}, "r1", nil},
		{"a new one with the name of one that is removed", fsm.Lead{Node: "a3afd5cc845a2d75", Name: "r1", At: at}, "r1", nil},
	} {
		if diff := cmp.Diff(test.want, activeSince(&fsm.Snapshot{Nodes: nodes, Lead: test.lead}, test.active)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestLastFailover(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	nodes := []fsm.Node{{ID: "n1", Name: "r1"}, {ID: "n2", Name: "r2"}}
	for _, test := range []struct {
		name string
		snap fsm.Snapshot
		want *api.Failover
	}{
		{"nobody led yet", fsm.Snapshot{}, nil},
		{"the first lead of all", fsm.Snapshot{Nodes: nodes, Lead: fsm.Lead{Node: "n1", At: at, Reason: "first"}}, nil},
		{"lost", fsm.Snapshot{Nodes: nodes, Before: fsm.Lead{Node: "n1"}, Lead: fsm.Lead{Node: "n2", From: "n1", At: at, Reason: "leader lost", Took: 310 * time.Millisecond}},
			&api.Failover{From: "r1", To: "r2", At: at, Reason: "leader lost", Seconds: 0.31}},
		{"after all were down, nobody knows how long", fsm.Snapshot{Nodes: nodes, Before: fsm.Lead{Node: "n1"}, Lead: fsm.Lead{Node: "n2", At: at, Reason: "first"}},
			&api.Failover{From: "r1", To: "r2", At: at, Reason: "first"}},
		{"from one that is removed", fsm.Snapshot{Nodes: nodes, Before: fsm.Lead{Node: "a3afd5cc845a2d75", Name: "r3"}, Lead: fsm.Lead{Node: "n2", At: at}},
			&api.Failover{From: "r3", To: "r2", At: at}},
		{"from one of which no name is known", fsm.Snapshot{Nodes: nodes, Before: fsm.Lead{Node: "a3afd5cc845a2d75"}, Lead: fsm.Lead{Node: "n2", At: at}},
			&api.Failover{From: "a3afd5cc", To: "r2", At: at}},
	} {
		if diff := cmp.Diff(test.want, lastFailover(&test.snap)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
