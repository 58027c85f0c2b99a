package config

import (
	"cmp"
	"net/netip"
	"slices"
)

// Complete returns d with the defaults filled in that depend on something else in the document, and sorted: what Parse does at
// its end. It never changes d; what has a default of its own (scheduler, forward, min_servers, ...) it leaves alone.
func Complete(d Document) Document {
	d = d.Clone()
	d.Cluster.Standby = cmp.Or(d.Cluster.Standby, Warm) // a cluster's first document, which no one has written, has none
	for i := range d.Virtuals {
		d.Virtuals[i].Complete()
	}
	for i := range d.Notifies {
		d.Notifies[i].Complete()
	}
	for i := range d.RouterChecks {
		d.RouterChecks[i].complete()
	}
	return sorted(d)
}

func (v *Virtual) Complete() {
	if v.Protocol == "" && v.FWMark == 0 {
		v.Protocol = TCP
	}
	if v.Family == "" {
		v.Family = v.family()
	}
	for _, list := range [][]Server{v.Servers, v.Sorry} {
		for i := range list {
			list[i].Forward = cmp.Or(list[i].Forward, v.Forward)
			list[i].Address = v.withPort(list[i].Address)
		}
	}
	v.completeTunnels()
	v.completeFlags()
	if p := v.Persistent; p != nil && p.Mask == v.Family.bits() {
		p.Mask = 0 // the whole address: every client for itself
	}
	if v.SlowStart != 0 {
		v.SlowCurve = cmp.Or(v.SlowCurve, Linear)
	}
	if v.Probe == Everywhere {
		v.Probe = "" // as documents have it that say nothing
	}
	for _, c := range v.checks() {
		c.Complete()
	}
}

// checks are those of the virtual and its servers.
func (v *Virtual) checks() []*Check {
	all := []*Check{v.Check}
	for _, s := range slices.Concat(v.Servers, v.Sorry) {
		all = append(all, s.Check)
	}
	return slices.DeleteFunc(all, func(c *Check) bool { return c == nil })
}

// family is the address's, with a firewall mark the first server's, and IPv4 where nothing says.
func (v *Virtual) family() Family {
	switch {
	case v.Address.IsValid():
		return familyOf(v.Address)
	case len(v.Servers) > 0 && v.Servers[0].Address.IsValid():
		return familyOf(v.Servers[0].Address.Addr())
	default:
		return IPv4
	}
}

// withPort gives an address without a port the virtual's, where it has one port.
func (v *Virtual) withPort(a netip.AddrPort) netip.AddrPort {
	if port, one := v.Port(); one && a.IsValid() && a.Port() == 0 {
		return netip.AddrPortFrom(a.Addr(), port)
	}
	return a
}

func familyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

// bits is the length of the family's addresses.
func (f Family) bits() int {
	if f == IPv4 {
		return 32
	}
	return 128
}
