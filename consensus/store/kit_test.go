package store

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

func options(t *testing.T) Options {
	return Options{Dir: filepath.Join(t.TempDir(), "raft"), Cluster: "c1", Node: "n1"}
}

func create1(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Create(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func reopen(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// entry makes an entry whose every field follows from its index.
func entry(index uint64) *raft.Log {
	l := &raft.Log{
		Index: index, Term: index/100 + 1, Type: raft.LogType(index % 6),
		AppendedAt: time.Date(2026, 1, 2, 3, 4, 5, int(index), time.UTC),
	}
	if index%7 != 0 {
		l.Data = bytes.Repeat([]byte{byte(index)}, int(index%300))
	}
	if index%5 == 0 {
		l.Extensions = []byte(fmt.Sprint("extension ", index))
	}
	return l
}

func entries(low, high uint64) []*raft.Log {
	var logs []*raft.Log
	for i := low; i <= high; i++ {
		logs = append(logs, entry(i))
	}
	return logs
}

func fill(t *testing.T, s *Store, low, high uint64) {
	t.Helper()
	for ; low <= high; low += 50 {
		if err := s.StoreLogs(entries(low, min(low+49, high))); err != nil {
			t.Fatal(err)
		}
	}
}

// holds tells the first difference between the store and entries low to high with the given term.
func holds(s *Store, low, high, term uint64) error {
	first, err := s.FirstIndex()
	if err != nil || first != low {
		return fmt.Errorf("first index %d, %v, want %d", first, err, low)
	}
	last, err := s.LastIndex()
	if err != nil || last != high {
		return fmt.Errorf("last index %d, %v, want %d", last, err, high)
	}
	for i := low; i <= high && i > 0; i++ {
		var got raft.Log
		if err := s.GetLog(i, &got); err != nil {
			return err
		}
		want := entry(i)
		if got.Index != i || got.Term != want.Term || got.Type != want.Type || !bytes.Equal(got.Data, want.Data) ||
			!bytes.Equal(got.Extensions, want.Extensions) || !got.AppendedAt.Equal(want.AppendedAt) {
			return fmt.Errorf("entry %d is %+v", i, got)
		}
	}
	got, err := s.GetUint64([]byte("CurrentTerm"))
	if err != nil || got != term {
		return fmt.Errorf("term %d, %v, want %d", got, err, term)
	}
	return nil
}

func snapshot(t *testing.T, s *Store, index uint64) {
	t.Helper()
	snapshots, err := s.Snapshots(hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	_, transport := raft.NewInmemTransport("n1")
	members := raft.Configuration{Servers: []raft.Server{{ID: "member-n1", Address: "n1"}}}
	sink, err := snapshots.Create(raft.SnapshotVersionMax, index, 1, members, 1, transport)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(sink, "state at %d", index); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}
