package agent

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/consensus"
	"polso/director"
	"polso/fsm"
	"polso/ipvs"
	"polso/steward"
)

// TestStewardReport: what a router says of itself arrives; a status without a member of its own says only what its kernel is like.
func TestStewardReport(t *testing.T) {
	started := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	self := api.Member{Started: &started, Unfit: []string{"a", "b"}, Undecided: []string{"web"}, Failing: 3}
	st := api.Status{AppliedRevision: 7, Converged: true, Members: []api.Member{self}}
	want := steward.Report{Revision: 7, Converged: true, Failing: 3, Unfit: "a; b", Undecided: []string{"web"}, Started: started}
	if diff := cmp.Diff(want, stewardReport(st)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	st.Members = nil
	if diff := cmp.Diff(steward.Report{Revision: 7, Converged: true}, stewardReport(st)); diff != "" {
		t.Errorf("without a member (-want +got):\n%s", diff)
	}
}

// A server that leaves is idle when the kernel that directs has no connection to it; no other kernel's word counts.
func TestIdle(t *testing.T) {
	web := parse(t, edgeHCL).Virtuals[0]
	key, _ := director.KeyOf(web)
	gone := web.Servers[1]
	web.Servers = nil
	vip := director.HeldStatus{Present: true}
	for _, test := range []struct {
		name  string
		alter func(*consensus.Role, *director.Status, *ipvs.DestinationStats)
		idle  bool
	}{
		{"no connection", func(*consensus.Role, *director.Status, *ipvs.DestinationStats) {}, true},
		{"one", func(_ *consensus.Role, _ *director.Status, at *ipvs.DestinationStats) { at.Active = 1 }, false},
		{"one that is being closed", func(_ *consensus.Role, _ *director.Status, at *ipvs.DestinationStats) { at.Inactive = 1 }, false},
		{"a client that would come back to it", func(_ *consensus.Role, _ *director.Status, at *ipvs.DestinationStats) { at.Persistent = 1 }, true},
		{"a standby", func(r *consensus.Role, _ *director.Status, _ *ipvs.DestinationStats) { r.Leader = false }, false},
		{"an older lead's pass", func(_ *consensus.Role, d *director.Status, _ *ipvs.DestinationStats) { d.Epoch-- }, false},
		{"an older document's", func(_ *consensus.Role, d *director.Status, _ *ipvs.DestinationStats) { d.Revision-- }, false},
		{"a kernel that is not as wanted", func(_ *consensus.Role, d *director.Status, _ *ipvs.DestinationStats) { d.Converged = false }, false},
		{"an address that is not up", func(_ *consensus.Role, d *director.Status, _ *ipvs.DestinationStats) { d.Held[0].Present = false }, false},
		{"it has its weight still", func(_ *consensus.Role, d *director.Status, _ *ipvs.DestinationStats) {
			d.Table.Services[0].Destinations[0].Weight = 3
		}, false},
		{"not in the table", func(_ *consensus.Role, d *director.Status, _ *ipvs.DestinationStats) { d.Table = ipvs.Table{} }, false},
	} {
		role, at := consensus.Role{Leader: true, Epoch: 5}, ipvs.DestinationStats{}
		dir := &director.Status{
			Epoch: 5, Revision: 3, Converged: true, Held: []director.HeldStatus{vip},
			Table: ipvs.Table{Services: []ipvs.Service{{Key: key, Destinations: []ipvs.Destination{{Addr: gone.Address}}}}},
		}
		test.alter(&role, dir, &at)
		dir.Stats = ipvs.Stats{key: {Destinations: map[netip.AddrPort]ipvs.DestinationStats{gone.Address: at}}}
		got := idle(&fsm.Snapshot{Revision: 3, Leaving: []fsm.Leaving{{ID: "web/b@3", Virtual: web, Server: gone}}}, role, dir)
		if want := map[bool]string{true: "web/b@3"}[test.idle]; strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %q", test.name, got, want)
		}
	}
}
