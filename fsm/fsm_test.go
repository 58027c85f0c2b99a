package fsm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"
)

func TestKnown(t *testing.T) {
	lead := &TakeLead{Node: "n1", Reason: "first"}
	type step = func(m *machine)
	hear := func(term, commit uint64) step { return func(m *machine) { m.Hear(term, commit) } }
	apply := func(term uint64) step { // one command of that term
		return func(m *machine) {
			m.term = term
			m.must(lead)
		}
	}
	members := func(m *machine) {
		m.index++
		m.StoreConfiguration(m.index, raft.Configuration{})
	}
	restore := func(m *machine) {
		if err := m.Restore(readCloser{strings.NewReader(textOf(m.t, m.Load()))}); err != nil {
			m.t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		steps []step
		want  string // known after each step: n or y
	}{
		{"nothing heard", []step{apply(1), apply(1), restore}, "nnn"},
		{"heard first", []step{hear(2, 2), apply(1), apply(1), apply(2)}, "nnny"},
		{"the term alone is not enough", []step{hear(2, 3), apply(2), members, apply(2)}, "nnny"},
		{"applied first", []step{apply(1), apply(2), hear(2, 2)}, "nny"},
		{"a leader's own", []step{apply(1), apply(2), hear(2, 2), apply(2)}, "nnyy"},
		{"a new leader knows less of what is committed than we have", []step{apply(1), apply(1), hear(2, 1), apply(1), apply(2)}, "nnnny"},
		{"a membership change counts", []step{apply(1), hear(1, 2), members}, "nny"},
		{"the first word of a term counts, or a busy leader would stay ahead", []step{hear(2, 2), hear(2, 9), apply(2), apply(2)}, "nnny"},
		{"a later term counts more", []step{hear(2, 1), hear(3, 2), apply(2), apply(2), apply(3)}, "nnnny"},
		{"an earlier term does not", []step{hear(3, 2), hear(2, 1), apply(2), apply(3)}, "nnny"},
		{"once known it stays", []step{hear(1, 1), apply(1), hear(5, 99), restore, apply(1)}, "nyyyy"},
		{"once known it stays, even in an older state", []step{apply(1), apply(1), hear(1, 2), func(m *machine) {
			if err := m.Restore(readCloser{strings.NewReader(textOf(m.t, new(Snapshot)))}); err != nil {
				m.t.Fatal(err)
			}
		}}, "nnyy"},
		{"no term", []step{hear(0, 0), apply(1)}, "nn"},
		{"a snapshot brings it", []step{apply(1), hear(1, 1), restore}, "nyy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rings := 0
			m := newMachine(t)
			m.FSM = New(Options{Ring: func() { rings++ }})
			var got strings.Builder
			for _, step := range tt.steps {
				was, rang := m.Load(), rings
				step(m)
				got.WriteByte(map[bool]byte{false: 'n', true: 'y'}[m.Load().Known])
				if (m.Load() != was) != (rings > rang) {
					t.Errorf("step %d: new version %t, rings %d", got.Len(), m.Load() != was, rings-rang)
				}
			}
			if got.String() != tt.want {
				t.Errorf("known: got %s, want %s", got.String(), tt.want)
			}
		})
	}
}

// A snapshot that arrives makes a state known like the entries in it.
func TestKnownByRestore(t *testing.T) {
	m := cluster(t, "")
	f := New(Options{})
	f.Hear(2, m.index)
	if f.Load().Known {
		t.Fatal("known with nothing applied")
	}
	if err := f.Restore(readCloser{strings.NewReader(textOf(t, m.Load()))}); err != nil {
		t.Fatal(err)
	}
	if !f.Load().Known {
		t.Error("not known after the restore")
	}
}

