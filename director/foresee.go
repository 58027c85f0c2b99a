package director

import (
	"time"

	"polso/ipvs"
)

// Foresight is what the next pass would do to the kernel's table, to the packet rules that it needs and to the sync daemons.
type Foresight struct {
	Drift    []ipvs.Op     // for the running state: nothing, where the kernel is as wanted
	Steps    []ipvs.Op     // for the next one, and for the drift with it
	Rules    []ipvs.RuleOp // the same for the packet rules
	Problems []Problem     // what of the next one cannot be done here, and is no problem now
	Stats    ipvs.Stats
}

// Foresee reads the kernel's table and returns what a pass would do to it now, for one state and for another, by the very
// decision that a pass makes. It changes nothing and may be called by anyone at any time.
func (d *Director) Foresee(now, next State) (Foresight, error) {
	have, stats, err := d.o.IPVS.Table()
	if err != nil {
		return Foresight{}, err
	}
	running, err := d.o.IPVS.Daemons()
	if err != nil {
		return Foresight{}, err
	}
	status := d.Status()
	in := Inputs{Mandate: d.o.Mandate(), Health: d.o.Health.View(), Links: status.Links, Interfaces: d.o.Interfaces, Observed: &have,
		Stats: stats, Pools: status.Pools, Last: have, Daemons: running, Now: time.Now()}
	ruled, why := d.readRules()
	in.Ruleless = why
	steps := func(s State) ([]ipvs.Op, []ipvs.RuleOp, []Problem) {
		in.State = s
		want := Decide(in)
		if want.KeepTable {
			return nil, nil, want.Problems
		}
		var rules []ipvs.RuleOp
		if ruled != nil {
			rules = ipvs.PlanRules(want.Rules, *ruled)
		}
		return append(ipvs.Plan(want.Table, have), ipvs.PlanDaemons(want.Sync, running)...), rules, want.Problems
	}
	f := Foresight{Stats: stats}
	drift, _, already := steps(now)
	f.Drift = drift
	var problems []Problem
	f.Steps, f.Rules, problems = steps(next)
	f.Problems = news(problems, already)
	return f, nil
}
