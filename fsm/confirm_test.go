package fsm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const aRuns, bRuns, cRuns = "Web=10.0.0.1:80 a=10.1.0.1:80", "Web=10.0.0.1:80 b=10.1.0.2:80", "Web=10.0.0.1:80 c=10.1.0.3:80"

// trying is a document that is to be confirmed until then; its servers leave for an hour from t0.
func trying(t testing.TB, words string, until time.Duration) *SetDocument {
	return with(set(t, words), func(d *SetDocument) { d.ConfirmUntil = t0.Add(until) })
}

// late is the end of a wait.
func late(revision string, at time.Duration) *Expire {
	return &Expire{Due{At: t0.Add(at), Kind: DueConfirm, ID: revision}}
}

// What waits, and what the document is after it, whatever happens meanwhile. aRuns is revision 2 and the log's entry 4; each
// entry is a second later.
func TestConfirm(t *testing.T) {
	const none = "nothing waits"
	tests := []struct {
		name string
		do   []Command
		want string // number:server of the history, oldest first; what waits; what is due
	}{
		{"it waits", []Command{trying(t, bRuns, time.Minute)}, "1: 2:a 3:b; 3 goes back to 2 in 1m0s"},
		{"confirmed", []Command{trying(t, bRuns, time.Minute), &Confirm{}}, "1: 2:a 3:b; " + none},
		{"confirmed by its number", []Command{trying(t, bRuns, time.Minute), &Confirm{Revision: 3}}, "1: 2:a 3:b; " + none},
		{"not confirmed", []Command{trying(t, bRuns, 6*time.Second), late("3", 6*time.Second)}, "1: 2:a 3:b 4:a; " + none},
		{"a change on top confirms it", []Command{trying(t, bRuns, time.Minute), set(t, cRuns)}, "1: 2:a 3:b 4:c; " + none},
		{"one on top that waits itself goes back further", []Command{trying(t, bRuns, time.Minute), trying(t, cRuns, 2*time.Minute)},
			"1: 2:a 3:b 4:c; 4 goes back to 2 in 2m0s"},
		{"and does", []Command{trying(t, bRuns, time.Minute), trying(t, cRuns, 7*time.Second), late("4", 7*time.Second)}, "1: 2:a 3:b 4:c 5:a; " + none},
		{"and is confirmed", []Command{trying(t, bRuns, time.Minute), trying(t, cRuns, 2*time.Minute), &Confirm{Revision: 4}}, "1: 2:a 3:b 4:c; " + none},
		{"taken back by hand", []Command{trying(t, bRuns, time.Minute), with(set(t, aRuns), func(d *SetDocument) { d.RollbackOf = 2 })}, "1: 2:a 3:b 4:a; " + none},
		{"taken back by hand, to be confirmed: there is nothing to go back to", []Command{trying(t, bRuns, time.Minute), trying(t, aRuns, 2*time.Minute)},
			"1: 2:a 3:b 4:a; " + none},
		{"a snapshot is restored", []Command{trying(t, bRuns, time.Minute), with(restore(t, 9, "c9", cRuns), func(r *Restore) { r.Base = 3 })},
			"1: 2:a 3:b 4:c; " + none},
		{"the same again: the wait goes on", []Command{trying(t, bRuns, time.Minute), set(t, bRuns)}, "1: 2:a 3:b; 3 goes back to 2 in 1m0s"},
		{"the same again, to be confirmed: it waits longer", []Command{trying(t, bRuns, time.Minute), trying(t, bRuns, 3*time.Minute)},
			"1: 2:a 3:b; 3 goes back to 2 in 3m0s"},
		{"what runs and does not wait has nothing to go back to", []Command{trying(t, aRuns, time.Minute)}, "1: 2:a; " + none},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := cluster(t, aRuns)
			m.must(tt.do...)
			for what, s := range map[string]*Snapshot{"applied": m.Load(), "restored": restored(t, textOf(t, m.Load())).Load()} {
				if d := cmp.Diff(tt.want, showWait(s)); d != "" {
					t.Errorf("%s (-want +got):\n%s", what, d)
				}
			}
		})
	}
}

func showWait(s *Snapshot) string {
	var revisions []string
	for _, r := range s.History {
		_, server, _ := strings.Cut(r.Source, ":80 ")
		revisions = append(revisions, fmt.Sprintf("%d:%.1s", r.Number, server))
	}
	out := strings.Join(revisions, " ") + "; "
	if !s.Confirm.Pending() {
		out += "nothing waits"
	} else {
		out += fmt.Sprintf("%d goes back to %d in %s", s.Confirm.Revision, s.Confirm.BackTo, s.Confirm.Until.Sub(t0))
	}
	for _, d := range s.Due {
		if d.Kind == DueConfirm && (!s.Confirm.Pending() || d.ID != fmt.Sprint(s.Confirm.Revision) || !d.At.Equal(s.Confirm.Until)) {
			out += "; due " + d.ID
		}
	}
	return out
}

