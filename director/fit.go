package director

import (
	"slices"
	"strings"
	"time"

	"polso/vip"
)

// knowing is how long a process may take to know the state before that makes its router unfit.
const knowing = 5 * time.Second

// unknown says why a node that does not know the state could not direct.
func unknown(in Inputs) []string {
	if in.Running < knowing {
		return nil
	}
	return []string{"the state is not known yet"}
}

// unfit says which addresses this node could not serve: those without a place, by their problems, and those on a link
// that is down. An address on such a link is held all the same: only a lease decides who holds.
func unfit(links vip.Links, places []Place, homeless []Problem) []string {
	var out []string
	for _, p := range homeless {
		out = append(out, p.What+": "+p.Why)
	}
	for _, p := range places {
		if link, ok := links.Named(p.Link); ok && !link.Up {
			out = append(out, "link "+p.Link+" of vip "+p.Addr.String()+" is down")
		}
	}
	return out
}

// Later returns how much longer than a fit router one with this status should wait before it stands for election; h is
// the cluster's heartbeat timeout. It is at most half of h. It orders routers and bars none: who stands later directs all the same
// if nobody else does.
func (s *Status) Later(h time.Duration) time.Duration {
	switch {
	case len(s.Unfit) > 0:
		return h / 2
	case !s.Converged:
		return h / 4
	default:
		return 0
	}
}

// tellFitness logs that the router became fit or unfit, and new reasons.
func (p *pass) tellFitness(old, s *Status) {
	switch {
	case slices.Equal(old.Unfit, s.Unfit):
	case len(s.Unfit) > 0:
		p.log.Warn("not fit to direct", "why", strings.Join(s.Unfit, "; "))
	default:
		p.log.Info("fit to direct again")
	}
}
