package director

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

// table returns the wanted table: every virtual's service with the servers that belong in it now. What cannot be said
// to the kernel is left out and becomes a problem; the rest goes on.
func table(in Inputs) (ipvs.Table, []Problem) {
	var (
		out      ipvs.Table
		problems []Problem
		doc      = in.State.Document
		seen     = make(map[ipvs.Key]string)
		cold     = doc.Cluster.Standby == config.Cold
		wanted   bool
	)
	for i, v := range doc.Virtuals {
		if cold && standsBy(in, groupOf(doc, v)) || relayed(in, v) {
			continue
		}
		wanted = true
		service, troubles, err := in.service(i)
		if err != nil {
			problems = append(problems, Problem{"virtual " + v.Name, err.Error(), "correct the document: polso validate"})
			continue
		}
		if first, taken := seen[service.Key]; taken {
			problems = append(problems, Problem{"virtual " + v.Name, "virtual " + first + " is the same service already", "correct the document: polso validate"})
			continue
		}
		seen[service.Key] = v.Name
		problems = append(problems, troubles...)
		out.Services = append(out.Services, service)
	}
	if wanted {
		out.Timeouts = timeouts(doc.Cluster.Timeouts, in.Observed.Timeouts)
	}
	return out.Ordered(), problems
}

// service translates virtual i of the document, with the servers that belong in it now.
func (in Inputs) service(i int) (s ipvs.Service, troubles []Problem, err error) {
	var m *made
	if in.past != nil {
		m = in.past.of[i] // since the rosters were made, of this decision
	}
	if m != nil && m.table {
		return m.service, m.problems, nil
	}
	v := in.State.Document.Virtuals[i]
	if s, err = serviceOf(v); err != nil {
		return s, nil, err
	}
	s.Destinations, troubles = destinations(v, in.rosters[i], in.drains[s.Key])
	s = s.Canonical()
	if m != nil {
		m.table, m.service, m.problems = true, s, troubles
	}
	return s, troubles, nil
}

// serviceOf translates a virtual, its servers aside.
func serviceOf(v config.Virtual) (ipvs.Service, error) {
	key, err := keyOf(v)
	if err != nil {
		return ipvs.Service{}, err
	}
	s := ipvs.Service{Key: key, Scheduler: v.Scheduler}
	for _, f := range v.Flags {
		bit, err := flagOf(f)
		if err != nil {
			return ipvs.Service{}, err
		}
		s.Flags |= bit
	}
	if v.Persistent != nil {
		s.Persistent, s.PersistMask, s.PE = v.Persistent.Timeout, v.Persistent.Mask, v.Persistent.Engine
	}
	return s, nil
}

// KeyOf returns the kernel's name of a virtual's service; false if it has none that this release can make.
func KeyOf(v config.Virtual) (ipvs.Key, bool) {
	key, err := keyOf(v)
	return key, err == nil
}

func keyOf(v config.Virtual) (ipvs.Key, error) {
	var protocol ipvs.Protocol
	if v.FWMark == 0 {
		var err error
		if protocol, err = protocolOf(v.Protocol); err != nil {
			return ipvs.Key{}, err
		}
	}
	if mark := v.Mark(); mark != 0 {
		switch v.Family {
		case config.IPv4:
			return ipvs.MarkKey(mark, ipvs.IPv4), nil
		case config.IPv6:
			return ipvs.MarkKey(mark, ipvs.IPv6), nil
		}
		return ipvs.Key{}, fmt.Errorf("unknown family %q", v.Family)
	}
	port, one := v.Port()
	if !one {
		return ipvs.Key{}, errors.New("it has no port")
	}
	return ipvs.AddrKey(protocol, addrPort(v.Address, port)), nil
}

func protocolOf(name config.Protocol) (ipvs.Protocol, error) {
	switch name {
	case config.TCP:
		return ipvs.TCP, nil
	case config.UDP:
		return ipvs.UDP, nil
	case config.SCTP:
		return ipvs.SCTP, nil
	}
	return 0, fmt.Errorf("unknown protocol %q", name)
}

