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

// undecided names the virtuals that no server takes connections for while a check that has not decided could change that. A
// router that has just booted is like this for a while: its table is as wanted, and serves nobody.
func undecided(in Inputs) []string {
	var out []string
	for i, v := range in.State.Document.Virtuals {
		r := &in.rosters[i]
		hopes := slices.ContainsFunc(r.servers, func(sh share) bool { return sh.hopes && sh.counts })
		if hopes && !r.serves() {
			out = append(out, v.Name)
		}
	}
	return out
}

// A scar is what kept a router from directing when it last did. A standby tries only part of what a director must do, a
// cold one nearly nothing: without the memory of it, routers that all fail would hand the lead round for ever.
type scar struct {
	why      string
	revision uint64 // of the document that could not be followed: another may go better
	at       time.Time
}

const (
	// deep is how many failing passes in a row leave a scar.
	deep = 5
	// heals is how long a scar counts: what was wrong may have been mended.
	heals = 5 * time.Minute
)

// scarred returns why a router that stands by could not direct, as far as it has tried, and notes how directing goes.
func (p *pass) scarred(in Inputs, s *Status) []string {
	m := &p.memory
	switch {
	case len(in.Mandate.Groups) == 0:
		if m.scar.why != "" && m.scar.revision == in.State.Revision && time.Since(m.scar.at) < heals {
			return []string{"when it last directed: " + m.scar.why}
		}
	case s.Failing >= deep:
		f := s.Failures[0]
		m.scar = scar{f.Step + ": " + f.Err, in.State.Revision, s.At}
	case s.Failing == 0:
		m.scar = scar{}
	}
	return nil
}

// Later returns how much longer than a fit router one with this status should wait before it stands for election; h is
// the cluster's heartbeat timeout. It is at most half of h. It orders routers and bars none: who stands later directs all the same
// if nobody else does.
func (s *Status) Later(h time.Duration) time.Duration {
	if len(s.Unfit) > 0 {
		return h / 2
	}
	var later time.Duration
	if !s.Converged {
		later += h / 4
	}
	if len(s.Undecided) > 0 {
		later += h / 4
	}
	return later
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
