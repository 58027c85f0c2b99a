package fsm

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

func TestRecovered(t *testing.T) {
	m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80")
	m.must(join("n2", "r2", "k1"), with(token("w", "c"), func(a *AddToken) { a.Token.Kind = Witness }),
		with(join("n3", "w3", "w"), func(a *AddNode) { a.Node.Kind = Witness }),
		&SetOverride{Target: "router/r1", Kind: Drain}, &SetOverride{Target: "router/r2", Kind: Drain, Until: t0.Add(time.Minute)},
		&TakeLead{Node: "n1", From: "n2", Reason: "leader lost"}, &RotateCA{CA: pem + "1"})
	s := m.Load()
	if s.Cluster.NextCA == "" {
		t.Fatal("no change of the CA is under way")
	}
	before := textOf(t, s)
	g := Generation{Number: 2, CA: "new " + pem, Node: "n2", By: admin, At: t0.Add(time.Hour)}
	r, err := s.Recovered(g)
	if err != nil {
		t.Fatal(err)
	}
	if textOf(t, s) != before {
		t.Error("the state before changed")
	}
	if r.Cluster.ID != "c1" || r.Cluster.Name != "edge" || r.Cluster.Generation != 2 || r.Cluster.CA != g.CA || r.Cluster.NextCA != "" || r.Cluster.OldCA != "" {
		t.Errorf("cluster %+v", r.Cluster)
	}
	if len(r.Nodes) != 1 || r.Nodes[0].Name != "r2" || !r.IsRemoved("n1") || !r.IsRemoved("n3") || r.IsRemoved("n2") || r.Lead.Name != "r1" {
		t.Errorf("nodes %+v, removed %v, lead %+v", r.Nodes, r.Removed, r.Lead)
	}
	if len(r.Tokens) != 0 || len(r.Overrides) != 1 || r.Overrides[0].Target != "router/r2" || len(r.Due) != 1 {
		t.Errorf("tokens %+v, overrides %+v, due %+v", r.Tokens, r.Overrides, r.Due)
	}
	if r.Revision != s.Revision || r.Source != s.Source || len(r.History) != len(s.History) {
		t.Errorf("revision %d with %d of history, want %d with %d", r.Revision, len(r.History), s.Revision, len(s.History))
	}
	last := r.Audit[len(r.Audit)-1]
	if last.Action != "recover" || last.Detail != "generation 2 begins with r2 alone; given up: r1, w3" || last.Actor != admin {
		t.Errorf("audit %+v", last)
	}
	again, err := r.Recovered(g)
	if err != nil || again != r {
		t.Errorf("once more: %v", err)
	}
	for _, tt := range []struct {
		name string
		s    *Snapshot
		g    Generation
		want error
		text string
	}{
		{"no cluster", new(Snapshot), g, ErrNotFounded, "there is no cluster yet"},
		{"a stranger", s, Generation{Number: 2, CA: pem, Node: "n9"}, ErrInvalid, "node n9 was removed"},
		{"a witness", s, Generation{Number: 2, CA: pem, Node: "n3"}, ErrInvalid, "w3 is a witness"},
		{"skipping one", s, Generation{Number: 3, CA: pem, Node: "n1"}, ErrConflict, "the cluster's generation is 1 here: 3 does not follow it"},
		{"going back", r, Generation{Number: 1, CA: pem, Node: "n2"}, ErrConflict, "1 does not follow it"},
		{"somebody else's second", r, Generation{Number: 2, CA: "other", Node: "n2"}, ErrConflict, "2 does not follow it"},
	} {
		if _, err := tt.s.Recovered(tt.g); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.text)
		}
	}
}

// What raft.RecoverCluster does with it.
func TestRecovery(t *testing.T) {
	m := full(t)
	marked := func(s *Snapshot) (*Snapshot, error) {
		next := *s
		next.Cluster.Name = "marked"
		return &next, nil
	}
	r := NewRecovery(marked, nil)
	for _, l := range m.log {
		feed(r.FSM, l)
	}
	snap, err := r.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	out := &sink{room: 1 << 20}
	if err := snap.Persist(out); err != nil {
		t.Fatal(err)
	}
	want, _ := marked(m.Load())
	if d := cmp.Diff(textOf(t, want), out.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	r.Apply(&raft.Log{Index: m.index + 1, Term: 9, Data: []byte("damaged")})
	if _, err := r.Snapshot(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("after an entry that cannot be read: %v", err)
	}
	no := errors.New("no")
	if _, err := NewRecovery(func(*Snapshot) (*Snapshot, error) { return nil, no }, nil).Snapshot(); !errors.Is(err, no) {
		t.Errorf("change refuses: %v", err)
	}
}
