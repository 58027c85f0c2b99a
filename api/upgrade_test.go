package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// whole is a cluster of three routers that run 0.1.0, all well, r1 directing.
func whole() Status {
	st := Status{Cluster: "edge", Revision: 4, Leader: "r1", Active: "r1", Quorum: Quorum{Voters: 3, Healthy: 3}, VIPs: []VIP{{Address: "192.0.2.10", Held: true}}}
	for _, name := range []string{"r1", "r2", "r3"} {
		m := Member{ID: name, Name: name, Kind: "router", Raft: "follower", State: "up", Version: "0.1.0", Level: 1, AppliedRevision: 4, Converged: true}
		if name == "r1" {
			m.Raft = "leader"
		}
		st.Members = append(st.Members, m)
	}
	return st
}

func TestUpgradeOf(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*Status)
		order   string
		next    string
		lowest  int
		mixed   bool
		against string // next's
	}{
		{"before", func(*Status) {}, "r2 r3 r1", "r2", 1, false, ""},
		{"one done", func(st *Status) { st.Members[2].Version, st.Members[2].Level = "0.2.0", 2 }, "r3* r2 r1", "r2", 1, true, ""},
		{"the director left", func(st *Status) {
			for i := range 2 {
				st.Members[i+1].Version, st.Members[i+1].Level = "0.2.0", 2
			}
		}, "r2* r3* r1", "r1", 1, true, ""},
		{"all done", func(st *Status) {
			for i := range 3 {
				st.Members[i].Version, st.Members[i].Level = "0.2.0", 2
			}
		}, "r2 r3 r1", "r2", 2, false, ""},
		{"one is away", func(st *Status) { st.Members[2].State, st.Quorum.Healthy = "down", 2 }, "r2 r3 r1", "r2", 1, false,
			"r3 is down; without it 1 of 3 voters are left, and 2 are needed"},
		{"the next one is away itself", func(st *Status) { st.Members[1].State, st.Quorum.Healthy = "down", 2 }, "r2 r3 r1", "r2", 1, false, ""},
		{"one has said nothing", func(st *Status) { st.Members[2].Version, st.Members[2].Level = "", 0 }, "r2* r1* r3", "r3", 0, true, ""},
		{"one follows late", func(st *Status) { st.Members[2].AppliedRevision = 3 }, "r2 r3 r1", "r2", 1, false, "r3 follows revision 3, not 4 yet"},
		{"one is not as it should be", func(st *Status) { st.Members[2].Converged = false }, "r2 r3 r1", "r2", 1, false, "r3 is not as the document wants it"},
		{"one is far behind", func(st *Status) { st.Members[2].Behind = 65 }, "r2 r3 r1", "r2", 1, false, "r3 is 65 entries behind"},
		{"nobody directs", func(st *Status) { st.Active, st.VIPs[0].Held = "", false }, "r1 r2 r3", "r1", 1, false, "nobody directs; nobody holds 192.0.2.10"},
		{"a witness", func(st *Status) {
			st.Members[2].Kind, st.Members[2].Version = "witness", "0.2.0"
			st.Members[1].Version = "0.2.0"
			st.Members[1].Unfit = []string{"link eth0 is down"}
		}, "r2* r3* r1", "r1", 1, true, "no other router could direct"},
		{"two routers", func(st *Status) {
			st.Members = st.Members[:2]
			st.Members[1].Raft, st.Members[1].Version, st.Quorum = "learner", "0.2.0", Quorum{Voters: 1, Healthy: 1}
		}, "r2* r1", "r1", 1, true, "without it 0 of 1 voters are left, and 1 are needed; no other router could direct"},
		{"a drained heir", func(st *Status) {
			for i := range 2 {
				st.Members[i+1].Drained, st.Members[i+1].State, st.Members[i+1].Version = &Drained{}, "drain", "0.2.0"
			}
		}, "r2* r3* r1", "r1", 1, true, "no other router could direct"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := whole()
			tt.change(&st)
			u := UpgradeOf(st)
			var order []string
			for _, m := range u.Members {
				name := m.Name
				if m.Done {
					name += "*"
				}
				order = append(order, name)
			}
			i := slices.IndexFunc(u.Members, func(m UpgradeMember) bool { return m.Name == u.Next })
			if i < 0 {
				t.Fatalf("next is %q", u.Next)
			}
			got := []any{strings.Join(order, " "), u.Next, u.Lowest, u.Mixed, strings.Join(u.Members[i].Against, "; "), u.Safe}
			if d := cmp.Diff([]any{tt.order, tt.next, tt.lowest, tt.mixed, tt.against, tt.against == ""}, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	if u := UpgradeOf(Status{}); u.Next != "" || u.Safe || u.Members == nil {
		t.Errorf("of nobody: %+v", u)
	}
}

func TestNewer(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	for _, tt := range []struct{ newer, older Member }{
		{Member{Version: "0.10.0"}, Member{Version: "0.9.3"}},
		{Member{Version: "v0.1.0-3-gabc"}, Member{Version: "0.1.0"}},
		{Member{Version: "v0.1.0-12-gabc"}, Member{Version: "v0.1.0-3-gdef"}},
		{Member{Version: "0.1.0", Level: 2}, Member{Version: "0.2.0", Level: 1}},
		{Member{Version: "abc", Started: &late}, Member{Version: "def", Started: &early}},
		{Member{Version: "abc"}, Member{}},
	} {
		if !newer(tt.newer, tt.older) || newer(tt.older, tt.newer) {
			t.Errorf("%+v is not newer than %+v alone", tt.newer, tt.older)
		}
	}
	if a := (Member{Version: "0.1.0", Level: 1}); newer(a, a) {
		t.Error("a release is newer than itself")
	}
}