// A request that comes again gets the first answer, a refusal too, and changes nothing; nor does another one with its ID. The
// state remembers 1,024.
func TestRequests(t *testing.T) {
	m := cluster(t, "")
	asked := m.entry(set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"))
	first := m.Apply(asked).([]byte)
	refused := m.entry(&RevokeToken{ID: "k9"})
	firstRefusal := m.Apply(refused).([]byte)
	m.must(set(t, "")) // what was asked for first is undone meanwhile

	again := func(l *raft.Log) []byte {
		m.index++
		return m.Apply(&raft.Log{Index: m.index, Term: m.term, Data: l.Data}).([]byte)
	}
	before := m.Load()
	if got := again(asked); !bytes.Equal(got, first) {
		t.Errorf("got %s, want %s", got, first)
	}
	if got := again(refused); !bytes.Equal(got, firstRefusal) {
		t.Errorf("got %s, want %s", got, firstRefusal)
	}
	// The proposer's clock goes on between two attempts; anything else is another request.
	ask := func(c Command) Result {
		m.index++
		b, err := Encode(Envelope{Request: fmt.Sprintf("req-%d", asked.Index), Actor: admin, At: t0.Add(time.Hour), Command: c})
		if err != nil {
			t.Fatal(err)
		}
		r, err := DecodeResult(m.Apply(&raft.Log{Index: m.index, Term: m.term, Data: b}).([]byte))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	later := with(set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), func(d *SetDocument) { d.LeaveUntil = t0.Add(2 * time.Hour) })
	if got := ask(later); !bytes.Equal(got.encode(), first) {
		t.Errorf("a second attempt: got %+v, want %s", got, first)
	}
	for _, c := range []Command{set(t, "Web=10.0.0.1:80 a=10.1.0.2:80"), with(later, func(d *SetDocument) { d.Adopt = true }), &RevokeToken{ID: "k1"}} {
		if r := ask(c); !errors.Is(r.Err(), ErrReused) || r.Index != m.index {
			t.Errorf("%s with a used ID: %+v", c, r)
		}
	}
	same := *m.Load()
	if same.Index != before.Index+6 {
		t.Errorf("index %d, want %d", same.Index, before.Index+6)
	}
	same.Index = before.Index
	if d := cmp.Diff(textOf(t, before), textOf(t, &same)); d != "" {
		t.Errorf("repeated requests changed the state:\n%s", d)
	}

	// The ring holds the two of ours, five from the making of the cluster and around, and what follows.
	for len(m.Load().requests) < maxRequests {
		m.do(&ClearOverride{Target: "router/r1"})
	}
	oldest := m.Load().requests[0]
	m.do(&ClearOverride{Target: "router/r1"})
	if n := len(m.Load().requests); n != 1024 || m.Load().requests[0] == oldest {
		t.Errorf("%d requests remembered", n)
	}
	if n := len(m.Load().Audit); n != 1000 {
		t.Errorf("%d lines of audit", n)
	}
	if d := cmp.Diff(m.index, m.Load().Audit[999].Index); d != "" {
		t.Error(d)
	}
}

func TestAudit(t *testing.T) {
	m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80")
	m.must(with(set(t, ""), func(d *SetDocument) { d.Message = "one\x1b[31m\u0085line\nand more" }),
		with(set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), func(d *SetDocument) { d.Message = strings.Repeat("ü", 150) }),
		&SetOverride{Target: "server/Web/a", Kind: Weight, Weight: 3, Until: t0.Add(time.Hour)},
		&SetOverride{Target: "router/r1", Kind: Drain, Reason: "new kernel\nand more"})
	if o, _ := m.Load().Override("router/r1"); o.Reason != "new kernel" {
		t.Errorf("the reason is %q, want its first line", o.Reason)
	}
	m.do(&RemoveNode{ID: "n1"})
	m.term = 3
	m.must(&TakeLead{Node: "n1", Reason: "leader lost", Took: 312345 * time.Microsecond}, join("n2", "r2", "k1"),
		with(join("n3", "r2", "k1"), func(a *AddNode) { a.Replace = "r2" }))
	var got strings.Builder
	for _, e := range m.Load().Audit {
		fmt.Fprintf(&got, "%d %s %s: %s|%d|%s\n", e.Index, e.At.Format("05"), e.Action, e.Detail, e.Revision, e.Error)
	}
	want := `1 01 lead: n1 takes the lead: first, 0s|0|
2 02 found: cluster edge, first router r1|1|
3 03 add_token: token k1 for 2 router until 2026-11-22T11:00:00Z|0|
4 04 set_document: document|2|
5 05 set_document: one [31m line|3|
6 06 set_document: ` + strings.Repeat("ü", 98) + `…|4|
7 07 set_override: weight 3 for server/Web/a until 2026-11-22T11:00:00Z|0|
8 08 set_override: drain router/r1: new kernel|0|
9 09 remove_node: node r1 is removed|0|r1 is the last node: without it there is no cluster
10 10 lead: r1 takes the lead: leader lost, 312ms|0|
11 11 add_node: router r2 joins from 10.9.1.2:5390|0|
12 12 add_node: router r2 joins from 10.9.1.3:5390 in place of r2|0|
`
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestNodesAndTokens(t *testing.T) {
	m := cluster(t, "")
	m.must(join("n2", "r2", "k1"), &SetOverride{Target: "router/r2", Kind: Drain},
		&UpdateNode{ID: "n2", Addresses: []string{"10.9.0.22:5390", "10.9.1.2:5390"}}, // the old one and another
		&UpdateNode{ID: "n2", Addresses: []string{"10.9.0.22:5390"}})
	if r := m.do(&UpdateNode{ID: "n2", Addresses: []string{"10.9.0.22:5390"}}); !r.Unchanged {
		t.Errorf("the same addresses: %+v", r)
	}
	s := m.Load()
	if n, ok := s.NodeByName("r2"); !ok || n.Addresses[0] != "10.9.0.22:5390" || !n.Joined.Equal(t0.Add(4*time.Second)) {
		t.Errorf("r2: %+v", n)
	}
	if k, ok := s.TokenByHash(strings.ToUpper(hashOf("a"))); !ok || k.Uses != 1 || k.By != admin {
		t.Errorf("k1: %+v", k)
	}

	// The new one may stand where the old one stood, under its name: what was said about the name goes on.
	a := with(join("n3", "r2", "k1"), func(a *AddNode) { a.Replace, a.Node.Addresses = "r2", []string{"10.9.0.22:5390"} })
	m.must(a)
	s = m.Load()
	if n, ok := s.NodeByName("r2"); !ok || n.ID != "n3" || !s.IsRemoved("n2") {
		t.Errorf("r2: %+v, removed: %v", n, s.Removed)
	}
	if _, ok := s.Override("router/r2"); !ok {
		t.Error("the override of r2 is gone")
	}
	m.must(&RemoveNode{ID: "n3"})
	if _, ok := m.Load().Override("router/r2"); ok {
		t.Error("the override of r2 outlives it")
	}
	if r := m.do(&RemoveNode{ID: "n3"}); !r.Unchanged {
		t.Errorf("removed twice: %+v", r)
	}
	if d := cmp.Diff([]string{"n2", "n3"}, m.Load().Removed); d != "" {
		t.Error(d)
	}

	m.must(with(token("k2", "b"), func(k *AddToken) { k.Token.Expires = t0.Add(time.Minute) }))
	if got, want := m.Load().Due[0], (Due{At: t0.Add(time.Minute + tokenKept), Kind: DueToken, ID: "k2"}); got != want {
		t.Errorf("due: got %v, want %v", got, want)
	}
	m.must(&RevokeToken{ID: "k2"}, &RevokeToken{ID: "k1"})
	if s := m.Load(); len(s.Due) != 0 || len(s.Tokens) != 0 {
		t.Errorf("left: %v %v", s.Due, s.Tokens)
	}
}

func TestExpire(t *testing.T) {
	m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80")
	m.index = 100 // later
	soon := t0.Add(110 * time.Second)
	m.must(&SetOverride{Target: "server/Web/a", Kind: Drain, Until: soon},
		with(set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), func(d *SetDocument) { d.LeaveUntil = soon }),
		with(token("k2", "b"), func(k *AddToken) { k.Token.Expires = soon }))
	due := m.Load().Due
	if len(due) != 4 {
		t.Fatalf("due: %v", due)
	}
	m.index = 108
	if r := m.do(&Expire{due[0]}); !errors.Is(r.Err(), ErrInvalid) {
		t.Errorf("a second too early: %+v", r)
	}
	// Prolonged meanwhile: the old end is none.
	m.must(&SetOverride{Target: "server/Web/a", Kind: Drain, Until: soon.Add(time.Second)})
	var refused int
	for _, d := range due[:2] {
		if r := m.do(&Expire{d}); r.Refusal != nil {
			refused++
		}
	}
	// A token that has ended stays for a day and says so.
	if r := m.do(join("n2", "r2", "k2")); !errors.Is(r.Err(), ErrExpired) {
		t.Errorf("a token that has ended: %+v", r)
	}
	m.index += uint64(tokenKept.Seconds())
	m.must(&Expire{due[2]})
	if r := m.do(join("n2", "r2", "k2")); !errors.Is(r.Err(), ErrNotFound) {
		t.Errorf("a token that ended a day ago: %+v", r)
	}
	s := m.Load()
	if refused != 1 || len(s.Leaving) != 0 || len(s.Tokens) != 1 || len(s.Overrides) != 1 {
		t.Errorf("%d refused; left: %v %v %v", refused, s.Leaving, s.Tokens, s.Overrides)
	}
	m.must(&Expire{Due{At: soon.Add(time.Second), Kind: DueOverride, ID: "server/Web/a"}})
	if s := m.Load(); len(s.Overrides) != 0 || len(s.Due) != 1 {
		t.Errorf("left: %v %v", s.Overrides, s.Due)
	}
}

