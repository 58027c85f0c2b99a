package steward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/fsm"
)

// world is a leader's surroundings, in virtual time: it writes down what was done, by the second.
type world struct {
	begin time.Time
	fail  map[string]error // by action
	slow  time.Duration    // what an action takes

	stepDown bool            // who hands over leads no more
	diary    strings.Builder // of the steward's goroutine
	log      *slog.Logger

	mu   sync.Mutex // guards below
	in   Inputs
	lead bool
}

// change is how a script changes the world under the steward's feet.
func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) note(format string, args ...any) {
	fmt.Fprintf(&w.diary, "%5.1f  %s\n", time.Since(w.begin).Seconds(), fmt.Sprintf(format, args...))
}

// run runs a steward in w for d, with script called at its beginning.
func (w *world) run(t *testing.T, d time.Duration, script func(*Steward)) string {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w.begin = time.Now()
		s := New(Options{
			Log: w.log,
			Lead: func() bool {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.lead
			},
			Inputs: func(context.Context) Inputs {
				w.mu.Lock()
				defer w.mu.Unlock()
				in := w.in
				in.Now = now.Add(time.Since(w.begin))
				return in
			},
			Act: func(ctx context.Context, a Action) error {
				select {
				case <-ctx.Done():
					w.note("%s: %v", a, ctx.Err())
					return ctx.Err()
				case <-time.After(w.slow):
				}
				err := w.fail[a.String()]
				if err != nil {
					w.note("%s: %v", a, err)
					return err
				}
				w.note("%s", a)
				w.change(func() { w.done(a) })
				return nil
			},
		})
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		go script(s)
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return w.diary.String()
}

func (w *world) done(a Action) {
	if w.stepDown && (a.Kind == HandOver || a.Kind == HandBack) {
		w.lead = false
	}
	state := *w.in.State
	for i, d := range state.Due {
		if d == a.Due {
			state.Due = append(append([]fsm.Due(nil), state.Due[:i]...), state.Due[i+1:]...)
			break
		}
	}
	w.in.State = &state
	for i, m := range w.in.Members {
		if m.ID == a.ID && a.Kind == Promote {
			w.in.Members = append([]Member(nil), w.in.Members...)
			w.in.Members[i].Voter = true
		}
	}
	if a.Kind == AddLearner {
		w.in.Members = append(w.in.Members[:len(w.in.Members):len(w.in.Members)], Member{ID: a.ID, CaughtUp: true, Reachable: true})
	}
}

func quiet(*Steward) {}

func diff(t *testing.T, want, got string) {
	t.Helper()
	if d := cmp.Diff(strings.TrimPrefix(want, "\n"), got); d != "" {
		t.Errorf("diary (-want +got):\n%s", d)
	}
}

func TestStewardForms(t *testing.T) {
	w := &world{lead: true, in: scene(t, "r1", "r1 voter | r2 node | r3 node")}
	diff(t, `
  0.0  add learner r2
  1.0  add learner r3
  2.0  promote r2
  3.0  promote r3
`, w.run(t, 6500*time.Millisecond, quiet))
}

func TestStewardRing(t *testing.T) {
	w := &world{lead: true, in: scene(t, "r1", "r1 voter")}
	diff(t, `
  2.3  add learner r2
`, w.run(t, 2900*time.Millisecond, func(s *Steward) {
		time.Sleep(2300 * time.Millisecond)
		w.change(func() { w.in = scene(t, "r1", "r1 voter | r2 node") })
		s.Ring()
		s.Ring()
	}))
}

func TestStewardOnlyWhileLeading(t *testing.T) {
	w := &world{in: scene(t, "r1", "r1 voter | r2 node")}
	w.in.State.Due = []fsm.Due{
		{At: now.Add(-time.Hour), Kind: fsm.DueOverride, ID: "server/web/a"},
		{At: now.Add(4 * time.Second), Kind: fsm.DueToken, ID: "k1"},
	}
	w.slow = 100 * time.Millisecond
	diff(t, `
  2.1  expire override server/web/a of 2026-11-22T09:00:00Z
  4.1  expire token k1 of 2026-11-22T10:00:04Z
  4.2  add learner r2
`, w.run(t, 6500*time.Millisecond, func(*Steward) {
		time.Sleep(1500 * time.Millisecond)
		w.change(func() { w.lead = true })
		time.Sleep(550 * time.Millisecond) // within the first action: the pass ends there
		w.change(func() { w.lead = false })
		time.Sleep(1500 * time.Millisecond)
		w.change(func() { w.lead = true })
	}))
}

