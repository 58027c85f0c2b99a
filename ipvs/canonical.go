package ipvs

import (
	"cmp"
	"slices"
	"time"
)

// Canonical returns a copy of the table in the one form in which equal tables are deeply equal: sorted as ipvsadm sorts,
// whole seconds, flags without the kernel's own bits, and nothing in fields that have no meaning (the mask of a service
// without persistence, the tunnel of a destination that is not tunnelled). Timeouts are kept.
func (t Table) Canonical() Table {
	t.Services = append([]Service(nil), t.Services...)
	for i, s := range t.Services {
		t.Services[i] = s.Canonical()
	}
	return t.Ordered()
}

// Ordered returns the table with its services sorted as Canonical sorts them: it is canonical if they are, and shares them.
func (t Table) Ordered() Table {
	byKey := func(a, b Service) int { return a.Key.compare(b.Key) }
	if !slices.IsSortedFunc(t.Services, byKey) {
		t.Services = slices.Clone(t.Services)
		slices.SortStableFunc(t.Services, byKey)
	}
	t.Timeouts = t.Timeouts.canonical()
	return t
}

// ordered returns the service itself if it is canonical, which spares a copy, and its canonical form if not.
func (s Service) ordered() Service {
	if !s.alone().same(s.alone().Canonical()) || !slices.IsSortedFunc(s.Destinations, compareDestinations) ||
		slices.ContainsFunc(s.Destinations, func(d Destination) bool { return d != d.canonical() }) {
		return s.Canonical()
	}
	return s
}

// shares tells whether two services have one list of destinations between them.
func (s Service) shares(o Service) bool {
	a, b := s.Destinations, o.Destinations
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// Replace returns the table with services in place of those that have the keys; it is canonical if table and services are.
func (t Table) Replace(keys []Key, services []Service) Table {
	old := make(map[Key]bool, len(keys))
	for _, k := range keys {
		old[k] = true
	}
	out := Table{Timeouts: t.Timeouts, Services: make([]Service, 0, len(t.Services)+len(services))}
	for _, s := range t.Services {
		if !old[s.Key] {
			out.Services = append(out.Services, s)
		}
	}
	out.Services = append(out.Services, services...)
	return out.Ordered()
}

func (t Timeouts) canonical() Timeouts {
	return Timeouts{TCP: wholeSeconds(t.TCP), TCPFin: wholeSeconds(t.TCPFin), UDP: wholeSeconds(t.UDP)}
}

// Canonical returns a copy of the service in the form that Table.Canonical gives it.
func (s Service) Canonical() Service {
	s.Flags &= OnePacket | Sched1 | Sched2 | Sched3
	s.Persistent = wholeSeconds(s.Persistent)
	if s.Persistent == 0 || s.PersistMask == fullMask(s.Family) {
		s.PersistMask = 0
	}
	s.Destinations = append([]Destination(nil), s.Destinations...)
	for i, d := range s.Destinations {
		s.Destinations[i] = d.canonical()
	}
	slices.SortStableFunc(s.Destinations, compareDestinations)
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
	switch {
	case k.FWMark != o.FWMark:
		return cmp.Compare(k.FWMark, o.FWMark)
	case k.Family != o.Family:
		return cmp.Compare(k.Family, o.Family)
	case k.Protocol != o.Protocol:
		return cmp.Compare(k.Protocol, o.Protocol)
	case k.Addr != o.Addr:
		return k.Addr.Compare(o.Addr)
	}
	return cmp.Compare(k.Port, o.Port)
}

// compareDestinations orders as ipvsadm does: IPv6 before IPv4 where a service has both.
func compareDestinations(a, b Destination) int {
	if f, g := FamilyOf(a.Addr.Addr()), FamilyOf(b.Addr.Addr()); f != g {
		return cmp.Compare(g, f)
	}
	return a.Addr.Compare(b.Addr)
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
