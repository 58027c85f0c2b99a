package consensus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// twoPaths makes a cluster of three whose nodes have two paths to each other.
func twoPaths(t *testing.T, p Profile) *cluster {
	c := blankCluster(t, p)
	c.ways, c.hedge = []string{"x", "y"}, p.PathPatience()
	return c.form("a", "b", "c")
}

// every does something for each ordered pair of nodes.
func (c *cluster) every(do func(from, to string)) {
	for _, a := range c.members {
		for _, b := range c.members {
			if a != b {
				do(a.id, b.id)
			}
		}
	}
}

// pathCuts are what can happen to a path while the other one lives. l leads.
var pathCuts = []struct {
	name string
	do   func(c *cluster, l *member)
}{
	{"the one in use", func(c *cluster, _ *member) {
		c.every(func(from, to string) { c.net.cutPath(from, to, "x") })
	}},
	{"the other", func(c *cluster, _ *member) {
		c.every(func(from, to string) { c.net.cutPath(from, to, "y") })
	}},
	{"what the leader sends", func(c *cluster, l *member) {
		for _, o := range c.others(l) {
			c.net.cutPath(l.id, o.id, "x")
		}
	}},
	{"what the leader is sent", func(c *cluster, l *member) {
		for _, o := range c.others(l) {
			c.net.cutPath(o.id, l.id, "x")
		}
	}},
	{"another path to each follower", func(c *cluster, l *member) {
		for i, o := range c.others(l) {
			c.net.cutPath(l.id, o.id, c.ways[i])
			c.net.cutPath(o.id, l.id, c.ways[i])
		}
	}},
	{"one after the other", func(c *cluster, _ *member) {
		for i := range 40 {
			path := c.ways[i%2]
			c.every(func(from, to string) { c.net.cutPath(from, to, path) })
			time.Sleep(c.profile.H + rand.N(4*c.profile.H)) // time to notice which one lives
			c.net.joinPath(path)
		}
	}},
	{"flapping", func(c *cluster, _ *member) {
		for range 200 / fewer {
			c.every(func(from, to string) { c.net.cutPath(from, to, "x") })
			time.Sleep(rand.N(c.profile.H))
			c.net.joinPath("x")
			time.Sleep(rand.N(c.profile.H / 2))
		}
	}},
	{"slow", func(c *cluster, _ *member) { c.net.slowPath("x", 4*c.profile.H) }},
}

// TestPathCut: whatever happens to one of two paths, nobody else is elected, the addresses are never let go, and writes go on.
func TestPathCut(t *testing.T) {
	for _, p := range Profiles() {
		for _, tt := range pathCuts {
			t.Run(p.Name+" "+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := twoPaths(t, p)
					defer c.close()
					l := c.leader()
					time.Sleep(3 * p.H)
					w := c.writeTo(l)
					tt.do(c, l)
					time.Sleep(20 * p.H)
					if why := w.stop(); why != "" {
						t.Error(why)
					}
					t.Logf("%d writes, the slowest took %v; the lease had %v left at least, of H %v", w.writes, w.slowest, w.least, p.H)
					if w.writes < 20 || w.slowest >= p.H {
						t.Errorf("%d writes, the slowest took %v", w.writes, w.slowest)
					}
					if w.least < p.H*4/10 {
						t.Errorf("the lease had %v left at times: hardly enough", w.least)
					}
					c.safe()
					c.kept()
				})
			})
		}
	}
}

// TestPathCutUnhedged: with requests that wait for their path the cut of one costs the lead. So TestPathCut can fail.
func TestPathCutUnhedged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := blankCluster(t, lan(t))
		c.ways, c.hedge = []string{"x", "y"}, time.Hour
		c.form("a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(3 * c.profile.H)
		w := c.writeTo(l)
		pathCuts[0].do(c, l)
		time.Sleep(20 * c.profile.H)
		if w.stop() == "" {
			t.Error("a cut of the path in use was not noticed")
		}
	})
}

// TestBothPathsCut: without any path another one takes over, as ever, and never beside the old one.
func TestBothPathsCut(t *testing.T) {
	var took []time.Duration
	synctest.Test(t, func(t *testing.T) {
		c := twoPaths(t, lan(t))
		defer c.close()
		for i := range 30 {
			l := c.leader()
			time.Sleep(3 * c.profile.H)
			first, second := c.ways[i%2], c.ways[(i+1)%2]
			c.every(func(from, to string) { c.net.cutPath(from, to, first) })
			time.Sleep(time.Duration(i%3) * c.profile.H)
			for _, o := range c.others(l) {
				c.net.cutPath(l.id, o.id, second)
				c.net.cutPath(o.id, l.id, second)
			}
			began := time.Now()
			c.until("another leader", 10*c.profile.H, func() bool { h := c.holder(); return h != nil && h != l })
			took = append(took, time.Since(began))
			c.net.heal()
			time.Sleep(2 * c.profile.H)
		}
		c.safe()
	})
	slices.Sort(took)
	t.Logf("H %v: min %v median %v worst %v", lan(t).H, took[0], took[len(took)/2], took[len(took)-1])
	if median := took[len(took)/2]; median > lan(t).H*2 {
		t.Errorf("median failover %v", median)
	}
}

// writer writes to a leader without a break and watches its lease meanwhile.
type writer struct {
	c      *cluster
	l      *member
	ending chan struct{}
	done   chan string

	writes  int
	slowest time.Duration
	least   time.Duration // left of the lease
}

func (c *cluster) writeTo(l *member) *writer {
	w := &writer{c: c, l: l, ending: make(chan struct{}), done: make(chan string, 2), least: c.profile.H}
	go func() { w.done <- w.write() }()
	go func() { w.done <- w.watch() }()
	return w
}

// write proposes one thing after the other and says what went wrong.
func (w *writer) write() (why string) {
	for {
		select {
		case <-w.ending:
			return why
		case <-time.After(w.c.profile.H / 20):
		}
		began := time.Now()
		text := fmt.Sprint("w", w.writes)
		if _, err := w.l.node.Receive(w.c.t.Context(), []byte(text)); err != nil {
			why = err.Error()
			continue
		}
		w.c.acked = append(w.c.acked, text)
		w.writes++
		w.slowest = max(w.slowest, time.Since(began))
	}
}

// watch looks every millisecond whether the leader still holds, as it did.
func (w *writer) watch() (why string) {
	before := w.l.node.Role()
	for {
		select {
		case <-w.ending:
			return why
		case <-time.After(time.Millisecond):
		}
		now := w.l.node.Role()
		if !now.Leader || now.Epoch != before.Epoch || now.Term != before.Term {
			why = fmt.Sprintf("role %+v, was %+v", now, before)
			continue
		}
		w.least = min(w.least, time.Duration(now.Until-w.c.clock()))
	}
}

// stop ends the writer and says what went wrong, "" if nothing did.
func (w *writer) stop() string {
	close(w.ending)
	return <-w.done + <-w.done
}
