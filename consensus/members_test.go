package consensus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
)

func TestGrowAndShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a")
		defer c.close()
		l := c.leader()
		for _, id := range []string{"b", "c"} {
			m := c.blank(id)
			c.start(m)
			if err := l.node.Promote(t.Context(), id); !errors.Is(err, ErrNotMember) {
				t.Errorf("promote a stranger: %v", err)
			}
			if err := l.node.AddLearner(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if err := l.node.AddLearner(t.Context(), id); err != nil {
				t.Errorf("add twice: %v", err)
			}
		}
		for _, id := range []string{"b", "c"} {
			c.until("caught up", 10*c.profile.H, func() bool { _, err := l.node.fresh(id); return err == nil })
			if err := l.node.Promote(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		want := []Member{{"a", true, true, true}, {"b", true, false, false}, {"c", true, false, false}}
		if got := l.node.Members(); !slices.Equal(got, want) {
			t.Errorf("members %+v, want %+v", got, want)
		}
		if r := l.node.Role(); !r.Leader || r.Epoch != 1 {
			t.Errorf("role %+v: growing must not interrupt the holding", r)
		}
		c.until("everyone is up to date", c.profile.H, func() bool {
			return !slices.ContainsFunc(l.node.Progress(), func(p Progress) bool { return !p.Contacted || p.Behind != 0 })
		})
		for _, p := range l.node.Progress() {
			if p.Contact > c.profile.H/2 {
				t.Errorf("progress %+v", p)
			}
		}
		f := c.member("b")
		if err := f.node.Remove(t.Context(), "c"); !errors.Is(err, ErrNotLeader) {
			t.Errorf("a follower removed: %v", err)
		}
		if f.node.Progress() != nil {
			t.Error("a follower knows progress")
		}
		if err := l.node.Remove(t.Context(), "a"); err == nil {
			t.Error("the leader removed itself")
		}
		if err := l.node.Remove(t.Context(), "x"); !errors.Is(err, ErrNotMember) {
			t.Errorf("removed a stranger: %v", err)
		}
		if err := l.node.Remove(t.Context(), "c"); err != nil {
			t.Fatal(err)
		}
		c.kill(c.member("c"))
		time.Sleep(10 * c.profile.H)
		if r := l.node.Role(); !r.Leader || r.Epoch != 1 {
			t.Errorf("role %+v after c was removed and died, want the same holding", r)
		}
		c.safe()
	})
}

// TestPromotionOfTheDead: a learner that does not answer gets no vote, because it would take the quorum with it.
func TestPromotionOfTheDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a")
		defer c.close()
		l := c.leader()
		if err := l.node.AddLearner(t.Context(), "ghost"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * c.profile.H)
		if err := l.node.Promote(t.Context(), "ghost"); !errors.Is(err, ErrBehind) {
			t.Errorf("error %v, want ErrBehind", err)
		}
		if !l.node.Role().Leader {
			t.Error("the only voter lost its lease to a learner")
		}
	})
}

// TestChangesKeepTheirDistance: the lease of one configuration is over before the one after the next appears.
func TestChangesKeepTheirDistance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a")
		defer c.close()
		l := c.leader()
		var at []time.Time
		for i := range 3 {
			if err := l.node.AddLearner(t.Context(), fmt.Sprint("x", i)); err != nil {
				t.Fatal(err)
			}
			at = append(at, time.Now())
		}
		for i := range at[1:] {
			if d := at[i+1].Sub(at[i]); d < c.profile.H {
				t.Errorf("change %d only %v after the one before", i+1, d)
			}
		}
	})
}

func TestSnapshotReachesANewMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a")
		defer c.close()
		l := c.leader()
		for i := range 20 {
			if _, err := l.node.Propose(t.Context(), fmt.Appendf(nil, "w%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		rc := l.node.raft.ReloadableConfig()
		rc.TrailingLogs = 2
		if err := l.node.raft.ReloadConfig(rc); err != nil {
			t.Fatal(err)
		}
		if err := l.node.wait(t.Context(), l.node.raft.Snapshot(), time.Minute); err != nil {
			t.Fatal(err)
		}
		m := c.blank("b")
		c.start(m)
		if err := l.node.AddLearner(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		c.until("it has everything", 20*c.profile.H, func() bool { return slices.Equal(m.fsm.all(), l.fsm.all()) })
		if first, _ := m.disk.FirstIndex(); first == 1 {
			t.Error("it was fed from the log, not from the snapshot")
		}
		c.until("caught up", 10*c.profile.H, func() bool { _, err := l.node.fresh("b"); return err == nil })
		if err := l.node.Promote(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * c.profile.H)
		// Both restart from their snapshots and logs.
		words := l.fsm.all()
		c.kill(l)
		c.kill(m)
		c.start(l)
		c.start(m)
		c.leader()
		c.until("everything is back", 20*c.profile.H, func() bool {
			return slices.Equal(l.fsm.all(), m.fsm.all()) && len(l.fsm.all()) > len(words) && slices.Equal(l.fsm.all()[:len(words)], words)
		})
		c.safe()
	})
}

func TestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a")
		defer c.close()
		l := c.leader()
		first := l.node.Role()
		if first.Epoch != 1 {
			t.Errorf("first epoch %d", first.Epoch)
		}
		time.Sleep(10 * c.profile.H)
		if r := l.node.Role(); !r.Leader || r.Epoch != 1 {
			t.Errorf("role %+v, want the first holding", r)
		}
		if err := l.node.Transfer(t.Context(), "a"); err == nil {
			t.Error("handed over to itself")
		}
		if err := l.retire(); err != nil {
			t.Error(err)
		}
		if l.released != 1 {
			t.Errorf("let go %d times before the end, want once", l.released)
		}
	})
}

func TestBootstrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, net: newNetwork(time.Second), profile: lan(t), boot: time.Now(), checking: make(chan struct{})}
		m := c.blank("a")
		if err := Bootstrap(c.options(m)); err != nil {
			t.Fatal(err)
		}
		if err := Bootstrap(c.options(m)); !errors.Is(err, ErrExists) {
			t.Errorf("twice: %v", err)
		}
		if err := Bootstrap(Options{ID: "a"}); err == nil {
			t.Error("bootstrapped without stores")
		}
		c.start(m)
		c.leader()
		c.close()
	})
}

// TestRecover: the last of three leads alone with all that was in its log, and a node without a log is no survivor.
func TestRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		if _, err := l.node.Propose(t.Context(), []byte("kept")); err != nil {
			t.Fatal(err)
		}
		for _, m := range c.everyone() {
			c.kill(m)
		}
		refuses := c.options(l)
		refuses.FSM = mute{refuses.FSM}
		if err := Recover(refuses); err == nil || !strings.Contains(err.Error(), "mute") {
			t.Errorf("the state refuses: %v", err)
		}
		if n, err := l.disk.LastIndex(); err != nil || n == 0 {
			t.Errorf("a refused recovery emptied the log: %d, %v", n, err)
		}
		if err := Recover(c.options(l)); err != nil {
			t.Fatal(err)
		}
		c.start(l)
		c.until("it leads alone", 5*c.profile.H, func() bool { return l.node.Role().Leader })
		if ms := l.node.Members(); len(ms) != 1 || ms[0].ID != l.id || !ms[0].Voter {
			t.Errorf("members %+v", ms)
		}
		if have := l.fsm.all(); !slices.Contains(have, "kept") {
			t.Errorf("it has %q", have)
		}
		if err := Recover(c.options(c.blank("d"))); err == nil {
			t.Error("recovered from nothing")
		}
		if err := Recover(Options{ID: "a"}); err == nil {
			t.Error("recovered without stores")
		}
	})
}

// mute is a state that refuses to be kept.
type mute struct{ FSM }

func (mute) Snapshot() (raft.FSMSnapshot, error) { return nil, errors.New("mute") }

func TestReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		c.kill(l)
		n := c.leader()
		want := []struct {
			reason Reason
			from   string
		}{{First, ""}, {Lost, l.id}}
		for i, got := range n.fsm.leads {
			if i < len(want) && (got.Reason != want[i].reason || got.From != want[i].from) {
				t.Errorf("taking %d: %+v, want %+v", i, got, want[i])
			}
			if i == 1 && (got.Took < c.profile.H*8/10 || got.Took > 2*c.profile.H) {
				t.Errorf("took %v, want about H", got.Took)
			}
			if i == 1 && !(0 < got.Sign && got.Sign+lease.Instant(c.profile.H*8/10) < got.Stood && got.Stood <= got.Elected) {
				t.Errorf("last sign at %v, stood at %v, elected at %v; want them in that order, H between the first two", got.Sign, got.Stood, got.Elected)
			}
		}
		if len(n.fsm.leads) != len(want) {
			t.Errorf("%d takings, want %d", len(n.fsm.leads), len(want))
		}
	})
}

// TestFit: the fittest follower is elected, because it stands first and the others vote as soon as they may.
func TestFit(t *testing.T) {
	for _, ids := range [][]string{{"a", "b", "c"}, {"a", "b", "c", "d", "e"}} {
		wins := 0
		const rounds = 20
		for i := range rounds {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, lan(t), ids...)
				defer c.close()
				l := c.leader()
				fittest := c.others(l)[i%(len(ids)-1)].id
				c.mu.Lock()
				c.fittest = fittest
				c.mu.Unlock()
				time.Sleep(2 * c.profile.H)
				c.kill(l)
				if c.leader().id == fittest {
					wins++
				}
			})
		}
		t.Logf("%d nodes: the fittest was elected %d times of %d", len(ids), wins, rounds)
		if wins < rounds*6/10 { // by chance a half or a quarter
			t.Errorf("%d nodes: the fittest was elected only %d times of %d", len(ids), wins, rounds)
		}
	}
}

// TestPromise: while the profile changes, a lease is as short as the shorter and a promise as long as the longer.
func TestPromise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := lan(t)
		c := &cluster{t: t, net: newNetwork(time.Second), profile: p, boot: time.Now(), checking: make(chan struct{})}
		o := c.options(c.blank("a"))
		if err := Bootstrap(o); err != nil {
			t.Fatal(err)
		}
		o.Promise = 2 * p.H
		n, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		if got, want := n.ledger.Promised().Until-c.clock(), lease.Instant(2*p.H); got != want {
			t.Errorf("a fresh process waits %v, want %v", time.Duration(got), time.Duration(want))
		}
		c.until("it leads", 5*p.H, func() bool { return n.Role().Leader })
		if got, want := n.Role().Until-c.clock(), lease.Instant(p.H*9/10); got != want {
			t.Errorf("lease of %v, want %v", time.Duration(got), time.Duration(want))
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
