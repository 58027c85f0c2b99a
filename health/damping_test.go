package health

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"polso/config"
)

func TestInitial(t *testing.T) {
	for _, tt := range []struct {
		initial config.Initial
		answers string
		want    string
	}{
		{"", "ynyy", "...U"},
		{config.InitialUp, "ynyy", "UUUU"},
		{config.InitialUp, "nnn", "UUD"},
		{config.InitialDown, "ynyy", "DDDU"},
		{config.InitialDown, "nnn", "DDD"},
	} {
		got, v := run(config.Check{Rise: 2, Fall: 3, Initial: tt.initial}, tt.answers)
		if got != tt.want || v.Assumed {
			t.Errorf("%q, answers %s: got %s, assumed %v, want %s", tt.initial, tt.answers, got, v.Assumed, tt.want)
		}
	}
	_, v := run(config.Check{Rise: 2, Fall: 3, Initial: config.InitialUp}, "n")
	if want := "up until its check decides; n"; v.Reason != want || v.Streak != 1 || !v.Assumed {
		t.Errorf("got %q, streak %d, assumed %v, want %q", v.Reason, v.Streak, v.Assumed, want)
	}
	if _, v := run(config.Check{Rise: 2, Fall: 3, Initial: config.InitialDown}, "nnn"); !v.Since.Equal(time.Unix(1001, 0)) || v.Reason != "n" {
		t.Errorf("a verdict that agrees with what was assumed: %+v", v.Status)
	}
}

func TestDamping(t *testing.T) {
	check := config.Check{Rise: 1, Fall: 1, Flaps: 4, FlapWindow: 20 * time.Second, FlapHold: 5 * time.Second}
	for _, tt := range []struct{ name, answers, want string }{
		{"three changes are forgiven", "ynynnnn", "UDUDDDD"},
		{"the fourth begins the hold, which ends after five seconds", "ynynyyyyyyy", "UDUDDDDDDUU"},
		{"the first verdict is no change", "nynyyy", "DUDUUU"},
		{"changes that are long ago count no more", "yn" + strings.Repeat("n", 19) + "yny", "UD" + strings.Repeat("D", 19) + "UDU"},
		{"who flaps on is held on", "ynynynyny" + "yyyyyy", "UDUDDDDDD" + "DDDDUU"},
		{"and counted anew afterwards", "ynynyyyyyynyny", "UDUDDDDDDUDUDD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, v := run(check, tt.answers); got != tt.want {
				t.Errorf("answers %s\n got %s\nwant %s (%s)", tt.answers, got, tt.want, v.Reason)
			}
		})
	}
	_, v := run(check, "ynyny")
	if want := "held down for 5s after 4 changes within 20s; y"; v.Reason != want {
		t.Errorf("got %q, want %q", v.Reason, want)
	}
	if v.Since != time.Unix(1004, 0) {
		t.Errorf("down since %s, want the change before the hold", v.Since)
	}
}

func TestAdvice(t *testing.T) {
	check := config.Check{Rise: 1, Fall: 2}
	half := Advice{Percent, 50}
	say := func(v verdict, ok bool, a Advice) verdict {
		return v.judge(Result{OK: ok, Advice: a}, check, v.Last.Add(time.Second))
	}
	v := say(verdict{}, true, half)
	if v = say(v, true, Advice{}); v.Advice != half {
		t.Errorf("silence changed the advice to %v", v.Advice)
	}
	if v = say(v, false, Advice{}); v.State != Up || v.Advice != half {
		t.Errorf("a first failure: %+v", v.Status)
	}
	if v = say(v, false, Advice{}); v.State != Down || v.Advice != (Advice{}) {
		t.Errorf("the advice of another state stays: %+v", v.Status)
	}
	if v = say(v, true, Advice{Kind: DrainAdvice}); v.State != Up || v.Advice.Kind != DrainAdvice {
		t.Errorf("what came with the change is lost: %+v", v.Status)
	}
}

// TestNoVerdictComesTooSoon: for every sequence of answers, whatever Initial and damping say besides, two changes of a state that
// probes decided are at least rise (into up) or fall (into down) answers apart, and a hold is kept: nobody comes up within it.
func TestNoVerdictComesTooSoon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		check := config.Check{
			Rise: rapid.IntRange(1, 4).Draw(t, "rise"), Fall: rapid.IntRange(1, 4).Draw(t, "fall"),
			Initial:    rapid.SampledFrom([]config.Initial{"", config.InitialUp, config.InitialDown}).Draw(t, "initial"),
			Flaps:      rapid.IntRange(0, 4).Draw(t, "flaps"),
			FlapWindow: time.Duration(rapid.IntRange(1, 30).Draw(t, "window")) * time.Second,
			FlapHold:   time.Duration(rapid.IntRange(1, 30).Draw(t, "hold")) * time.Second,
		}
		answers := rapid.StringMatching(`[yn]{0,80}`).Draw(t, "answers")
		now := time.Unix(1000, 0)
		v := verdict{Status: Status{Since: now}}.follow(Unknown, "", check, now)
		var turns []int // answers after which the tally changed between up and down
		last, held := -1, -1
		for i, a := range answers {
			before := v
			now = now.Add(time.Second)
			v = v.judge(Result{OK: a == 'y', Reason: "tcp: said"}, check, now)
			if v.tally.state != before.tally.state {
				if least := map[State]int{Up: check.Rise, Down: check.Fall}[v.tally.state]; i-last < least {
					t.Fatalf("answers %s: %s at %d, %d after the change before", answers[:i+1], v.tally.state, i, i-last)
				}
				last = i
				if before.tally.state != Unknown {
					turns = append(turns, i)
				}
			}
			// The definition of damping, over all that has been.
			if n := check.Flaps; n > 0 && len(turns) > 0 && turns[len(turns)-1] == i && len(turns) >= n {
				if time.Duration(i-turns[len(turns)-n])*time.Second < check.FlapWindow {
					held, turns = i, nil
				}
			}
			holds := held >= 0 && time.Duration(i-held)*time.Second < check.FlapHold
			want := v.tally.state
			switch {
			case want == Up && holds:
				want = Down
			case want == Unknown && check.Initial == config.InitialUp:
				want = Up
			case want == Unknown && check.Initial == config.InitialDown:
				want = Down
			}
			if v.State != want || strings.Contains(v.Reason, "held down") != (v.tally.state == Up && holds) {
				t.Fatalf("%+v\nanswers %s: got %s (%s), want %s", check, answers[:i+1], v.State, v.Reason, want)
			}
			if v.State != before.State && v.Since != now || v.State == before.State && v.Since != before.Since {
				t.Fatalf("answers %s: %s since %s", answers[:i+1], v.State, v.Since)
			}
		}
	})
}

// Who only assumed that a server is down is told when its check has found the same.
func TestAssumptionDecidedRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.kill("10.0.0.1:80")
		down := with(target("10.0.0.1:80"), func(c *config.Check) { c.Initial = config.InitialDown })
		var rings atomic.Int64
		s := start(t, Options{Probe: f.probe, Ring: func() { rings.Add(1) }})
		s.Set([]Target{down})
		wait(time.Millisecond)
		if st := s.View()[down.Key()]; st.State != Down || !st.Assumed || rings.Load() != 1 {
			t.Errorf("at first: %+v after %d rings, want down, assumed, after one", st, rings.Load())
		}
		wait(time.Minute)
		if st := s.View()[down.Key()]; st.State != Down || st.Assumed || rings.Load() != 2 {
			t.Errorf("later: %+v after %d rings, want down, found, after two", st, rings.Load())
		}
	})
}
