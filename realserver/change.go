package realserver

import (
	"fmt"
	"net/netip"
	"strings"
)

// Kind is a kind of thing that is changed.
type Kind string

// The kinds, with what Thing.Name and the values are.
const (
	Module   Kind = "module"   // its name; loaded
	Setting  Kind = "setting"  // its path below /proc/sys; its text
	Link     Kind = "link"     // its name; its kind
	State    Kind = "state"    // a link's name; up, down
	Mode     Kind = "mode"     // an ip6tnl's name; any, ip6ip6, ipip6
	Receiver Kind = "receiver" // family and UDP port; gue
	Address  Kind = "address"  // the address with its length, and On; here
)

// Thing is one thing in the kernel that has a value; the value "" is its absence.
type Thing struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	On   string `json:"on,omitempty"` // of an address: the link
}

// Change is a step from one value to another.
type Change struct {
	Thing
	Before string `json:"before"`
	After  string `json:"after"`
}

func (c Change) reverse() Change { return Change{c.Thing, c.After, c.Before} }

const (
	here    = "here"
	loaded  = "loaded"
	up      = "up"
	down    = "down"
	anyMode = "any"
	gue     = "gue"
)

// Command is the change as it is made by hand.
func (c Change) Command() string {
	add := c.Before == ""
	switch c.Kind {
	case Module:
		return "modprobe " + c.Name
	case Setting:
		return SettingCommand(c.Name, c.After)
	case Link:
		switch {
		case !add:
			return "ip link del " + c.Name
		case c.After == kindIP6Tunnel:
			return "ip link add " + c.Name + " type ip6tnl mode any"
		}
		return "ip link add " + c.Name + " type " + c.After
	case State:
		return "ip link set " + c.Name + " " + c.After
	case Mode:
		return "ip -6 tunnel change " + c.Name + " mode " + c.After
	case Receiver:
		family, port, _ := strings.Cut(c.Name, " ")
		dash := ""
		if family == string(IPv6) {
			dash = "-6 "
		}
		if add {
			return "ip " + dash + "fou add port " + port + " gue"
		}
		return "ip " + dash + "fou del port " + port
	case Address:
		switch prefix := netip.MustParsePrefix(c.Name); {
		case !add:
			return "ip addr del " + c.Name + " dev " + c.On
		case prefix.Addr().Is4():
			if label := label(c.On); label != "" {
				return "ip addr add " + c.Name + " dev " + c.On + " label " + label
			}
			return "ip addr add " + c.Name + " dev " + c.On
		default:
			return "ip addr add " + c.Name + " dev " + c.On + " nodad preferred_lft 0"
		}
	}
	panic(fmt.Sprintf("realserver: unknown kind %q", c.Kind))
}

// labelSuffix marks IPv4 addresses that this package put on a link. It is not the mark of a router's addresses.
const labelSuffix = ":polso-rs"

// label is the label of IPv4 addresses on a link; "" if it would be longer than the kernel's 15 characters.
func label(link string) string {
	if len(link)+len(labelSuffix) > 15 {
		return ""
	}
	return link + labelSuffix
}

// SettingCommand sets a kernel setting by hand. A device's name may have dots: then the path keeps its slashes.
func SettingCommand(path, value string) string { return "sysctl -w " + settingName(path) + "=" + value }

func settingName(path string) string {
	if strings.Contains(path, ".") {
		return path
	}
	return strings.ReplaceAll(path, "/", ".")
}
