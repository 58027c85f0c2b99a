package consensus

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
)

// margins are the smallest gaps seen between the end of one holder and the beginning of the next, whose beginning is seen up
// to a millisecond late. Zero: none seen.
type margins struct {
	lost   time.Duration // the next was elected because the one before was lost
	handed time.Duration // the one before handed over
}

func (m *margins) note(o margins) {
	least := func(a *time.Duration, b time.Duration) {
		if b != 0 && (*a == 0 || b < *a) {
			*a = b
		}
	}
	least(&m.lost, o.lost)
	least(&m.handed, o.handed)
}

// letGo takes the addresses down. The caller has m.mu.
func (m *member) letGo(now lease.Instant) {
	if m.up > now {
		m.last = now
	}
	m.up = 0
}

// sight is what one look at a member saw.
type sight struct {
	*member
	at                     uint64 // its moment
	holds, began, believes bool
}

// poll does what a router's director and kernel do: it holds while Role says so, and the kernel lets go at the end.
func (m *member) poll(now lease.Instant, moments *atomic.Uint64) sight {
	m.mu.Lock()
	defer m.mu.Unlock()
	held := m.up > now
	if m.node != nil && !m.frozen {
		r := m.node.Role()
		if r.Leader && r.Until > m.up {
			m.up, m.last = r.Until, r.Until
		}
		if r.Leader && r.Epoch != m.epoch {
			m.epoch = r.Epoch
			m.takeups++
		}
	}
	return sight{m, moments.Add(1), m.up > now, m.up > now && !held, m.node != nil && m.node.raft.State() == raft.Leader}
}

// beside tells whether s, that was seen to hold, still did when o was seen, later in the same instant: members are looked at one
// after the other, and a hand-over takes no virtual time.
func (s sight) beside(o sight) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone < s.at || s.gone > o.at
}

// check looks every millisecond for two holders.
func (c *cluster) check() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.checking:
			return
		}
		c.look(c.clock())
	}
}

func (c *cluster) look(now lease.Instant) {
	var holding []sight
	var believers []string
	all := c.everyone()
	for _, m := range all {
		s := m.poll(now, &c.moments)
		if s.holds {
			holding = append(slices.DeleteFunc(holding, func(before sight) bool { return !before.beside(s) }), s)
		}
		if s.believes {
			believers = append(believers, m.id)
		}
		if s.began {
			c.began(m, all, now)
		}
	}
	var holders []string
	for _, s := range holding {
		holders = append(holders, s.id)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byState {
		holders = believers
	}
	if len(holders) > 1 {
		c.overlaps = append(c.overlaps, fmt.Sprintf("%v: %v hold", time.Duration(now), holders))
	}
	if len(believers) > 1 {
		c.states = append(c.states, fmt.Sprintf("%v: %v lead", time.Duration(now), believers))
	}
}

// began notes how long nobody held before m began to.
func (c *cluster) began(m *member, all []*member, now lease.Instant) {
	var last lease.Instant
	for _, o := range all {
		if o != m {
			o.mu.Lock()
			last = max(last, o.last)
			o.mu.Unlock()
		}
	}
	if last == 0 {
		return
	}
	gap := margins{lost: max(time.Duration(now-last), 1)}
	m.mu.Lock()
	fsm := m.fsm
	m.mu.Unlock()
	if fsm.reason() == Transfer {
		gap.lost, gap.handed = 0, gap.lost
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.margins.note(gap)
}

func (c *cluster) safe() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.overlaps) > 0 {
		c.t.Fatalf("two holders at %d moments, first %s", len(c.overlaps), c.overlaps[0])
	}
}
