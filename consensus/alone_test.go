package consensus

import (
	"testing"
	"testing/synctest"
	"time"
)

// A raft of one voter never steps down, so that whatever ends its lease for good ends it until the process does.

// TestLastVoterWithABusyMachine: the other voter is taken out while the state machine is busy, which hears of it too late:
// until then the lease counts under both, and runs out.
func TestLastVoterWithABusyMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b")
		defer c.close()
		for _, m := range c.members {
			m.fsm.mu.Lock()
			m.fsm.busy = 2 * c.profile.H
			m.fsm.mu.Unlock()
		}
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		before := l.node.Role()
		busy := make(chan error, 1)
		go func() { _, err := l.node.Propose(t.Context(), []byte("busy")); busy <- err }()
		time.Sleep(10 * time.Millisecond)
		if err := l.node.Remove(t.Context(), c.others(l)[0].id); err != nil {
			t.Fatal(err)
		}
		if err := <-busy; err != nil {
			t.Error(err)
		}
		c.until("the only voter holds", c.profile.H, func() bool { return l.node.Role().Leader })
		if r := l.node.Role(); r.Term != before.Term || r.Epoch != before.Epoch+1 {
			t.Errorf("role %+v, want term %d as before and another epoch", r, before.Term)
		}
		time.Sleep(10 * c.profile.H)
		if r := l.node.Role(); !r.Leader || r.Epoch != before.Epoch+1 {
			t.Errorf("role %+v: it does not stay", r)
		}
		c.safe()
	})
}

// TestLastVoterReplays: a cluster that has shrunk to one voter and a learner, whose voter restarts and takes long to apply
// what is from the time of three.
func TestLastVoterReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		if _, err := l.node.Propose(t.Context(), []byte("busy")); err != nil {
			t.Fatal(err)
		}
		for _, o := range c.others(l) {
			if err := l.node.Remove(t.Context(), o.id); err != nil {
				t.Fatal(err)
			}
			c.kill(o)
		}
		d := c.blank("d")
		c.start(d)
		if err := l.node.AddLearner(t.Context(), "d"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * c.profile.H)
		c.kill(l)
		l.busy, l.disk.pace = c.profile.H, 2*time.Millisecond
		c.start(l)
		c.until("the only voter holds", 10*c.profile.H, func() bool { return l.node.Role().Leader })
		c.safe()
	})
}
