package fsm

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

// full is a state with something of everything.
func full(t testing.TB) *machine {
	m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80")
	m.must(join("n2", "r2", "k1"), token("k2", "b"), &RemoveNode{ID: "n2"},
		&SetOverride{Target: "server/Web/a", Kind: Weight, Weight: 7, Until: t0.Add(time.Minute)},
		with(set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), func(d *SetDocument) { d.Source, d.Message = "# <&>\n", "b goes" }))
	m.do(&RevokeToken{ID: "k9"})
	m.term = 4
	m.must(&TakeLead{Node: "n1", From: "n2", Reason: "leader lost", Took: 310 * time.Millisecond})
	return m
}

// waiting is a full state whose document waits to be confirmed.
func waiting(t testing.TB) *machine {
	m := full(t)
	m.must(with(set(t, "Web=10.0.0.1:80 c=10.1.0.3:80"), func(d *SetDocument) { d.ConfirmUntil = t0.Add(5 * time.Minute) }))
	return m
}

// known is a full state with people in it.
func known(t testing.TB) *machine {
	m := full(t)
	m.must(newUser("ada", Admin), newUser("bob", Viewer), access("a1", "c"), &SetUser{User: "bob", Role: Operator},
		&EndSession{Ended{ID: "s1", Kind: ActorUser, Name: "ada", Until: t0.Add(12 * time.Hour)}})
	return m
}

// The form of a snapshot. Clusters restart from it: when this test fails, the format needs a new number and the old one a
// reader.
func TestSnapshotForm(t *testing.T) {
	for name, m := range map[string]*machine{"snapshot.jsonl": full(t), "snapshot-confirm.jsonl": waiting(t), "snapshot-users.jsonl": known(t)} {
		t.Run(name, func(t *testing.T) { wantForm(t, name, textOf(t, m.Load())) })
	}
}

func wantForm(t *testing.T, name, got string) {
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := cmp.Diff(string(want), textOf(t, restored(t, string(want)).Load())); d != "" {
		t.Errorf("restored (-want +got):\n%s", d)
	}
}

// A snapshot of before requests were kept with what they asked: whatever comes with such an ID is answered as it was then.
func TestSnapshotBefore(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "snapshot-before.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	f := restored(t, string(text))
	if s := f.Load(); s.Revision != 3 || len(s.requests) != 11 {
		t.Fatalf("revision %d, %d requests", s.Revision, len(s.requests))
	}
	m := &machine{t: t, FSM: f, term: 4, index: 10} // the next request is req-11
	if r := m.do(&RevokeToken{ID: "k1"}); r.Refusal != nil || r.Index != 11 || len(f.Load().Tokens) != 2 {
		t.Errorf("req-11 again: %+v", r)
	}
}

