package agent

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"polso/consensus/store"
	"polso/fsm"
)

// The members' addresses are kept as they change; a node that was removed keeps those by which it can join again.
func TestRemember(t *testing.T) {
	home, err := store.OpenHome(t.TempDir(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	self := home.Identity().ID
	if err := home.SaveCluster(store.Cluster{ID: "c", Name: "edge", Profile: "lan"}); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		a := &Agent{home: home, log: slog.New(slog.DiscardHandler)}
		var now atomic.Pointer[fsm.Snapshot]
		now.Store(new(fsm.Snapshot))
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = a.remember(ctx, now.Load) }()
		defer synctest.Wait()
		defer cancel()
		for _, step := range []struct {
			what       string
			s          fsm.Snapshot
			own, other []string
		}{
			{"not known yet", fsm.Snapshot{Index: 1, Nodes: []fsm.Node{{ID: self, Addresses: []string{"10.9.0.9"}}}}, nil, nil},
			{"two members", fsm.Snapshot{Known: true, Index: 2, Nodes: []fsm.Node{{ID: self, Addresses: []string{"10.9.0.11"}}, {ID: "n2", Addresses: []string{"10.9.0.12"}}}},
				[]string{"10.9.0.11"}, []string{"10.9.0.12"}},
			{"the other has moved", fsm.Snapshot{Known: true, Index: 3, Nodes: []fsm.Node{{ID: self, Addresses: []string{"10.9.0.11"}}, {ID: "n2", Addresses: []string{"10.9.0.13"}}}},
				[]string{"10.9.0.11"}, []string{"10.9.0.13"}},
			{"removed", fsm.Snapshot{Known: true, Index: 4, Nodes: []fsm.Node{{ID: "n2", Addresses: []string{"10.9.0.14"}}}, Removed: []string{self}},
				[]string{"10.9.0.11"}, []string{"10.9.0.13"}},
		} {
			now.Store(&step.s)
			time.Sleep(1500 * time.Millisecond)
			synctest.Wait()
			c, err := home.Cluster()
			if err != nil || !slices.Equal(c.Peers[self], step.own) || !slices.Equal(c.Peers["n2"], step.other) {
				t.Errorf("%s: peers %v, %v", step.what, c.Peers, err)
			}
		}
	})
}
