package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

func TestSnapshotsForWhatTheLogLacks(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, s *Store)
		is   error
		want string
	}{
		{"whole log", func(t *testing.T, s *Store) { fill(t, s, 1, 300) }, nil, ""},
		{"snapshot reaches the log", func(t *testing.T, s *Store) { fill(t, s, 101, 300); snapshot(t, s, 100) }, nil, ""},
		{"snapshot inside the log", func(t *testing.T, s *Store) { fill(t, s, 101, 300); snapshot(t, s, 250) }, nil, ""},
		{"snapshot over a gap", func(t *testing.T, s *Store) { fill(t, s, 1, 10); fill(t, s, 101, 300); snapshot(t, s, 100) }, nil, ""},
		{"no snapshot", func(t *testing.T, s *Store) { fill(t, s, 101, 300) }, ErrEmptied, "no snapshot of entry 100"},
		{"gap without snapshot", func(t *testing.T, s *Store) { fill(t, s, 1, 10); fill(t, s, 101, 300) }, ErrEmptied, "no snapshot of entry 100"},
		{"snapshot too old", func(t *testing.T, s *Store) { fill(t, s, 101, 300); snapshot(t, s, 99) }, ErrEmptied, "no snapshot of entry 100"},
		{"snapshot alone", func(t *testing.T, s *Store) { snapshot(t, s, 100) }, nil, ""},
		{"snapshot alone, lost", func(t *testing.T, s *Store) { snapshot(t, s, 100); lose(t, s) }, ErrEmptied, "no snapshot of entry 100"},
		{"snapshot past the log, lost", func(t *testing.T, s *Store) { fill(t, s, 1, 50); snapshot(t, s, 100); lose(t, s) }, ErrEmptied, "no snapshot of entry 100"},
		{"snapshot that the log covers, lost", func(t *testing.T, s *Store) { fill(t, s, 1, 200); snapshot(t, s, 100); lose(t, s) }, nil, ""},
		{"damaged snapshot", func(t *testing.T, s *Store) { fill(t, s, 101, 300); snapshot(t, s, 150); harm(t, s) }, ErrCorrupt, "snapshots"},
		{"damaged one, whole one before it", func(t *testing.T, s *Store) {
			fill(t, s, 101, 300)
			snapshot(t, s, 150)
			harm(t, s)
			snapshot(t, s, 120)
		}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t)
			s := create1(t, o)
			tt.do(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s, err := Open(o)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, tt.is) || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %v with %q", err, tt.is, tt.want)
			}
		})
	}
}

// lose removes every snapshot.
func lose(t *testing.T, s *Store) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(s.dir, "snapshots")); err != nil {
		t.Fatal(err)
	}
}

// harm changes a byte in every snapshot's state.
func harm(t *testing.T, s *Store) {
	t.Helper()
	states, err := filepath.Glob(filepath.Join(s.dir, "snapshots", "*", "state.bin"))
	if err != nil || len(states) == 0 {
		t.Fatalf("no snapshots: %v", err)
	}
	for _, path := range states {
		state, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		state[0] ^= 1
		if err := os.WriteFile(path, state, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A meta.json without a noted checksum, as a crash right after a snapshot was completed leaves it, is compared with its folder's
// name.
func TestSnapshotThatWasNotNoted(t *testing.T) {
	for _, harm := range []bool{false, true} {
		d := damagedStore(t)
		s := reopen(t, d.o)
		if err := errors.Join(s.Set(sumsKey, []byte("{}")), s.Close()); err != nil {
			t.Fatal(err)
		}
		if harm {
			d.replace(filepath.Join(d.new, metaFile), `"Index":400`, `"Index":401`)
		}
		s, err := Open(d.o)
		if err == nil {
			s.Close()
		}
		if harm != errors.Is(err, ErrCorrupt) || harm && !strings.Contains(err.Error(), "is of another snapshot") {
			t.Errorf("harmed %v: %v", harm, err)
		}
	}
}

// raft is not shown a snapshot whose meta.json is not what it was: it would take the members from there.
func TestRaftIsNotShownADamagedSnapshot(t *testing.T) {
	d := damagedStore(t)
	s := reopen(t, d.o)
	if err := s.StoreLogs(entries(101, 400)); err != nil { // the older one is enough
		t.Fatal(err)
	}
	s.Close()
	d.flip(filepath.Join(d.new, metaFile), "member-n1", 8)
	s = reopen(t, d.o)
	list, err := func() ([]*raft.SnapshotMeta, error) {
		snapshots, err := s.Snapshots(nil)
		if err != nil {
			return nil, err
		}
		return snapshots.List()
	}()
	if err != nil || len(list) != 1 || list[0].Index != 150 {
		t.Errorf("list %+v, %v; want the one of entry 150", list, err)
	}
}

// What a crash or a full disk left of a snapshot goes when the store is opened: nobody else removes it.
func TestUnfinishedSnapshotsGo(t *testing.T) {
	d := damagedStore(t)
	left := d.new + unfinished
	d.do(os.Rename(d.old, left))
	reopen(t, d.o)
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is there still: %v", left, err)
	}
}
