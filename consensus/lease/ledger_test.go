package lease

import (
	"errors"
	"testing"
	"time"
)

const h = 100 * time.Millisecond

// watch is a clock that a test turns.
type watch struct{ now Instant }

func (w *watch) clock() Instant { return w.now }

func (w *watch) pass(d time.Duration) { w.now += Instant(d) }

// fresh returns a ledger whose restart promise has passed.
func fresh(off guard) (*Ledger, *watch) {
	w := &watch{now: Instant(time.Hour)}
	l := NewLedger(Options{Self: "a", Clock: w.clock, Length: h})
	l.off = off
	l.SetVoters([]string{"a", "b", "c"})
	w.pass(h)
	return l, w
}

func TestMayLeave(t *testing.T) {
	vote, own, pre := ballot{term: 8}, ballot{term: 8, kind: ask}, ballot{term: 8, kind: preVote}
	flagged, ownFlagged := ballot{term: 8, flagged: true}, ballot{term: 8, kind: ask, flagged: true}
	leads := func(l *Ledger, w *watch) {
		_ = l.sending(7)
		l.count(reply{from: "b", term: 7, sent: w.now})
	}
	follows := func(l *Ledger, _ *watch) { _ = l.succeed(7, "c") }
	tests := []struct {
		name  string
		given func(l *Ledger, w *watch)
		b     ballot
		want  error
		off   guard // without it the ballot leaves
	}{
		{"nothing is in the way", func(*Ledger, *watch) {}, vote, nil, 0},
		{"vote under a promise", follows, vote, ErrPromised, offPromiseVote},
		{"pre-vote under a promise", follows, pre, ErrPromised, offPromiseVote},
		{"own request under a promise", follows, own, ErrPromised, offPromiseAsk},
		{"vote once the promise has run out", func(l *Ledger, w *watch) { follows(l, w); w.pass(h) }, vote, nil, 0},
		{"vote a moment before that", func(l *Ledger, w *watch) { follows(l, w); w.pass(h - 1) }, vote, ErrPromised, offPromiseVote},
		{"vote that was not noted as promised", func(l *Ledger, w *watch) { follows(l, w) }, vote, ErrPromised, offNote},
		{"flagged vote passes a promise", follows, flagged, nil, 0},
		{"vote while the own lease runs", leads, vote, ErrHolding, offOwnVote},
		{"flagged vote while the own lease runs", leads, flagged, ErrHolding, offOwnVote},
		{"pre-vote while the own lease runs", leads, pre, ErrHolding, offOwnVote},
		{"own request while the own lease runs", leads, own, ErrHolding, offOwnAsk},
		{"vote once the own lease has run out", func(l *Ledger, w *watch) { leads(l, w); w.pass(h * 9 / 10) }, vote, nil, 0},
		{"vote while a dead lease's addresses may be up", func(l *Ledger, w *watch) { leads(l, w); l.Mute(7) }, vote, ErrHolding, offOwnVote},
		{"vote once the addresses are known to be gone", func(l *Ledger, w *watch) { leads(l, w); l.Release(7) }, vote, nil, 0},
		{"flagged own request unarmed", func(*Ledger, *watch) {}, ownFlagged, ErrUnarmed, offArmedTerm},
		{"flagged own request armed", func(l *Ledger, w *watch) { follows(l, w); l.Arm(7) }, ownFlagged, nil, 0},
		{"flagged own request armed with an older term", func(l *Ledger, w *watch) { follows(l, w); l.Arm(6) }, ownFlagged, ErrUnarmed, offArmedTerm},
		{"flagged own request armed, while the own lease runs", func(l *Ledger, w *watch) { leads(l, w); l.Arm(7) }, ownFlagged, ErrHolding, offOwnAsk},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, w := fresh(0)
			tt.given(l, w)
			if err := l.leave(tt.b); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if tt.off == 0 {
				return
			}
			l, w = fresh(tt.off)
			tt.given(l, w)
			if err := l.leave(tt.b); err != nil {
				t.Errorf("with the guard off: %v, so another rule hides it", err)
			}
		})
	}
}

