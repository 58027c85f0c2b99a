package health

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"polso/config"
)

// TestStateSurvivesADocumentThatKeepsTheQuestion: another pace or judgement of what is asked already starts with what is known; a
// running change does not.
func TestStateSurvivesADocumentThatKeepsTheQuestion(t *testing.T) {
	for name, change := range map[string]func(*config.Check){
		"every":   func(c *config.Check) { c.Every = 5 * time.Second },
		"timeout": func(c *config.Check) { c.Timeout = 500 * time.Millisecond },
		"fast":    func(c *config.Check) { c.Fast = time.Second },
		"rise":    func(c *config.Check) { c.Rise = 9 },
		"fall":    func(c *config.Check) { c.Fall = 9 },
		"initial": func(c *config.Check) { c.Initial = config.InitialUp },
		"damping": func(c *config.Check) { c.Flaps, c.FlapWindow, c.FlapHold = 5, time.Minute, time.Minute },
	} {
		for _, kind := range []config.CheckKind{config.CheckTCP, config.CheckAll} {
			t.Run(name+" "+string(kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFarm()
					f.kill("10.0.0.1:80")
					var rings atomic.Int64
					s := start(t, Options{Probe: f.probe, Ring: func() { rings.Add(1) }})
					before := target("10.0.0.1:80")
					if kind == config.CheckAll {
						before = compound(kind, 0, "10.0.0.1:80", config.Check{Kind: config.CheckTCP})
					}
					s.Set([]Target{before})
					wait(time.Minute)
					was, rung := s.View()[before.Key()], rings.Load()
					f.revive("10.0.0.1:80")
					wait(2 * time.Second) // half way up
					after := with(before, change)
					s.Set([]Target{after})
					wait(0)
					got := s.View()[after.Key()]
					if got.State != Down || got.Since != was.Since || got.Streak != 0 || got.Last.IsZero() {
						t.Errorf("got %+v\nwas %+v", got, was)
					}
					if rings.Load() != rung+1 {
						t.Errorf("%d rings for a target whose state is known at once", rings.Load()-rung)
					}
					wait(after.Check.Every * time.Duration(after.Check.Rise+1))
					if got := s.View()[after.Key()]; got.State != Up {
						t.Errorf("later: %+v", got)
					}
				})
			})
		}
	}
}

func TestAnotherQuestionStartsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		s := start(t, Options{Probe: f.probe})
		s.Set([]Target{target("10.0.0.1:80")})
		wait(time.Minute)
		for _, other := range []Target{
			target("10.0.0.1:81"), with(target("10.0.0.1:80"), func(c *config.Check) { c.Kind = config.CheckHTTP }),
			compound(config.CheckAll, 0, "10.0.0.1:80", config.Check{Kind: config.CheckTCP}, config.Check{Kind: config.CheckHTTP}),
		} {
			s.Set([]Target{target("10.0.0.1:80"), other})
			wait(0)
			if got := s.View()[other.Key()]; got.State != Unknown {
				t.Errorf("%s: %+v", other.Key(), got)
			}
		}
	})
}

// TestOneQuestionFeedsEveryJudgement: targets that differ in rise, fall, Initial or damping share the probes, each with its own
// tally; the end of one is not the end of the question.
func TestOneQuestionFeedsEveryJudgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.takes = 300 * time.Millisecond
		s := start(t, Options{Probe: f.probe})
		strict := with(target("10.0.0.1:80"), func(c *config.Check) { c.Fall = 1 })
		patient := with(target("10.0.0.1:80"), func(c *config.Check) { c.Fall, c.Initial = 10, config.InitialDown })
		s.Set([]Target{strict, patient})
		wait(0)
		if got := s.View(); got[strict.Key()].State != Unknown || got[patient.Key()].State != Down {
			t.Errorf("at first: %v", got)
		}
		wait(time.Minute)
		asked := f.times("10.0.0.1:80")
		wait(time.Minute)
		if got := f.times("10.0.0.1:80") - asked; got != 30 || f.most != 1 {
			t.Errorf("asked %d times in a minute, %d at once", got, f.most)
		}
		f.kill("10.0.0.1:80")
		wait(10 * time.Second)
		if got := s.View(); got[strict.Key()].State != Down || got[patient.Key()].State != Up {
			t.Errorf("five failures: %v", got)
		}
		s.Set([]Target{patient})
		wait(20 * time.Second)
		if got := s.View(); got[patient.Key()].State != Down || len(got) != 1 {
			t.Errorf("fifteen failures: %v", got)
		}
	})
}

// TestAnInitialStateRings: who told the Set of a target has looked at the View before.
func TestAnInitialStateRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rings atomic.Int64
		f := newFarm()
		s := start(t, Options{Probe: f.probe, Ring: func() { rings.Add(1) }})
		s.Set([]Target{target("10.0.0.1:80")})
		wait(0)
		if rings.Load() != 0 {
			t.Error("rang for what is unknown")
		}
		up := with(target("10.0.0.2:80"), func(c *config.Check) { c.Initial = config.InitialUp })
		s.Set([]Target{target("10.0.0.1:80"), up})
		wait(0)
		if got := s.View()[up.Key()]; rings.Load() != 1 || got.State != Up {
			t.Errorf("%d rings, %+v", rings.Load(), got)
		}
	})
}
