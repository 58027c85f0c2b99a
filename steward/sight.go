package steward

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"polso/config"
	"polso/fsm"
)

// Seen counts the servers of one virtual as one router sees them. What it asks of them is the same where Asks is.
type Seen struct {
	Asks        uint64
	Up, Unknown int
}

const (
	// DimLong is for how long most of the other routers must have seen clearly more servers up before the lead moves for it. A
	// server that dies is noticed by one router after the other, up to a turn of its check apart: of a virtual that is asked more
	// seldom it must have lasted longer (see ripe).
	DimLong = 3 * time.Second
	// YieldAgain is for how long a router that was handed the lead for what it sees keeps it, whatever others see.
	YieldAgain = time.Minute
)

// Dimmer tells whether a router with this report sees clearly fewer servers up than one with the other, of those that both
// probe: none of more virtuals, or two servers and a quarter fewer in all, and in neither respect more. What it has not decided about
// counts in its favour. Of two reports at most one is dimmer than the other.
func (r Report) Dimmer(other Report) bool {
	var mine, theirs sum
	for name, o := range other.Sees {
		if m, both := r.Sees[name]; both && m.Asks == o.Asks {
			mine.add(m.Up+m.Unknown, o.Up)
			theirs.add(o.Up+o.Unknown, m.Up)
		}
	}
	// What each is granted differs: mine.up counts what this one has not decided as up, and theirs.other is what the other has up.
	switch up := mine.other; {
	case mine.dark > theirs.dark:
		return up >= mine.up
	case mine.dark == theirs.dark:
		return up-mine.up >= 2 && 4*mine.up <= 3*up
	default:
		return false
	}
}

// sum adds up what one router sees beside another.
type sum struct {
	up    int // of its own, at best
	other int // of the other's, for certain
	dark  int // virtuals of which it sees nothing and the other something
}

func (s *sum) add(own, other int) {
	s.up, s.other = s.up+own, s.other+other
	if own == 0 && other > 0 {
		s.dark++
	}
}

// ups says how many servers the router sees up, of how many.
func (r Report) ups() (up int) {
	for _, s := range r.Sees {
		up += s.Up
	}
	return up
}

// brighter returns the other routers that were heard of, and those of them that see clearly more than this node with that report.
func (in Inputs) brighter(own Report) (heard, more []string) {
	for _, m := range in.preferred() {
		r, ok := in.Reports[m.ID]
		n, node := in.State.Node(m.ID)
		if !ok || !node || n.Kind != fsm.Router || m.ID == in.Self || r.Sees == nil {
			continue
		}
		heard = append(heard, m.ID)
		if own.Dimmer(r) {
			more = append(more, m.ID)
		}
	}
	return heard, more
}

// Dim says that most of the other routers see clearly more servers up than this node; "" if they do not.
func (in Inputs) Dim() string {
	heard, more := in.brighter(in.Reports[in.Self])
	return in.dim(heard, more)
}

func (in Inputs) dim(heard, more []string) string {
	if len(more) == 0 || 2*len(more) <= len(heard) {
		return ""
	}
	others := make([]string, len(more))
	for i, id := range more {
		others[i] = fmt.Sprintf("%s %d", in.name(id), in.Reports[id].ups())
	}
	return fmt.Sprintf("%s sees %d servers up, %s", in.name(in.Self), in.Reports[in.Self].ups(), strings.Join(others, ", "))
}

// ripe is this node's report without the virtuals of which the others may only be late to notice what it has noticed.
func (in Inputs) ripe() Report {
	own := in.Reports[in.Self]
	own.Sees = maps.Clone(own.Sees)
	for _, v := range in.State.Document.Virtuals {
		if lasted, differs := in.DiffersFor[v.Name]; differs && lasted < seldom(v)+DimLong {
			delete(own.Sees, v.Name)
		}
	}
	return own
}

// seldom is how much longer than a moment two routers may be apart in noticing what happens to a server of v.
func seldom(v config.Virtual) time.Duration {
	const usual = 2 * time.Second // DimLong allows for it, and for the age of a report
	var most time.Duration
	ask := func(c *config.Check) {
		if c == nil {
			return
		}
		most = max(most, c.Every)
		for _, inner := range c.Of {
			most = max(most, inner.Every)
		}
	}
	ask(v.Check)
	for _, s := range v.Servers {
		ask(s.Check)
	}
	return max(0, most-usual)
}

// gap is that another router sees more servers of a virtual up than this node.
type gap struct {
	began time.Time
	up    int // the fewest that this node has seen since, at best
}

// differsFor returns for how long there has been a gap, pass after pass, since the last server that this node lost.
func (s *Steward) differsFor(in Inputs) map[string]time.Duration {
	now := time.Now()
	gaps, out := make(map[string]gap), make(map[string]time.Duration)
	for name, own := range in.Reports[in.Self].Sees {
		up := own.Up + own.Unknown
		differs := false
		for _, r := range in.Reports {
			other, both := r.Sees[name]
			differs = differs || both && other.Asks == own.Asks && other.Up > up
		}
		if !differs {
			continue
		}
		g, known := s.gaps[name]
		if !known || up < g.up {
			g = gap{now, up}
		}
		gaps[name], out[name] = g, now.Sub(g.began)
	}
	s.gaps = gaps
	return out
}

func (in Inputs) name(id string) string { n, _ := in.State.Node(id); return n.Name }

// yield hands the lead to a router that sees more, the most first.
func yield(in Inputs) []Action {
	heard, more := in.brighter(in.ripe())
	why := in.dim(heard, more)
	if why == "" || in.DimFor < DimLong || in.Yielded > 0 && in.Yielded < YieldAgain {
		return nil
	}
	fit, _, _ := in.candidates()
	fit = slices.DeleteFunc(fit, func(id string) bool { return !slices.Contains(more, id) })
	slices.SortStableFunc(fit, func(a, b string) int { return cmp.Compare(in.Reports[b].ups(), in.Reports[a].ups()) })
	var actions []Action
	for _, id := range fit {
		actions = append(actions, Action{Kind: Yield, ID: id, Reason: why})
	}
	return actions
}