// A drain ends before its deadline when it is said to, and nothing else with it; one that began anew meanwhile goes on.
func TestEndLeaving(t *testing.T) {
	const ab = "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80"
	m := cluster(t, ab)
	m.must(set(t, "Web=10.0.0.1:80")) // both leave, for an hour
	due := m.Load().Due
	m.must(&EndLeaving{due[1]})
	if s := m.Load(); len(s.Leaving) != 1 || s.Leaving[0].ID != "Web/a@3" || len(s.Due) != 2 {
		t.Errorf("leaving %+v, due %+v", s.Leaving, s.Due)
	}
	m.must(set(t, ab), set(t, "Web=10.0.0.1:80 b=10.1.0.2:80"))
	if r := m.do(&EndLeaving{due[0]}); !errors.Is(r.Err(), ErrNotFound) || len(m.Load().Leaving) != 1 {
		t.Errorf("the end of an older drain: %+v, leaving %+v", r, m.Load().Leaving)
	}
	if r := m.do(&EndLeaving{Due{At: m.Load().Due[0].At.Add(time.Second), Kind: DueLeaving, ID: "Web/a@5"}}); !errors.Is(r.Err(), ErrNotFound) {
		t.Errorf("another deadline: %+v", r)
	}
}

// Many drains end in one entry, those of them that are as they were seen, and nothing else with them.
func TestEndDrains(t *testing.T) {
	const abc = "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80 c=10.1.0.3:80"
	m := cluster(t, abc)
	m.must(token("Web/b@3", "c")) // of another kind, by the same name
	m.must(set(t, "Web=10.0.0.1:80"))
	var due []Due
	for _, d := range m.Load().Due {
		if d.Kind == DueLeaving {
			due = append(due, d)
		}
	}
	if len(due) != 3 || due[1].ID != "Web/b@3" {
		t.Fatalf("due %+v", due)
	}
	elsewhen := due[2]
	elsewhen.At = elsewhen.At.Add(time.Second)
	m.must(&EndDrains{[]Due{due[0], due[1], elsewhen, {At: due[0].At, Kind: DueLeaving, ID: "Web/z@3"}}})
	if s := m.Load(); len(s.Leaving) != 1 || s.Leaving[0].ID != due[2].ID || len(s.Due) != 3 || len(s.Tokens) != 2 {
		t.Errorf("leaving %+v, due %+v, tokens %+v", s.Leaving, s.Due, s.Tokens)
	}
	if r := m.do(&EndDrains{[]Due{due[0], elsewhen}}); !errors.Is(r.Err(), ErrNotFound) || len(m.Load().Leaving) != 1 {
		t.Errorf("none as it was seen: %+v, leaving %+v", r, m.Load().Leaving)
	}
}

