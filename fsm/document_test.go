package fsm

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/config"
)

func disable(target string) Command { return &SetOverride{Target: target, Kind: Disable} }

// show prints what a document's change leaves behind.
func show(s *Snapshot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "revision %d\n", s.Revision)
	for _, o := range s.Overrides {
		fmt.Fprintf(&b, "%s %s\n", o.Kind, o.Target)
	}
	for _, l := range s.Leaving {
		fmt.Fprintf(&b, "leaving %s %s of %s\n", l.ID, l.Server.Address, l.Virtual.Name)
	}
	for _, d := range s.Due {
		if d.Kind != DueToken {
			fmt.Fprintf(&b, "due %s %s in %s\n", d.Kind, d.ID, d.At.Sub(t0))
		}
	}
	return b.String()
}

func TestSetDocument(t *testing.T) {
	const ab = "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80"
	drain := func(target string) Command {
		return &SetOverride{Target: target, Kind: Drain, Until: t0.Add(2 * time.Hour)}
	}
	now := func(words string) Command {
		return with(set(t, words), func(d *SetDocument) { d.LeaveUntil = time.Time{} })
	}
	tests := []struct {
		name string
		do   []Command // after ab, which is revision 2
		want string
	}{
		{"the same", []Command{set(t, ab)}, "revision 2\n"},
		{"the same with another text", []Command{with(set(t, ab), func(d *SetDocument) { d.Source = "# other" })}, "revision 2\n"},
		{"a server more", []Command{set(t, ab+" c=10.1.0.3:80")}, "revision 3\n"},
		{"a server less", []Command{set(t, "Web=10.0.0.1:80 a=10.1.0.1:80")},
			"revision 3\nleaving Web/b@3 10.1.0.2:80 of Web\ndue leaving Web/b@3 in 1h0m0s\n"},
		{"a server less, at once", []Command{now("Web=10.0.0.1:80 a=10.1.0.1:80")}, "revision 3\n"},
		{"a server less, until a time that has passed", []Command{with(set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"),
			func(d *SetDocument) { d.LeaveUntil = t0 })}, "revision 3\n"},
		{"a server less, until now", []Command{with(set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"),
			func(d *SetDocument) { d.LeaveUntil = t0.Add(5 * time.Second) })}, "revision 3\n"},
		{"both leave, one after the other", []Command{set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), set(t, "Web=10.0.0.1:80")},
			"revision 4\nleaving Web/a@4 10.1.0.1:80 of Web\nleaving Web/b@3 10.1.0.2:80 of Web\ndue leaving Web/a@4 in 1h0m0s\ndue leaving Web/b@3 in 1h0m0s\n"},
		{"it comes back", []Command{set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), set(t, ab)}, "revision 4\n"},
		{"it comes back under another name", []Command{set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), set(t, "Web=10.0.0.1:80 a=10.1.0.1:80 z=10.1.0.2:80")},
			"revision 4\n"},
		{"another takes its name", []Command{set(t, "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.9:80")},
			"revision 3\nleaving Web/b@3 10.1.0.2:80 of Web\ndue leaving Web/b@3 in 1h0m0s\n"},
		{"and leaves as well", []Command{set(t, "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.9:80"), set(t, "Web=10.0.0.1:80 a=10.1.0.1:80")},
			"revision 4\nleaving Web/b@3 10.1.0.2:80 of Web\nleaving Web/b@4 10.1.0.9:80 of Web\ndue leaving Web/b@3 in 1h0m0s\ndue leaving Web/b@4 in 1h0m0s\n"},
		{"renamed servers", []Command{set(t, "Web=10.0.0.1:80 x=10.1.0.1:80 y=10.1.0.2:80")}, "revision 3\n"},
		{"the virtual is renamed", []Command{set(t, "Www=10.0.0.1:80 a=10.1.0.1:80")},
			"revision 3\nleaving Web/b@3 10.1.0.2:80 of Web\ndue leaving Web/b@3 in 1h0m0s\n"},
		{"the virtual goes: nothing to drain from", []Command{set(t, "Mail=10.0.0.2:25")}, "revision 3\n"},
		{"the virtual moves: another service", []Command{set(t, "Web=10.0.0.7:80 a=10.1.0.1:80")}, "revision 3\n"},
		{"the virtual goes while one leaves", []Command{set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), set(t, "")}, "revision 4\n"},
		{"and comes back without it", []Command{set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), set(t, ""), set(t, "Web=10.0.0.1:80 a=10.1.0.1:80")}, "revision 5\n"},
		{"one leaves through other changes", []Command{set(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), set(t, "Web=10.0.0.1:80 a=10.1.0.1:80 c=10.1.0.3:80")},
			"revision 4\nleaving Web/b@3 10.1.0.2:80 of Web\ndue leaving Web/b@3 in 1h0m0s\n"},

		{"an override stays with its server", []Command{drain("server/Web/a"), set(t, "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80 c=10.1.0.3:80")},
			"revision 3\ndrain server/Web/a\ndue override server/Web/a in 2h0m0s\n"},
		{"an override ends with its server", []Command{drain("server/Web/b"), drain("router/r1"), now("Web=10.0.0.1:80 a=10.1.0.1:80")},
			"revision 3\ndrain router/r1\ndue override router/r1 in 2h0m0s\n"},
		{"a drained server leaves", []Command{drain("server/Web/b"), set(t, "Web=10.0.0.1:80 a=10.1.0.1:80")},
			"revision 3\nleaving Web/b@3 10.1.0.2:80 of Web\ndue leaving Web/b@3 in 1h0m0s\n"},
		{"a disabled server goes at once", []Command{disable("server/Web/b"), set(t, "Web=10.0.0.1:80 a=10.1.0.1:80")}, "revision 3\n"},
		{"an override replaced", []Command{drain("server/Web/b"), disable("server/Web/b")}, "revision 2\ndisable server/Web/b\n"},
		{"overrides are in order", []Command{disable("server/Web/b"), drain("router/r1"), disable("server/Web/a")},
			"revision 2\ndrain router/r1\ndisable server/Web/a\ndisable server/Web/b\ndue override router/r1 in 2h0m0s\n"},
		{"an override taken back", []Command{drain("server/Web/b"), &ClearOverride{Target: "server/Web/b"}}, "revision 2\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := cluster(t, ab)
			m.must(tt.do...)
			if d := cmp.Diff(tt.want, show(m.Load())); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// A removed sorry server keeps its connections as another does, also beside a server of the same name, and one that only changes
// sides does not leave.
func TestSorryServersLeave(t *testing.T) {
	sorry := func(words, servers string) *SetDocument {
		d := doc(words)
		d.Virtuals[0].Sorry = doc("Web=10.0.0.1:80 " + servers).Virtuals[0].Servers
		text, err := config.Canonical(d)
		if err != nil {
			t.Fatal(err)
		}
		return with(set(t, words), func(c *SetDocument) { c.Document = text })
	}
	const a, ab = "Web=10.0.0.1:80 a=10.1.0.1:80", "Web=10.0.0.1:80 a=10.1.0.1:80 b=10.1.0.2:80"
	for _, tt := range []struct {
		name string
		do   []Command
		want string
	}{
		{"it goes, and a server of its name", []Command{sorry(ab, "b=10.1.0.9:80"), set(t, a)},
			"revision 4\nleaving Web/b@4 10.1.0.2:80 of Web\nleaving Web/sorry/b@4 10.1.0.9:80 of Web\ndue leaving Web/b@4 in 1h0m0s\ndue leaving Web/sorry/b@4 in 1h0m0s\n"},
		{"it becomes a server", []Command{sorry(a, "b=10.1.0.2:80"), set(t, ab)}, "revision 4\n"},
		{"a server becomes one", []Command{set(t, ab), sorry(a, "b=10.1.0.2:80")}, "revision 3\n"},
		{"its address is disabled", []Command{sorry(ab, "b=10.1.0.9:80"), &SetOverride{Target: "address/10.1.0.9", Kind: Disable, Beside: true}, set(t, ab)}, "revision 4\n"},
		{"a server of its name is disabled", []Command{sorry(ab, "b=10.1.0.9:80"), disable("server/Web/b"), set(t, ab)},
			"revision 4\ndisable server/Web/b\nleaving Web/sorry/b@4 10.1.0.9:80 of Web\ndue leaving Web/sorry/b@4 in 1h0m0s\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := cluster(t, ab)
			m.must(tt.do...)
			if d := cmp.Diff(tt.want, show(m.Load())); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestSetDocumentAnswer(t *testing.T) {
	m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80")
	if got, want := m.do(set(t, "Web=10.0.0.1:80 a=10.1.0.1:80")), (Result{Index: m.index, Revision: 2, Unchanged: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if n := len(m.Load().History); n != 2 {
		t.Errorf("%d revisions, want 2", n)
	}
	if got, want := m.do(with(set(t, ""), func(d *SetDocument) { d.Base, d.Message, d.RollbackOf = 2, "back", 1 })),
		(Result{Index: m.index, Revision: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s := m.Load()
	want := Revision{Number: 3, At: t0.Add(time.Duration(m.index) * time.Second), Author: admin, Message: "back", RollbackOf: 1,
		Source: "# ", Document: canonical(t, "")}
	if d := cmp.Diff(want, s.History[2]); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got, ok := s.Numbered(3); !ok || got.Message != "back" || s.Source != "# " || !s.Document.Equal(doc("")) {
		t.Errorf("running: %+v", s)
	}
	if last := s.Audit[len(s.Audit)-1]; last.Revision != 3 || last.Detail != "back to revision 1" {
		t.Errorf("audit: %+v", last)
	}
	if _, ok := s.Numbered(99); ok {
		t.Error("revision 99 is there")
	}
}

// White space and the escapes that JSON allows do not make another document, here or after a snapshot.
func TestSetDocumentSpelling(t *testing.T) {
	m := cluster(t, "Web=10.0.0.1:80 a=10.1.0.1:80")
	spaced := bytes.ReplaceAll(canonical(t, "Web=10.0.0.1:80 a=10.1.0.1:80"), []byte(":"), []byte(": "))
	d := set(t, "")
	d.Document = spaced
	d.Document = bytes.ReplaceAll(d.Document, []byte("10.0.0.1: 80"), []byte("10.0.0.1:80"))
	d.Document = bytes.ReplaceAll(d.Document, []byte("10.1.0.1: 80"), []byte("10.1.0.1:80"))
	if r := m.do(d); !r.Unchanged {
		t.Errorf("got %+v, want unchanged", r)
	}
	odd := doc("Web=10.0.0.1:80 a=10.1.0.1:80")
	odd.Virtuals[0].Interface = "<&>\u2028"
	text, err := config.Canonical(odd)
	if err != nil {
		t.Fatal(err)
	}
	m.must(&SetDocument{Document: text})
	after := restored(t, textOf(t, m.Load()))
	for name, f := range map[string]*FSM{"applied": m.FSM, "restored": after} {
		h := f.Load().History
		if got := h[len(h)-1].Document; !bytes.Equal(got, text) {
			t.Errorf("%s: got %s, want %s", name, got, text)
		}
	}
}

func TestHistoryBounds(t *testing.T) {
	m := cluster(t, "")
	for i := range 120 {
		m.must(set(t, fmt.Sprintf("Web=10.0.0.1:80 a=10.1.0.%d:80", i+1)))
	}
	h := m.Load().History
	if len(h) != 100 || h[0].Number != 22 || h[99].Number != 121 || m.Load().Revision != 121 {
		t.Errorf("%d revisions, %d to %d", len(h), h[0].Number, h[len(h)-1].Number)
	}

	c := &change{Snapshot: m.Load()}
	next := *c.Snapshot
	c.Snapshot = &next
	for _, step := range []struct {
		mib  int
		want string
	}{{7, "23…122"}, {8, "24…123"}, {2, "123…124"}, {15, "125…125"}, {1, "125…126"}, {1, "126…127"}, {20, "128…128"}} {
		c.publish(Revision{Source: strings.Repeat("x", step.mib<<20)}, config.Document{})
		if got := fmt.Sprintf("%d…%d", c.History[0].Number, c.Revision); got != step.want {
			t.Errorf("%d MiB more leave %s, want %s", step.mib, got, step.want)
		}
	}
	if got := m.Load().History; len(got) != 100 || got[0].Number != 22 {
		t.Error("the published history changed")
	}
}

// Blank is what an empty file means, so applying one to a new cluster changes nothing.
func TestBlank(t *testing.T) {
	blank, err := Blank()
	if err != nil {
		t.Fatal(err)
	}
	empty, err := config.Parse()
	if err != nil {
		t.Fatal(err)
	}
	want, err := config.Canonical(empty)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(blank, want) {
		t.Errorf("got %s, want %s", blank, want)
	}
}