func flagOf(name string) (ipvs.Flags, error) {
	switch name {
	case "ops":
		return ipvs.OnePacket, nil
	case "fallback", "flag-1": // the kernel's sh and mh call their first flag fallback
		return ipvs.Sched1, nil
	case "port", "flag-2": // and their second port
		return ipvs.Sched2, nil
	case "flag-3":
		return ipvs.Sched3, nil
	}
	return 0, fmt.Errorf("unknown flag %q", name)
}

// destinations returns the servers of v that belong in the table now: the document's with their shares, and those that drain.
func destinations(v config.Virtual, r roster, drains []Leaving) ([]ipvs.Destination, []Problem) {
	shares := slices.Concat(r.servers, r.sorry)
	var (
		out      = make([]ipvs.Destination, 0, len(shares))
		problems []Problem
		seen     = make(map[netip.AddrPort]string, len(shares))
	)
	for i, s := range everyone(v) {
		problem := func(why, fix string) {
			problems = append(problems, Problem{"server " + v.Name + "/" + s.Name, why, fix})
		}
		d, err := destinationOf(v, s)
		if err != nil {
			problem(err.Error(), "correct the document: polso validate")
			continue
		}
		if first, taken := seen[s.Address]; taken {
			problem("server "+first+" has the same address already", "correct the document: polso validate")
			continue
		}
		seen[s.Address] = s.Name
		of := v
		if i >= len(v.Servers) {
			of = Apart(v)
		}
		if checkOf(of, s) != nil {
			if _, askable := TargetOf(of, s); !askable {
				problem("its check has no port to ask, so it never counts as up", `add "port" to the check`)
			}
		}
		if shares[i].present {
			d.Weight = shares[i].weight
			out = append(out, d)
		}
	}
	return append(out, leaving(drains, seen)...), problems
}

// draining sorts the servers that leave by the service that they leave.
func draining(list []Leaving) map[ipvs.Key][]Leaving {
	out := make(map[ipvs.Key][]Leaving)
	for _, l := range list {
		if key, err := keyOf(l.Virtual); err == nil {
			out[key] = append(out[key], l)
		}
	}
	return out
}

// leaving returns the servers that drain from a service: weight 0, so that their connections live on.
func leaving(drains []Leaving, named map[netip.AddrPort]string) []ipvs.Destination {
	var out []ipvs.Destination
	for _, l := range drains {
		// The document may name the address again, under another name perhaps: then it has not left.
		if _, back := named[l.Server.Address]; back {
			continue
		}
		d, err := destinationOf(l.Virtual, l.Server)
		if err != nil {
			continue
		}
		named[l.Server.Address] = l.Server.Name
		out = append(out, d)
	}
	return out
}

// weigh decides whether server s, which is in that state, belongs in the table by itself and with which weight. An operator's
// word is stronger than health, health is stronger than the document; before rise or fall has decided, what the kernel has
// stands.
func weigh(in Inputs, v config.Virtual, s config.Server, state health.State, have map[netip.AddrPort]ipvs.Destination) (weight int, present bool) {
	weight, enabled := wish(in, v, s)
	if !enabled {
		return 0, false
	}
	switch state {
	case health.Up:
		return weight, true
	case health.Down:
		return 0, v.OnFailure == config.Quiesce
	case health.Unknown:
		d, there := have[s.Address]
		if weight == 0 { // a wish for no traffic needs no verdict
			return 0, there
		}
		return d.Weight, there
	default:
		panic("director: unknown state of health " + strconv.Itoa(int(state)))
	}
}

// services are a table's, by key.
type services map[ipvs.Key]ipvs.Service

func servicesOf(t *ipvs.Table) services {
	out := make(services, len(t.Services))
	for _, s := range t.Services {
		out[s.Key] = s
	}
	return out
}

// of returns the destinations of a service by address; none if there is no such service.
func (s services) of(key ipvs.Key) map[netip.AddrPort]ipvs.Destination {
	list := s[key].Destinations
	out := make(map[netip.AddrPort]ipvs.Destination, len(list))
	for _, d := range list {
		out[d.Addr] = d
	}
	return out
}

func addrPort(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }

func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}
