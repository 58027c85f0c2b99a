package steward

import (
	"slices"
	"time"
)

// The bounds of failing back. It is no emergency, and each move costs the clients a moment: whoever is handed the lead back has
// been fit for so long, as this leader saw it, that what flaps does not move the addresses, and who is lost again and again
// within an hour has to be fit twice as long each time from the third on.
const (
	FailbackAfter = time.Minute // how long the preferred router must have been fit, while this node led
	failbackMost  = time.Hour   // the longest of the doubled times
	failbackSpan  = time.Hour   // for how long a handing back counts
	failbackFree  = 2           // so many within that time do not prolong the wait

	// settling is how long a router may take to follow a new document, with the verdicts of its checks, without having to prove
	// itself anew: in a cluster that is written to all the time nothing would ever move back.
	settling = 10 * time.Second
)

// probation is how long a router must have been fit that was handed the lead back so many times within failbackSpan.
func probation(times int) time.Duration {
	d := FailbackAfter
	for range times - failbackFree + 1 {
		d = min(2*d, failbackMost)
	}
	return d
}

// failBack hands the lead to the first router of `prefer`, before this one, that has been fit for long enough. One that is fit
// and only has to wait out its minute is waited for: two moves would be made of one.
func failBack(in Inputs) []Action {
	c := in.State.Document.Cluster
	self, member := in.State.Node(in.Self)
	if !c.Failback || !member {
		return nil
	}
	for _, name := range c.Prefer[:min(c.Rank(self.Name), len(c.Prefer))] {
		n, ok := in.State.NodeByName(name)
		if !ok {
			continue
		}
		lasted, fit := in.FitFor[n.ID]
		switch {
		case !fit:
		case lasted < FailbackAfter:
			return nil
		case lasted >= probation(in.HandedBack[n.ID]):
			return []Action{{Kind: HandBack, ID: n.ID, Reason: name + " is preferred and has been fit for " + lasted.Round(time.Second).String()}}
		}
	}
	return nil
}

// fitness tells whether another member is in order, and whether it also follows the running document just now. Unlike for
// a hand-over in need, what this node does not know of its own servers is no excuse.
func (in Inputs) fitness(m Member) (sound, follows bool) {
	r, heard := in.Reports[m.ID]
	sound = in.able(m) && heard && r.Failing == 0 && r.Unfit == "" && !r.Dimmer(in.Reports[in.Self]) && r.Penalty <= in.Reports[in.Self].Penalty
	return sound, sound && r.Converged && r.Revision == in.State.Revision && len(r.Undecided) == 0
}

// spell is a time of fitness without a break.
type spell struct {
	began, last time.Time // last: the last pass in which it was fit
	started     time.Time // of the router's process: one that restarts begins anew, even if no pass saw it away
}

// fitFor returns how long each other router that is fit has been so, pass after pass.
func (s *Steward) fitFor(in Inputs) map[string]time.Duration {
	now := time.Now()
	spells, out := make(map[string]spell, len(in.Members)), make(map[string]time.Duration)
	for _, m := range in.Members {
		sound, follows := in.fitness(m)
		started := in.Reports[m.ID].Started
		sp, known := s.spells[m.ID]
		if !sound || known && (!sp.started.Equal(started) || now.Sub(sp.last) > settling) {
			known = false
		}
		if follows {
			if !known {
				sp, known = spell{began: now, started: started}, true
			}
			sp.last = now
			out[m.ID] = now.Sub(sp.began)
		}
		if known {
			spells[m.ID] = sp
		}
	}
	s.spells = spells
	return out
}

// handingBack notes an attempt: whether or not it succeeds, it counts, and everybody's minute begins anew.
func (s *Steward) handingBack(id string) {
	s.handedBack[id] = append(s.handedBack[id], time.Now())
	clear(s.spells)
}

// lately counts the attempts that still matter.
func (s *Steward) lately() map[string]int {
	out := make(map[string]int, len(s.handedBack))
	for id, times := range s.handedBack {
		times = slices.DeleteFunc(times, func(at time.Time) bool { return time.Since(at) > failbackSpan })
		if len(times) == 0 {
			delete(s.handedBack, id)
			continue
		}
		s.handedBack[id], out[id] = times, len(times)
	}
	return out
}
