package consensus

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
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

func rounds(t *testing.T) int {
	if v := os.Getenv("POLSO_ROUNDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("POLSO_ROUNDS: %v", err)
		}
		return n
	}
	if raceEnabled {
		t.Skip("virtual-time rounds are not run under the race detector")
	}
	return 2000
}

// TestNeverTwoHolders runs random faults, several at once, and looks every millisecond. Once healed, a leader must hold
// again, and in the end every proposal that was acknowledged is known to every voter. raft's own state, which knows neither lease nor ledger, is the control: it must have had two leaders at times.
func TestNeverTwoHolders(t *testing.T) {
	const perCluster = 25
	n := rounds(t)
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("POLSO_SEED"); v != "" {
		s, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatalf("POLSO_SEED: %v", err)
		}
		seed = s
	}
	t.Logf("POLSO_SEED=%d, %d rounds", seed, n)
	believers, takeups, acked := 0, 0, 0
	for i := range (n + perCluster - 1) / perCluster {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			ids := []string{"a", "b", "c", "d", "e"}[:3+2*r.IntN(2)]
			c := newCluster(t, lan(t), ids...)
			defer c.close()
			c.leader()
			var history []string
			for range perCluster {
				history = append(history, c.round(r))
				if t.Failed() || len(c.overlaps) > 0 {
					break
				}
			}
			if !t.Failed() {
				c.kept()
			}
			acked += len(c.acked)
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.overlaps) > 0 {
				t.Errorf("cluster %d: %s (of %d)\nafter %q", i, c.overlaps[0], len(c.overlaps), history)
			}
			believers += len(c.states)
			for _, m := range c.members {
				takeups += m.takeups
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d times taken up, %d proposals acknowledged; two leaders by raft's own state in %d ms", takeups, acked, believers)
	if acked < n*6/10 {
		t.Errorf("only %d proposals of %d were acknowledged", acked, n)
	}
	if believers == 0 && n >= 200 {
		t.Error("raft never had two leaders: the faults are too tame to show anything")
	}
}

// kept checks that every voter comes to know what was acknowledged, in that order.
func (c *cluster) kept() {
	l := c.leader()
	for _, m := range l.node.Members() {
		if !m.Voter {
			continue
		}
		n := c.member(m.ID)
		c.until(n.id+" knows what was acknowledged", 60*time.Second, func() bool {
			i := 0
			for _, w := range n.fsm.all() {
				if i < len(c.acked) && w == c.acked[i] {
					i++
				}
			}
			return i == len(c.acked)
		})
	}
}

// round makes one to three faults, heals and waits for a holder.
func (c *cluster) round(r *rand.Rand) string {
	var names string
	var undo []func()
	for range 1 + r.IntN(3) {
		f := faults[r.IntN(len(faults))]
		names += f.name + "; "
		if u := f.do(c, r); u != nil {
			undo = append(undo, u)
		}
		time.Sleep(pause(c, r, 2))
	}
	for _, u := range undo {
		u()
	}
	for _, m := range c.members {
		if m.node == nil {
			c.start(m)
		}
	}
	c.net.heal()
	began := time.Now()
	for c.holder() == nil {
		if time.Since(began) > 60*c.profile.H {
			c.t.Errorf("no holder %v after %s", time.Since(began), names)
			for _, m := range c.members {
				c.t.Logf("%s: %+v, role %+v", m.id, m.node.Stats(), m.node.Role())
			}
			return names
		}
		time.Sleep(10 * time.Millisecond)
	}
	word := fmt.Sprintf("word %d", len(c.acked))
	ctx, cancel := context.WithTimeout(context.Background(), 10*c.profile.H)
	defer cancel()
	if _, err := any1(c, r).node.Propose(ctx, []byte(word)); err == nil {
		c.acked = append(c.acked, word)
	}
	names += fmt.Sprintf("held after %v", time.Since(began).Round(time.Millisecond))
	time.Sleep(pause(c, r, 2))
	return names
}
