package ipvs

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// Canonical returns a copy of the table in the one form in which equal tables are deeply equal: sorted as ipvsadm sorts,
// whole seconds, flags without the kernel's own bits, and nothing in fields that have no meaning (the mask of a service
// without persistence, the tunnel of a destination that is not tunnelled). Timeouts are kept.
func (t Table) Canonical() Table {
	out := Table{Timeouts: t.Timeouts.canonical()}
	for _, s := range t.Services {
		out.Services = append(out.Services, s.canonical())
	}
	slices.SortStableFunc(out.Services, func(a, b Service) int { return a.Key.compare(b.Key) })
	return out
}

func (t Timeouts) canonical() Timeouts {
	return Timeouts{TCP: wholeSeconds(t.TCP), TCPFin: wholeSeconds(t.TCPFin), UDP: wholeSeconds(t.UDP)}
}

func (s Service) canonical() Service {
	s.Flags &= OnePacket | Sched1 | Sched2 | Sched3
	s.Persistent = wholeSeconds(s.Persistent)
	if s.Persistent == 0 || s.PersistMask == fullMask(s.Family) {
		s.PersistMask = 0
	}
	var dests []Destination
	for _, d := range s.Destinations {
		dests = append(dests, d.canonical())
	}
	slices.SortStableFunc(dests, compareDestinations)
	s.Destinations = dests
	return s
}

func (d Destination) canonical() Destination {
	switch {
	case d.Forward != Tun:
		d.Tunnel = Tunnel{}
	case d.Tunnel.Type == IPIP:
		d.Tunnel = Tunnel{} // the kernel keeps a port and flags there and uses neither
	case d.Tunnel.Type != GUE:
		d.Tunnel.Port = 0
	}
	return d
}

// compare orders as ipvsadm does: marks last, then family, protocol, address, port.
func (k Key) compare(o Key) int {
	return cmp.Or(
		cmp.Compare(k.FWMark, o.FWMark),
		cmp.Compare(k.Family, o.Family),
		cmp.Compare(k.Protocol, o.Protocol),
		bytes.Compare(k.Addr.AsSlice(), o.Addr.AsSlice()),
		cmp.Compare(k.Port, o.Port),
	)
}

// compareDestinations orders as ipvsadm does: IPv6 before IPv4 where a service has both.
func compareDestinations(a, b Destination) int {
	return cmp.Or(
		cmp.Compare(FamilyOf(b.Addr.Addr()), FamilyOf(a.Addr.Addr())),
		a.Addr.Compare(b.Addr),
	)
}

// fullMask is the mask length at which every client is its own.
func fullMask(f Family) int {
	if f == IPv6 {
		return 128
	}
	return 32
}

func wholeSeconds(d time.Duration) time.Duration {
	return time.Duration(seconds(d)) * time.Second
}
