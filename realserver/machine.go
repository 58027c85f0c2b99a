package realserver

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Machine is what was observed of a kernel, once.
type Machine struct {
	Links     []Device
	Addresses []Placed
	Settings  map[string]string // by path below /proc/sys, as far as they concern a real server
	Receivers []string          // UDP ports that take GUE's header off, named as a Thing of kind Receiver
	Defaults  []Default
	Modules   []string // that are known to be loaded; those built into the kernel may be missing
}

// Device is a link.
type Device struct {
	Name  string
	Kind  string // "" for hardware
	Up    bool
	Quiet bool       // answers no ARP: the loopback, dummies, tunnels
	Open  bool       // a tunnel device that takes packets from every sender, without a key
	Local netip.Addr // of a tunnel device: the only address that it takes packets for; invalid: every one
	Mode  string     // of an ip6tnl: what it unpacks
	MTU   int
}

// Placed is an address on a link.
type Placed struct {
	Prefix netip.Prefix // not masked
	Link   string
	Marked bool // has this package's label (IPv4)
}

// Default is a default route.
type Default struct {
	Family Family
	Link   string
	Via    netip.Addr // invalid: none
	AdvMSS int        // 0: as the link's MTU allows
}

// device finds a link by name.
func (m Machine) device(name string) (Device, bool) {
	i := slices.IndexFunc(m.Links, func(d Device) bool { return d.Name == name })
	if i < 0 {
		return Device{}, false
	}
	return m.Links[i], true
}

// unpacking finds the device that takes requests out of a tunnel, whatever address of this machine they go to.
func (m Machine) unpacking(u unpacker) (Device, bool) {
	i := slices.IndexFunc(m.Links, func(d Device) bool { return d.Kind == u.kind && d.Open && !d.Local.IsValid() })
	if i < 0 {
		return Device{}, false
	}
	return m.Links[i], true
}

// unpackingSome finds one that does so for one address of this machine at least.
func (m Machine) unpackingSome(u unpacker) (Device, bool) {
	for _, d := range m.Links {
		if d.Kind == u.kind && d.Open && len(m.at(d.Local)) > 0 {
			return d, true
		}
	}
	return m.unpacking(u)
}

// at are the places of an address.
func (m Machine) at(a netip.Addr) []Placed {
	var out []Placed
	for _, p := range m.Addresses {
		if p.Prefix.Addr() == a {
			out = append(out, p)
		}
	}
	return out
}

// value is a thing's value now; "" if there is no such thing.
func (m Machine) value(t Thing) string {
	switch t.Kind {
	case Module:
		if slices.Contains(m.Modules, t.Name) {
			return loaded
		}
	case Setting:
		return m.Settings[t.Name]
	case Link:
		d, _ := m.device(t.Name)
		return d.Kind
	case State:
		switch d, there := m.device(t.Name); {
		case !there:
		case d.Up:
			return up
		default:
			return down
		}
	case Mode:
		d, _ := m.device(t.Name)
		return d.Mode
	case Receiver:
		if slices.Contains(m.Receivers, t.Name) {
			return gue
		}
	case Address:
		for _, p := range m.Addresses {
			if p.Prefix.String() == t.Name && p.Link == t.On {
				return here
			}
		}
	}
	return ""
}

// inEffect is a setting of IPv4 on a link: the kernel takes the greater of the link's and that of all.
func (m Machine) inEffect(name, link string) int {
	of := func(link string) int {
		v, _ := strconv.Atoi(m.Settings[confPath(link, name)])
		return v
	}
	if _, there := m.Settings[confPath(link, name)]; !there { // not made yet
		link = "default"
	}
	return max(of("all"), of(link))
}

// drops says whether the link drops requests because their answers leave by another one: strict filtering does, and where the link has
// no address of IPv4, loose filtering too (fib_validate_source).
func (m Machine) drops(link string) bool {
	v := m.inEffect(rpFilter, link)
	return v == strict || v > 0 && !slices.ContainsFunc(m.Addresses, func(p Placed) bool { return p.Link == link && p.Prefix.Addr().Is4() })
}

func confPath(link, name string) string { return "net/ipv4/conf/" + link + "/" + name }

// The settings that were read for every link, and what they must be in effect.
const (
	arpIgnore   = "arp_ignore"
	arpAnnounce = "arp_announce"
	rpFilter    = "rp_filter"
)

// keepsQuiet says whether arp_ignore of that value keeps a link from answering for an address that another link has: 3 is about scopes,
// 4 to 7 mean nothing, 8 answers for no address at all.
func keepsQuiet(arpIgnore int) bool { return arpIgnore == 1 || arpIgnore == 2 }

// strict is the value of rp_filter that drops what comes in where its answer would not leave.
const strict = 1

// listed joins names for a message.
func listed(names []string) string { return strings.Join(names, ", ") }
