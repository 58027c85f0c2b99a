package consensus

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// schedule is a narrow hole that random faults hardly find, and what keeps Polso out of it. One run of it may miss, because
// raft draws its timers by lot.
type schedule struct {
	ids     []string                    // nodes; nil: a, b and c
	ways    []string                    // paths between any two; nil: one
	tune    func(p *Profile)            // nil: lan as it is
	off     []string                    // the guards; with all of them switched off two must hold sooner or later
	without string                      // what run itself does wrong when c.spoilt, where no guard of the ledger can be switched off
	run     func(c *cluster, l *member) // begins with a leader that has led for a while
}

// directed runs the schedule with everything in force, when two may never hold, and spoilt, until two do.
func directed(t *testing.T, s schedule) {
	t.Helper()
	const runs = 20
	without := cmp.Or(s.without, "without "+strings.Join(s.off, " and "))
	for range runs {
		if n := s.once(t, false); n > 0 {
			t.Fatalf("two held for %d ms", n)
		}
	}
	for i := range 10 * runs {
		if n := s.once(t, true); n > 0 {
			t.Logf("never two in %d runs; %s two hold in run %d, for %d ms", runs, without, i+1, n)
			return
		}
	}
	t.Errorf("never two holders %s either: the schedule shows nothing", without)
}

// once returns for how many milliseconds two held.
func (s schedule) once(t *testing.T, spoilt bool) (overlap int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ids, p := s.ids, lan(t)
		if ids == nil {
			ids = []string{"a", "b", "c"}
		}
		if s.tune != nil {
			s.tune(&p)
		}
		c := blankCluster(t, p)
		c.ways, c.hedge = s.ways, p.PathPatience()
		c.form(ids...)
		defer c.close()
		if c.spoilt = spoilt; spoilt {
			c.off = s.off
			for _, m := range c.members {
				switchOff(m.node.ledger, c.off)
			}
		}
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		s.run(c, l)
		c.mu.Lock()
		defer c.mu.Unlock()
		overlap = len(c.overlaps)
	})
	return overlap
}

// wait waits a part of H, or some.
func (c *cluster) wait(of float64) { time.Sleep(time.Duration(of * float64(c.profile.H))) }

// deafTo makes m lose what l sends as a leader, at once and without keeping l waiting. It returns what ends that.
func (m *member) deafTo(l *member) (end func()) {
	set := func(f func(any) bool) {
		m.end.mu.Lock()
		defer m.end.mu.Unlock()
		m.end.refuses = f
	}
	set(func(req any) bool {
		q, ok := req.(*raft.AppendEntriesRequest)
		return ok && string(q.ID) == l.id
	})
	return func() { set(nil) }
}

// nudge makes raft's follower loop test its patience at once, whether it has ever heard a leader or not.
func (n *Node) nudge() error {
	c := n.raft.ReloadableConfig()
	c.HeartbeatTimeout = n.o.Profile.H - time.Millisecond
	err := n.raft.ReloadConfig(c)
	c.HeartbeatTimeout = n.o.Profile.H
	return errors.Join(err, n.raft.ReloadConfig(c))
}

// TestAckMakesALease: as TestAckWhileVoteIsWritten, up to two holders. The old leader's main loop hangs in its own disk, so
// that it stays raft's leader past its lease, which the late acknowledgement would begin anew.
func TestAckMakesALease(t *testing.T) {
	directed(t, schedule{off: []string{"offPromiseVote", "offNoRevival"}, run: func(c *cluster, l *member) {
		a, b := c.others(l)[0], c.others(l)[1]
		c.net.part(l.id, a.id)
		hear := b.deafTo(l)
		b.end.mu.Lock()
		b.end.arrived = func(req any) { // b writes its vote slowly, and hears l again meanwhile
			if _, ok := req.(*raft.RequestVoteRequest); ok {
				b.disk.hang(0, c.profile.H*7/10)
				hear()
			}
		}
		b.end.mu.Unlock()
		c.wait(0.8)
		l.disk.hang(c.profile.H*95/100, 0)
		ctx, cancel := context.WithTimeout(c.t.Context(), c.profile.H)
		defer cancel()
		_, _ = l.node.Propose(ctx, []byte("w"))
		c.wait(1)
	}})
}

