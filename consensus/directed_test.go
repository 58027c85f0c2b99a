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
	var acks, both atomic.Int64
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, lan(t), "a", "b", "c")
			defer c.close()
			for _, m := range c.members {
				m.slowVoter(c, &acks, &both)
			}
			c.leader()
			c.safe()
		})
	}
	t.Logf("%d acknowledgements while a vote was being written", acks.Load())
	if acks.Load() == 0 {
		t.Error("the schedule never came about")
	}
	if n := both.Load(); n > 0 {
		t.Errorf("%d times a vote left within H of an acknowledgement", n)
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

// TestRestartedVoter: a voter forgets its leader when it restarts, and raft lets it vote at once. The leader, cut from the
// other follower only, must not be deposed while its lease runs.
func TestRestartedVoter(t *testing.T) {
	for i := range 20 {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, lan(t), "a", "b", "c")
			defer c.close()
			l := c.leader()
			time.Sleep(2 * c.profile.H)
			fs := c.others(l)
			c.net.isolate(l.id)
			time.Sleep(c.profile.H * time.Duration(i) / 20)
			c.kill(fs[0])
			c.start(fs[0])
			opened := time.Now()
			c.until("another leader", 10*c.profile.H, func() bool { h := c.holder(); return h != nil && h != l })
			if d := time.Since(opened); d < c.profile.H {
				t.Errorf("elected %v after the voter's start, less than H", d)
			}
			c.safe()
		})
	}
}

// TestLateTimeoutNow: a TimeoutNow that arrives long after its hand-over was given up makes nobody stand against a leader
// of a later term.
func TestLateTimeoutNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		term := l.node.Role().Term
		to, third := c.others(l)[0], c.others(l)[1]
		if err := to.node.ArmFor(l.id, term); err != nil {
			t.Fatal(err)
		}
		// A later leader comes up without any hand-over.
		c.net.isolate(l.id)
		c.until("another leader", 10*c.profile.H, func() bool { h := c.holder(); return h != nil && h != l })
		c.net.heal()
		time.Sleep(2 * c.profile.H)
		now := c.leader()
		victim := to
		if now == to { // the leader itself ignores it; let the third take the armed part
			if err := third.node.ArmFor(now.id, term); err == nil {
				t.Fatal("armed with a term of the past")
			}
			victim = third
		}
		before := now.node.Role()
		var resp raft.TimeoutNowResponse
		err := l.end.TimeoutNow(raft.ServerID(victim.id), raft.ServerAddress(victim.id), &raft.TimeoutNowRequest{}, &resp)
		if err == nil {
			t.Error("the late TimeoutNow was taken")
		}
		time.Sleep(2 * c.profile.H)
		if r := now.node.Role(); !r.Leader || r.Term != before.Term || r.Epoch != before.Epoch {
			t.Errorf("role %+v, want %+v undisturbed", r, before)
		}
		c.safe()
	})
}

// TestOwnVoteAfterSteppingDown: raft's leader steps down long before its lease ends, as it may whatever the profile says. Its
// vote may not help another up before that.
func TestOwnVoteAfterSteppingDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hasty := lan(t)
		hasty.LeaderLease = 2 * hasty.H / 5
		c := newCluster(t, hasty, "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		fs := c.others(l)
		// Both followers fall silent; one of them stands at once with a higher term, asking only the old leader.
		until := l.node.Role().Until
		c.net.isolate(l.id)
		c.until("it stepped down", c.profile.H, func() bool { return l.node.raft.State() != raft.Leader })
		if now := c.clock(); now >= until {
			t.Fatalf("stepped down at %v, after the lease's end %v: nothing to show", now, until)
		}
		c.net.heal()
		conf := l.node.raft.GetConfiguration().Configuration()
		req := &raft.RequestVoteRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: []byte(fs[0].id), Addr: []byte(fs[0].id)},
			Term:      l.node.raft.CurrentTerm() + 1, LastLogIndex: 1000, LastLogTerm: 1000, LeadershipTransfer: true,
		}
		var resp raft.RequestVoteResponse
		if err := fs[0].end.RequestVote(raft.ServerID(l.id), raft.ServerAddress(l.id), req, &resp); err != nil {
			t.Fatal(err)
		}
		if resp.Granted && c.clock() < until {
			t.Errorf("voted for another %v before its own lease ended (%v)", until-c.clock(), conf.Servers)
		}
		c.leader()
		c.safe()
	})
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