// The way back is a revision of the steward's that says what it undoes, and lets what vanishes drain as long as the change did.
func TestGoingBack(t *testing.T) {
	m := cluster(t, aRuns)
	m.must(with(trying(t, bRuns, 6*time.Second), func(d *SetDocument) { d.LeaveUntil = t0.Add(65 * time.Second) })) // at 5 s: a drains for a minute
	l := m.entry(late("3", 6*time.Second))
	l.Data, _ = Encode(Envelope{Request: "late", Actor: Actor{Kind: "steward", Name: "r2"}, At: t0.Add(30 * time.Second), Command: late("3", 6*time.Second)})
	if r, err := DecodeResult(m.Apply(l).([]byte)); err != nil || r.Refusal != nil || r.Revision != 4 {
		t.Fatalf("got %+v, %v", r, err)
	}
	s := m.Load()
	if d := cmp.Diff("revision 4\nleaving Web/b@4 10.1.0.2:80 of Web\ndue leaving Web/b@4 in 1m30s\n", show(s)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	got := s.History[3]
	if got.Message != "revision 3 was not confirmed: back to revision 2" || got.RollbackOf != 2 || got.Author.Kind != "steward" || got.Source != "# "+aRuns {
		t.Errorf("got %+v", got)
	}
	if !s.Document.Equal(doc(aRuns)) || s.Source != got.Source {
		t.Errorf("running: %+v", s.Document)
	}
	last := s.Audit[len(s.Audit)-1]
	if last.Revision != 4 || last.Detail != "revision 3 was not confirmed" || last.Actor.Name != "r2" {
		t.Errorf("audit: %+v", last)
	}
	// Another leader that has not seen it yet.
	if r := m.do(late("3", 6*time.Second)); !errors.Is(r.Err(), ErrNotFound) || m.Load().Revision != 4 {
		t.Errorf("a second time: %+v", r)
	}
}

// A change that ends another's wait says so in the audit.
func TestWaitsNoMore(t *testing.T) {
	m := cluster(t, aRuns)
	m.must(trying(t, bRuns, time.Minute), with(set(t, cRuns), func(d *SetDocument) { d.Message = strings.Repeat("m", 300) }))
	last := m.Load().Audit[len(m.Load().Audit)-1]
	if !strings.HasSuffix(last.Detail, "m…; revision 3 waits no more") || len(last.Detail) > maxDetail {
		t.Errorf("audit: %q", last.Detail)
	}
}

// The history keeps what may run again, and not a revision longer.
func TestHistoryKeepsTheWayBack(t *testing.T) {
	m := cluster(t, aRuns)
	for i := range 120 {
		m.must(trying(t, fmt.Sprintf("Web=10.0.0.1:80 b=10.1.1.%d:80", i+1), time.Hour))
	}
	s := m.Load()
	if n := len(s.History); n != maxHistory+1 || s.History[0].Number != 2 || s.History[1].Number != 23 || s.Confirm.BackTo != 2 {
		t.Fatalf("%d revisions, %d and %d first, back to %d", len(s.History), s.History[0].Number, s.History[1].Number, s.Confirm.BackTo)
	}
	m.must(&Confirm{}, set(t, cRuns))
	if s := m.Load(); len(s.History) != maxHistory || s.History[0].Number != 24 {
		t.Errorf("confirmed, and another: %d revisions, %d first", len(s.History), s.History[0].Number)
	}
}

// A retry of a wish is answered, though its clock has moved on; the same with or without a wait is another wish.
func TestConfirmAgain(t *testing.T) {
	for _, tt := range []struct {
		name        string
		first, then *SetDocument
		code        Code
	}{
		{"retried later", trying(t, bRuns, time.Minute), trying(t, bRuns, 2*time.Minute), ""},
		{"retried without", trying(t, bRuns, time.Minute), set(t, bRuns), CodeReused},
		{"retried with", set(t, bRuns), trying(t, bRuns, time.Minute), CodeReused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := cluster(t, aRuns)
			m.must(tt.first)
			b, err := Encode(Envelope{Request: fmt.Sprintf("req-%d", m.index), Actor: admin, At: t0.Add(time.Minute), Command: tt.then})
			if err != nil {
				t.Fatal(err)
			}
			before := showWait(m.Load())
			l := m.entry(tt.then)
			l.Data = b
			r, err := DecodeResult(m.Apply(l).([]byte))
			if err != nil || (r.Refusal == nil) != (tt.code == "") || r.Refusal != nil && r.Refusal.Code != tt.code {
				t.Errorf("got %+v, %v", r, err)
			}
			if got := showWait(m.Load()); got != before {
				t.Errorf("it was %s and is %s", before, got)
			}
		})
	}
}

// A new generation of the cluster goes on waiting.
func TestConfirmRecovered(t *testing.T) {
	m := cluster(t, aRuns)
	m.must(trying(t, bRuns, time.Minute))
	s, err := m.Load().Recovered(Generation{Number: 2, CA: pem + "2", Node: "n1", By: admin, At: t0.Add(time.Minute)})
	if err != nil || showWait(s) != "1: 2:a 3:b; 3 goes back to 2 in 1m0s" {
		t.Errorf("got %s, %v", showWait(s), err)
	}
}
