package director

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// Decide returns what this node's kernel should look like. It is pure: equal inputs give deeply equal wants, and nothing
// of the inputs is changed but what they remember of the decision before, which changes no other.
//
// Addresses are held only with a running mandate for their group. The table is wanted on every router that stands by
// warm. Where the document says cold it is wanted for mandated groups alone once another router is known to lead; until
// then a router without a mandate keeps what it has, since who lost the lead for a moment may have it again in the next.
// While the state is not known, or while it says that the kernel's services may be somebody else's, no table is touched
// and nothing is held.
func Decide(in Inputs) Want {
	in.asked = askedOf(in.asked, in.State.Document)
	want := Want{Probes: in.asked.probed(in), Homes: in.Homes, Pools: in.Pools}
	if !in.State.Known {
		want.KeepTable = true
		want.Unfit = unknown(in)
		return want
	}
	if in.State.Foreign {
		want.KeepTable = true
		want.Problems = []Problem{foreign(in.Observed)}
		want.Unfit = []string{"services that are not Polso's are in the kernel"}
		return want
	}
	in.overrides, in.spoken, in.drains = byTarget(in.State.Overrides), spokenOf(in.State.Overrides), draining(in.State.Leaving)
	in.past.begin(in.State.Document)
	sees := combine(in)
	in.Health, want.Spared, want.Grounds, want.Hushed = sees.view, sees.spared, sees.grounds, sees.hushed
	at := place(in)
	want.Places, want.Homes = at.places, at.homes
	want.Problems = slices.Concat(at.homeless, at.doubts)
	want.Unfit = unfit(in.Links, at.places, at.homeless)
	for _, q := range severedLinks(in, at.places) {
		want.Problems, want.Unfit = append(want.Problems, q), append(want.Unfit, q.What+": "+q.Why)
	}
	want.Held = held(in.Mandate, want.Places)

	if in.Observed == nil {
		want.KeepTable = true
		want.blind(in)
		return want
	}
	in.rosters = rosters(in)
	want.Pools, want.Again = pools(in)
	if sees.doubt && (want.Again == 0 || want.Again > doubt) {
		want.Again = doubt
	}
	switch {
	case waits(in):
		want.Table = in.unlooped(*in.Observed)
	default:
		var troubles []Problem
		want.Table, troubles = table(in)
		want.Problems = append(want.Problems, troubles...)
	}
	want.Rules = rules(in.State.Document, want.Table)
	if in.Ruleless != "" {
		for _, q := range ruleless(in.State.Document, in.Ruleless) {
			want.Problems, want.Unfit = append(want.Problems, q), append(want.Unfit, q.What+": "+q.Why)
		}
	}
	want.Undecided = undecided(in)
	in.Hushed = in.Hushed || sees.hushed
	want.Sysctls = sysctls(in, want.Table, want.Places)
	if in.State.Document.Cluster.SyncDaemon != nil {
		var troubles []Problem
		want.Sync, troubles = synced(in)
		want.Problems = append(want.Problems, troubles...)
		want.Sysctls = want.Sysctls.synchronised(in)
	}
	if want.Sysctls != nil { // what the document gives itself stands before everything
		want.Sysctls.override(in.State.Document.Cluster.Sysctls, in.Links, want.Places)
	}
	return want
}

// foreign says that the kernel's services are somebody else's. Who they are may have taken them away just now: that they
// are gone is for whoever said so to see, not for one pass.
func foreign(observed *ipvs.Table) Problem {
	there := "services were"
	switch {
	case observed == nil || len(observed.Services) == 0:
	case len(observed.Services) == 1:
		there = "1 service was"
	default:
		there = fmt.Sprintf("%d services were", len(observed.Services))
	}
	return Problem{
		What: "ipvs table",
		Why:  there + " there before the first document; this router directs nothing and touches none of it",
		Fix:  "keep those that you want in the document (polso import ipvsadm), then polso apply --adopt, which lets go of the others",
	}
}

