package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
