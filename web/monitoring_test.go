package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"polso/api"
	"polso/events"
	"polso/fsm"
)

// Control/Monitoring says how the cluster stands, and what of it needs somebody.
func TestOverview(t *testing.T) {
	c := newCluster(t)
	v := c.visit(t, fsm.Operator)
	got := v.get("/monitoring")
	got.shows(t, 200, "DEGRADED", "<strong>r1</strong>, since", "None more may be lost", "does not answer", "start it", "02:00:00:00:00:09 claims it too", `href="/virtuals/web"`,
		"1/2", "Announce again", "Where did Piranha", `<section id="charts"`, "served by <b>r1</b>")
	if strings.Index(got.text, `data-k="v/web/state"`) > strings.Index(got.text, `data-k="v/mail/state"`) {
		t.Error("what is down does not come first")
	}
	if got := v.post("/monitoring/announce", nil); got.code != 303 || got.to != "/monitoring" {
		t.Errorf("announce: %d to %s", got.code, got.to)
	}
	c.wasAsked(t, "announce")
	c.visit(t, fsm.Viewer).get("/monitoring").lacks(t, "Announce again")

	c.status.LastFailover = nil // a fresh cluster, in which nobody has taken over yet
	v.get("/monitoring").shows(t, 200, `<strong>r1</strong>, since`, `<time datetime="2026-11-22T09:00:00Z">`)
	c.status.ActiveSince = nil
	v.get("/monitoring").shows(t, 200, "<strong>r1</strong></dd>")

	c.status.Leader, c.status.Active = "", ""
	v.get("/monitoring").shows(t, 200, "This is what router r1 alone knows", "nobody: no address is held")
	c.status = api.Status{Node: "r1", Leader: "r1"}
	v.get("/monitoring").shows(t, 200, "The document has no address", "There is no virtual server yet", "belongs to no cluster")
}

// Of many addresses the page has those that are not well, and leads to all; of many virtuals at one it names some.
func TestManyAddresses(t *testing.T) {
	c := newCluster(t)
	c.status.VIPs = nil
	for i := range 110 {
		c.status.VIPs = append(c.status.VIPs, api.VIP{Address: fmt.Sprintf("192.0.2.%d", i), Held: i != 107, Virtuals: strings.Fields("v1 v2 v3 v4 v5 v6 v7 v8")})
	}
	v := c.visit(t, fsm.Viewer)
	got := v.get("/monitoring")
	got.shows(t, 200, "25 of 110 virtual addresses", `data-k="vip/192.0.2.107/state"`, `href="/monitoring?addresses=all"`, `v6 <a href="/virtuals?q=192.0.2.3">and 2 more</a>`)
	got.lacks(t, `data-k="vip/192.0.2.24/state"`, "v7")
	v.get("/monitoring?addresses=all").shows(t, 200, "Where each virtual address is", `data-k="vip/192.0.2.109/state"`)
}

// The lines that TakeLead writes are read as they are written, and who asked for a switchover is told beside it.
func TestTakeovers(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	lead := func(i int, c *fsm.TakeLead) api.AuditEntry {
		return api.AuditEntry{Index: uint64(i), At: at, By: "r1", Action: string(c.Name()), Detail: c.String()}
	}
	got := takeoversOf([]api.AuditEntry{
		lead(1, &fsm.TakeLead{Node: "r1", Reason: "first"}),
		lead(2, &fsm.TakeLead{Node: "r2", From: "r1", Reason: "transfer: it sees fewer, by far", Took: 42 * time.Millisecond}),
		{Index: 3, By: "alice", Action: string(fsm.NameSwitched), Detail: "the switchover from r1 to r2 was asked for"},
		{Index: 4, Action: string(fsm.NameSetDocument)},
	})
	want := []takeover{{at, "r2", "transfer: it sees fewer, by far", "42ms", "alice", ""}, {at, "r1", "first", "", "", ""}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}

	c := newCluster(t)
	c.visit(t, fsm.Viewer).get("/monitoring/timeline").shows(t, 200, "Nobody has taken the lead yet")
	if _, err := c.Propose(t.Context(), fsm.Actor{Kind: "node", Name: "r1"}, "x", &fsm.TakeLead{Node: "n1", Reason: "leader lost", Took: time.Second}); err != nil {
		t.Fatal(err)
	}
	c.visit(t, fsm.Viewer).get("/monitoring/timeline").shows(t, 200, `<th scope="row">r1</th><td>leader lost</td><td class="num">1s</td>`)
	snap, err := c.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.happened = []events.Event{{Kind: events.FailedOver, Failover: &events.Takeover{
		To: "r1", At: snap.Lead.At, Stages: []events.Stage{{Name: "detection", Seconds: 0.9}, {Name: "election", Seconds: 0.08}},
	}}}
	c.visit(t, fsm.Viewer).get("/monitoring/timeline").shows(t, 200, `<td>leader lost<br><small>detection 900ms, election 80ms</small></td>`)
}

// The table is that of any router, in any of ipvsadm's layouts.
func TestIPVSPage(t *testing.T) {
	c := newCluster(t)
	v := c.visit(t, fsm.Viewer)
	v.get("/monitoring/ipvs").shows(t, 200, "Kernel table of r1", "IP Virtual Server version 1.2.1", "<option>r2</option>")
	v.get("/monitoring/ipvs?router=r2&layout=stats").shows(t, 200, "Kernel table of r2", `<option value="stats" selected>`, "polso ipvs --on r2 --stats")
	c.wasAsked(t, "ipvs r1 list", "ipvs r2 stats")
	c.refuses = api.Errorf(api.CodeUnreachable, "router r2 does not answer")
	v.get("/monitoring/ipvs?router=r2").shows(t, 200, "router r2 does not answer")
	c.table = api.IPVS{}
	v.get("/monitoring/ipvs").shows(t, 200, "Its kernel balances nothing")
}

// What the routers see differently, and what their kernels have differently, stands side by side; who does not answer is named.
func TestSideBySide(t *testing.T) {
	c := newCluster(t)
	v := c.visit(t, fsm.Viewer)
	got := v.get("/monitoring/routers")
	got.shows(t, 200, "not yet as its revision wants it", `href="/virtuals/web/servers/b"`, "tcp: connection refused", "net.ipv4.vs.conntrack", "keep says 0", "What r1 lacks", "join another")
	if strings.Index(got.text, ">ipvs<") > strings.Index(got.text, ">clock<") {
		t.Error("what fails does not come first")
	}
	delete(c.own, "r2")
	v.get("/monitoring/routers?router=w1").shows(t, 200, "router r2 does not answer", "What w1 lacks")
	c.wasAsked(t, "doctor r1", "doctor w1")
	c.status, c.own = api.Status{Node: "r1"}, nil
	v.get("/monitoring/routers").shows(t, 200, "Nowhere does one router", "needs no setting")
}
