package agent

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"polso/config"
	"polso/detour"
	"polso/director"
	"polso/health"
)

// ways lead probes through virtuals to their servers.
type ways struct{ keeper *detour.Keeper } // nil: there are none

func newWays(e detour.Edge) ways {
	if e == nil {
		return ways{}
	}
	return ways{detour.New(e)}
}

// run has the kernel follow until ctx ends.
func (w ways) run(ctx context.Context) error {
	if w.keeper == nil {
		<-ctx.Done()
		return nil
	}
	return w.keeper.Run(ctx)
}

// detour is where a probe for virtual at server is to be sent.
func (w ways) detour(virtual, server netip.Addr, by config.Forward) (netip.Addr, error) {
	if w.keeper == nil {
		return netip.Addr{}, errors.New("this kernel has none")
	}
	return w.keeper.StandIn(wayOf(virtual, server, by))
}

func wayOf(virtual, server netip.Addr, by config.Forward) detour.Way {
	out := detour.Way{Virtual: virtual.Unmap(), Server: server.Unmap(), By: detour.Direct}
	if by == config.Tun {
		out.By = detour.IPIP
	}
	return out
}

// set has those ways that targets take.
func (w ways) set(targets []health.Target) {
	if w.keeper == nil {
		return
	}
	var want []detour.Way
	for _, t := range targets {
		if t.Way.Virtual.IsValid() {
			want = append(want, wayOf(t.Way.Virtual.Addr(), t.Addr.Addr(), t.Way.Forward))
		}
	}
	w.keeper.Set(want)
}

// troubles are the ways that cannot be had, one for each reason.
func (w ways) troubles() []director.Problem {
	if w.keeper == nil {
		return nil
	}
	by := make(map[string][]string)
	for way, err := range w.keeper.Failed() {
		why := strings.ReplaceAll(err.Error(), "\n", "; ")
		by[why] = append(by[why], way.String())
	}
	var out []director.Problem
	for why, which := range by {
		slices.Sort(which)
		what := which[0]
		if len(which) > 1 {
			what += " and others"
		}
		out = append(out, director.Problem{
			What: "check through " + what, Why: "cannot be had, so the server is asked at its own address: " + why,
			Fix: "modprobe -a nf_tables ipip ip6_tunnel, as far as they are missing; or remove through from the check",
		})
	}
	slices.SortFunc(out, func(a, b director.Problem) int { return cmp.Compare(a.What, b.What) })
	return out
}

// leading is a health.Set whose targets find their ways.
type leading struct {
	checks *health.Set
	ways   ways
}

// Set has the ways made before anybody goes them.
func (l leading) Set(targets []health.Target) {
	l.ways.set(targets)
	l.checks.Set(targets)
}

// View is what is known of the targets.
func (l leading) View() health.View { return l.checks.View() }
