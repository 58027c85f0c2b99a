package consensus

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
)

// TestFailedEntriesAreGone: entries whose write failed are in the store all the same. They do not stay behind others that
// take their place (the last entry's term would be too low, and decide who gets this node's vote), and raft sees none of
// them: it would append behind what is about to go.
func TestFailedEntriesAreGone(t *testing.T) {
	d := &disk{InmemStore: raft.NewInmemStore()}
	r := &refusal{bell: make(chan struct{}, 1), ring: func() {}}
	j := &journal{
		LogStore: d, clock: func() lease.Instant { return 1 }, limit: time.Second, roster: &roster{publish: func(...[]string) {}}, refusal: r,
		register: &register{StableStore: d, self: "a", refusal: r, turn: make(chan struct{}, 1)}, led: func(uint64) bool { return false },
	}
	entries := func(term, from, to uint64) (ls []*raft.Log) {
		for i := from; i <= to; i++ {
			ls = append(ls, &raft.Log{Index: i, Term: term})
		}
		return ls
	}
	if err := j.StoreLogs(entries(1, 1, 9)); err != nil {
		t.Fatal(err)
	}
	d.refuse(syscall.EIO, made)
	if err := j.StoreLogs(entries(1, 10, 12)); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	if last, _ := d.LastIndex(); last != 12 {
		t.Fatalf("last index %d: the disk of this test does not do what it is for", last)
	}
	if err := j.GetLog(10, new(raft.Log)); err != raft.ErrLogNotFound {
		t.Errorf("entry 10, whose write failed: %v", err)
	}
	d.refuse(nil, nothing)
	if err := j.StoreLogs(entries(2, 10, 10)); err != nil {
		t.Fatal(err)
	}
	if last, _ := d.LastIndex(); last != 10 {
		t.Errorf("last index %d, want 10", last)
	}
	if err := d.ordered(); err != nil {
		t.Error(err)
	}
}

// ended waits for the end of m's process and returns why.
func (c *cluster) ended(m *member, limit time.Duration) error {
	c.t.Helper()
	select {
	case err := <-m.done:
		m.mu.Lock()
		m.node = nil
		m.mu.Unlock()
		return err
	case <-time.After(limit):
		c.t.Fatalf("%s: its process has not ended", m.id)
		return nil
	}
}

// TestCutLog: a follower removes the end of its log, which the new leader replaces, and then cannot write the new one. raft
// remembers the old end and would panic when the new one is committed: the write is repeated until there is room.
func TestCutLog(t *testing.T) {
	for _, how := range []manner{nothing, made, large} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, lan(t), "a", "b", "c")
			defer c.close()
			l := c.leader()
			time.Sleep(2 * c.profile.H)
			c.net.isolate(l.id)
			for i := range 3 {
				go func() { _, _ = l.node.Propose(t.Context(), fmt.Append(nil, "lost ", i)) }()
			}
			c.until("another leads", 10*c.profile.H, func() bool { h := c.holder(); return h != nil && h != l })
			c.write(c.others(l)[0], time.Second)
			l.disk.refuse(syscall.ENOSPC, how)
			c.net.heal()
			c.write(c.others(l)[0], 10*time.Second)
			if l.node.Refuses() == nil || !l.node.Stats().Stalled {
				t.Errorf("refuses: %v, stats %+v", l.node.Refuses(), l.node.Stats())
			}
			// Its process can be ended meanwhile.
			if err := l.retire(); err != nil {
				t.Error(err)
			}
			c.start(l)
			c.write(c.others(l)[0], 5*time.Second)
			l.disk.refuse(nil, nothing)
			c.kept()
			if err := l.disk.ordered(); err != nil {
				t.Error(err)
			}
			c.safe()
		})
	}
}

// TestMemberThatWasNotWritten: raft counts by a change of members that its leader could not write. It must not stand for
// election with it; the process starts anew when there is room.
func TestMemberThatWasNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		l.disk.refuse(syscall.ENOSPC, large)
		if err := l.node.AddLearner(t.Context(), "d"); err == nil {
			t.Error("added on a full disk")
		}
		synctest.Wait() // raft answers first, and counts by it then
		if n := len(l.node.Members()); n != 4 {
			t.Errorf("%d members: the trap is gone, and this test shows nothing", n)
		}
		c.until("another leads", 10*c.profile.H, func() bool { h := c.holder(); return h != nil && h != l })
		l.disk.refuse(nil, nothing)
		if err := c.ended(l, 10*time.Second); err == nil || !strings.Contains(err.Error(), "change of members") {
			t.Errorf("ended with %v", err)
		}
		c.start(l)
		c.until("it knows the members", 10*c.profile.H, func() bool { return len(l.node.Members()) == 3 })
		c.write(c.others(l)[0], time.Second)
		c.kept()
		c.safe()
	})
}
