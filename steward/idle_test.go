package steward

import (
	"testing"
	"time"

	"polso/fsm"
)

// leaves has a server leave in the scene, until an hour from now.
func (w *world) leaves(id string) {
	state := *w.in.State
	state.Leaving = append(state.Leaving[:len(state.Leaving):len(state.Leaving)], fsm.Leaving{ID: id, Until: now.Add(time.Hour)})
	state.Due = append(state.Due[:len(state.Due):len(state.Due)], fsm.Due{At: now.Add(time.Hour), Kind: fsm.DueLeaving, ID: id})
	w.in.State = &state
}

// A drain ends once its server has been without a connection for three seconds without a break.
func TestStewardEndsDrains(t *testing.T) {
	w := &world{lead: true, in: scene(t, "r1", "r1 voter")}
	idle := func(ids ...string) { w.change(func() { w.in.Idle = ids }) }
	diff(t, `
  6.0  end leaving web/a@7 of 2026-11-22T11:00:00Z
  9.0  end leaving web/b@7 of 2026-11-22T11:00:00Z
`, w.run(t, 12500*time.Millisecond, func(*Steward) {
		time.Sleep(500 * time.Millisecond)
		w.change(func() { w.leaves("web/a@7"); w.leaves("web/b@7"); w.leaves("web/c@7") })
		time.Sleep(2 * time.Second)
		idle("web/a@7", "web/b@7")
		time.Sleep(2 * time.Second)
		idle("web/a@7") // a packet of a connection that was thought to have ended
		time.Sleep(time.Second)
		idle("web/a@7", "web/b@7")
	}))
}

// Who took the lead while a server was leaving sees none of the connections of the director before: nothing ends early, then or
// after a lead that was lost for a moment.
func TestStewardKeepsInheritedDrains(t *testing.T) {
	w := &world{lead: true, in: scene(t, "r1", "r1 voter")}
	w.leaves("web/a@7")
	w.in.Idle = []string{"web/a@7", "web/b@8"}
	diff(t, `
  3.0  end leaving web/b@8 of 2026-11-22T11:00:00Z
`, w.run(t, 20*time.Second, func(*Steward) {
		time.Sleep(500 * time.Millisecond)
		w.change(func() { w.leaves("web/b@8") })
		time.Sleep(5 * time.Second)
		w.change(func() { w.leaves("web/b@8") })
		w.change(func() { w.lead = false })
		time.Sleep(2 * time.Second)
		w.change(func() { w.lead = true })
	}))
}
