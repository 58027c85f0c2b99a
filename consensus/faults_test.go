package consensus

import (
	"context"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"
)

// fault is something that happens to a running cluster. It returns what to undo besides healing the network.
type fault struct {
	name string
	do   func(c *cluster, r *rand.Rand) (undo func())
}

func any1(c *cluster, r *rand.Rand) *member { return c.members[r.IntN(len(c.members))] }

// victim is the leader more often than not.
func victim(c *cluster, r *rand.Rand) *member {
	if l := c.holder(); l != nil && r.IntN(3) > 0 {
		return l
	}
	return any1(c, r)
}

func pause(c *cluster, r *rand.Rand, most float64) time.Duration {
	return time.Duration(r.Float64() * most * float64(c.profile.H))
}

// restart kills m; half of the time it is back soon, else when the round ends.
func restart(c *cluster, m *member, r *rand.Rand) {
	if m.node == nil {
		return
	}
	c.kill(m)
	if r.IntN(2) == 0 {
		time.Sleep(pause(c, r, 1))
		c.start(m)
	}
}

func transferTo(c *cluster, r *rand.Rand) {
	l := c.holder()
	if l == nil {
		return
	}
	n, to := l.node, any1(c, r).id
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 4*c.profile.H)
		defer cancel()
		_ = n.Transfer(ctx, to) // may well fail: the faults see to that
	}()
}

// regroup takes a voter out or brings a node back as learner and voter, in the background.
func regroup(c *cluster, r *rand.Rand) {
	l := c.holder()
	if l == nil {
		return
	}
	n, id := l.node, any1(c, r).id
	voters := 0
	var member, voter bool
	for _, m := range n.Members() {
		if m.Voter {
			voters++
		}
		if m.ID == id {
			member, voter = true, m.Voter
		}
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*c.profile.H)
		defer cancel()
		switch {
		case voter && voters > 3:
			_ = n.Remove(ctx, id)
		case !member && n.AddLearner(ctx, id) != nil, voter:
		default:
			for ctx.Err() == nil && n.Promote(ctx, id) != nil {
				time.Sleep(c.profile.H / 4)
			}
		}
	}()
}

var faults = []fault{
	{"regroup", func(c *cluster, r *rand.Rand) func() { regroup(c, r); return nil }},
	{"isolate", func(c *cluster, r *rand.Rand) func() { c.net.isolate(victim(c, r).id); return nil }},
	{"one way", func(c *cluster, r *rand.Rand) func() {
		for range 1 + r.IntN(3) {
			c.net.cut(any1(c, r).id, any1(c, r).id)
		}
		return nil
	}},
	{"deaf", func(c *cluster, r *rand.Rand) func() {
		m := victim(c, r)
		for _, o := range c.members {
			c.net.cut(o.id, m.id)
		}
		return nil
	}},
	{"isolate and stall", func(c *cluster, r *rand.Rand) func() {
		m := victim(c, r)
		if m.node != nil { // something to write
			go func(n *Node) { _, _ = n.Propose(context.Background(), []byte("w")) }(m.node)
		}
		m.disk.hang(pause(c, r, 4), pause(c, r, 4))
		c.net.isolate(m.id)
		return nil
	}},
	{"refuse writes", func(c *cluster, r *rand.Rand) func() {
		m := victim(c, r)
		m.disk.refuse(syscall.ENOSPC, manner(r.IntN(3)))
		if m.node != nil { // something to write
			go func(n *Node) { _, _ = n.Propose(context.Background(), []byte("w")) }(m.node)
		}
		return func() { m.disk.refuse(nil, nothing) }
	}},
	{"stall a vote", func(c *cluster, r *rand.Rand) func() {
		for _, m := range c.members {
			m.disk.hang(0, pause(c, r, 2))
		}
		c.net.isolate(victim(c, r).id)
		time.Sleep(pause(c, r, 2))
		c.net.heal()
		return nil
	}},
	{"slow network", func(c *cluster, r *rand.Rand) func() { c.net.slow(1 + pause(c, r, 2)); return nil }},
	{"hold answers", func(c *cluster, r *rand.Rand) func() {
		c.net.hold("", victim(c, r).id, 1+pause(c, r, 1.2))
		return nil
	}},
	{"hold answers and cut", func(c *cluster, r *rand.Rand) func() {
		m := victim(c, r)
		c.net.hold("", m.id, 1+pause(c, r, 1.2))
		time.Sleep(pause(c, r, 0.1))
		for _, o := range c.members {
			c.net.cut(m.id, o.id)
		}
		return nil
	}},
	// These do nothing where there is but one path.
	{"cut a path", func(c *cluster, r *rand.Rand) func() {
		c.every(func(from, to string) { c.net.cutPath(from, to, "x") })
		time.Sleep(pause(c, r, 2))
		return nil
	}},
	{"cut a path one way, then the other", func(c *cluster, r *rand.Rand) func() {
		c.net.cutPath(victim(c, r).id, any1(c, r).id, "y")
		time.Sleep(pause(c, r, 1))
		c.net.cutPath(any1(c, r).id, victim(c, r).id, "x")
		return nil
	}},
	{"slow path", func(c *cluster, r *rand.Rand) func() { c.net.slowPath("x", 1+pause(c, r, 4)); return nil }},
	{"restart", func(c *cluster, r *rand.Rand) func() { restart(c, any1(c, r), r); return nil }},
	{"cut and restart the other", func(c *cluster, r *rand.Rand) func() {
		l := victim(c, r)
		c.net.isolate(l.id)
		rest := slices.DeleteFunc(slices.Clone(c.members), func(m *member) bool { return m == l })
		restart(c, rest[r.IntN(len(rest))], r)
		return nil
	}},
	{"transfer", func(c *cluster, r *rand.Rand) func() { transferTo(c, r); return nil }},
	{"transfer and cut", func(c *cluster, r *rand.Rand) func() {
		transferTo(c, r)
		time.Sleep(pause(c, r, 0.05))
		c.net.isolate(any1(c, r).id)
		return nil
	}},
	{"transfer on a slow network", func(c *cluster, r *rand.Rand) func() {
		c.net.slow(1 + pause(c, r, 1))
		transferTo(c, r)
		return nil
	}},
	{"freeze", func(c *cluster, r *rand.Rand) func() {
		// The router's process stops between reading its role and acting on it; only its kernel goes on.
		m := victim(c, r)
		m.mu.Lock()
		m.frozen = true
		m.mu.Unlock()
		c.net.isolate(m.id)
		return func() { m.mu.Lock(); m.frozen = false; m.mu.Unlock() }
	}},
}
