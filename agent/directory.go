package agent

import (
	"net/netip"
	"slices"

	"polso/api"
	"polso/config"
	"polso/director"
	"polso/fsm"
	"polso/ipvs"
)

// place is a server of a virtual, by their names.
type place struct{ virtual, server string }

// directory finds whose a connection of the kernel's is. It is made for one snapshot.
type directory struct {
	services map[ipvs.Key]string                  // the virtual's name
	at       map[virtualAt]string                 // the server's name
	marked   map[netip.AddrPort][]*config.Virtual // those by firewall mark that have the server
}

// virtualAt is an address in a virtual.
type virtualAt struct {
	virtual string
	address netip.AddrPort
}

func newDirectory(s *fsm.Snapshot) directory {
	d := directory{
		services: make(map[ipvs.Key]string), at: make(map[virtualAt]string),
		marked: make(map[netip.AddrPort][]*config.Virtual),
	}
	for i := range s.Document.Virtuals {
		v := &s.Document.Virtuals[i]
		key, ok := director.KeyOf(*v)
		if !ok {
			continue
		}
		d.services[key] = v.Name
		for _, server := range slices.Concat(v.Servers, v.Sorry) {
			d.enter(v, key, server)
		}
	}
	for _, l := range s.Leaving {
		if key, ok := director.KeyOf(l.Virtual); ok && d.services[key] != "" {
			v := l.Virtual
			v.Name = d.services[key] // a renamed virtual is the same service
			d.enter(&v, key, l.Server)
		}
	}
	return d
}

func (d directory) enter(v *config.Virtual, key ipvs.Key, s config.Server) {
	d.at[virtualAt{v.Name, s.Address}] = s.Name
	if key.FWMark != 0 {
		d.marked[s.Address] = append(d.marked[s.Address], v)
	}
}

// virtualNamed is the virtual of that name.
func virtualNamed(s *fsm.Snapshot, name string) (config.Virtual, error) {
	if i := slices.IndexFunc(s.Document.Virtuals, func(v config.Virtual) bool { return v.Name == name }); i >= 0 {
		return s.Document.Virtuals[i], nil
	}
	return config.Virtual{}, api.Errorf(api.CodeNotFound, "virtual %q is not there", name).WithHint("polso get virtuals lists what is")
}

// isThere is an error unless there is a virtual, and a server of it, be it one that leaves, of these names; "" is there.
func isThere(s *fsm.Snapshot, virtual, server string) error {
	if virtual == "" {
		return nil
	}
	v, err := virtualNamed(s, virtual)
	if err != nil || server == "" {
		return err
	}
	named := func(x config.Server) bool { return x.Name == server }
	key, _ := director.KeyOf(v)
	leaves := func(l fsm.Leaving) bool {
		was, ok := director.KeyOf(l.Virtual)
		return ok && was == key && named(l.Server)
	}
	if slices.ContainsFunc(v.Servers, named) || slices.ContainsFunc(v.Sorry, named) || slices.ContainsFunc(s.Leaving, leaves) {
		return nil
	}
	return api.Errorf(api.CodeNotFound, "virtual %q has no server %q", virtual, server).WithHint("polso get servers %s lists them", virtual)
}

// place names the virtual and server of a connection; "" for what has no name.
func (d directory) place(c ipvs.Connection) (p place) {
	p.virtual = d.virtual(c)
	if p.virtual == "" {
		return p
	}
	for _, port := range [2]uint16{c.Server.Port(), 0} { // 0: the server's is the one that the packet came for
		if name, ok := d.at[virtualAt{p.virtual, netip.AddrPortFrom(c.Server.Addr(), port)}]; ok {
			p.server = name
			break
		}
	}
	return p
}

func (d directory) virtual(c ipvs.Connection) string {
	if mark, ok := c.Mark(); ok {
		return d.services[ipvs.MarkKey(mark, ipvs.FamilyOf(c.Client.Addr()))]
	}
	for _, port := range [2]uint16{c.Virtual.Port(), 0} { // 0: every port
		if name, ok := d.services[ipvs.AddrKey(c.Protocol, netip.AddrPortFrom(c.Virtual.Addr(), port))]; ok {
			return name
		}
	}
	return d.byServer(c)
}

// byServer finds the virtual of a connection that came by a firewall mark, which the kernel does not keep: the one that has its
// server, if there is no other that could be it.
func (d directory) byServer(c ipvs.Connection) string {
	found := ""
	for _, port := range [2]uint16{c.Server.Port(), 0} {
		for _, v := range d.marked[netip.AddrPortFrom(c.Server.Addr(), port)] {
			switch {
			case !mayMark(v, c):
			case found != "" && found != v.Name:
				return ""
			default:
				found = v.Name
			}
		}
	}
	return found
}

// mayMark tells whether a connection may have come by a virtual's firewall mark: an operator's own says nothing of address or port.
func mayMark(v *config.Virtual, c ipvs.Connection) bool {
	if v.FWMark != 0 {
		return true
	}
	port := c.Virtual.Port()
	return v.Address == c.Virtual.Addr() && string(v.Protocol) == c.Protocol.String() && (slices.Contains(v.Ports, port) ||
		slices.ContainsFunc(v.Ranges, func(r config.PortRange) bool { return r.From <= port && port <= r.To }))
}
