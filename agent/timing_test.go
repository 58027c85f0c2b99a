package agent

import (
	"slices"
	"testing"

	"polso/api"
	"polso/fsm"
)

// While a profile changes, a router leads by the shorter and promises by the longer of the two; raft begins anew where what it leads
// by differs; and nothing that was committed earlier than what is followed is ever followed.
func TestTiming(t *testing.T) {
	for _, test := range []struct {
		name                 string
		profile, next        string // as this router follows them, change 5
		committed            fsm.Cluster
		lease, promise       string // of what it is to follow; "": nothing
		restart, unavailable bool
	}{
		{"nothing new", "lan", "", fsm.Cluster{Profile: "lan", Change: 5}, "", "", false, true},
		{"an old word, as after a start", "wan", "", fsm.Cluster{Profile: "lan", Next: "wan", Change: 4}, "", "", false, true},
		{"up begins", "lan", "", fsm.Cluster{Profile: "lan", Next: "wan", Change: 6}, "lan", "wan", false, false},
		{"up ends", "lan", "wan", fsm.Cluster{Profile: "wan", Change: 6}, "wan", "wan", true, false},
		{"up is taken back", "lan", "wan", fsm.Cluster{Profile: "lan", Change: 6}, "lan", "lan", false, false},
		{"down begins", "wan", "", fsm.Cluster{Profile: "wan", Next: "lan", Change: 6}, "lan", "wan", true, false},
		{"down ends", "wan", "lan", fsm.Cluster{Profile: "lan", Change: 6}, "lan", "lan", false, false},
		{"down is taken back", "wan", "lan", fsm.Cluster{Profile: "wan", Change: 6}, "wan", "wan", true, false},
		{"two changes were missed", "fast", "lan", fsm.Cluster{Profile: "lan", Next: "wan", Change: 9}, "lan", "wan", true, false},
	} {
		now, err := timingOf(test.profile, test.next, 5)
		if err != nil {
			t.Fatal(err)
		}
		m := &member{profile: now.lease}
		m.applied.Store(&now)
		got, restart, ok := m.nextTiming(test.committed)
		if ok == test.unavailable || restart != test.restart || got.lease.Name != test.lease || got.promise.Name != test.promise {
			t.Errorf("%s: %s/%s, restart %v, %v; want %s/%s, restart %v", test.name, got.lease.Name, got.promise.Name, restart, ok, test.lease, test.promise, test.restart)
		}
		if ok && got.change != test.committed.Change {
			t.Errorf("%s: change %d", test.name, got.change)
		}
	}
	if _, err := timingOf("lan", "turbo", 1); err == nil {
		t.Error("an unknown profile is followed")
	}
}

// A change waits for who has not answered until every router has reported, and after that for those that still have to follow.
func TestProfileChange(t *testing.T) {
	follows := func(name string, change uint64) api.Member {
		return api.Member{Name: name, Timing: &api.Timing{Change: change}}
	}
	old := api.Member{Name: "old", Age: 60, Timing: &api.Timing{Change: 3}}
	mute := api.Member{Name: "mute"}
	begun, ended := fsm.Cluster{Profile: "lan", Next: "wan", Change: 7}, fsm.Cluster{Profile: "wan", Change: 9}
	for _, test := range []struct {
		name    string
		c       fsm.Cluster
		members []api.Member
		step    string // "": no change
		waiting []string
	}{
		{"begun", begun, []api.Member{follows("r1", 7), follows("r2", 3), old, mute}, "both", []string{"r2", "old", "mute"}},
		{"begun, all follow", begun, []api.Member{follows("r1", 7)}, "both", nil},
		{"ended, one has to restart", ended, []api.Member{follows("r1", 9), follows("r2", 7), old, mute}, "last", []string{"r2"}},
		{"ended, all that answer follow", ended, []api.Member{follows("r1", 9), old, mute}, "", nil},
	} {
		got := profileChange(test.c, test.members)
		if got == nil {
			got = &api.ProfileChange{}
		}
		if got.Step != test.step || !slices.Equal(got.Waiting, test.waiting) || test.step != "" && got.To != "wan" {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}
