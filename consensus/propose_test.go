package consensus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

func TestPropose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		for i, m := range c.members {
			word := fmt.Sprintf("from %s", m.id)
			answer, err := m.node.Propose(t.Context(), []byte(word))
			if err != nil || string(answer) != fmt.Sprint(i+2) { // the lead is the first
				t.Errorf("%s: answer %q, %v", m.id, answer, err)
			}
		}
		f := c.others(l)[0]
		if _, err := f.node.Receive(t.Context(), []byte("x")); !errors.Is(err, ErrNotLeader) {
			t.Errorf("a follower received: %v", err)
		}
		c.until("everyone has it", c.profile.H, func() bool {
			for _, m := range c.members {
				if got := m.fsm.all(); len(got) == 0 || !slices.Equal(got[1:], []string{"from a", "from b", "from c"}) {
					return false
				}
			}
			return true
		})
		for _, m := range c.members {
			m.fsm.mu.Lock()
			if m.fsm.heard == 0 {
				t.Errorf("%s was not told what is committed", m.id)
			}
			m.fsm.mu.Unlock()
		}
	})
}

// TestProposeWaits: a proposal made while nobody leads waits for the next leader.
func TestProposeWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		f, other := c.others(l)[0], c.others(l)[1]
		c.kill(l)
		c.kill(other)
		c.until("the leader is missed", 5*c.profile.H, func() bool { _, known := f.node.Leader(); return !known })
		answer := make(chan error, 1)
		go func() { _, err := f.node.Propose(t.Context(), []byte("later")); answer <- err }()
		time.Sleep(c.profile.H)
		c.start(other)
		if err := <-answer; err != nil {
			t.Error(err)
		}
		if !slices.Contains(f.fsm.all(), "later") && !slices.Contains(other.fsm.all(), "later") {
			t.Error("acknowledged, and nobody has it")
		}
	})
}

func TestProposeWithoutQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		c.net.isolate(l.id)
		ctx, cancel := context.WithTimeout(t.Context(), 10*c.profile.H)
		defer cancel()
		if _, err := l.node.Propose(ctx, []byte("lost")); !errors.Is(err, ErrUnknownOutcome) {
			t.Errorf("proposed when just cut off: %v, want an unknown outcome", err)
		}
		began := time.Now()
		if _, err := l.node.Propose(ctx, []byte("later")); !errors.Is(err, ErrNoLeader) {
			t.Errorf("without a leader: %v", err)
		}
		t.Logf("no leader after %v", time.Since(began))
	})
}

func TestAdmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a")
		defer c.close()
		l := c.leader()
		no := errors.New("no")
		l.node.o.Admit = func(context.Context, []byte) error { return no }
		if _, err := l.node.Propose(t.Context(), []byte("x")); !errors.Is(err, no) {
			t.Errorf("error %v, want the refusal", err)
		}
		if got := l.fsm.all(); len(got) != 1 {
			t.Errorf("applied %q, want only the lead", got)
		}
	})
}

// TestLargeProposal: what is large is under way for longer, and its outcome is known all the same; nobody waits longer for a leader.
func TestLargeProposal(t *testing.T) {
	for size, want := range map[int]error{1: ErrUnknownOutcome, 256 << 10: nil} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, lan(t), "a", "b", "c")
			defer c.close()
			l := c.leader()
			time.Sleep(2 * c.profile.H)
			l.node.o.Admit = func(context.Context, []byte) error { time.Sleep(2 * l.node.patience()); return nil }
			if _, err := c.others(l)[0].node.Propose(t.Context(), make([]byte, size)); !errors.Is(err, want) {
				t.Errorf("%d bytes: error %v, want %v", size, err, want)
			}
			for _, m := range c.others(l) {
				c.kill(m)
			}
			c.until("the lead is lost", 5*c.profile.H, func() bool { _, known := l.node.Leader(); return !known })
			began := time.Now()
			if _, err := l.node.Propose(t.Context(), make([]byte, size)); !errors.Is(err, ErrNoLeader) || time.Since(began) > l.node.patience()+time.Second {
				t.Errorf("%d bytes, without a leader: %v after %v", size, err, time.Since(began))
			}
		})
	}
}

// TestDeadline: raft's main loop is stuck behind its disk and takes nothing in, and nobody waits longer than he wants to.
func TestDeadline(t *testing.T) {
	tests := []struct {
		name string
		do   func(ctx context.Context, n *Node, other string) error
	}{
		{"propose", func(ctx context.Context, n *Node, _ string) error { _, err := n.Receive(ctx, []byte("x")); return err }},
		{"add", func(ctx context.Context, n *Node, _ string) error { return n.AddLearner(ctx, "x") }},
		{"remove", func(ctx context.Context, n *Node, other string) error { return n.Remove(ctx, other) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, lan(t), "a", "b", "c")
				defer c.close()
				l := c.leader()
				time.Sleep(2 * c.profile.H)
				l.disk.hang(time.Minute, 0)
				full := make(chan struct{})
				go func() { // enough for raft's queue to be full
					defer close(full)
					for range 200 {
						l.node.raft.Apply([]byte("w"), time.Millisecond)
					}
				}()
				<-full
				ctx, cancel := context.WithTimeout(t.Context(), c.profile.H/8)
				defer cancel()
				began := time.Now()
				if err := tt.do(ctx, l.node, c.others(l)[0].id); err == nil {
					t.Error("done, by a disk that hangs")
				}
				if took := time.Since(began); took > c.profile.H/8+10*time.Millisecond {
					t.Errorf("took %v with %v to go", took, c.profile.H/8)
				}
			})
		})
	}
}

func TestOutcome(t *testing.T) {
	tests := []struct {
		in   error
		want error
	}{
		{nil, nil},
		{raft.ErrNotLeader, ErrNotLeader},
		{raft.ErrLeadershipTransferInProgress, ErrTransferring},
		{raft.ErrEnqueueTimeout, ErrNoLeader},
		{raft.ErrLeadershipLost, ErrUnknownOutcome},
		{raft.ErrAbortedByRestore, ErrUnknownOutcome},
		{raft.ErrRaftShutdown, ErrUnknownOutcome},
	}
	for _, tt := range tests {
		if got := outcome(tt.in); !errors.Is(got, tt.want) || tt.want == nil && got != nil {
			t.Errorf("outcome(%v) = %v, want %v", tt.in, got, tt.want)
		}
	}
}
