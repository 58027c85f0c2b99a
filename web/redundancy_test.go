package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"polso/api"
	"polso/fsm"
)

// Redundancy shows every member with what there is to know of it, and offers what the caller may do.
func TestRedundancy(t *testing.T) {
	c := newCluster(t)
	got := c.visit(t, fsm.Admin).get("/redundancy")
	got.shows(t, 200, "link eth0 is down", "penalty 2, router_check gateway: no answer", "172.16.0.12:5390 is down", "drained by bob", "new &lt;disk&gt;", "never: it votes",
		"waiting for w1", "400ms", `action="/redundancy/routers/r2/undrain"`, `href="/redundancy/routers/r2/transfer"`, `href="/redundancy/routers/r1/drain"`,
		`href="/redundancy/routers/w1/remove"`, `href="/redundancy/leave"`, "Make the line to paste", "What is a witness?", "Heartbeat interval")
	got.lacks(t, `href="/redundancy/routers/r1/transfer"`, `href="/redundancy/routers/w1/drain"`, `href="/redundancy/routers/r1/remove"`)
	c.visit(t, fsm.Operator).get("/redundancy").lacks(t, "/remove", "Make the line", "/redundancy/leave", ">Change…<")
	viewer := c.visit(t, fsm.Viewer).get("/redundancy")
	viewer.shows(t, 200, "takes the role admin")
	viewer.lacks(t, "/remove", "/drain", "/undrain", "/transfer", "Make the line")
	c.status = api.Status{Node: "r1", Leader: "r1", Members: []api.Member{}}
	c.profile = api.Profile{}
	c.visit(t, fsm.Admin).get("/redundancy").shows(t, 200, "The profile is not known just now")
}

// The line that is made can be pasted as it is; what cannot stand in it is refused beside its field.
func TestJoinLine(t *testing.T) {
	c := newCluster(t)
	v := c.visit(t, fsm.Admin)
	form := url.Values{"kind": {"witness"}, "ttl": {"90m"}, "uses": {"2"}, "advertise": {"10.9.0.14"}}
	v.post("/redundancy/tokens", form).shows(t, 200,
		`>polso join 10.9.0.11:5390 10.9.0.12:5390 172.16.0.12:5390 --token POLSO-1-A-B --advertise 10.9.0.14</pre>`, "It admits 2 witnesses", "polso agent --kernel none")
	c.wasAsked(t, "token witness 5400 2")
	for field, wrong := range map[string]string{"ttl": "soon", "uses": "0", "advertise": "10.9.0.14; reboot"} {
		bad := url.Values{"kind": {"router"}, "ttl": {"1h"}, "uses": {"1"}, "advertise": {"[2001:db8::1]:5391"}}
		bad.Set(field, wrong)
		v.post("/redundancy/tokens", bad).shows(t, 422, `id="`+field+`-error"`, `value="`+wrong+`"`)
	}
	c.wasAsked(t)
	c.refuses = api.Errorf(api.CodeRefused, "w1 is a witness: it admits nobody")
	v.post("/redundancy/tokens", form).shows(t, 409, "it admits nobody", `value="90m"`)
}

// Every act is asked once, says what it means, and reaches /v1 as it was meant; what /v1 refuses is said in its words.
func TestActs(t *testing.T) {
	for path, test := range map[string]struct {
		form  url.Values
		asks  string // what the question says; "" where there is none
		wants string
		to    string
	}{
		"/redundancy/routers/r2/transfer":                {nil, "It cuts no connection where the sync daemon runs", "transfer r2", "/redundancy"},
		"/redundancy/routers/w1/remove":                  {nil, "2 of 2 voters are left that answer: after that none may be lost", "remove w1", "/redundancy"},
		"/redundancy/leave":                              {nil, "nobody can sign in here after that", "leave false", "/redundancy"},
		"/redundancy/profile?profile=wan":                {url.Values{"profile": {"wan"}}, "The addresses move once", "profile wan", "/redundancy#profile"},
		"/redundancy/certificates/rotate?what=own":       {url.Values{"what": {"own"}}, "It gets a new key and certificate", "rotate false false", "/redundancy/certificates"},
		"/redundancy/certificates/rotate?what=all":       {url.Values{"what": {"all"}}, "one after the other", "rotate true false", "/redundancy/certificates"},
		"/redundancy/certificates/rotate?what=ca&really": {url.Values{"what": {"ca"}}, "Join tokens that were made before end", "rotate false true", "/redundancy/certificates"},
	} {
		t.Run(path, func(t *testing.T) {
			c := newCluster(t)
			v := c.visit(t, fsm.Admin)
			u, err := url.Parse(path)
			if err != nil {
				t.Fatal(err)
			}
			v.get(path).shows(t, 200, test.asks, "Leave it", `method="post" action="`+u.Path+`"`)
			c.wasAsked(t)
			c.refuses = api.Errorf(api.CodeRefused, "not now").WithHint("wait")
			v.post(u.Path, test.form).shows(t, 409, "not now", "wait", test.asks)
			c.wasAsked(t, test.wants)
			if got := v.post(u.Path, test.form); got.code != 303 || got.to != test.to {
				t.Errorf("%d to %q", got.code, got.to)
			}
			c.wasAsked(t, test.wants)
		})
	}
}

