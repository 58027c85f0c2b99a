package steward

import (
	"slices"
	"testing"
	"time"
)

// report changes what r1 says of itself.
func (w *world) report(change func(*Report)) {
	w.change(func() {
		reports := make(map[string]Report)
		for id, r := range w.in.Reports {
			reports[id] = r
		}
		r := reports["r1"]
		change(&r)
		reports["r1"] = r
		w.in.Reports = reports
	})
}

func down(r *Report)  { r.Unfit = "link eth0 of vip 192.0.2.10 is down" }
func whole(r *Report) { r.Unfit, r.Failing = "", 0 }
func stuck(r *Report) { r.Failing = FailingPasses }

// Trouble must last while this router leads; what flaps does not count, nor what lasted under an earlier lead.
func TestTroubleLasts(t *testing.T) {
	lead := func(w *world, leads bool) { w.change(func() { w.lead = leads }) }
	tests := []struct {
		name   string
		says   string // r1 at the beginning
		script func(*world)
		want   string
	}{
		{"unfit from the beginning", "unfit", func(*world) {}, `
  2.0  hand over to r2
`},
		{"unfit later: seen at the next pass, and two seconds long", "", func(w *world) {
			time.Sleep(500 * time.Millisecond)
			w.report(down)
		}, `
  3.0  hand over to r2
`},
		{"failing: a second", "failing=5", func(*world) {}, `
  1.0  hand over to r2
`},
		{"failing, and unfit before: the sooner counts", "unfit", func(w *world) {
			time.Sleep(500 * time.Millisecond)
			w.report(stuck)
		}, `
  2.0  hand over to r2
`},
		{"a link that flaps", "unfit", func(w *world) {
			for range 3 {
				time.Sleep(1600 * time.Millisecond)
				w.report(whole)
				time.Sleep(time.Second)
				w.report(down)
			}
			w.report(whole)
		}, ``},
		{"another reason is the same trouble", "unfit", func(w *world) {
			time.Sleep(1500 * time.Millisecond)
			w.report(func(r *Report) { r.Unfit = "vip 192.0.2.11: no link has its subnet" })
		}, `
  2.0  hand over to r2
`},
		{"the lead was lost meanwhile", "unfit", func(w *world) {
			time.Sleep(1500 * time.Millisecond)
			lead(w, false)
			time.Sleep(time.Second)
			lead(w, true)
		}, `
  5.0  hand over to r2
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{lead: true, in: scene(t, "r1", "r1 voter converged "+tt.says+" | r2 voter converged")}
			w.stepDown = true
			diff(t, tt.want, w.run(t, 9500*time.Millisecond, func(*Steward) { tt.script(w) }))
		})
	}
}

// Between two ticks the lead moves as soon as the trouble is old enough, not at the next tick.
func TestTroubleIsNotRoundedUp(t *testing.T) {
	w := &world{lead: true, stepDown: true, in: scene(t, "r1", "r1 voter converged | r2 voter converged")}
	diff(t, `
  2.3  hand over to r2
`, w.run(t, 5500*time.Millisecond, func(s *Steward) {
		time.Sleep(300 * time.Millisecond)
		w.report(down)
		s.Ring()
	}))
}

// TestHandOverExhaustively goes through everything that a director and one standby can say and compares with the rule said
// another way: the lead moves for a reason that lasts, and to nobody who has any.
func TestHandOverExhaustively(t *testing.T) {
	type said struct {
		heard, converged bool
		failing          int
		unfit            string
		revision         uint64
	}
	var all []said
	for _, heard := range []bool{false, true} {
		for _, converged := range []bool{false, true} {
			for _, failing := range []int{0, 1, 4, 5} {
				for _, unfit := range []string{"", "a reason"} {
					for _, revision := range []uint64{6, 7} {
						all = append(all, said{heard, converged, failing, unfit, revision})
					}
				}
			}
		}
	}
	moved := 0
	for _, self := range all {
		for _, other := range all {
			for _, unfitFor := range []time.Duration{0, UnfitLong - 1, UnfitLong} {
				for _, failingFor := range []time.Duration{0, FailingLong - 1, FailingLong} {
					for _, place := range []string{"voter", "learner", "voter behind", "voter silent", "voter drained"} {
						in := scene(t, "r1", "r1 voter | w1 voter | r2 "+place)
						in.UnfitFor, in.FailingFor = unfitFor, failingFor
						for id, s := range map[string]said{"r1": self, "r2": other} {
							if s.heard {
								in.Reports[id] = Report{Revision: s.revision, Converged: s.converged, Failing: s.failing, Unfit: s.unfit}
							}
						}
						reason := self.heard && (self.unfit != "" && unfitFor == UnfitLong || self.failing == 5 && failingFor == FailingLong)
						better := place == "voter" && other == said{heard: true, converged: true, revision: 7}
						got := slices.ContainsFunc(Decide(in), func(a Action) bool { return a.Kind == HandOver })
						if got != (reason && better) {
							t.Fatalf("r1 %+v (unfit for %s, failing for %s), r2 %s %+v: hands over %t", self, unfitFor, failingFor, place, other, got)
						}
						if got {
							moved++
						}
					}
				}
			}
		}
	}
	if moved == 0 {
		t.Error("the lead never moved")
	}
}

func TestHandOverSaysWhy(t *testing.T) {
	in := scene(t, "r1", "r1 voter converged unfit failing=9 | r2 voter converged")
	if got, want := Decide(in)[0].Reason, "this router cannot direct: link eth0 of vip 192.0.2.10 is down"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
