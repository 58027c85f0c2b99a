package consensus

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// write proposes through m every tenth of a second, for that long, and keeps what was acknowledged.
func (c *cluster) write(m *member, long time.Duration) (acked int) {
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		word := fmt.Sprintf("word %d", len(c.acked))
		ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
		if _, err := m.node.Propose(ctx, []byte(word)); err == nil {
			c.acked = append(c.acked, word)
			acked++
		}
		cancel()
	}
	return acked
}

// takings is how often the lead was taken, as m's state machine knows it.
func (m *member) takings() int {
	m.fsm.mu.Lock()
	defer m.fsm.mu.Unlock()
	return len(m.fsm.leads)
}

// ordered checks what every log must be: without a hole, and with terms that never fall.
func (d *disk) ordered() error {
	first, _ := d.FirstIndex()
	last, _ := d.LastIndex()
	var before, l raft.Log
	for i := first; i <= last; i++ {
		if err := d.GetLog(i, &l); err != nil {
			return fmt.Errorf("entry %d of %d to %d: %w", i, first, last, err)
		}
		if l.Term < before.Term {
			return fmt.Errorf("entry %d has term %d, the one before %d", i, l.Term, before.Term)
		}
		before = l
	}
	return nil
}

// elections counts from now on how often raft is elected at m.
func (m *member) elections() *atomic.Int64 {
	var n atomic.Int64
	m.node.raft.RegisterObserver(raft.NewObserver(nil, false, func(o *raft.Observation) bool {
		if o.Data == raft.Leader {
			n.Add(1)
		}
		return false
	}))
	return &n
}

// careless lets m stand for election whatever its disk says, until the returned function is called: the rule is switched off.
func (m *member) careless() (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				m.node.refusal.over(1 << 30)
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

// full lets the disk of the leader, the fittest of three, refuse for so long.
func (c *cluster) full(l *member, err error, how manner, long time.Duration) (acked, takings int, elected int64) {
	c.mu.Lock()
	c.fittest = l.id
	c.mu.Unlock()
	other := c.others(l)[0]
	c.write(other, time.Second)
	before, elections := other.takings(), l.elections()
	l.disk.refuse(err, how)
	acked = c.write(other, long)
	return acked, other.takings() - before, elections.Load()
}

// TestFullDisk: the leader's disk takes no write any more. It steps down once, another leads and takes writes, and when
// there is room again the node follows and can be elected.
func TestFullDisk(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		how  manner
	}{
		{"no space", syscall.ENOSPC, nothing},
		{"no space for entries", syscall.ENOSPC, large},
		{"input/output error in the sync", syscall.EIO, made},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, lan(t), "a", "b", "c")
				defer c.close()
				l := c.leader()
				time.Sleep(2 * c.profile.H)
				acked, takings, elected := c.full(l, tt.err, tt.how, time.Minute)
				if takings != 1 || elected != 0 {
					t.Errorf("the lead was taken %d times, the full one elected %d times", takings, elected)
				}
				if acked < 500 {
					t.Errorf("only %d writes were acknowledged", acked)
				}
				if err := l.node.Refuses(); !errors.Is(err, tt.err) || !errors.Is(err, ErrStoreRefuses) {
					t.Errorf("refuses: %v", err)
				}
				l.disk.refuse(nil, nothing)
				took := c.until("it is well", 3*trialEvery, func() bool { return l.node.Refuses() == nil })
				t.Logf("%d writes acknowledged meanwhile; well again %v after the disk", acked, took)
				c.until("it takes over", time.Minute, func() bool {
					h := c.holder()
					return h == l || h != nil && h.node.Transfer(t.Context(), l.id) == nil
				})
				c.kept()
				for _, m := range c.members {
					if err := m.disk.ordered(); err != nil {
						t.Errorf("%s: %v", m.id, err)
					}
				}
				c.safe()
			})
		})
	}
}

// TestFullDiskIsNotElected: without the rule that a node whose disk refuses does not stand, it is elected all the same.
func TestFullDiskIsNotElected(t *testing.T) {
	const clusters = 60
	for _, careless := range []bool{false, true} {
		var elected, most int64
		for range clusters {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, lan(t), "a", "b", "c")
				defer c.close()
				l := c.leader()
				time.Sleep(2 * c.profile.H)
				if careless {
					defer l.careless()()
				}
				_, _, n := c.full(l, syscall.ENOSPC, large, 5*time.Second)
				elected, most = elected+n, max(most, n)
			})
		}
		t.Logf("careless %v: elected %d times in %d clusters, %d at most in one", careless, elected, clusters, most)
		if (elected > 0) != careless {
			t.Errorf("careless %v: elected %d times", careless, elected)
		}
	}
}

