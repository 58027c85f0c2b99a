package config

import (
	"fmt"
	"time"
)

// What follows of the verdicts on servers has these limits.
const (
	maxVotes = 99 // routers
	minSlow  = time.Second
	maxSlow  = time.Hour
)

// following checks what a virtual makes of the verdicts on its servers.
func (v *verdicts) following(p path, x Virtual) {
	enum(v, p.attr("on_failure"), "on_failure", x.OnFailure, Remove, Quiesce)
	if x.Probe != "" {
		enum(v, p.attr("probe"), "probe", x.Probe, Everywhere, ByDirector)
	}
	spare := len(x.Servers) - x.MinServers
	switch {
	case x.MinServers < 1:
		v.add(p.attr("min_servers"), fmt.Sprintf("min_servers %d is less than 1", x.MinServers), "", "")
	case x.MinServers > max(1, len(x.Servers)):
		v.add(p.attr("min_servers"), fmt.Sprintf("min_servers %d is more than there are servers (%d)", x.MinServers, len(x.Servers)), "The virtual could never be up.", "")
	case x.Hysteresis > max(0, spare):
		v.add(p.attr("hysteresis"), fmt.Sprintf("min_servers %d and hysteresis %d are more than there are servers (%d)", x.MinServers, x.Hysteresis, len(x.Servers)),
			"A virtual that was down comes back with so many servers together, and it could never.", "")
	}
	if x.Hysteresis < 0 {
		v.add(p.attr("hysteresis"), fmt.Sprintf("hysteresis %d is less than 0", x.Hysteresis), "", "")
	}
	if x.Panic < 0 || x.Panic > 100 {
		v.add(p.attr("panic"), fmt.Sprintf("panic %d is not between 0 and 100", x.Panic), "It is a percentage of the servers.", "")
	}
	if x.SlowStart != 0 {
		v.within(p.attr("slow_start"), x.SlowStart, minSlow, maxSlow)
		enum(v, p.attr("slow_curve"), "slow_curve", x.SlowCurve, Linear, Doubling)
	} else if x.SlowCurve != "" {
		v.add(p.attr("slow_curve"), "slow_curve means nothing without slow_start", "", `Add slow_start = "1m", or remove it.`)
	}
	if x.Votes < 0 || x.Votes > maxVotes {
		v.add(p.attr("votes"), fmt.Sprintf("votes %d is not between 1 and %d", x.Votes, maxVotes), "", "")
	} else if x.Votes > 1 && x.Probe == ByDirector {
		v.add(p.attr("votes"), fmt.Sprintf(`votes %d does not go with probe = "director"`, x.Votes), "One router alone probes.", "Remove one of the two.")
	}
}
