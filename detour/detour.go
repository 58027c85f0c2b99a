// Package detour leads probes for a virtual address to one server, as the virtual's own forwarding would, past IPVS and past this
// router's having the address itself: by a stand-in address, which a route of its own leads to the server and in whose place
// nftables writes the virtual address once routing and IPVS have had their say (docs/decisions/0010).
//
// What is set up serves packets of this router alone. It answers nobody, and lets nothing pass that comes from elsewhere.
package detour

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// AnswersWithin is how long an answer may take after the router's last packet: later ones are nobody's.
const AnswersWithin = time.Minute

// By is how packets get to a server.
type By string

// The ways of forwarding that a detour can take.
const (
	Direct By = "dr"
	IPIP   By = "ipip"
)

// Way is a virtual address at one server. Both addresses are of one family.
type Way struct {
	Virtual, Server netip.Addr
	By              By
}

// String returns "192.0.2.10 by dr to 10.0.0.1".
func (w Way) String() string { return fmt.Sprintf("%s by %s to %s", w.Virtual, w.By, w.Server) }

func (w Way) compare(o Way) int {
	return cmp.Or(w.Virtual.Compare(o.Virtual), w.Server.Compare(o.Server), cmp.Compare(w.By, o.By))
}

// Detour is a way with its stand-in.
type Detour struct {
	At netip.Addr
	Way
}

// most is how many stand-ins there are of each family.
const most = 1<<16 - 1

// The stand-ins are taken from networks that nobody else is to use: the lower half of what RFC 2544 sets aside for measuring
// devices, and one of fc00::/7 by chance (RFC 4193).
var (
	network4 = netip.MustParsePrefix("198.18.0.0/16")
	network6 = netip.MustParsePrefix("fd6e:1d5f:b8a3:7c42::/64")
)

// standIn is the nth of those for addresses like v; n is from 1 to most.
func standIn(v netip.Addr, n int) netip.Addr {
	network := network6
	if v.Is4() {
		network = network4
	}
	b := network.Addr().AsSlice()
	binary.BigEndian.PutUint16(b[len(b)-2:], uint16(n))
	at, _ := netip.AddrFromSlice(b)
	return at
}

// Route is the way to a stand-in.
type Route struct {
	Server netip.Addr
	By     By
}

// State is what a kernel has of detours.
type State struct {
	Left     bool                      // something of a base is there that is not as it should be
	Base     bool                      // the rules are there, and what keeps stand-ins without a route from going astray
	Virtuals map[netip.Addr]netip.Addr // what stands in the place of each stand-in
	Routes   map[netip.Addr]Route
}

// Verb is what an Op does.
type Verb string

// The verbs.
const (
	Add    Verb = "add"
	Delete Verb = "delete"
)

// Part is what an Op does it to.
type Part string

// The parts of a State.
const (
	Base    Part = "base"
	Virtual Part = "virtual"
	Leads   Part = "route"
)

// Op is one step of a plan.
type Op struct {
	Verb   Verb
	Part   Part
	Detour // zero with Base
}

// String returns "add route 198.18.0.1 for 192.0.2.10 by dr to 10.0.0.1".
func (o Op) String() string {
	if o.Part == Base {
		return string(o.Verb) + " " + string(o.Part)
	}
	return fmt.Sprintf("%s %s %s for %s", o.Verb, o.Part, o.At, o.Way)
}

// Plan returns the steps that make have into want, in their order: a stand-in has its route only while the virtual address
// stands in its place. A base that is not as it should be is made anew. It is pure.
func Plan(want []Detour, have State) []Op {
	wanted := make(map[netip.Addr]Way, len(want))
	for _, d := range want {
		wanted[d.At] = d.Way
	}
	if !have.Base {
		have.Virtuals = nil // they go with it
	}
	var routesGo, virtualsGo, virtualsCome, routesCome []Op
	for at, r := range have.Routes {
		if w, ok := wanted[at]; !ok || w.Server != r.Server || w.By != r.By || w.Virtual != have.Virtuals[at] {
			routesGo = append(routesGo, Op{Delete, Leads, Detour{at, Way{have.Virtuals[at], r.Server, r.By}}})
		}
	}
	for at, v := range have.Virtuals {
		if wanted[at].Virtual != v {
			virtualsGo = append(virtualsGo, Op{Delete, Virtual, Detour{at, Way{Virtual: v}}})
		}
	}
	for at, w := range wanted {
		there := have.Virtuals[at] == w.Virtual
		if !there {
			virtualsCome = append(virtualsCome, Op{Add, Virtual, Detour{at, w}})
		}
		if r, ok := have.Routes[at]; !ok || r != (Route{w.Server, w.By}) || !there {
			routesCome = append(routesCome, Op{Add, Leads, Detour{at, w}})
		}
	}
	var ops []Op
	switch {
	case len(want) == 0 && (have.Base || have.Left || len(have.Routes) > 0):
		return append(sorted(routesGo), Op{Verb: Delete, Part: Base})
	case len(want) > 0 && !have.Base:
		ops = append(sorted(routesGo), Op{Verb: Add, Part: Base})
		routesGo = nil
	}
	return slices.Concat(ops, sorted(routesGo), sorted(virtualsGo), sorted(virtualsCome), sorted(routesCome))
}

func sorted(ops []Op) []Op {
	slices.SortFunc(ops, func(a, b Op) int { return a.At.Compare(b.At) })
	return ops
}

// Detours are those that are whole, by stand-in.
func (s State) Detours() []Detour {
	var out []Detour
	for _, at := range slices.SortedFunc(maps.Keys(s.Routes), netip.Addr.Compare) {
		if v, ok := s.Virtuals[at]; ok && s.Base {
			out = append(out, Detour{at, Way{v, s.Routes[at].Server, s.Routes[at].By}})
		}
	}
	return out
}
