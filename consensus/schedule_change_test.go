package consensus

import (
	"context"
	"testing"
	"time"
)

// long is the profile that nodes change to.
func long() Profile { return profile("long", time.Second, time.Second) }

// change restarts m with the longer profile. Until every voter has reported that it runs it, both counts the smaller lease
// and gives the larger promise.
func (c *cluster) change(m *member, both bool) {
	c.kill(m)
	m.alter = func(o *Options) {
		short := o.Profile.H
		if o.Profile = long(); both {
			o.Lease, o.Promise = short, o.Profile.H
		}
	}
	c.start(m)
	time.Sleep(2 * long().H)
}

// lead hands the lead to m.
func (c *cluster) lead(m *member) {
	c.until(m.id+" leads", time.Minute, func() bool {
		h := c.holder()
		return h == m || h != nil && h.node.Transfer(c.t.Context(), m.id) == nil && c.holder() == m
	})
	time.Sleep(2 * long().H)
}

// TestProfileChanges: a leader of the longer lease is followed by voters of the shorter promise, unless each node of the
// longer profile counts the smaller lease for as long as there are such.
func TestProfileChanges(t *testing.T) {
	directed(t, schedule{without: "with the longer lease at once", run: func(c *cluster, _ *member) {
		m := c.members[2]
		c.change(m, !c.spoilt)
		c.lead(m)
		c.net.isolate(m.id)
		time.Sleep(2 * long().H)
	}})
}

// TestStartWithinAProfileChange: a voter that starts while another runs a longer lease than its own has to wait for that.
func TestStartWithinAProfileChange(t *testing.T) {
	directed(t, schedule{without: "with a start that waits for its own lease only", run: func(c *cluster, _ *member) {
		for _, both := range []bool{true, false} { // false when all have reported the longer one
			for _, m := range c.members {
				c.change(m, both)
			}
		}
		l := c.members[2]
		c.lead(l)
		a, b := c.others(l)[0], c.others(l)[1]
		c.net.part(l.id, a.id)
		time.Sleep(long().H * 8 / 10)
		c.kill(b)
		c.net.part(l.id, b.id)
		if b.alter = func(o *Options) { o.Promise = long().H }; c.spoilt {
			b.alter = nil
		}
		c.start(b)
		time.Sleep(2 * long().H)
	}})
}

// TestGrowingWithABusyMachine: three voters become five while the leader's state machine is busy, which is who tells it that
// a configuration is committed. Counted under the three alone, the lease goes on with one follower while the three others
// of the five elect.
func TestGrowingWithABusyMachine(t *testing.T) {
	directed(t, schedule{without: "with the committed configuration alone", run: func(c *cluster, l *member) {
		for _, id := range []string{"d", "e"} {
			m := c.blank(id)
			c.start(m)
			if err := l.node.AddLearner(c.t.Context(), id); err != nil {
				c.t.Fatal(err)
			}
		}
		c.wait(2)
		if c.spoilt {
			l.node.roster.mu.Lock()
			l.node.roster.publish = func(sets ...[]string) { l.node.ledger.SetVoters(sets[0]) }
			l.node.roster.mu.Unlock()
		}
		l.fsm.mu.Lock()
		l.fsm.busy = 8 * c.profile.H
		l.fsm.mu.Unlock()
		ctx, cancel := context.WithTimeout(c.t.Context(), 10*c.profile.H)
		defer cancel()
		go func() { _, _ = l.node.Propose(ctx, []byte("busy")) }()
		time.Sleep(10 * time.Millisecond)
		for _, id := range []string{"d", "e"} { // committed, but nobody is told
			short, cancel := context.WithTimeout(ctx, c.profile.H*3/2)
			_ = l.node.Promote(short, id)
			cancel()
		}
		c.wait(0.5)
		rest := c.others(l)
		for _, o := range rest[1:] {
			c.net.part(o.id, l.id)
			c.net.part(o.id, rest[0].id)
		}
		c.wait(2)
		c.net.heal()
		c.wait(6) // the machine is done
	}})
}