// Tokens that admit nobody any more make room for new ones.
func TestTokensMakeRoom(t *testing.T) {
	m := cluster(t, "")
	add := func(i int) Result {
		k := token(fmt.Sprintf("t%d", i), "b")
		k.Token.Hash, k.Token.Expires = fmt.Sprintf("%064d", i), t0.Add(1005*time.Second)
		return m.do(k)
	}
	for i := range maxTokens - 1 { // k1 is there
		if r := add(i); r.Refusal != nil {
			t.Fatal(r.Refusal)
		}
	}
	if r := add(maxTokens); !errors.Is(r.Err(), ErrTooLarge) {
		t.Errorf("one too many: %+v", r)
	}
	m.index = 1100
	m.must(with(token("k2", "b"), func(k *AddToken) { k.Token.Hash = hashOf("c") }))
	if s := m.Load(); len(s.Tokens) != 2 || len(s.Due) != 2 {
		t.Errorf("%d tokens, %d of them due; want k1 and k2", len(s.Tokens), len(s.Due))
	}
}

// What cannot be read ends the process; until it has ended nothing moves and nothing is promised.
func TestFatal(t *testing.T) {
	newer := func() []byte {
		return seal(format, `{"command":"set_quota","version":1,"request":"q","actor":{"kind":"","name":""},"at":"2026-11-22T10:00:00Z"}`, `{}`)
	}
	tests := []struct {
		name  string
		entry []byte
		want  error
		text  string
	}{
		{"damaged", []byte("no"), ErrCorrupt, "log entry 4 cannot be applied: entry: damaged: it does not begin as an entry does; this router stops " +
			"rather than go on with another state than its peers (damaged: remove it and join it again with an empty data directory; " +
			"written by a newer release: install that release)"},
		{"newer", newer(), ErrUnknown, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := cluster(t, "")
			var fatal []error
			rings := 0
			m.options = Options{Fatal: func(err error) { fatal = append(fatal, err) }, Ring: func() { rings++ }}
			before := m.Load()
			snapshot := textOf(t, before)
			bad := &raft.Log{Index: 4, Term: 2, Data: tt.entry}
			good := m.entry(&RevokeToken{ID: "k1"})
			for i, l := range []*raft.Log{bad, good, bad} {
				r, err := DecodeResult(m.Apply(l).([]byte))
				if err != nil || !errors.Is(r.Err(), ErrStopped) || r.Index != 3 {
					t.Errorf("entry %d: %+v %v", i, r, err)
				}
			}
			m.StoreConfiguration(9, raft.Configuration{})
			if _, err := m.Snapshot(); !errors.Is(err, ErrStopped) {
				t.Errorf("snapshot: %v", err)
			}
			if err := m.Restore(readCloser{strings.NewReader(snapshot)}); !errors.Is(err, ErrStopped) {
				t.Errorf("restore: %v", err)
			}
			if m.Load() != before || rings != 0 {
				t.Errorf("the state moved, %d rings", rings)
			}
			if len(fatal) != 1 || !errors.Is(fatal[0], tt.want) {
				t.Fatalf("fatal: %v", fatal)
			}
			if tt.text != "" && fatal[0].Error() != tt.text {
				t.Errorf("got  %v\nwant %s", fatal[0], tt.text)
			}
		})
	}
	t.Run("without Fatal it panics", func(t *testing.T) {
		defer func() {
			if err, ok := recover().(*FatalError); !ok || err.Index != 7 {
				t.Errorf("got %v", err)
			}
		}()
		New(Options{}).Apply(&raft.Log{Index: 7, Data: []byte("no")})
		t.Error("it went on")
	})
}

