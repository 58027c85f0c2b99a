package fsm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Every refusal: after the given commands, the last one is refused with that code and text, changes nothing but the audit,
// and is audited.
func TestRefusals(t *testing.T) {
	web := "Web=10.0.0.1:80 a=10.1.0.1:80"
	tests := []struct {
		name   string
		before []Command
		ask    Command
		code   Code
		text   string
	}{
		{"found twice", nil, found(t), CodeExists, "there is a cluster already: edge"},

		{"another based on it first", nil, with(set(t, ""), func(d *SetDocument) { d.Base = 1 }), CodeConflict,
			"the document changed: revision 2 runs now, this change is based on 1"},
		{"conflict even if it is the running document", nil, with(set(t, web), func(d *SetDocument) { d.Base = 1 }), CodeConflict,
			"the document changed: revision 2 runs now, this change is based on 1"},
		{"rollback to nothing", nil, with(set(t, ""), func(d *SetDocument) { d.RollbackOf = 9 }), CodeNotFound, "revision 9 is not in the history"},
		{"restored onto another", nil, restore(t, 4, "c1", ""), CodeConflict, "the document changed: revision 2 runs now, this change is based on 1"},

		{"override of nothing", nil, &SetOverride{Target: "server/Web/z", Kind: Drain}, CodeNotFound, "there is no server/Web/z"},
		{"override of no router", nil, &SetOverride{Target: "router/r9", Kind: Drain}, CodeNotFound, "there is no router/r9"},
		{"override that has ended", nil, &SetOverride{Target: "server/Web/a", Kind: Drain, Until: t0}, CodeInvalid,
			"its end, 2026-11-22T10:00:00Z, has passed already"},
		{"override of no address", nil, &SetOverride{Target: "address/10.9.9.9", Kind: Drain, Beside: true}, CodeNotFound, "there is no address/10.9.9.9"},
		{"no such override to clear", []Command{&SetOverride{Target: "server/Web/a", Kind: Drain}}, &ClearOverride{Target: "server/Web/a", About: AboutWeight}, CodeNotFound, "there is no override for server/Web/a"},
		{"no override to clear", nil, &ClearOverride{Target: "server/Web/a"}, CodeNotFound, "there is no override for server/Web/a"},

		{"nothing due", nil, &Expire{Due{Kind: DueToken, ID: "k9", At: t0}}, CodeNotFound, "token k9 does not end at 2026-11-22T10:00:00Z"},
		{"no such drain", nil, &EndLeaving{Due{Kind: DueLeaving, ID: "Web/b@3", At: t0}}, CodeNotFound, "leaving Web/b@3 does not end at 2026-11-22T10:00:00Z"},
		{"no such drains", nil, &EndDrains{[]Due{{Kind: DueLeaving, ID: "Web/b@3", At: t0}}}, CodeNotFound, "leaving Web/b@3 does not end at 2026-11-22T10:00:00Z"},
		{"due at another time", nil, &Expire{Due{Kind: DueToken, ID: "k1", At: t0}}, CodeNotFound, "token k1 does not end at 2026-11-22T10:00:00Z"},
		{"not due yet", nil, &Expire{Due{Kind: DueToken, ID: "k1", At: t0.Add(time.Hour + tokenKept)}}, CodeInvalid,
			"token k1 does not end before 2026-11-23T11:00:00Z"},

		{"to be confirmed in the past", nil, trying(t, bRuns, time.Second), CodeInvalid, "its time to be confirmed, 2026-11-22T10:00:01Z, has passed already"},
		{"nothing to confirm", nil, &Confirm{}, CodeNotFound, "no revision waits to be confirmed"},
		{"nothing to confirm any more", []Command{trying(t, bRuns, time.Minute), &Confirm{}}, &Confirm{Revision: 3}, CodeNotFound, "no revision waits to be confirmed"},
		{"another to confirm", []Command{trying(t, bRuns, time.Minute)}, &Confirm{Revision: 2}, CodeConflict, "revision 3 waits to be confirmed, not 2"},
		{"confirmed before its time was up", []Command{trying(t, bRuns, 6*time.Second), &Confirm{}}, late("3", 6*time.Second), CodeNotFound,
			"confirm 3 does not end at 2026-11-22T10:00:06Z"},
		{"superseded before its time was up", []Command{trying(t, bRuns, 6*time.Second), set(t, cRuns)}, late("3", 6*time.Second), CodeNotFound,
			"confirm 3 does not end at 2026-11-22T10:00:06Z"},
		{"not given its time", []Command{trying(t, bRuns, time.Minute)}, late("3", time.Minute), CodeInvalid, "confirm 3 does not end before 2026-11-22T10:01:00Z"},
		{"given more time", []Command{trying(t, bRuns, 6*time.Second), trying(t, bRuns, time.Minute)}, late("3", 6*time.Second), CodeNotFound,
			"confirm 3 does not end at 2026-11-22T10:00:06Z"},

		{"token unknown", nil, join("n2", "r2", "k9"), CodeNotFound, "the token k9 is not known: revoked, expired, or of another cluster"},
		{"token revoked", []Command{&RevokeToken{ID: "k1"}}, join("n2", "r2", "k1"), CodeNotFound,
			"the token k1 is not known: revoked, expired, or of another cluster"},
		{"token expired", []Command{with(token("k2", "b"), func(k *AddToken) { k.Token.Expires = t0.Add(6 * time.Second) })},
			join("n2", "r2", "k2"), CodeExpired, "the token k2 expired at 2026-11-22T10:00:06Z"},
		{"token used up", []Command{join("n2", "r2", "k1"), join("n3", "r3", "k1")}, join("n4", "r4", "k1"), CodeExpired,
			"the token k1 has been used up"},
		{"token of another kind", nil, with(join("n2", "w2", "k1"), func(a *AddNode) { a.Node.Kind = Witness }), CodeInvalid,
			"the token k1 admits a router, not a witness"},
		{"joining twice", []Command{join("n2", "r2", "k1")}, join("n2", "r2", "k1"), CodeExists, "this node is a member already: r2"},
		{"name taken", []Command{join("n2", "r2", "k1")}, join("n3", "r2", "k1"), CodeExists, "there is a node r2 already"},
		{"address taken", nil, with(join("n2", "r2", "k1"), func(a *AddNode) { a.Node.Addresses = []string{"10.9.0.12:5390", "10.9.0.11:5390"} }),
			CodeExists, "10.9.0.11:5390 is the address of r1 already"},
		{"nobody to replace", nil, with(join("n2", "r2", "k1"), func(a *AddNode) { a.Replace = "r7" }), CodeNotFound, "there is no node r7 to replace"},
		{"replaces one, takes another's name", []Command{join("n2", "r2", "k1")},
			with(join("n3", "r1", "k1"), func(a *AddNode) { a.Replace = "r2" }), CodeExists, "there is a node r1 already"},
		{"removed node", []Command{join("n2", "r2", "k1"), &RemoveNode{ID: "n2"}}, join("n2", "r2", "k1"), CodeInvalid,
			"node n2 was removed and cannot come back"},
		{"no node to remove", nil, &RemoveNode{ID: "n9"}, CodeNotFound, "there is no node n9"},
		{"the last node", nil, &RemoveNode{ID: "n1"}, CodeInvalid, "r1 is the last node: without it there is no cluster"},
		{"no node to update", nil, &UpdateNode{ID: "n9", Addresses: []string{"a"}}, CodeNotFound, "there is no node n9"},
		{"removed node to update", []Command{join("n2", "r2", "k1"), &RemoveNode{ID: "n2"}}, &UpdateNode{ID: "n2", Addresses: []string{"a"}},
			CodeInvalid, "node n2 was removed and cannot come back"},
		{"update to another's address", []Command{join("n2", "r2", "k1")}, &UpdateNode{ID: "n2", Addresses: []string{"10.9.0.11:5390"}},
			CodeExists, "10.9.0.11:5390 is the address of r1 already"},

		{"token twice", nil, token("k1", "b"), CodeExists, "there is a token k1 already"},
		{"secret twice", nil, token("k2", "a"), CodeExists, "there is a token with this secret already"},
		{"token that has ended", nil, with(token("k2", "b"), func(k *AddToken) { k.Token.Expires = t0 }), CodeInvalid,
			"its end, 2026-11-22T10:00:00Z, has passed already"},
		{"a second change of the profile", []Command{&SetProfile{Profile: "wan"}}, &SetProfile{Profile: "vm"}, CodeConflict,
			"the change from lan to wan is under way"},
		{"no change of the profile to finish", nil, &FinishProfile{Reported: []string{"n1"}}, CodeNotFound, "the change 0 of the profile is not under way"},
		{"no change of the CA to go on with", nil, &AdvanceCA{Reported: []string{"n1"}}, CodeNotFound, "the step 0 of a change of the CA is not under way"},
		{"the CA that it is", nil, &RotateCA{CA: pem}, CodeExists, "this is the cluster's CA already"},
		{"no token to revoke", nil, &RevokeToken{ID: "k9"}, CodeNotFound, "there is no token k9"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := cluster(t, web)
			m.must(tt.before...)
			before := m.Load()
			got := m.do(tt.ask)
			if got.Refusal == nil || got.Refusal.Code != tt.code || got.Refusal.Text != tt.text {
				t.Fatalf("got %+v, want %s: %s", got.Refusal, tt.code, tt.text)
			}
			if !errors.Is(got.Err(), tt.code.sentinel()) || errors.Is(got.Err(), ErrStopped) {
				t.Errorf("errors.Is does not tell %s by its sentinel", tt.code)
			}
			if got.Index != m.index || got.Revision != before.Revision {
				t.Errorf("index %d revision %d, want %d and %d", got.Index, got.Revision, m.index, before.Revision)
			}
			after := m.Load()
			last := after.Audit[len(after.Audit)-1]
			if last.Error != tt.text || last.Action != string(tt.ask.Name()) || last.Index != m.index || last.Revision != 0 {
				t.Errorf("audit: %+v", last)
			}
			// But for the audit and the answer the state is as it was.
			same := *after
			same.Index, same.Audit, same.requests = before.Index, before.Audit, before.requests
			if d := cmp.Diff(textOf(t, before), textOf(t, &same)); d != "" {
				t.Errorf("a refused command changed the state:\n%s", d)
			}
		})
	}
}

