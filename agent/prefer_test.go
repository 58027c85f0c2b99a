package agent

import (
	"strings"
	"testing"
	"time"

	"polso/fsm"
)

// preferring is the state of routers r1 to r4 and a witness w, with this order.
func preferring(prefer string, drained ...string) *fsm.Snapshot {
	s := new(fsm.Snapshot)
	for _, name := range []string{"r1", "r2", "r3", "r4"} {
		s.Nodes = append(s.Nodes, fsm.Node{ID: "id-" + name, Name: name, Kind: fsm.Router})
	}
	s.Nodes = append(s.Nodes, fsm.Node{ID: "id-w", Name: "w", Kind: fsm.Witness})
	s.Document.Cluster.Prefer = strings.Fields(prefer)
	for _, name := range drained {
		s.Overrides = append(s.Overrides, fsm.Override{Target: "router/" + name, Kind: fsm.Drain})
	}
	return s
}

// Among those who are left, the preferred router stands at once and a drained one last.
func TestStandBack(t *testing.T) {
	const h = 600 * time.Millisecond
	for _, tt := range []struct {
		name, id, leader string
		state            *fsm.Snapshot
		want             time.Duration
	}{
		{"nobody is preferred", "id-r2", "id-r1", preferring(""), 0},
		{"the first", "id-r1", "id-r2", preferring("r1 r2"), 0},
		{"the second", "id-r2", "id-r3", preferring("r1 r2"), h / 6},
		{"the second, after the first", "id-r2", "id-r1", preferring("r1 r2"), 0},
		{"not listed", "id-r3", "id-r1", preferring("r1 r2"), h / 6},
		{"not listed, and nobody who is listed is left", "id-r3", "id-r1", preferring("r1"), 0},
		{"no leader is known", "id-r3", "", preferring("r1"), h / 6},
		{"the first is drained", "id-r2", "id-r3", preferring("r1 r2", "r1"), 0},
		{"drained", "id-r1", "id-r3", preferring("r1 r2", "r1"), h / 2},
		{"drained, with nobody preferred", "id-r1", "id-r3", preferring("", "r1"), h / 2},
		{"a name that nobody has", "id-r2", "id-r3", preferring("r9 r2"), 0},
		{"a witness's name", "id-r2", "id-r3", preferring("w r2"), 0},
		{"not a node", "id-r9", "id-r1", preferring("r1"), 0},
	} {
		if got := standBack(tt.state, tt.id, tt.leader, h); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