func TestFreshProcess(t *testing.T) {
	for _, b := range []struct {
		name string
		ballot
		off guard
	}{{"grants nothing", ballot{term: 2}, offRestartVote}, {"asks nobody", ballot{term: 2, kind: ask}, offRestartAsk}} {
		t.Run(b.name, func(t *testing.T) {
			w := &watch{now: Instant(time.Hour)}
			l := NewLedger(Options{Self: "a", Clock: w.clock, Length: h, Promise: 3 * h})
			w.pass(3*h - 1)
			if err := l.leave(b.ballot); !errors.Is(err, ErrPromised) {
				t.Errorf("before the longest lease has passed: %v", err)
			}
			l.off = b.off
			if err := l.leave(b.ballot); err != nil {
				t.Errorf("with the guard off: %v", err)
			}
			l.off = 0
			w.pass(1)
			if err := l.leave(b.ballot); err != nil {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

func TestSuccessAfterVote(t *testing.T) {
	for _, b := range []ballot{{term: 8}, {term: 8, kind: ask}} {
		l, _ := fresh(0)
		if err := l.leave(b); err != nil {
			t.Fatal(err)
		}
		if err := l.succeed(7, "c"); !errors.Is(err, ErrVoted) {
			t.Errorf("Success for a lower term: %v", err)
		}
		if got := l.Promised(); got.To != "" {
			t.Errorf("a refused Success noted a promise to %s", got.To)
		}
		if err := l.succeed(8, "c"); err != nil {
			t.Errorf("Success for the term voted in: %v", err)
		}
	}
	l, _ := fresh(0)
	if err := l.leave(ballot{term: 8, kind: preVote}); err != nil {
		t.Fatal(err)
	}
	if err := l.succeed(7, "c"); err != nil {
		t.Errorf("Success after a mere pre-vote: %v", err)
	}
	l, _ = fresh(offOrder)
	_ = l.leave(ballot{term: 8})
	if err := l.succeed(7, "c"); err != nil {
		t.Errorf("with the guard off: %v", err)
	}
}

func TestTimeoutNow(t *testing.T) {
	l, _ := fresh(0)
	if err := l.timeoutNow(); !errors.Is(err, ErrUnarmed) {
		t.Errorf("unarmed: %v", err)
	}
	l.Arm(7)
	if err := l.timeoutNow(); err != nil {
		t.Errorf("armed: %v", err)
	}
	_ = l.succeed(8, "c")
	if err := l.timeoutNow(); !errors.Is(err, ErrUnarmed) {
		t.Errorf("armed, but a later leader was heard: %v", err)
	}
	l.Arm(6)
	if got := l.Armed(); got != 7 {
		t.Errorf("armed with %d after an older arming came late, want 7", got)
	}
}

func TestLease(t *testing.T) {
	at := func(d time.Duration) Instant { return Instant(time.Hour + h + d) }
	success := func(l *Ledger, from string, sent time.Duration) {
		l.count(reply{from: from, term: 7, sent: at(sent)})
	}
	tests := []struct {
		name string
		do   func(l *Ledger, w *watch)
		want time.Duration // of the end, after the moment of the first heartbeat; 0: no lease
	}{
		{"no answer", func(*Ledger, *watch) {}, 0},
		{"one of two followers is enough", func(l *Ledger, _ *watch) { success(l, "b", 0) }, 90 * time.Millisecond},
		{"it counts from the send time", func(l *Ledger, w *watch) { w.pass(50 * time.Millisecond); success(l, "b", 0) }, 90 * time.Millisecond},
		{"the newest follower counts", func(l *Ledger, w *watch) {
			w.pass(20 * time.Millisecond)
			success(l, "b", 10*time.Millisecond)
			success(l, "c", 0)
		}, 100 * time.Millisecond},
		{"an answer that came too late starts none", func(l *Ledger, w *watch) { w.pass(90 * time.Millisecond); success(l, "b", 0) }, 0},
		{"an answer of another term", func(l *Ledger, _ *watch) { l.count(reply{from: "b", term: 6, sent: at(0)}) }, 0},
		{"a learner does not count", func(l *Ledger, _ *watch) { success(l, "x", 0) }, 0},
		{"five need two followers", func(l *Ledger, w *watch) {
			l.SetVoters([]string{"a", "b", "c", "d", "e"})
			w.pass(20 * time.Millisecond)
			success(l, "b", 20*time.Millisecond)
			success(l, "c", 5*time.Millisecond)
			success(l, "d", 0)
		}, 95 * time.Millisecond},
		{"the earlier of two configurations", func(l *Ledger, w *watch) {
			l.SetVoters([]string{"a", "b", "c"}, []string{"a", "b", "c", "d"})
			w.pass(20 * time.Millisecond)
			success(l, "b", 20*time.Millisecond)
			success(l, "c", 5*time.Millisecond)
		}, 95 * time.Millisecond},
		{"not a voter itself", func(l *Ledger, w *watch) {
			l.SetVoters([]string{"b", "c"})
			w.pass(20 * time.Millisecond)
			success(l, "b", 20*time.Millisecond)
			success(l, "c", 5*time.Millisecond)
		}, 95 * time.Millisecond},
		{"alone", func(l *Ledger, w *watch) { l.SetVoters([]string{"a"}); w.pass(10 * time.Millisecond) }, 100 * time.Millisecond},
		{"alone, unread for long", func(l *Ledger, w *watch) {
			l.SetVoters([]string{"a"})
			l.Until(7)
			w.pass(h)
			l.Until(7)
			w.pass(h)
		}, 290 * time.Millisecond},
		{"alone no longer", func(l *Ledger, w *watch) {
			l.SetVoters([]string{"a"})
			w.pass(5 * h)
			success(l, "b", 5*h)
			l.SetVoters([]string{"a"}, []string{"a", "b"})
		}, 590 * time.Millisecond},
		{"ran out", func(l *Ledger, w *watch) {
			success(l, "b", 0)
			w.pass(90 * time.Millisecond)
			success(l, "b", 90*time.Millisecond)
		}, 0},
		{"ran out, then alone", func(l *Ledger, w *watch) {
			success(l, "b", 0)
			w.pass(h)
			l.SetVoters([]string{"a"})
		}, 190 * time.Millisecond},
		{"ran out, then alone and no longer", func(l *Ledger, w *watch) {
			success(l, "b", 0)
			w.pass(h)
			l.SetVoters([]string{"a"})
			w.pass(h)
			l.SetVoters([]string{"a"}, []string{"a", "b"})
		}, 290 * time.Millisecond},
		{"ran out, voted for another, then alone", func(l *Ledger, w *watch) {
			success(l, "b", 0)
			w.pass(h)
			_ = l.leave(ballot{term: 8})
			l.SetVoters([]string{"a"})
		}, 0},
		{"muted, then alone", func(l *Ledger, _ *watch) { success(l, "b", 0); l.Mute(7); l.SetVoters([]string{"a"}) }, 0},
		{"met a newer term", func(l *Ledger, _ *watch) { success(l, "b", 0); l.met(8) }, 0},
		{"voted for a newer term", func(l *Ledger, _ *watch) {
			success(l, "b", 0)
			l.Release(7)
			_ = l.leave(ballot{term: 8})
			l.Resume(7)
			success(l, "b", 0)
		}, 0},
		{"followed a newer leader", func(l *Ledger, _ *watch) { success(l, "b", 0); _ = l.succeed(8, "b") }, 0},
		{"released", func(l *Ledger, _ *watch) { success(l, "b", 0); l.Release(7); success(l, "b", 1) }, 0},
		{"taken back", func(l *Ledger, w *watch) {
			success(l, "b", 0)
			l.Release(7)
			w.pass(2 * h)
			success(l, "b", 2*h)
			l.Resume(7)
		}, 290 * time.Millisecond},
		{"a hand-over was announced", func(l *Ledger, _ *watch) {
			success(l, "b", 0)
			l.Release(7)
			l.Arming(7)
			l.Resume(7)
			success(l, "b", 1)
		}, 0},
		{"counted anew under the voters of now", func(l *Ledger, _ *watch) {
			l.SetVoters([]string{"a"})
			l.Until(7)
			l.SetVoters([]string{"a", "b", "c"})
			l.Lead(7)
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, w := fresh(0)
			if err := l.sending(7); err != nil {
				t.Fatal(err)
			}
			tt.do(l, w)
			end, ok := l.Until(7)
			if ok != (tt.want != 0) || ok && end != at(tt.want) {
				t.Errorf("lease until %v (%v), want %v", time.Duration(end-at(0)), ok, tt.want)
			}
		})
	}
}

func TestMuted(t *testing.T) {
	l, w := fresh(0)
	_ = l.sending(7)
	l.count(reply{from: "b", term: 7, sent: w.now})
	l.Arming(7)
	if err := l.sending(7); err != nil {
		t.Errorf("silent as soon as the hand-over is announced, but the target may need entries: %v", err)
	}
	l.Mute(7)
	if err := l.sending(7); !errors.Is(err, ErrMuted) {
		t.Errorf("after Mute: %v", err)
	}
	if err := l.sending(8); err != nil {
		t.Errorf("the next term: %v", err)
	}
	l.count(reply{from: "b", term: 8, sent: w.now})
	w.pass(h)
	if err := l.sending(8); !errors.Is(err, ErrMuted) {
		t.Errorf("after the lease ran out: %v", err)
	}
	l.SetVoters([]string{"a"})
	if err := l.sending(8); err != nil {
		t.Errorf("once it is the only voter, to its learners: %v", err)
	}
}

func TestForsaken(t *testing.T) {
	l, w := fresh(0)
	_ = l.sending(7)
	l.count(reply{from: "b", term: 7, sent: w.now})
	w.pass(h)
	l.SetVoters([]string{"a"})
	if l.Forsaken(7) {
		t.Error("a lease that merely ran out is over for good")
	}
	l.SetVoters([]string{"a", "b", "c"})
	l.Mute(7)
	if l.Forsaken(7) {
		t.Error("forsaken, and another can be elected")
	}
	l.SetVoters([]string{"a"})
	if !l.Forsaken(7) || l.Forsaken(8) {
		t.Errorf("alone and muted in term 7: %v, in term 8 %v; want true and false", l.Forsaken(7), l.Forsaken(8))
	}
}

func TestPeers(t *testing.T) {
	l, w := fresh(0)
	_ = l.sending(7)
	l.count(reply{from: "b", term: 7, sent: w.now, match: 12})
	w.pass(time.Millisecond)
	l.count(reply{from: "b", term: 7, sent: w.now - 1}) // a heartbeat says nothing of the log
	l.answer("c", 7)
	got := l.Peers()
	if b := got["b"]; b.Match != 12 || b.Sent != w.now-1 || b.Answered != w.now {
		t.Errorf("b: %+v", b)
	}
	if c, ok := got["c"]; !ok || c.Sent != 0 || c.Answered != w.now {
		t.Errorf("c: %+v", c)
	}
	_ = l.sending(8)
	if got := l.Peers(); len(got) != 0 {
		t.Errorf("in a new term: %v", got)
	}
}
