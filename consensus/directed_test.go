package consensus

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// TestAckWhileVoteIsWritten: a voter writes its vote to a slow disk, and while it does so a heartbeat of the leader before
// arrives late and is acknowledged on the fast path, past raft's main loop. The acknowledgement makes a lease, so vote and
// acknowledgement must not both leave within H.
func TestAckWhileVoteIsWritten(t *testing.T) {
	for _, off := range [][]string{nil, {"offPromiseVote"}} {
		var acks, both atomic.Int64
		for range 20 {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, lan(t), "a", "b", "c")
				defer c.close()
				for _, m := range c.members {
					switchOff(m.node.ledger, off)
					m.slowVoter(c, &acks, &both)
				}
				c.leader()
				c.safe()
			})
		}
		t.Logf("without %v: %d acknowledgements while a vote was being written, %d votes within H of one", off, acks.Load(), both.Load())
		if acks.Load() == 0 {
			t.Error("the schedule never came about")
		}
		if got, want := both.Load() > 0, off != nil; got != want {
			t.Errorf("without %v: a vote left within H of an acknowledgement: %v, want %v", off, got, want)
		}
	}
}

// slowVoter holds back every heartbeat that comes to m until m is asked for its vote in a later term, which it writes
// slowly.
func (m *member) slowVoter(c *cluster, acks, both *atomic.Int64) {
	var mu sync.Mutex
	var voting uint64
	var acked time.Time
	asked := make(chan struct{})
	m.end.mu.Lock()
	defer m.end.mu.Unlock()
	m.end.arrived = func(req any) {
		switch q := req.(type) {
		case *raft.AppendEntriesRequest:
			if q.Term == 2 { // the first leader's: 1 is the bootstrap's
				select {
				case <-asked:
				case <-time.After(c.profile.RPCTimeout): // the sender has given up
				}
			}
		case *raft.RequestVoteRequest:
			mu.Lock()
			defer mu.Unlock()
			if q.Term > 2 && voting == 0 {
				voting = q.Term
				m.disk.hang(0, c.profile.H/4)
				time.AfterFunc(c.profile.H/8, func() { close(asked) })
			}
		}
	}
	m.end.left = func(req, answer any) {
		mu.Lock()
		defer mu.Unlock()
		switch r := answer.(type) {
		case *raft.AppendEntriesResponse:
			if q := req.(*raft.AppendEntriesRequest); r != nil && r.Success && q.Term < voting && acked.IsZero() {
				acks.Add(1)
				acked = time.Now()
			}
		case *raft.RequestVoteResponse:
			if r != nil && r.Granted && !acked.IsZero() && time.Since(acked) < c.profile.H {
				both.Add(1)
			}
		}
	}
}

// TestStuckDisk: a leader whose log store hangs stays silent, so that another is elected although its process lives.
func TestStuckDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		l.disk.hang(time.Minute, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		go func() { _, _ = l.node.Propose(ctx, []byte("x")) }()
		took := c.until("another leader", 5*c.profile.H, func() bool { h := c.holder(); return h != nil && h != l })
		if !l.node.Stats().Stalled {
			t.Error("stats do not tell of the stuck disk")
		}
		t.Logf("another leader after %v", took)
		time.Sleep(time.Minute)
		if h := c.leader(); h == nil {
			t.Error("no leader afterwards")
		}
		c.safe()
	})
}

// TestEndOnAStuckDisk: a process ends although a write of its hangs for longer than anybody waits, and says so, because
// closing the store would wait for that write.
func TestEndOnAStuckDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		l.disk.hang(time.Minute, time.Minute)
		go func() { _, _ = l.node.Propose(t.Context(), []byte("x")) }()
		c.until("another leader", 5*c.profile.H, func() bool { h := c.holder(); return h != nil && h != l })
		began := time.Now()
		if err := l.retire(); !errors.Is(err, ErrStoreHangs) {
			t.Errorf("error %v, want %v", err, ErrStoreHangs)
		}
		if took, most := time.Since(began), 2*c.profile.H+2*time.Second+c.profile.RPCTimeout+5*time.Second; took > most {
			t.Errorf("ended after %v, more than %v", took, most)
		}
		time.Sleep(time.Minute)
		c.safe()
	})
}

// TestEpoch: an epoch grows with every gap in holding and with nothing else.
func TestEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		first := l.node.Role()
		time.Sleep(20 * c.profile.H)
		if r := l.node.Role(); r.Epoch != first.Epoch || r.Term != first.Term || r.Until <= first.Until {
			t.Errorf("role %+v after a quiet while, at first %+v", r, first)
		}
		c.net.isolate(l.id)
		c.until("another leader", 10*c.profile.H, func() bool { h := c.holder(); return h != nil && h != l })
		if r := l.node.Role(); r.Leader || r.Until != 0 {
			t.Errorf("cut off: %+v", r)
		}
		c.net.heal()
		time.Sleep(2 * c.profile.H)
		c.until("it has caught up and takes over", 20*time.Second, func() bool { return c.leader().node.Transfer(t.Context(), l.id) == nil })
		c.until("leads again", c.profile.H, func() bool { return l.node.Role().Leader })
		if r := l.node.Role(); r.Epoch <= first.Epoch {
			t.Errorf("epoch %d after a gap, was %d", r.Epoch, first.Epoch)
		}
		c.safe()
	})
}
