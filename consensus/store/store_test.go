package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

func TestStoreKeepsWhatItWasGiven(t *testing.T) {
	o := options(t)
	s := create1(t, o)
	fill(t, s, 1, 700)
	if err := s.SetUint64([]byte("CurrentTerm"), 1<<63+7); err != nil {
		t.Fatal(err)
	}
	if err := s.Set([]byte("LastVoteCand"), []byte("n2")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, o)
	if err := holds(s, 1, 700, 1<<63+7); err != nil {
		t.Error(err)
	}
	if v, err := s.Get([]byte("LastVoteCand")); err != nil || string(v) != "n2" {
		t.Errorf("vote %q, %v", v, err)
	}
}

// raft compares these two errors by identity and by text.
func TestMissingIsSaidAsRaftExpects(t *testing.T) {
	s := create1(t, options(t))
	if err := s.GetLog(1, new(raft.Log)); err != raft.ErrLogNotFound {
		t.Errorf("log: %v", err)
	}
	if _, err := s.Get([]byte("x")); err == nil || err.Error() != "not found" {
		t.Errorf("get: %v", err)
	}
	if _, err := s.GetUint64([]byte("x")); err == nil || err.Error() != "not found" {
		t.Errorf("get uint64: %v", err)
	}
	if has, err := raft.HasExistingState(s, s, raft.NewInmemSnapshotStore()); has || err != nil {
		t.Errorf("a new store has state: %v, %v", has, err)
	}
}

func TestDeleteRange(t *testing.T) {
	for _, tt := range []struct{ low, high, first, last uint64 }{
		{1, 1500, 1501, 2000},
		{1000, 2000, 1, 999},
		{1999, 9000, 1, 1998},
		{1, 2000, 0, 0},
		{7000, 8000, 1, 2000},
	} {
		o := options(t)
		s := create1(t, o)
		fill(t, s, 1, 2000)
		if err := s.SetUint64([]byte("CurrentTerm"), 3); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteRange(tt.low, tt.high); err != nil {
			t.Fatal(err)
		}
		if err := holds(s, tt.first, tt.last, 3); err != nil {
			t.Errorf("delete %d to %d: %v", tt.low, tt.high, err)
		}
		for i := tt.low; i <= min(tt.high, 2000); i++ {
			if err := s.GetLog(i, new(raft.Log)); err != raft.ErrLogNotFound {
				t.Fatalf("delete %d to %d: %d is still there: %v", tt.low, tt.high, i, err)
			}
		}
		s.Close()
	}
}

// A power cut between any two writes leaves what was acknowledged. Copying the file while nothing is being written is
// such a cut right after an acknowledgement; the file system's own part is not shown here.
func TestCopyBetweenWrites(t *testing.T) {
	o := options(t)
	s := create1(t, o)
	marker, err := os.ReadFile(filepath.Join(o.Dir, markerFile))
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(1); i <= 30; i++ {
		if err := s.SetUint64([]byte("CurrentTerm"), i); err != nil {
			t.Fatal(err)
		}
		if err := s.StoreLog(entry(i)); err != nil {
			t.Fatal(err)
		}
		image, err := os.ReadFile(filepath.Join(o.Dir, databaseFile))
		if err != nil {
			t.Fatal(err)
		}
		copied := o
		copied.Dir = filepath.Join(t.TempDir(), "raft")
		if err := errors.Join(os.MkdirAll(copied.Dir, 0o700), os.WriteFile(filepath.Join(copied.Dir, databaseFile), image, 0o600),
			os.WriteFile(filepath.Join(copied.Dir, markerFile), marker, 0o600)); err != nil {
			t.Fatal(err)
		}
		c, err := Open(copied)
		if err != nil {
			t.Fatalf("after %d writes: %v", i, err)
		}
		if err := holds(c, 1, i, i); err != nil {
			t.Errorf("after %d writes: %v", i, err)
		}
		c.Close()
	}
}

func TestWhoseStore(t *testing.T) {
	o := options(t)
	s := create1(t, o)
	if _, err := Create(o); !errors.Is(err, ErrExists) {
		t.Errorf("create twice: %v", err)
	}
	if _, err := Open(o); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "agent running already") {
		t.Errorf("open twice: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, other := range []Options{{o.Dir, "c2", "n1"}, {o.Dir, "c1", "n2"}} {
		if _, err := Open(other); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "never copy") {
			t.Errorf("%v: %v", other, err)
		}
	}
	reopen(t, o)
}

func TestCreateAfterAnInterruptedOne(t *testing.T) {
	o := options(t)
	marker := filepath.Join(o.Dir, markerFile)
	if err := create1(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(marker); err != nil {
		t.Fatal(err)
	}
	s := create1(t, o) // what there was had never been used
	fill(t, s, 1, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(marker); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(o); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "has entries") {
		t.Errorf("over a used store: %v", err)
	}
	half := options(t)
	if err := errors.Join(os.MkdirAll(half.Dir, 0o700), os.WriteFile(filepath.Join(half.Dir, databaseFile), make([]byte, 100), 0o600)); err != nil {
		t.Fatal(err)
	}
	create1(t, half)
}