func TestSnapshotEmpty(t *testing.T) {
	s := textOf(t, New(Options{}).Load())
	if d := cmp.Diff(s, textOf(t, restored(t, s).Load())); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// Damage of any byte, a missing end and a surplus one are noticed; the state stays what it was.
func TestRestoreDamaged(t *testing.T) {
	good := textOf(t, known(t).Load())
	f := restored(t, textOf(t, cluster(t, "").Load()))
	before := f.Load()
	check := func(what, text string, want ...error) {
		t.Helper()
		err := f.Restore(readCloser{strings.NewReader(text)})
		ok := false
		for _, w := range want {
			ok = ok || errors.Is(err, w)
		}
		if !ok {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
		if f.Load() != before {
			t.Fatalf("%s: the state changed", what)
		}
	}
	for i := 0; i < len(good); i += 17 {
		b := []byte(good)
		b[i] ^= 1
		// Unknown: a flipped bit can make a field's name, or the number of the format, one of a newer release.
		check("flipped", string(b), ErrCorrupt, ErrUnknown)
		check("cut", good[:i], ErrCorrupt)
	}
	check("surplus", good+"\n", ErrCorrupt)
	check("format", strings.Replace(good, `"format":1`, `"format":2`, 1), ErrUnknown)
	check("something else", "{}\n", ErrCorrupt)
	check("nothing", "", ErrCorrupt)
	lines := strings.SplitAfter(good, "\n")
	check("a line less", strings.Join(append(lines[:3:3], lines[4:]...), ""), ErrCorrupt)
	check("a line twice", strings.Join(append(lines[:4:4], lines[3:]...), ""), ErrCorrupt)
}

// Right checksums, wrong content: another program, or a fault of ours.
func TestRestoreWrong(t *testing.T) {
	const foundCluster = `{"cluster":{"id":"c1","name":"edge","profile":"lan","generation":1,"ca":""}}`
	const blankRevision = `{"revision":{"number":1,"at":"2026-11-22T10:00:00Z","author":{"kind":"","name":""},"document":{"schema":1,"cluster":{}}}}`
	tests := []struct {
		name    string
		records []string
		want    error
	}{
		{"nothing in a record", []string{`{}`}, ErrCorrupt},
		{"unknown record", []string{`{"quota":{}}`}, ErrUnknown},
		{"history without a cluster", []string{blankRevision}, ErrCorrupt},
		{"cluster without a history", []string{foundCluster}, ErrCorrupt},
		{"schema", []string{foundCluster,
			`{"revision":{"number":1,"at":"2026-11-22T10:00:00Z","author":{"kind":"","name":""},"document":{"schema":9,"cluster":{}}}}`}, ErrUnknown},
		{"waits, and is not the one that runs", []string{foundCluster, blankRevision, `{"confirm":{"revision":2,"back_to":1,"until":"2026-11-22T10:00:00Z","by":{"kind":"","name":""}}}`}, ErrCorrupt},
		{"waits, and cannot go back", []string{foundCluster, blankRevision, `{"confirm":{"revision":1,"back_to":7,"until":"2026-11-22T10:00:00Z","by":{"kind":"","name":""}}}`}, ErrCorrupt},
		{"nobody leaves", []string{`{"leaving":{"id":"x","until":"2026-11-22T10:00:00Z","document":{"schema":1,"cluster":{}}}}`}, ErrCorrupt},
	}
	miscounted := sign(`{"polso":"fsm","format":1,"index":1,"term":1}`+"\n", 1)
	if err := New(Options{}).Restore(readCloser{strings.NewReader(miscounted)}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("miscounted: got %v, want ErrCorrupt", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"polso":"fsm","format":1,"index":1,"term":1}` + "\n"
			for _, r := range tt.records {
				body += r + "\n"
			}
			err := New(Options{}).Restore(readCloser{strings.NewReader(sign(body, len(tt.records)))})
			if !errors.Is(err, tt.want) || tt.want == ErrUnknown && errors.Is(err, ErrCorrupt) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

type sink struct {
	bytes.Buffer
	room              int
	closed, cancelled bool
}

func (s *sink) Write(b []byte) (int, error) {
	if s.room -= len(b); s.room < 0 {
		return 0, errors.New("no space left on device")
	}
	return s.Buffer.Write(b)
}
func (s *sink) Close() error  { s.closed = true; return nil }
func (s *sink) Cancel() error { s.cancelled = true; return nil }
func (s *sink) ID() string    { return "1" }

var _ raft.SnapshotSink = (*sink)(nil)

// What raft does: take the snapshot, go on applying, write it meanwhile.
func TestPersist(t *testing.T) {
	m := full(t)
	want := textOf(t, m.Load())
	snap, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	m.must(set(t, ""), &RevokeToken{ID: "k1"})
	out := &sink{room: 1 << 20}
	if err := snap.Persist(out); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, out.String()); d != "" || !out.closed || out.cancelled {
		t.Errorf("closed %t, cancelled %t; -want +got:\n%s", out.closed, out.cancelled, d)
	}
	small := &sink{room: 100}
	if err := snap.Persist(small); err == nil || small.closed || !small.cancelled {
		t.Errorf("a full disk: %v, closed %t, cancelled %t", err, small.closed, small.cancelled)
	}
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte(textOf(f, full(f).Load())))
	f.Add([]byte(textOf(f, waiting(f).Load())))
	f.Add([]byte(textOf(f, known(f).Load())))
	f.Add([]byte(textOf(f, New(Options{}).Load())))
	f.Fuzz(func(t *testing.T, b []byte) {
		try := func(text string) {
			m := New(Options{})
			if err := m.Restore(readCloser{strings.NewReader(text)}); err != nil {
				if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnknown) {
					t.Fatalf("unexpected error %v", err)
				}
				return
			}
			once := textOf(t, m.Load())
			if d := cmp.Diff(once, textOf(t, restored(t, once).Load())); d != "" {
				t.Fatalf("-once +twice:\n%s", d)
			}
		}
		try(string(b))
		// With the tail made right, to come past the checksum.
		if lines := strings.SplitAfter(string(b), "\n"); len(lines) > 2 {
			body := lines[:len(lines)-2]
			try(sign(strings.Join(body, ""), len(body)-1))
		}
	})
}