// Before there is a cluster everything but Found and TakeLead is refused.
func TestRefusalsNotFounded(t *testing.T) {
	for _, c := range []Command{
		set(t, ""), restore(t, 4, "c1", ""), &SetOverride{Target: "router/r1", Kind: Drain}, &ClearOverride{Target: "router/r1"}, &Expire{Due{Kind: DueToken}},
		join("n2", "r2", "k1"), &RemoveNode{ID: "n1"}, &UpdateNode{ID: "n1", Addresses: []string{"a"}}, token("k1", "a"), &RevokeToken{ID: "k1"}, &Confirm{}, &Switched{From: "r1", To: "r2"}, &TestedNotice{Notify: "pager"},
	} {
		m := newMachine(t)
		m.must(&TakeLead{Node: "n1", Reason: "first"})
		if got := m.do(c); !errors.Is(got.Err(), ErrNotFounded) {
			t.Errorf("%s: got %v, want %v", c.Name(), got.Err(), ErrNotFounded)
		}
	}
}

// What is wrong in itself does not become an entry.
func TestEncodeRefuses(t *testing.T) {
	long := strings.Repeat("x", 64)
	tests := []struct {
		name string
		c    Command
		want string
	}{
		{"profile", with(found(t), func(f *Found) { f.Cluster.Profile = "slow" }), `"slow" is no profile: fast, lan, vm or wan`},
		{"generation", with(found(t), func(f *Found) { f.Cluster.Generation = 0 }), "a cluster's generation counts from 1"},
		{"witness first", with(found(t), func(f *Found) { f.Node.Kind = Witness }), "the first node of a cluster is a router, not a witness"},
		{"no CA", with(found(t), func(f *Found) { f.Cluster.CA = "" }), "the certificate of the cluster's CA is missing"},
		{"cluster ID", with(found(t), func(f *Found) { f.Cluster.ID = "" }), `"" is no ID of a cluster: 1 to 63 visible ASCII characters`},
		{"cluster name", with(found(t), func(f *Found) { f.Cluster.Name = "-x" }),
			`"-x" is no name for a cluster: letters, digits, dots, dashes and underscores, a letter or digit first, at most 63`},
		{"node ID", &RemoveNode{ID: "a b"}, `"a b" is no ID of a node: 1 to 63 visible ASCII characters`},
		{"node name", join("n2", "é", "k"), `"é" is no name for a node: letters, digits, dots, dashes and underscores, a letter or digit first, at most 63`},
		{"node name long", join("n2", long, "k"), `"` + long + `" is no name for a node: letters, digits, dots, dashes and underscores, a letter or digit first, at most 63`},
		{"node kind", with(join("n2", "r2", "k"), func(a *AddNode) { a.Node.Kind = "" }), `"" is no kind of node: router or witness`},
		{"no token", join("n2", "r2", ""), `"" is no ID of a token: 1 to 63 visible ASCII characters`},
		{"no address", &UpdateNode{ID: "n1"}, "a node has 1 to 8 addresses, not 0"},
		{"bad address", &UpdateNode{ID: "n1", Addresses: []string{"a b"}}, `"a b" is no address`},
		{"address twice", &UpdateNode{ID: "n1", Addresses: []string{"a", "b", "a"}}, "the address a is named twice"},
		{"no reason to lead", &TakeLead{Node: "n1"}, "taking the lead needs a reason of at most 1024 bytes"},
		{"lead from", &TakeLead{Node: "n1", Reason: "x", From: "\n"}, `"\n" is no ID of a node: 1 to 63 visible ASCII characters`},
		{"nothing to restore", restore(t, 1, "c1"), "a snapshot has 1 to 100 revisions, not 0"},
		{"restored without a base", with(restore(t, 1, "c1", ""), func(r *Restore) { r.Base = 0 }), "the running revision is not named"},
		{"restored with a long message", with(restore(t, 1, "c1", ""), func(r *Restore) { r.Message = strings.Repeat("m", 4097) }), "the message is 4097 bytes, at most 4096 are possible"},
		{"restored out of order", with(restore(t, 1, "c1", "", ""), func(r *Restore) { r.History[1].Number = 1 }), "the snapshot's revisions are not in order: 1"},
		{"restored from nowhere", restore(t, 1, "", ""), `"" is no ID of a cluster: 1 to 63 visible ASCII characters`},
		{"long message", with(set(t, ""), func(d *SetDocument) { d.Message = strings.Repeat("m", 4097) }), "the message is 4097 bytes, at most 4096 are possible"},
		{"target", &SetOverride{Target: "web/a", Kind: Drain}, `"web/a" is neither server/VIRTUAL/SERVER nor router/NAME`},
		{"long target", &SetOverride{Target: "server/" + strings.Repeat("t", 1024), Kind: Drain}, "the target has 1031 bytes, at most 1024 are possible"},
		{"long reason", &SetOverride{Target: "router/r1", Kind: Drain, Reason: strings.Repeat("r", 1025)}, "the reason has 1025 bytes, at most 1024 are possible"},
		{"override kind", &SetOverride{Target: "server/w/a", Kind: "stop"}, `"stop" is no override: drain, disable or weight`},
		{"router weight", &SetOverride{Target: "router/r1", Kind: Weight}, "a router has no weight"},
		{"weight high", &SetOverride{Target: "server/w/a", Kind: Weight, Weight: 65536}, "weight 65536 is not between 0 and 65535"},
		{"weight low", &SetOverride{Target: "server/w/a", Kind: Weight, Weight: -1}, "weight -1 is not between 0 and 65535"},
		{"drain with weight", &SetOverride{Target: "server/w/a", Kind: Drain, Weight: 1}, "drain takes no weight"},
		{"up alone", &SetOverride{Target: "server/w/a", Kind: Up}, `"up" is no override: drain, disable or weight`},
		{"address alone", &SetOverride{Target: "address/10.1.0.1", Kind: Drain}, `"address/10.1.0.1" is neither server/VIRTUAL/SERVER nor router/NAME`},
		{"address that is none", &SetOverride{Target: "address/web", Kind: Drain, Beside: true}, `"web" is no address of a server`},
		{"address in other words", &SetOverride{Target: "address/::ffff:10.1.0.1", Kind: Drain, Beside: true}, `"::ffff:10.1.0.1" is no address of a server`},
		{"address that is up", &SetOverride{Target: "address/10.1.0.1", Kind: Up, Beside: true}, "what is at an address is drained or disabled; it has no up"},
		{"router that is down", &SetOverride{Target: "router/r1", Kind: Down, Beside: true}, "a router has no down"},
		{"up with weight", &SetOverride{Target: "server/w/a", Kind: Up, Weight: 1, Beside: true}, "up takes no weight"},
		{"about nothing", &ClearOverride{Target: "server/w/a", About: "drain"}, `no override is about "drain": it is about traffic, weight or health`},
		{"switched to nobody", &Switched{From: "r1"}, `"" is no name for a node: letters, digits, dots, dashes and underscores, a letter or digit first, at most 63`},
		{"a test of nothing", &TestedNotice{Told: []string{"r1"}}, `"" is no name for a notify block: letters, digits, dots, dashes and underscores, a letter or digit first, at most 63`},
		{"a test by nobody", &TestedNotice{Notify: "pager", Failed: []string{"r 1"}}, `"r 1" is no name for a node: letters, digits, dots, dashes and underscores, a letter or digit first, at most 63`},
		{"a test by a crowd", &TestedNotice{Notify: "pager", Told: make([]string, 101)}, "101 routers are more than 100"},
		{"a token has no connections", &EndLeaving{Due{Kind: DueToken}}, `nothing of the kind "token" ends with its connections`},
		{"no drains", &EndDrains{}, "1 to 1000 drains end at once, not 0"},
		{"too many drains", &EndDrains{make([]Due, 1001)}, "1 to 1000 drains end at once, not 1001"},
		{"a token is no drain", &EndDrains{[]Due{{Kind: DueLeaving}, {Kind: DueToken}}}, `nothing of the kind "token" is a drain`},
		{"due kind", &Expire{Due{Kind: "lease"}}, `nothing of the kind "lease" ends by itself`},
		{"token hash", with(token("k", "a"), func(k *AddToken) { k.Token.Hash = "secret" }), "a token's hash is 64 hexadecimal digits"},
		{"token uses", with(token("k", "a"), func(k *AddToken) { k.Token.Uses = 0 }), "a token has 1 to 1000 uses, not 0"},
		{"token kind", with(token("k", "a"), func(k *AddToken) { k.Token.Kind = "admin" }), `"admin" is no kind of node: router or witness`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Encode(Envelope{Request: "q", Actor: admin, At: t0, Command: tt.c})
			if err == nil || err.Error() != tt.want {
				t.Fatalf("got  %v\nwant %s", err, tt.want)
			}
			if r, ok := errors.AsType[*Refusal](err); !ok || r.Code != CodeInvalid && r.Code != CodeTooLarge {
				t.Errorf("not a refusal: %#v", err)
			}
		})
	}
	for name, e := range map[string]Envelope{
		"no command":   {Request: "q", At: t0},
		"no request":   {At: t0, Command: &RevokeToken{ID: "k"}},
		"long request": {Request: strings.Repeat("q", 65), At: t0, Command: &RevokeToken{ID: "k"}},
		"no time":      {Request: "q", Command: &RevokeToken{ID: "k"}},
	} {
		if _, err := Encode(e); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

// with changes a command in place and returns it.
func with[C any](c *C, f func(*C)) *C {
	f(c)
	return c
}

func TestResultTravels(t *testing.T) {
	for _, r := range []Result{
		{Index: 7, Revision: 3},
		{Index: 7, Revision: 3, Unchanged: true},
		{Index: 7, Revision: 3, Refusal: refuse(CodeConflict, "fix", "text <%d>", 1)},
		{Refusal: &Refusal{Code: "of a newer release", Text: "x"}},
	} {
		got, err := DecodeResult(r.encode())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, got); d != "" {
			t.Errorf("-sent +got:\n%s", d)
		}
		if (r.Err() == nil) != (r.Refusal == nil) {
			t.Errorf("Err of %+v is %v", r, r.Err())
		}
	}
	if got, want := string(Result{Index: 7, Revision: 3, Refusal: &Refusal{Code: CodeExists, Text: "t"}}.encode()),
		`{"index":7,"revision":3,"refusal":{"code":"exists","text":"t"}}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := DecodeResult([]byte("no")); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
	if _, err := DecodeResult([]byte(`{"index":1,"of_a_newer_release":1}`)); err != nil {
		t.Errorf("a newer release's answer: %v", err)
	}
	if errors.Is(&Refusal{Code: "of a newer release"}, nil) {
		t.Error("an unknown code is nil")
	}
	if err := fmt.Errorf("apply: %w", (Result{Refusal: &Refusal{Code: CodeTooLarge}}).Err()); !errors.Is(err, ErrTooLarge) {
		t.Error("wrapping hides the code")
	}
}
