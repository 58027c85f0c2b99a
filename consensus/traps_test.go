package consensus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/hashicorp/raft"
)

// The library's own traps, each in the way that Polso could be caught by it.

// TestRefusalRenewsRaftsLease: raft's leader takes the answer to a heartbeat for a sign of life even if it is a refusal that
// names a newer term. If nothing but heartbeats gets through it leads for ever, beside its successor.
func TestRefusalRenewsRaftsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		l.end.mu.Lock()
		l.end.refuses = func(any) bool { return true }
		l.end.mu.Unlock()
		for i, o := range c.others(l) {
			other := []byte(c.others(l)[1-i].id)
			o.end.mu.Lock()
			o.end.refuses = func(req any) bool {
				q, ok := req.(*raft.AppendEntriesRequest)
				return ok && string(q.ID) == l.id && q.PrevLogEntry != 0
			}
			o.end.mu.Unlock()
			// A candidate that is behind gets no vote, and raises the term.
			req := &raft.RequestVoteRequest{
				RPCHeader: raft.RPCHeader{ProtocolVersion: 3, ID: other, Addr: other},
				Term:      l.node.raft.CurrentTerm() + 1, LeadershipTransfer: true,
			}
			if err := l.end.RequestVote(raft.ServerID(o.id), raft.ServerAddress(o.id), req, &raft.RequestVoteResponse{}); err != nil {
				t.Fatal(err)
			}
		}
		c.until("the lease is over", c.profile.H/2, func() bool { return !l.node.Role().Leader && l.node.Stats().Over })
		c.until("another holds", 5*c.profile.H, func() bool { h := c.holder(); return h != nil && h != l })
		time.Sleep(10 * c.profile.H)
		if s := l.node.raft.State(); s != raft.Leader {
			t.Errorf("raft is %v there: the trap is gone, and this test shows nothing", s)
		}
		if l.node.Role().Leader {
			t.Error("holds by refusals")
		}
		c.safe()
	})
}

// wedge leaves raft as a second attempt at a silent peer does that is cut short by the loss of the lead
// (hashicorp/raft#696). The real thing leaves a goroutine behind for good, which no test in virtual time can.
func wedge(r *raft.Raft) {
	f := reflect.ValueOf(r).Elem().FieldByName("leaderState").FieldByName("leadershipTransferInProgress")
	atomic.StoreInt32((*int32)(unsafe.Pointer(f.UnsafeAddr())), 1)
}

// TestWedgedRaft: a leader whose raft refuses every command gives way and ends its process.
func TestWedgedRaft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		m := c.others(l)[0]
		wedge(m.node.raft)
		c.mu.Lock()
		c.fittest = m.id
		c.mu.Unlock()
		c.kill(l)
		c.until("it leads in raft", 5*c.profile.H, func() bool { return m.node.raft.State() == raft.Leader })
		began := time.Now()
		_, err := m.node.Propose(t.Context(), []byte("x"))
		if err == nil {
			t.Error("raft takes commands: this test shows nothing")
		}
		ended := <-m.done
		if ended == nil || !strings.Contains(ended.Error(), "refuses every command") {
			t.Errorf("ended with %v", ended)
		}
		m.mu.Lock()
		m.node = nil
		m.mu.Unlock()
		t.Logf("ended %v after it was elected", time.Since(began))
		c.start(m)
		c.start(l)
		if _, err := c.leader().node.Propose(t.Context(), []byte("y")); err != nil {
			t.Error(err)
		}
		c.safe()
	})
}

// TestRetriedTransfers: hand-overs to a peer that falls silent at any moment, tried again and again, leave raft able to
// lead. Asked directly that often, raft blocks a goroutine for good, and the bubble would not end.
func TestRetriedTransfers(t *testing.T) {
	outcomes := map[string]int{}
	for range 40 {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, lan(t), "a", "b", "c")
			defer c.close()
			l := c.leader()
			time.Sleep(2 * c.profile.H)
			to := c.others(l)[0]
			c.net.slow(3 * time.Millisecond)
			go func() { _, _ = l.node.Propose(t.Context(), []byte("w")) }()
			go func() {
				time.Sleep(rand.N(12 * time.Millisecond))
				c.net.part(to.id, l.id)
			}()
			for range 4 {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				err := l.node.Transfer(ctx, to.id)
				cancel()
				switch {
				case err == nil:
					outcomes["handed over"]++
				case errors.Is(err, ErrBehind):
					outcomes["refused: silent"]++
				case errors.Is(err, ErrNotLeader):
					outcomes["refused: leads no longer"]++
				default:
					outcomes["failed: "+strings.SplitN(err.Error(), ":", 2)[1]]++
				}
			}
			c.net.isolate(l.id) // the lead is lost while raft may still be at it
			c.wait(2)
			c.net.heal()
			for i := range 3 {
				h := c.leader()
				if _, err := h.node.Propose(t.Context(), fmt.Append(nil, i)); err != nil {
					t.Errorf("%s leads and takes no command: %v", h.id, err)
				}
				c.wait(2)
				c.net.isolate(h.id)
				c.wait(2)
				c.net.heal()
			}
			c.safe()
		})
	}
	t.Log(outcomes)
}
