package steward

import "time"

// BurdenedLong is for how long a fit router must have had a smaller penalty before the lead moves to it.
const BurdenedLong = 2 * time.Second

// burdened tells whether this node's penalty is larger than that of a router that could take over.
func (in Inputs) burdened() bool {
	return len(in.lighter()) > 0
}

// lighter are the fit routers with a smaller penalty than this node, the smallest first.
func (in Inputs) lighter() []string {
	if in.Reports[in.Self].Penalty == 0 {
		return nil
	}
	fit, _, _ := in.candidates() // in this order already
	for i, id := range fit {
		if in.Reports[id].Penalty >= in.Reports[in.Self].Penalty {
			return fit[:i]
		}
	}
	return fit
}
