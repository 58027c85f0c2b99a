package config

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
)

// Clone returns a copy of d that shares nothing with it. Empty lists become nil.
func (d Document) Clone() Document {
	d.Cluster.Prefer = cloneList(d.Cluster.Prefer)
	d.Cluster.SyncDaemon = clonePointer(d.Cluster.SyncDaemon)
	d.Cluster.Sysctls = maps.Clone(d.Cluster.Sysctls)
	if len(d.Cluster.Sysctls) == 0 {
		d.Cluster.Sysctls = nil
	}
	d.VIPs = cloneList(d.VIPs)
	d.RouterChecks = cloneList(d.RouterChecks)
	for i, c := range d.RouterChecks {
		d.RouterChecks[i] = c.Clone()
	}
	d.Virtuals = cloneList(d.Virtuals)
	for i, v := range d.Virtuals {
		d.Virtuals[i] = v.Clone()
	}
	d.Notifies = cloneList(d.Notifies)
	for i, n := range d.Notifies {
		d.Notifies[i] = n.clone()
	}
	return d
}

// Clone returns a copy of v that shares nothing with it. Empty lists become nil.
func (v Virtual) Clone() Virtual {
	v.Ports = cloneList(v.Ports)
	v.Ranges = cloneList(v.Ranges)
	v.Flags = cloneList(v.Flags)
	v.Persistent = clonePointer(v.Persistent)
	v.Check = v.Check.clone()
	v.Servers, v.Sorry = cloneServers(v.Servers), cloneServers(v.Sorry)
	return v
}

func cloneServers(list []Server) []Server {
	list = cloneList(list)
	for i := range list {
		list[i].Check = list[i].Check.clone()
	}
	return list
}

func (c *Check) clone() *Check {
	c = clonePointer(c)
	if c == nil {
		return nil
	}
	c.Status, c.Command, c.Of = cloneList(c.Status), cloneList(c.Command), cloneList(c.Of)
	c.Headers = maps.Clone(c.Headers)
	if len(c.Headers) == 0 {
		c.Headers = nil
	}
	for i := range c.Of {
		c.Of[i] = *c.Of[i].clone()
	}
	return c
}

// Equal reports whether d and e want the same; the order of vips, virtuals and servers, and of a virtual's ports and flags,
// carries no meaning.
func (d Document) Equal(e Document) bool {
	return reflect.DeepEqual(sorted(d), sorted(e))
}

// same reports whether v and w say the same in the same order; what Equal calls equal need not be.
func (v Virtual) same(w Virtual) bool {
	if !sameServers(v.Servers, w.Servers) {
		return false
	}
	v.Servers, w.Servers = nil, nil
	return reflect.DeepEqual(v, w)
}

// sameServers compares without reflection what it can: there are many, and most have no check of their own.
func sameServers(a, b []Server) bool {
	return slices.EqualFunc(a, b, func(s, t Server) bool { return s == t || s.Check != nil && t.Check != nil && reflect.DeepEqual(s, t) })
}

func (d Document) withoutVirtuals() Document {
	d.Virtuals = nil
	return d
}

// sorted returns a copy of d in the one order that equal documents share.
func sorted(d Document) Document {
	d = d.Clone()
	slices.SortStableFunc(d.VIPs, func(a, b VIP) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(d.Virtuals, func(a, b Virtual) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(d.Notifies, func(a, b Notify) int { return cmp.Compare(a.Name, b.Name) })
	for _, n := range d.Notifies {
		slices.Sort(n.Events)
		slices.Sort(n.Virtuals)
	}
	slices.SortStableFunc(d.RouterChecks, func(a, b RouterCheck) int { return cmp.Compare(a.Name, b.Name) })
	for _, c := range d.RouterChecks {
		slices.Sort(c.Routers)
	}
	for _, v := range d.Virtuals {
		slices.Sort(v.Ports)
		slices.SortFunc(v.Ranges, func(a, b PortRange) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
		slices.Sort(v.Flags)
		for _, list := range [][]Server{v.Servers, v.Sorry} {
			slices.SortStableFunc(list, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
		}
	}
	return d
}

func cloneList[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	q := *p
	return &q
}
