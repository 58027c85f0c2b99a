package consensus

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

func conf(ids ...string) raft.Configuration {
	var c raft.Configuration
	for _, id := range ids {
		c.Servers = append(c.Servers, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(id), Address: raft.ServerAddress(id)})
	}
	return c
}

func confEntry(index uint64, ids ...string) []*raft.Log {
	return []*raft.Log{{Index: index, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(conf(ids...))}}
}

func TestRoster(t *testing.T) {
	abc, abcd, ab := []string{"a", "b", "c"}, []string{"a", "b", "c", "d"}, []string{"a", "b"}
	tests := []struct {
		name string
		do   func(r *roster)
		want [][]string
	}{
		{"as found", func(*roster) {}, [][]string{abc}},
		{"replayed", func(r *roster) { r.committed(1, conf("a")); r.committed(10, conf("x", "y")) }, [][]string{abc}},
		{"appended", func(r *roster) { r.stored(confEntry(11, abcd...)) }, [][]string{abc, abcd}},
		{"committed", func(r *roster) { r.stored(confEntry(11, abcd...)); r.committed(11, conf(abcd...)) }, [][]string{abcd}},
		{"taken back", func(r *roster) { r.stored(confEntry(11, abcd...)); r.truncated(11) }, [][]string{abc}},
		{"an end that was in the log is replaced", func(r *roster) {
			r.truncated(8)
			r.stored(confEntry(9, ab...))
			r.committed(9, conf(ab...))
		}, [][]string{ab}},
		{"replayed although the end is replaced", func(r *roster) { r.truncated(8); r.committed(7, conf("a")) }, [][]string{abc}},
		{"snapshot", func(r *roster) { r.stored(confEntry(11, abcd...)); r.reset(conf(ab...)) }, [][]string{ab}},
		{"settled", func(r *roster) { r.settle(conf(ab...), 11) }, [][]string{ab}},
		{"settled, and one is under way", func(r *roster) {
			r.stored(confEntry(12, abcd...))
			r.settle(conf(abcd...), 11)
		}, [][]string{abc, abcd}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got [][]string
			r := &roster{publish: func(sets ...[]string) { got = sets }, replayed: 10}
			r.found(conf(abc...))
			tt.do(r)
			if !slices.EqualFunc(got, tt.want, slices.Equal) {
				t.Errorf("voters %v, want %v", got, tt.want)
			}
		})
	}
}

// TestReplayKeepsTheLease: a leader that takes long to apply what is from the time of other voters, none of which answers
// any more, counts its lease under those of now.
func TestReplayKeepsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, lan(t), "a", "b", "c")
		defer c.close()
		l := c.leader()
		time.Sleep(2 * c.profile.H)
		if _, err := l.node.Propose(t.Context(), []byte("busy")); err != nil {
			t.Fatal(err)
		}
		for _, o := range c.others(l) {
			if err := l.node.Remove(t.Context(), o.id); err != nil {
				t.Fatal(err)
			}
			c.kill(o)
		}
		now := []*member{l}
		for _, id := range []string{"d", "e"} {
			m := c.blank(id)
			c.start(m)
			if err := l.node.AddLearner(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			c.until("caught up", 10*c.profile.H, func() bool { return l.node.Promote(t.Context(), id) == nil })
			now = append(now, m)
		}
		time.Sleep(2 * c.profile.H)
		for _, m := range now {
			c.kill(m)
			m.busy, m.disk.pace = 2*c.profile.H, 2*time.Millisecond
		}
		for _, m := range now {
			c.start(m)
		}
		var term uint64
		c.until("raft has a leader", 10*c.profile.H, func() bool {
			for _, m := range now {
				if m.node.raft.State() == raft.Leader {
					term = m.node.raft.CurrentTerm()
				}
			}
			return term != 0
		})
		if got := c.leader().node.Role().Term; got != term {
			t.Errorf("held first in term %d, elected first in term %d", got, term)
		}
		c.safe()
	})
}
