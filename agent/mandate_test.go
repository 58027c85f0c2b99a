package agent

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/config"
	"polso/consensus"
	"polso/consensus/lease"
	"polso/director"
	"polso/fsm"
	"polso/vip"
)

// The leader directs every group of the document until its lease ends; nobody else directs anything.
func TestMandate(t *testing.T) {
	snap := &fsm.Snapshot{Document: config.Document{VIPs: []config.VIP{{Name: "a", Group: "default"}, {Name: "b", Group: "blue"}}}}
	until := lease.Instant(7 * time.Second)
	if got := mandate(consensus.Role{Term: 3, Epoch: 2, Until: until}, snap); got.Epoch != 0 || len(got.Groups) != 0 {
		t.Errorf("a follower's mandate is %+v, want none", got)
	}
	want := director.Mandate{Epoch: 2, Groups: map[director.Group]vip.Instant{"default": vip.Instant(until), "blue": vip.Instant(until)}}
	if diff := cmp.Diff(want, mandate(consensus.Role{Leader: true, Term: 3, Epoch: 2, Until: until}, snap)); diff != "" {
		t.Errorf("leader (-want +got):\n%s", diff)
	}
	if got := mandate(consensus.Role{Leader: true, Epoch: 1}, new(fsm.Snapshot)); len(got.Groups) != 1 {
		t.Errorf("with an empty document: %+v, want group default", got)
	}
}

// The director learns of servers' overrides and of what leaves, and acts only on a state that is known and founded.
func TestStateForTheDirector(t *testing.T) {
	virtual := config.Virtual{Name: "web"}
	server := config.Server{Name: "old", Address: netip.MustParseAddrPort("10.0.0.9:80")}
	snap := &fsm.Snapshot{
		Known: true, Cluster: fsm.Cluster{ID: "c1"}, Revision: 4, Document: config.Document{Virtuals: []config.Virtual{virtual}},
		Overrides: []fsm.Override{
			{Target: "address/10.0.0.1", Kind: fsm.Drain},
			{Target: "router/r1", Kind: fsm.Drain},
			{Target: "server/web/a", Kind: fsm.Down},
			{Target: "server/web/a", Kind: fsm.Weight, Weight: 3},
			{Target: "server/web/b", Kind: fsm.Disable},
		},
		Leaving: []fsm.Leaving{{ID: "1", Virtual: virtual, Server: server}},
	}
	want := director.State{
		Known: true, Revision: 4, Document: snap.Document,
		Overrides: []director.Override{{Address: netip.MustParseAddr("10.0.0.1"), Kind: director.Drain},
			{Virtual: "web", Server: "a", Kind: director.ForceDown}, {Virtual: "web", Server: "a", Kind: director.SetWeight, Weight: 3}, {Virtual: "web", Server: "b", Kind: director.Disable}},
		Leaving: []director.Leaving{{Virtual: virtual, Server: server}},
	}
	if diff := cmp.Diff(want, state(snap), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, edit := range map[string]func(*fsm.Snapshot){
		"not known": func(s *fsm.Snapshot) { s.Known = false }, "not founded": func(s *fsm.Snapshot) { s.Cluster = fsm.Cluster{} },
	} {
		other := *snap
		edit(&other)
		if state(&other).Known {
			t.Errorf("%s: the director would act on it", name)
		}
	}
	asleep := *snap
	asleep.Document = config.Document{Virtuals: []config.Virtual{{Name: "off", Inactive: true}, {Name: "on"}}}
	if got := state(&asleep).Document.Virtuals; len(got) != 1 || got[0].Name != "on" || len(asleep.Document.Virtuals) != 2 {
		t.Errorf("what is not active is served: %v", got)
	}
	if got := state(new(fsm.Snapshot)); got.Known {
		t.Error("a node without a cluster knows a state")
	}
}
