package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
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

func snapshot(t *testing.T, s *Store, index uint64) {
	t.Helper()
	snapshots, err := s.Snapshots(hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	_, transport := raft.NewInmemTransport("n1")
	sink, err := snapshots.Create(raft.SnapshotVersionMax, index, 1, raft.Configuration{}, 1, transport)
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

// Every damage that was seen to be met with silence, a panic or a hang is refused in words; see the want column.
func TestDamage(t *testing.T) {
	patch := func(path string, at int64, content ...byte) error {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteAt(content, at)
		return errors.Join(err, f.Close())
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	find := func(path, what string) int64 {
		all, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.LastIndex(all, []byte(what))
		if at < 0 {
			t.Fatalf("%q is not in %s", what, path)
		}
		return int64(at)
	}
	ps := int64(os.Getpagesize())
	for _, tt := range []struct {
		name   string
		damage func(o Options, db string) error
		is     error
		want   string
	}{
		{"zero length", func(_ Options, db string) error { return os.Truncate(db, 0) }, ErrEmptied, "raft.db is empty"},
		{"database gone", func(_ Options, db string) error { return os.Remove(db) }, ErrEmptied, "is gone"},
		{"a new database in its place", func(o Options, db string) error {
			if err := os.Remove(db); err != nil {
				return err
			}
			s, err := openBolt(o.Dir)
			if err != nil {
				return err
			}
			return s.Close()
		}, ErrEmptied, "not the one that store.json tells of"},
		{"a new store in its place", func(o Options, db string) error {
			other := Options{Dir: o.Dir + "2", Cluster: "c1", Node: "n1"}
			s, err := Create(other)
			if err != nil {
				return err
			}
			if err := s.Close(); err != nil {
				return err
			}
			return os.Rename(filepath.Join(other.Dir, databaseFile), db)
		}, ErrForeign, "was made for node n1"},
		{"marker gone", func(o Options, _ string) error { return os.Remove(filepath.Join(o.Dir, markerFile)) }, ErrCorrupt, "without its store.json"},
		{"marker cut", func(o Options, _ string) error { return os.Truncate(filepath.Join(o.Dir, markerFile), 20) }, ErrCorrupt, "store.json"},
		{"all gone", func(o Options, _ string) error { return os.RemoveAll(o.Dir) }, ErrMissing, "polso init"},
		{"cut to one page", func(_ Options, db string) error { return os.Truncate(db, ps) }, ErrCorrupt, "meta page"},
		{"cut in half", func(_ Options, db string) error { return os.Truncate(db, find(db, "extension 700")/2) }, ErrCorrupt, "is cut short"},
		{"older meta page", func(_ Options, db string) error { return patch(db, 16+20, 0xff) }, ErrCorrupt, "meta page at 0"},
		{"newer meta page", func(_ Options, db string) error { return patch(db, ps+16+20, 0xff) }, ErrCorrupt, "meta page at"},
		{"garbage in the middle", func(_ Options, db string) error {
			return patch(db, find(db, "extension 300"), bytes.Repeat([]byte{0xA5}, 32<<10)...)
		}, ErrCorrupt, ""},
		{"page headers zeroed", func(_ Options, db string) error {
			for at := 2 * ps; at < size(db); at += ps {
				if err := patch(db, at, make([]byte, 16)...); err != nil {
					return err
				}
			}
			return nil
		}, ErrCorrupt, "page"},
		{"a page that was written to the wrong place", func(_ Options, db string) error {
			return patch(db, find(db, "extension 300")/ps*ps, 0x63)
		}, ErrCorrupt, "says that it is"},
		{"one byte of an entry", func(_ Options, db string) error { return patch(db, find(db, "extension 300"), 'E') }, ErrCorrupt, "entry 300"},
		{"one byte of the term", func(_ Options, db string) error { return patch(db, find(db, "CurrentTerm")+11+12, 9) }, ErrCorrupt, `value "CurrentTerm"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t)
			s := create1(t, o)
			if err := s.SetUint64([]byte("CurrentTerm"), 3); err != nil {
				t.Fatal(err)
			}
			fill(t, s, 1, 700)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := tt.damage(o, filepath.Join(o.Dir, databaseFile)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(o)
			if err == nil {
				s.Close()
				t.Fatal("opens")
			}
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %v with %q", err, tt.is, tt.want)
			}
			if tt.is != ErrMissing && tt.is != ErrForeign && !strings.Contains(err.Error(), "polso join --replace") {
				t.Errorf("no next step: %v", err)
			}
		})
	}
}

// A flipped byte anywhere either does no harm or is noticed.
func TestAnyFlippedByte(t *testing.T) {
	o := options(t)
	s := create1(t, o)
	if err := s.SetUint64([]byte("CurrentTerm"), 3); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 1, 300)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(o.Dir, databaseFile)
	whole, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	used := int(binary.NativeEndian.Uint64(whole[16+40:])) * os.Getpagesize()
	rounds := 200
	noticed := 0
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		at, bit := random.IntN(used), byte(1)<<random.IntN(8)
		damaged := bytes.Clone(whole)
		damaged[at] ^= bit
		if err := os.WriteFile(db, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(o)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrForeign) {
				t.Errorf("byte %d, bit %x: %v", at, bit, err)
			}
			noticed++
			continue
		}
		if err := holds(s, 1, 300, 3); err != nil {
			t.Errorf("byte %d, bit %x: went unnoticed: %v", at, bit, err)
		}
		s.Close()
	}
	t.Logf("noticed %d of %d, the others did no harm", noticed, rounds)
	if noticed < rounds/20 {
		t.Errorf("only %d of %d were noticed: the test hits nothing", noticed, rounds)
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

func TestGuarded(t *testing.T) {
	noClose := func(int) error { return nil }
	if v, err := guarded(time.Minute, func() (int, error) { return 3, nil }, noClose); v != 3 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
	if _, err := guarded(time.Minute, func() (int, error) { panic("page 7") }, noClose); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "page 7") {
		t.Errorf("panic: %v", err)
	}
	hang, closed := make(chan struct{}), make(chan int)
	_, err := guarded(time.Millisecond, func() (int, error) { <-hang; return 5, nil }, func(v int) error { closed <- v; return nil })
	if err == nil || !strings.Contains(err.Error(), "is the disk stuck?") {
		t.Errorf("hang: %v", err)
	}
	close(hang)
	if v := <-closed; v != 5 {
		t.Errorf("what was opened late, %d, stays open", v)
	}
}

func FuzzInspect(f *testing.F) {
	o := Options{Dir: filepath.Join(f.TempDir(), "raft"), Cluster: "c1", Node: "n1"}
	s, err := Create(o)
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(s.StoreLogs(entries(1, 100)), s.Close()); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(o.Dir, databaseFile))
	if err != nil {
		f.Fatal(err)
	}
	whole = whole[:12*os.Getpagesize()]
	f.Add(uint32(0), []byte{})
	f.Add(uint32(3*os.Getpagesize()), []byte{1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		damaged := bytes.Clone(whole)
		copy(damaged[int(at)%len(damaged):], patch)
		inspect(bytes.NewReader(damaged), int64(len(damaged))) // ends, without a panic
	})
}

func FuzzUnseal(f *testing.F) {
	f.Add([]byte("key"), []byte("value"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		unsealValue(key, value)
		unsealLog(&raft.Log{Data: value})
		got, err := unsealValue(key, seal(valueSum(key, value), value))
		if err != nil || !bytes.Equal(got, value) {
			t.Errorf("%q came back as %q, %v", value, got, err)
		}
	})
}
