package fsm

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"

	"polso/config"
)

// next is a build of which a command, a field of another and a part of the document came later.
var next = Levels{
	Commands: config.Since{"end_session": 2, "set_override.reason": 3},
	Document: config.Since{"virtual.hysteresis": 4},
}

func hysteresis(t testing.TB) *SetDocument {
	t.Helper()
	d := doc("Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80")
	d.Virtuals[0].Hysteresis = 1
	set, err := NewSetDocument(d)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestNeed(t *testing.T) {
	for _, tt := range []struct {
		command Command
		want    Need
	}{
		{&RevokeToken{ID: "k1"}, Need{Level: 1}},
		{&EndSession{Ended{ID: "s1", Kind: ActorUser, Name: "ada", Until: t0}}, Need{2, "end_session"}},
		{&SetOverride{Target: "router/r1", Kind: Drain}, Need{Level: 1}},
		{&SetOverride{Target: "router/r1", Kind: Drain, Reason: "disk"}, Need{3, "set_override.reason"}},
		{set(t, "Web=10.0.0.1:80"), Need{Level: 1}},
		{hysteresis(t), Need{4, "virtual.hysteresis"}},
		{&Found{Document: hysteresis(t).Document}, Need{4, "virtual.hysteresis"}},
		{&Restore{History: []Revision{{Document: hysteresis(t).Document}, {Document: canonical(t, "")}}}, Need{4, "virtual.hysteresis"}},
	} {
		if got, err := next.Need(tt.command); err != nil || got != tt.want {
			t.Errorf("%s: %+v (%v), want %+v", tt.command, got, err, tt.want)
		}
		if got, err := (Levels{}).Need(tt.command); err != nil || got.Level != 1 {
			t.Errorf("%s: %+v (%v) where nothing came later", tt.command, got, err)
		}
	}
	if _, err := next.Need(&SetDocument{Document: []byte("{")}); err == nil {
		t.Error("half a document needs nothing")
	}
	if next.Own() != 4 || (Levels{}).Own() != 1 {
		t.Errorf("the builds' own levels are %d and %d", next.Own(), Levels{}.Own())
	}
}

// TestLevelOfEntries: an entry bears the level that it needs, and one that everybody can read is as it always was.
func TestLevelOfEntries(t *testing.T) {
	plain := Envelope{Request: "q", Actor: admin, At: t0, Command: &RevokeToken{ID: "k1"}}
	a, errA := next.Encode(plain)
	b, errB := (Levels{}).Encode(plain)
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("%q (%v) of a later build, %q (%v) of an earlier one", a, errA, b, errB)
	}
	later, err := next.Encode(Envelope{Request: "q", Actor: admin, At: t0, Command: hysteresis(t)})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := next.Decode(later); err != nil || e.Level != 4 {
		t.Errorf("level %d (%v), want 4", e.Level, err)
	}
	if need, err := next.Needed(later); err != nil || need != (Need{4, "virtual.hysteresis"}) {
		t.Errorf("a leader is told %+v (%v)", need, err)
	}
	if need, err := next.Needed(a); err != nil || need != (Need{Level: 1}) {
		t.Errorf("a leader is told %+v (%v) of what everybody can read", need, err)
	}
	if _, err := next.Needed([]byte("no entry")); !errors.Is(err, ErrCorrupt) {
		t.Errorf("noise needs nothing: %v", err)
	}
	for what, read := range map[string]func() error{
		"Decode": func() error { _, err := (Levels{}).Decode(later); return err },
		"Needed": func() error { _, err := (Levels{}).Needed(later); return err },
	} {
		if err := read(); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "set_document needs command level 4, this release knows 1") {
			t.Errorf("%s of an earlier build: %v", what, err)
		}
	}
}

