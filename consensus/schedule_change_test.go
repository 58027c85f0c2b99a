package consensus

import (
	"context"
	"testing"
	"time"
)

// long is the profile that nodes change to.
func long() Profile { return profile("long", time.Second, time.Second) }

// change restarts m with the longer profile, or, while both are in use, as it was and with the longer one's promise.
func (c *cluster) change(m *member, both bool) {
	c.kill(m)
	m.alter = func(o *Options) {
		if both {
			o.Promise = long().H
		} else {
			o.Profile = long()
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

// lateCut cuts l from a first and from b, the last that followed it, long after; b alone must keep a from being elected.
func (c *cluster) lateCut(l, a, b *member) {
	c.net.part(l.id, a.id)
	time.Sleep(long().H * 8 / 10)
	c.net.part(l.id, b.id)
	time.Sleep(2 * long().H)
	c.net.heal()
}

// TestLongerProfile: the leases get longer once every voter promises for longer, not before: here one was away and has not heard
// of the change when a leader begins with the longer lease.
func TestLongerProfile(t *testing.T) {
	directed(t, schedule{without: "without waiting for the one that was away", run: func(c *cluster, _ *member) {
		l := c.members[2]
		a, b := c.others(l)[0], c.others(l)[1]
		c.net.isolate(b.id)
		for _, m := range []*member{a, l} {
			m.node.SetPromise(long().H)
		}
		time.Sleep(2 * long().H)
		c.net.heal()
		if !c.spoilt {
			b.node.SetPromise(long().H)
		}
		c.change(l, false)
		c.lead(l)
		c.lateCut(l, a, b)
	}})
}

// TestShorterProfile: the promises get shorter once no voter leads with the longer lease, not before: here the leader has not
// changed yet when one promises for less.
func TestShorterProfile(t *testing.T) {
	directed(t, schedule{without: "without waiting for the leader", run: func(c *cluster, _ *member) {
		for _, m := range c.members {
			c.change(m, false)
		}
		l := c.members[2]
		c.lead(l)
		a, b := c.others(l)[0], c.others(l)[1]
		for _, m := range []*member{a, b} {
			c.change(m, true)
		}
		if c.spoilt {
			b.node.SetPromise(0)
		}
		c.lateCut(l, a, b)
		if c.spoilt {
			return
		}
		c.change(l, true)
		for _, m := range c.members {
			m.node.SetPromise(0)
		}
		c.lead(l)
		c.lateCut(l, a, b)
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