// held returns the places whose group is mandated, each with its group's end.
func held(m Mandate, places []Place) []vip.Held {
	var out []vip.Held
	for _, p := range places {
		if until, ok := m.Groups[p.Group]; ok {
			out = append(out, vip.Held{Addr: p.Addr, Link: p.Link, Until: until, Epoch: m.Epoch})
		}
	}
	return out
}

// checkOf returns the check of server s of virtual v, its own or the virtual's; nil if it has none.
func checkOf(v config.Virtual, s config.Server) *config.Check {
	if s.Check != nil {
		return s.Check
	}
	return v.Check
}

// TargetOf returns the probe of server s of virtual v, of a sorry server that of Apart(v); false if it has no check, or none
// that could be asked because neither check nor server names a port. Its Key finds the server's status in a health.View.
func TargetOf(v config.Virtual, s config.Server) (health.Target, bool) {
	check := checkOf(v, s)
	if check == nil {
		return health.Target{}, false
	}
	t := health.Target{Addr: s.Address, Check: *check}
	if t.Check.Port != 0 {
		t.Addr = addrPort(s.Address.Addr(), t.Check.Port)
	}
	if through(*check) {
		port, _ := v.Port()
		t.Way = health.Way{Virtual: addrPort(v.Address, cmp.Or(t.Check.Port, port)), Forward: s.Forward}
	}
	t.Check.Port = 0 // said by Addr and Way; thus the same probe of two virtuals is one
	return t, askable(t.Addr, t.Check)
}

// through tells whether a check, or one in it, is for the virtual's address.
func through(c config.Check) bool { return c.Through != "" || slices.ContainsFunc(c.Of, through) }

// askable tells whether a check of a server at addr has a port to ask, or needs none.
func askable(addr netip.AddrPort, c config.Check) bool {
	switch c.Kind {
	case config.CheckICMP, config.CheckScript:
		return true
	case config.CheckAll, config.CheckAny, config.CheckSome:
		return !slices.ContainsFunc(c.Of, func(c config.Check) bool { return !askable(addr, c) })
	}
	return addr.Port() != 0 || c.Port != 0
}

// groupOf returns the group of a virtual: that of the vip block with its address.
func groupOf(doc config.Document, v config.Virtual) Group {
	i := slices.IndexFunc(doc.VIPs, func(b config.VIP) bool { return v.FWMark == 0 && b.Address.Addr() == v.Address })
	if i < 0 || doc.VIPs[i].Group == "" {
		return DefaultGroup
	}
	return Group(doc.VIPs[i].Group)
}

// standsBy tells whether this node keeps nothing of a group's services: the document says cold, and another router directs.
func standsBy(in Inputs, g Group) bool {
	_, mandated := in.Mandate.Groups[g]
	return !mandated && in.State.Document.Cluster.Standby == config.Cold && in.State.OtherLeads
}

// waits tells whether this node neither directs nor knows that another does, and is to stand by cold: its table stays as
// it is, so that a lead that is lost and regained cuts no connection.
func waits(in Inputs) bool {
	return len(in.Mandate.Groups) == 0 && in.State.Document.Cluster.Standby == config.Cold && !in.State.OtherLeads
}

// timeouts returns the document's, and where it gives none those that a kernel begins with: a router that once had others
// is then like one that has just booted. What reads as zero is of a protocol that this kernel was built without.
func timeouts(doc config.Timeouts, have ipvs.Timeouts) ipvs.Timeouts {
	or := func(given, have, initial time.Duration) time.Duration {
		if given == 0 && have != 0 {
			return initial
		}
		return given
	}
	initial := ipvs.KernelTimeouts()
	return ipvs.Timeouts{
		TCP:    or(doc.TCP, have.TCP, initial.TCP),
		TCPFin: or(doc.TCPFin, have.TCPFin, initial.TCPFin),
		UDP:    or(doc.UDP, have.UDP, initial.UDP),
	}
}