func TestStewardBacksOff(t *testing.T) {
	w := &world{lead: true, in: scene(t, "r1", "r1 voter | r2 node")}
	w.fail = map[string]error{"add learner r2": errors.New("no")}
	diff(t, `
  0.0  add learner r2: no
  1.0  add learner r2: no
  3.0  add learner r2: no
  7.0  add learner r2: no
 15.0  add learner r2: no
 31.0  add learner r2: no
 61.0  add learner r2: no
 91.0  add learner r2: no
`, w.run(t, 120500*time.Millisecond, quiet))
}

// A failure of this term is none of the next: and what fails does not hold up the rest.
func TestStewardForgets(t *testing.T) {
	w := &world{lead: true, in: scene(t, "r1", "r1 voter | r2 node | r3 node")}
	w.fail = map[string]error{"add learner r2": errors.New("no")}
	diff(t, `
  0.0  add learner r2: no
  1.0  add learner r2: no
  2.0  add learner r3
  3.0  add learner r2: no
  6.0  add learner r2: no
`, w.run(t, 6500*time.Millisecond, func(*Steward) {
		time.Sleep(4500 * time.Millisecond)
		w.change(func() { w.lead = false })
		time.Sleep(time.Second)
		w.change(func() { w.lead = true })
	}))
}

// Who takes the lead over while a revision waits takes it back when its time comes, or at once if it has passed.
func TestStewardConfirm(t *testing.T) {
	for name, tt := range map[string]struct {
		lead time.Duration // when
		want string
	}{
		"in time": {500 * time.Millisecond, "\n  3.0  expire confirm 43 of 2026-11-22T10:00:03Z\n"},
		"later":   {4500 * time.Millisecond, "\n  5.0  expire confirm 43 of 2026-11-22T10:00:03Z\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{in: scene(t, "r1", "r1 voter")}
			w.in.State.Due = []fsm.Due{{At: now.Add(3 * time.Second), Kind: fsm.DueConfirm, ID: "43"}}
			diff(t, tt.want, w.run(t, 6500*time.Millisecond, func(*Steward) {
				time.Sleep(tt.lead)
				w.change(func() { w.lead = true })
			}))
		})
	}
}

// An end that came by another way is done: no waiting, no complaint.
func TestStewardExpireNotFound(t *testing.T) {
	w := &world{lead: true, in: scene(t, "r1", "r1 voter")}
	w.in.State.Due = []fsm.Due{{At: now, Kind: fsm.DueToken, ID: "k1"}}
	w.fail = map[string]error{"expire token k1 of 2026-11-22T10:00:00Z": fmt.Errorf("propose: %w", &fsm.Refusal{Code: fsm.CodeNotFound, Text: "no"})}
	diff(t, `
  0.0  expire token k1 of 2026-11-22T10:00:00Z: propose: no
  1.0  expire token k1 of 2026-11-22T10:00:00Z: propose: no
  2.0  expire token k1 of 2026-11-22T10:00:00Z: propose: no
`, w.run(t, 2500*time.Millisecond, quiet))
}

// An action that hangs is given up; at the end of the process it is no failure.
func TestStewardBoundsActions(t *testing.T) {
	var b bytes.Buffer
	w := &world{lead: true, in: scene(t, "r1", "r1 voter | r2 node"), slow: time.Hour, log: slog.New(slog.NewTextHandler(&b, nil))}
	diff(t, `
 10.0  add learner r2: context deadline exceeded
 15.0  add learner r2: context deadline exceeded
`, w.run(t, 15*time.Second, quiet))
	if n := strings.Count(b.String(), "action failed"); n != 1 {
		t.Errorf("%d failures in the log, want 1:\n%s", n, b.String())
	}
}

func TestStewardLog(t *testing.T) {
	var b bytes.Buffer
	in := scene(t, "r1", "r1 voter | r2 node")
	tries := 0
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{
			Lead:   func() bool { return tries < 2 },
			Inputs: func(context.Context) Inputs { return in },
			Act: func(context.Context, Action) error {
				if tries++; tries == 1 {
					return errors.New("no leader")
				}
				return nil
			},
			Log: slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}})),
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	diff(t, `
level=WARN msg="action failed" action="add learner r2" reason="r2-name was admitted" again_in=1s err="no leader"
level=INFO msg=done action="add learner r2" reason="r2-name was admitted"
`, b.String())
}

func TestKindString(t *testing.T) {
	for k := Expire; k <= Restart; k++ {
		if strings.HasPrefix(k.String(), "kind") {
			t.Errorf("kind %d has no name", int(k))
		}
	}
	if got, want := Kind(0).String(), "kind 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
