package config

import (
	"cmp"
	"net/netip"
	"time"
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
	return sorted(d)
}

func (v *Virtual) Complete() {
	if v.Protocol == "" && v.FWMark == 0 {
		v.Protocol = TCP
	}
	if v.Family == "" {
		v.Family = v.family()
	}
	for i := range v.Servers {
		s := &v.Servers[i]
		if s.Forward == "" {
			s.Forward = v.Forward
		}
		s.Address = v.withPort(s.Address)
	}
	v.completeTunnels()
	v.completeFlags()
	if v.SorryServer != nil {
		*v.SorryServer = v.withPort(*v.SorryServer)
	}
	if p := v.Persistent; p != nil && p.Mask == v.Family.bits() {
		p.Mask = 0 // the whole address: every client for itself
	}
	if v.Check != nil {
		v.Check.Complete()
	}
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

func (c *Check) Complete() {
	if c.Timeout == 0 {
		c.Timeout = min(time.Second, c.Every)
	}
	if c.Kind != CheckHTTP {
		return
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if len(c.Status) == 0 {
		c.Status = []StatusRange{{From: 200, To: 299}}
	}
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
