package consensus

import (
	"fmt"
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

// poll does what a router's director and kernel do: it holds while Role says so, and the kernel lets go at the end.
func (m *member) poll(now lease.Instant) (holds, began, believes bool) {
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
	return m.up > now, m.up > now && !held, m.node != nil && m.node.raft.State() == raft.Leader
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
	var holders, believers []string
	all := c.everyone()
	for _, m := range all {
		holds, began, believes := m.poll(now)
		if holds {
			holders = append(holders, m.id)
		}
		if believes {
			believers = append(believers, m.id)
		}
		if began {
			c.began(m, all, now)
		}
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