// TestLevelInUse: the state remembers the highest level there was, whatever became of the command, and through a snapshot; who is
// below it can read neither.
func TestLevelInUse(t *testing.T) {
	m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80")
	m.FSM.levels = next
	if got := m.Load().InUse(); got != 1 {
		t.Fatalf("level %d is in use at first", got)
	}
	before := textOf(t, m.Load())
	if strings.Contains(before, `"level"`) {
		t.Errorf("a state of the first level names one, which the first builds cannot read:\n%s", before)
	}
	apply := func(f *FSM, c Command) (Result, error) {
		m.index++
		b, err := next.Encode(Envelope{Request: fmt.Sprintf("req-%d", m.index), Actor: admin, At: t0, Command: c})
		if err != nil {
			t.Fatal(err)
		}
		return DecodeResult(f.Apply(&raft.Log{Index: m.index, Term: 2, Data: b}).([]byte))
	}
	for _, step := range []struct {
		command Command
		level   int
		refused bool
	}{
		{&SetOverride{Target: "server/Web/z", Kind: Drain, Reason: "disk"}, 3, true},
		{&EndSession{Ended{ID: "s1", Kind: ActorUser, Name: "ada", Until: t0}}, 3, false},
		{hysteresis(t), 4, false},
		{set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), 4, false},
	} {
		r, err := apply(m.FSM, step.command)
		if err != nil || (r.Refusal != nil) != step.refused {
			t.Fatalf("%s: %+v, %v", step.command, r, err)
		}
		if got := m.Load().InUse(); got != step.level {
			t.Errorf("after %s level %d is in use, want %d", step.command, got, step.level)
		}
	}
	text := textOf(t, m.Load())
	again := New(Options{Levels: &next})
	if err := again.Restore(readCloser{strings.NewReader(text)}); err != nil {
		t.Fatal(err)
	}
	if got := textOf(t, again.Load()); got != text || again.Load().InUse() != 4 {
		t.Errorf("through a snapshot level %d is in use", again.Load().InUse())
	}

	var told []error
	old := New(Options{Levels: &Levels{}, Fatal: func(err error) { told = append(told, err) }})
	if err := old.Restore(readCloser{strings.NewReader(text)}); !errors.Is(err, ErrUnknown) {
		t.Errorf("an earlier build reads the snapshot: %v", err)
	}
	if err := old.Restore(readCloser{strings.NewReader(before)}); err != nil {
		t.Errorf("an earlier build cannot read what was before: %v", err)
	}
	if _, err := apply(old, hysteresis(t)); err != nil {
		t.Fatal(err)
	}
	if len(told) != 2 || !strings.Contains(told[0].Error(), "the state needs command level 4, this release knows 1; this router stops: install the release") ||
		!strings.Contains(told[1].Error(), "set_document needs command level 4, this release knows 1") {
		t.Errorf("an earlier build stops with %v", told)
	}
}

// TestEverythingHasALevel: testdata/levels.txt has every command, every field of one and every field of the state with the command
// level it came with. It is written by hand: what is missing there is new, and gets the level of the release that brings it, a
// command or a field of one in commandLevels too, unless a release before could read it. What is there already never changes.
func TestEverythingHasALevel(t *testing.T) {
	file, err := os.ReadFile("testdata/levels.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for line := range strings.Lines(string(file)) {
		var path string
		var level int
		if _, err := fmt.Sscan(line, &path, &level); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		want[path] = level
	}
	got, levels := map[string]int{}, commandLevels()
	for _, c := range samples(t) {
		for _, path := range fields(string(c.Name()), reflect.TypeOf(c)) {
			got[path] = levels.Of(path)
		}
	}
	for key := range levels {
		if _, ok := got[key]; !ok {
			t.Errorf("commandLevels has %q, which is nowhere in a command", key)
		}
	}
	for _, path := range append(fields("header", reflect.TypeFor[header]()), fields("state", reflect.TypeFor[record]())...) {
		if got[path] = want[path]; got[path] == 0 {
			got[path] = 2 // or later: which it is, is said by hand
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-levels.txt +as it is) what is new gets the next level, then a line in testdata/levels.txt:\n%s", d)
	}
}

// fields are the paths of all that the JSON of a type has, documents aside.
func fields(at string, t reflect.Type) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice && t != reflect.TypeFor[[]byte]() {
		t = t.Elem()
	}
	out := []string{at}
	if t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[record]().PkgPath() {
		return out
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			out = append(out, fields(at, f.Type)[1:]...)
		case f.IsExported():
			out = append(out, fields(at+"."+name, f.Type)...)
		}
	}
	return out
}
