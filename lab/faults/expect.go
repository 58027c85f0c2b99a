package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"polso/lab"
)

// gone is how often a router has said that it let go of an address, because it noticed the leap (as a suspend, or as having woken
// late) or because by its clock the lease was over before it looked.
func gone(r *lab.Router) int {
	log := r.LogTail(math.MaxInt)
	return strings.Count(log, `"address dropped"`) + strings.Count(log, `"address let go of"`)
}

// unmoved wants what a cut of one of two paths promises: no election, the same director.
func (t *trial) unmoved(ctx context.Context) {
	now, err := t.lab.Active(ctx)
	if err != nil {
		t.violate("%v", err)
		return
	}
	s, err := now.Status(ctx, lab.Own)
	if err != nil {
		t.violate("%v", err)
		return
	}
	if s.Term != t.was.Term || now.Name != t.was.Node {
		t.violate("one path of two was cut, and %s directs in term %d; before it was %s in term %d", now.Name, s.Term, t.was.Node, t.was.Term)
	}
}

// dropTime is how long a director may need to notice that its clock has leapt: the keeper looks every tenth of H.
func dropTime(lease time.Duration) time.Duration { return lease/10 + lab.Fenced }

// dropped wants what a leap of the director's lease clock promises: it lets go at once, whatever is left of the lease, and when
// nothing is left it holds again only in another term.
func (t *trial) dropped(ctx context.Context, victim *lab.Router, struck, undone time.Time) {
	if gone(victim) == t.gone {
		t.violate("%s did not let go when its clock leapt by %v", victim.Name, t.round.step)
		return
	}
	if t.round.step <= t.lease {
		return
	}
	now, err := t.lab.Active(ctx)
	if err != nil {
		t.violate("%v", err)
		return
	}
	s, err := now.Status(ctx, lab.Own)
	switch {
	case err != nil:
		t.violate("%v", err)
	case s.Term <= t.was.Term:
		t.violate("%s directs in term %d, whose lease was over when its clock leapt", now.Name, s.Term)
	case now == victim:
		t.note("%s was elected again", victim.Name)
	default:
		var last time.Duration
		for _, a := range addresses {
			for _, answer := range t.watch.Answers(a, struck, undone) {
				if answer.Node == victim.Name {
					last = max(last, answer.At.Sub(struck))
				}
			}
		}
		t.result.detail = fmt.Sprintf(", let go after %d ms", last.Milliseconds())
		if last > dropTime(t.lease) {
			t.violate("%s answered for %v after its clock had leapt by %v, want at most %v", victim.Name, last, t.round.step, dropTime(t.lease))
		}
	}
}