// TestFullDiskAlone: a lone voter whose disk is full waits without being elected, and leads when there is room. Without the
// rule it is elected and fails, again and again.
func TestFullDiskAlone(t *testing.T) {
	for _, careless := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, lan(t), "a")
			defer c.close()
			l := c.leader()
			end := func() {}
			if careless {
				end = l.careless()
			}
			elections := l.elections()
			l.disk.refuse(syscall.ENOSPC, large)
			if _, err := l.node.Propose(t.Context(), []byte("x")); err == nil {
				t.Error("acknowledged by a full disk")
			}
			time.Sleep(30 * time.Second)
			n := elections.Load()
			t.Logf("careless %v: elected %d times in half a minute", careless, n)
			if careless && n < 10 || !careless && n > 0 || l.node.Role().Leader {
				t.Errorf("careless %v: elected %d times, role %+v", careless, n, l.node.Role())
			}
			end()
			l.disk.refuse(nil, nothing)
			c.leader()
			if _, err := l.node.Propose(t.Context(), []byte("y")); err != nil {
				t.Error(err)
			}
			if got := elections.Load() - n; !careless && got != 1 {
				t.Errorf("elected %d times when there was room", got)
			}
			c.safe()
		})
	}
}

// TestStandByOnAFullDisk: the disk of a follower is full when the leader dies. It does not stand, votes for the other, and
// follows it into the new term, which it cannot write down.
func TestStandByOnAFullDisk(t *testing.T) {
	for _, how := range []manner{nothing, large} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, lan(t), "a", "b", "c", "d", "e")
			defer c.close()
			l := c.leader()
			time.Sleep(2 * c.profile.H)
			full, other := c.others(l)[0], c.others(l)[1]
			full.disk.refuse(syscall.ENOSPC, how)
			c.write(other, time.Second)
			if full.node.Refuses() == nil {
				t.Fatal("it has not noticed")
			}
			c.mu.Lock()
			c.fittest = full.id
			c.mu.Unlock()
			c.kill(l)
			h := c.leader()
			if h == full {
				t.Error("the full one leads")
			}
			time.Sleep(5 * c.profile.H)
			if got, want := full.node.Stats().Term, h.node.Stats().Term; got != want {
				t.Errorf("it is in term %d, the cluster in %d", got, want)
			}
			if leader, _ := full.node.Leader(); leader != h.id {
				t.Errorf("it follows %q, not %s", leader, h.id)
			}
			if err := full.node.ArmFor(h.id, h.node.Stats().Term); !errors.Is(err, ErrStoreRefuses) {
				t.Errorf("asked to take over: %v", err)
			}
			if err := h.node.Transfer(t.Context(), full.id); err == nil {
				t.Error("the lead was handed to it")
			}
			// Its process may end meanwhile, and what it could not write down is forgotten.
			c.kill(full)
			c.start(full)
			c.until("it follows again", 10*c.profile.H, func() bool { id, known := full.node.Leader(); return known && id == c.leader().id })
			full.disk.refuse(nil, nothing)
			c.start(l)
			c.write(other, time.Second)
			c.kept()
			c.safe()
		})
	}
}

// TestTwoFullDisks: of three nodes one is gone and the others' disks are full. They wait, and their terms with them; when
// there is room on one, that one leads.
func TestTwoFullDisks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		full := c.others(l)
		for _, m := range full {
			m.disk.refuse(syscall.ENOSPC, large)
		}
		c.write(l, time.Second)
		c.kill(l)
		before := full[0].node.Stats().Term
		elected := [2]*atomic.Int64{full[0].elections(), full[1].elections()}
		time.Sleep(time.Minute)
		for i, m := range full {
			if n, term := elected[i].Load(), m.node.Stats().Term; n != 0 || term != before {
				t.Errorf("%s was elected %d times, its term went from %d to %d", m.id, n, before, term)
			}
		}
		full[0].disk.refuse(nil, nothing)
		c.until("it leads", 10*c.profile.H, func() bool { return full[0].node.raft.State() == raft.Leader })
		full[1].disk.refuse(nil, nothing)
		c.start(l)
		c.write(full[0], 2*time.Second)
		c.kept()
		c.safe()
	})
}
