package store

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// register remembers the last command and how many there were.
type register struct {
	Count int
	Last  string
}

func (r *register) Apply(l *raft.Log) any {
	r.Count++
	r.Last = string(l.Data)
	return nil
}

func (r *register) Snapshot() (raft.FSMSnapshot, error) { return frozen(*r), nil }

func (r *register) Restore(from io.ReadCloser) error {
	_, err := fmt.Fscanf(from, "%d %s", &r.Count, &r.Last)
	return errors.Join(err, from.Close())
}

type frozen register

func (f frozen) Persist(sink raft.SnapshotSink) error {
	if _, err := fmt.Fprintf(sink, "%d %s", f.Count, f.Last); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

func (f frozen) Release() {}

// raft itself on the store: commands, a snapshot with truncation, a restart.
func TestRaftOnTheStore(t *testing.T) {
	o := options(t)
	run := func(s *Store, fsm *register, do func(r *raft.Raft)) {
		t.Helper()
		_, transport := raft.NewInmemTransport("n1")
		snapshots, err := s.Snapshots(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := raft.DefaultConfig()
		c.LocalID, c.Logger, c.TrailingLogs = "n1", hclog.NewNullLogger(), 10
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
		if has, err := raft.HasExistingState(s, s, snapshots); err != nil {
			t.Fatal(err)
		} else if !has {
			members := raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "n1"}}}
			if err := raft.BootstrapCluster(c, s, s, snapshots, transport, members); err != nil {
				t.Fatal(err)
			}
		}
		r, err := raft.NewRaft(c, fsm, s, s, snapshots, transport)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := errors.Join(r.Shutdown().Error(), s.Close()); err != nil {
				t.Error(err)
			}
		}()
		select {
		case <-r.LeaderCh():
		case <-time.After(20 * time.Second):
			t.Fatal("no leader")
		}
		do(r)
	}
	var first, second register
	run(create1(t, o), &first, func(r *raft.Raft) {
		for i := range 60 {
			if err := r.Apply(fmt.Append(nil, "c", i), time.Minute).Error(); err != nil {
				t.Fatal(err)
			}
			if i == 40 {
				if err := r.Snapshot().Error(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	s := reopen(t, o)
	if low, err := s.FirstIndex(); err != nil || low < 20 {
		t.Errorf("the log begins at %d, %v: it was not truncated", low, err)
	}
	run(s, &second, func(r *raft.Raft) {
		if err := r.Barrier(time.Minute).Error(); err != nil {
			t.Fatal(err)
		}
	})
	if want := (register{60, "c59"}); first != want || second != want {
		t.Errorf("before %v, after %v, want %v", first, second, want)
	}
}