// TestVoterThatRestarts: a voter forgets its leader and its promise when it restarts, and raft lets it vote at once.
func TestVoterThatRestarts(t *testing.T) {
	directed(t, schedule{off: []string{"offRestartVote"}, run: func(c *cluster, l *member) {
		a, b := c.others(l)[0], c.others(l)[1]
		c.net.part(l.id, a.id)
		c.wait(0.8) // a stands when its promise has run out
		c.kill(b)
		c.net.part(l.id, b.id)
		c.start(b)
		c.wait(1)
	}})
}

// TestNudgeAfterRestart: a fresh process has heard no leader for as long as can be, and one that is nudged stands at once.
func TestNudgeAfterRestart(t *testing.T) {
	directed(t, schedule{off: []string{"offRestartVote", "offRestartAsk"}, run: func(c *cluster, l *member) {
		a, b := c.others(l)[0], c.others(l)[1]
		c.net.part(l.id, a.id)
		c.wait(1.5)
		c.kill(b)
		c.net.part(l.id, b.id)
		c.start(b)
		if err := b.node.nudge(); err != nil {
			c.t.Error(err)
		}
		c.wait(1)
	}})
}

// TestOwnVote: a leader that has stepped down in raft may still hold, and must not help another up. Here raft's leader steps
// down early, as it may whatever the profile says.
func TestOwnVote(t *testing.T) {
	directed(t, schedule{
		tune: func(p *Profile) { p.LeaderLease = p.H / 5 },
		off:  []string{"offOwnVote"},
		run: func(c *cluster, l *member) {
			a, b := c.others(l)[0], c.others(l)[1]
			a.deafTo(l)
			c.wait(0.75) // l leads on with b
			c.net.part(l.id, b.id)
			c.wait(1.5) // l steps down and a stands, in either order
		},
	})
}

// TestAnswerFromBeforeTheCut: the network delivers from the followers but not to them. Answers that are under way when it is
// cut arrive later than the followers' promises allow for, unless they count from when the request was sent.
func TestAnswerFromBeforeTheCut(t *testing.T) {
	directed(t, schedule{off: []string{"offSendTime"}, run: func(c *cluster, l *member) {
		c.net.hold("", l.id, c.profile.H*7/10)
		c.wait(0.1)
		for _, o := range c.others(l) {
			c.net.cut(l.id, o.id)
		}
		c.wait(2)
	}})
}

// TestRenewalAfterTheEnd: an answer arrives when the lease has run out already, and raft, whose own patience is longer here,
// still leads. It is too late twice: it counts from when the request was sent, and what ran out is over.
func TestRenewalAfterTheEnd(t *testing.T) {
	directed(t, schedule{
		tune: func(p *Profile) { p.LeaderLease = p.H },
		off:  []string{"offSendTime", "offNoRevival"},
		run: func(c *cluster, l *member) {
			c.net.hold("", l.id, c.profile.H*95/100)
			c.wait(0.02)
			for _, o := range c.others(l) {
				c.net.cut(l.id, o.id)
			}
			c.wait(2)
		},
	})
}

// TestLateCopy: what the leader sends over its first path is lost; copies that leave later over the second one are answered,
// and the answers arrive late. They count from before the first copy left.
func TestLateCopy(t *testing.T) {
	directed(t, schedule{
		ways: []string{"x", "y"},
		tune: func(p *Profile) { p.LeaderLease = p.H },
		off:  []string{"offSendTime", "offNoRevival"},
		run: func(c *cluster, l *member) {
			c.net.hold("", l.id, c.profile.H*60/100)
			for _, o := range c.others(l) {
				c.net.cutPath(l.id, o.id, "x")
			}
			c.wait(0.4)
			for _, o := range c.others(l) {
				c.net.cut(l.id, o.id)
			}
			c.wait(2)
		},
	})
}