// Readers never wait for a writer and always see a whole version.
func TestLoadWhileApplying(t *testing.T) {
	m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80")
	m.log = nil
	for i := range 200 {
		m.entry(set(t, fmt.Sprintf("Web=10.0.0.1:80 a=10.1.0.%d:80", i%250+2)))
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			var last uint64
			for {
				s := m.Load()
				if run := s.History[len(s.History)-1]; s.Index < last || run.Number != s.Revision || run.Source != s.Source ||
					!strings.Contains(string(run.Document), s.Document.Virtuals[0].Servers[0].Address.String()) {
					t.Errorf("half a version: index %d after %d, revision %d", s.Index, last, s.Revision)
					return
				}
				last = s.Index
				if err := s.write(io.Discard); err != nil {
					t.Error(err)
				}
				m.Hear(2, 100)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for _, l := range m.log {
		m.Apply(l)
	}
	close(done)
	wg.Wait()
	if !m.Load().Known {
		t.Error("not known")
	}
}

func TestLog(t *testing.T) {
	var b bytes.Buffer
	f := New(Options{Log: slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))})
	if err := f.Restore(readCloser{strings.NewReader(textOf(t, cluster(t, "").Load()))}); err != nil {
		t.Fatal(err)
	}
	f.Hear(2, 3)
	f.Hear(2, 3)
	want := `level=INFO msg="state restored" index=3 term=2 rev=1
level=INFO msg="state is known" index=3 term=2 rev=1
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
