package health

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"polso/config"
)

// Children returns what a compound (all, any, some) is made of, in the document's order; nil for a target that is asked itself.
// Each has its own entry in a View. A child without a port of its own asks at the compound's, and at its pace where it says
// nothing else.
func (t Target) Children() []Target {
	if !t.compound() {
		return nil
	}
	out := make([]Target, len(t.Check.Of))
	for i, c := range t.Check.Of {
		out[i] = t // with whatever else says how to reach the server
		if c.Port != 0 {
			out[i].Addr = netip.AddrPortFrom(t.Addr.Addr(), c.Port)
			out[i].Way.Virtual = netip.AddrPortFrom(t.Way.Virtual.Addr(), c.Port)
		}
		c.Port = 0 // said by Addr
		c.Every, c.Timeout = cmp.Or(c.Every, t.Check.Every), cmp.Or(c.Timeout, t.Check.Timeout)
		c.Rise, c.Fall = cmp.Or(c.Rise, t.Check.Rise), cmp.Or(c.Fall, t.Check.Fall)
		c.Fast, c.Through = cmp.Or(c.Fast, t.Check.Fast), cmp.Or(c.Through, t.Check.Through)
		out[i].Check = c
	}
	return out
}

func (t Target) compound() bool {
	return t.Check.Kind == config.CheckAll || t.Check.Kind == config.CheckAny || t.Check.Kind == config.CheckSome
}

// need is how many of a compound's children must be up, of n.
func (t Target) need(n int) int {
	switch t.Check.Kind {
	case config.CheckAll:
		return n
	case config.CheckAny:
		return 1
	case config.CheckSome:
		return t.Check.Need
	default:
		panic("health: no compound: " + string(t.Check.Kind))
	}
}

// combined is what a compound's children say together: a function of their statuses alone.
type combined struct {
	state   State
	last    time.Time
	took    time.Duration
	reason  string
	advice  Advice
	expires time.Time
	heard   time.Time
	silent  time.Time
}

// combine has need of the children up make the compound up, and as soon as so many are down that need cannot be reached, it is
// down. The child that completed either decides, and is named. Those that are down have no say in the advice; among the others
// to drain is stronger than a weight, and the first stronger than those after it.
func combine(kind config.CheckKind, need int, children []Status) combined {
	var out combined
	var ups, downs, open []int
	for i, c := range children {
		switch c.State {
		case Up:
			ups = append(ups, i)
		case Down:
			downs = append(downs, i)
		case Unknown:
			open = append(open, i)
		}
		if c.Last.After(out.last) {
			out.last, out.took = c.Last, c.Took
		}
		if c.Heard.After(out.heard) {
			out.heard = c.Heard
		}
		if c.State != Down && (out.advice.Kind == NoAdvice || c.Advice.Kind == DrainAdvice) && out.advice.Kind != DrainAdvice {
			out.advice = c.Advice
		}
		if !c.Expires.IsZero() && (out.expires.IsZero() || c.Expires.Before(out.expires)) {
			out.expires = c.Expires
		}
	}
	entered := func(a, b int) int { return children[a].Since.Compare(children[b].Since) }
	slices.SortStableFunc(ups, entered)
	slices.SortStableFunc(downs, entered)
	spare := len(children) - need // so many may be down
	var decides int
	switch {
	case need > 0 && len(ups) >= need:
		out.state, decides = Up, ups[need-1]
	case spare >= 0 && len(downs) > spare:
		out.state, decides = Down, downs[spare]
		out.silent = children[decides].Silent
	case len(open) > 0:
		decides = open[0]
	default: // nothing to combine, or more needed than there are: a document never says so
		return out
	}
	wanted := ""
	if kind == config.CheckSome {
		wanted = fmt.Sprintf(" (%d needed)", need)
	}
	out.reason = fmt.Sprintf("%s: %d of %d up%s; check %d, %s", kind, len(ups), len(children), wanted, decides+1,
		cmp.Or(children[decides].Reason, "not answered yet"))
	return out
}
