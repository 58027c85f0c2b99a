package fsm

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// The contract with raft as it is: entries, membership changes, a snapshot, and a restart from snapshot and log.
func TestUnderRaft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := raft.DefaultConfig()
		config.LocalID = "n1"
		config.Logger = hclog.NewNullLogger()
		config.NoLegacyTelemetry = true
		config.TrailingLogs = 1
		logs, snapshots := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
		_, transport := raft.NewInmemTransport("n1")

		boot := func() (*machine, *raft.Raft) {
			m := newMachine(t)
			r, err := raft.NewRaft(config, m.FSM, logs, logs, snapshots, transport)
			if err != nil {
				t.Fatal(err)
			}
			return m, r
		}
		propose := func(m *machine, r *raft.Raft, c Command) Result {
			t.Helper()
			future := r.Apply(m.entry(c).Data, time.Second)
			if err := future.Error(); err != nil {
				t.Fatal(err)
			}
			got, err := DecodeResult(future.Response().([]byte))
			if err != nil {
				t.Fatal(err)
			}
			if got.Index != future.Index() || m.Load().Index < got.Index {
				t.Errorf("%s: index %d, raft says %d, the state has %d", c.Name(), got.Index, future.Index(), m.Load().Index)
			}
			return got
		}
		lead := func(m *machine, r *raft.Raft) {
			t.Helper()
			if !<-r.LeaderCh() {
				t.Fatal("not elected")
			}
			got := propose(m, r, &TakeLead{Node: "n1", Reason: "first"})
			if m.Load().Known {
				t.Error("known before anything was heard")
			}
			m.Hear(m.Load().Term, got.Index)
			if !m.Load().Known {
				t.Error("not known after one's own lead")
			}
		}

		boots := raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "n1"}}}
		if err := raft.BootstrapCluster(config, logs, logs, snapshots, transport, boots); err != nil {
			t.Fatal(err)
		}
		m, r := boot()
		lead(m, r)
		propose(m, r, found(t))
		propose(m, r, set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"))
		if err := r.Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
		propose(m, r, set(t, "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80"))
		added := r.AddNonvoter("n2", "n2", 0, 0)
		if err := added.Error(); err != nil {
			t.Fatal(err)
		}
		if err := r.Barrier(0).Error(); err != nil { // the FSM's goroutine has seen the change
			t.Fatal(err)
		}
		before := m.Load()
		if before.Index != added.Index() {
			t.Errorf("index %d, the membership change is %d", before.Index, added.Index())
		}
		if err := r.Shutdown().Error(); err != nil {
			t.Fatal(err)
		}

		m, r = boot()
		if got := m.Load(); got.Revision != 2 || got.Known {
			t.Errorf("from the snapshot: revision %d, known %t", got.Revision, got.Known)
		}
		m.index = 100 // other request IDs than before
		lead(m, r)
		after := *m.Load()
		// But for the lead, all as before.
		last := len(after.Audit) - 1
		after.Index, after.Term, after.Lead, after.Before = before.Index, before.Term, before.Lead, before.Before
		after.Audit, after.requests = after.Audit[:last], after.requests[:last]
		if d := cmp.Diff(textOf(t, before), textOf(t, &after)); d != "" {
			t.Errorf("after a restart (-before +after):\n%s", d)
		}
		if err := r.Shutdown().Error(); err != nil {
			t.Fatal(err)
		}
	})
}