// A join token ends after a question; who has lost its role meanwhile, or names none that is there, is told so.
func TestRevokeToken(t *testing.T) {
	c := newCluster(t)
	end := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	add := &fsm.AddToken{Token: fsm.Token{ID: "t1", Hash: strings.Repeat("a", 64), Kind: fsm.Witness, Uses: 2, Expires: end}}
	if _, err := c.Propose(t.Context(), fsm.Actor{Kind: "user", Name: "bob"}, "t", add); err != nil {
		t.Fatal(err)
	}
	const revoke = "/redundancy/tokens/t1/revoke"
	v := c.visit(t, fsm.Admin)
	v.get("/redundancy").shows(t, 200, `href="`+revoke+`"`)
	v.get(revoke).shows(t, 200, "It admits 2 witnesses until 2100-01-01", "made by bob", "stays a member", "Leave it", `method="post" action="`+revoke+`"`)
	if _, ok := c.fsm.Load().Token("t1"); !ok {
		t.Fatal("to ask ends it")
	}
	c.visit(t, fsm.Operator).get(revoke).shows(t, 403, "role admin")
	c.refuse = api.Errorf(api.CodeNoLeader, "no leader")
	if got := v.post(revoke, nil); got.code == 303 || !strings.Contains(got.text, "no leader") || !strings.Contains(got.text, "2 witnesses") {
		t.Errorf("refused: %d\n%s", got.code, got.text)
	}
	if got := v.post(revoke, nil); got.code != 303 || got.to != "/redundancy#join" {
		t.Errorf("%d to %q\n%s", got.code, got.to, got.text)
	}
	v.get(revoke).shows(t, 404, "no join token that admits somebody")
	v.post(revoke, nil).shows(t, 404, "t1")
}

// A router is drained with a reason and an end, and taken back.
func TestDrain(t *testing.T) {
	c := newCluster(t)
	v := c.visit(t, fsm.Operator)
	v.get("/redundancy/routers/r1/drain").shows(t, 200, "It directs now: the addresses move at once")
	v.post("/redundancy/routers/r1/drain", url.Values{"for": {"soon"}, "reason": {"a & b"}}).shows(t, 422, `id="for-error"`, `value="a &amp; b"`)
	if got := v.post("/redundancy/routers/r1/drain", url.Values{"for": {"2h"}, "reason": {"disk"}}); got.code != 303 {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	o, ok := c.fsm.Load().Override("router/r1")
	if !ok || o.Kind != fsm.Drain || o.Reason != "disk" || o.Until.IsZero() {
		t.Errorf("override %+v, %v", o, ok)
	}
	if got := v.post("/redundancy/routers/r1/undrain", nil); got.code != 303 {
		t.Errorf("%d\n%s", got.code, got.text)
	}
	if _, ok := c.fsm.Load().Override("router/r1"); ok {
		t.Error("it is drained still")
	}
	v.post("/redundancy/routers/r1/undrain", nil).shows(t, 404, "router r1 is not drained")
	v.get("/redundancy/routers/nobody/drain").shows(t, 404, "no router is called")
}

// Certificates are shown whole, with a change that is under way.
func TestCertificates(t *testing.T) {
	c := newCluster(t)
	c.visit(t, fsm.Admin).get("/redundancy/certificates").shows(t, 200, "polso://c/1/router/n1", "until 2026-11-23", "whose key is here", "trusted as well", "waiting for w1", "Take a new CA")
	c.certs = api.Certificates{}
	c.visit(t, fsm.Viewer).get("/redundancy/certificates").lacks(t, "Take a new CA")
}

// What the removal of a member means for the others is reckoned, not guessed.
func TestQuorumAfter(t *testing.T) {
	for _, test := range []struct {
		voters, healthy int
		state, raft     string
		want            string
	}{
		{5, 5, "up", "follower", "4 of 4 voters are left that answer: after that 1 may be lost."},
		{3, 3, "up", "follower", "2 of 2 voters are left that answer: after that none may be lost, or nobody holds an address."},
		{3, 2, "down", "follower", "2 of 2 voters are left that answer: after that none may be lost, or nobody holds an address."},
		{3, 2, "up", "follower", "2 voters are left, of which 1 answer: that is no majority, so it is refused, or nobody holds an address until one comes back."},
		{1, 1, "up", "leader", "It is the only voter: the others take over nothing. To give the cluster up, have it leave."},
		{3, 3, "up", "learner", "It has no vote: for the quorum nothing changes."},
	} {
		m := memberRow{api.Member{State: test.state, Raft: test.raft}, api.Status{Quorum: api.Quorum{Voters: test.voters, Healthy: test.healthy}}}
		if got := quorumAfter(m); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
