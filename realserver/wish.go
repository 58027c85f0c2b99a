// Package realserver prepares a machine that runs no router to be a real server of direct routing or of tunnels, says whether it is
// fit to be one, and puts back what it changed.
//
// The wanted state is computed from what the kernel says (Observe) as a list of changes, each with the value before and after; what was
// changed is recorded before it is done, and undoing it is the list backwards. Nothing here knows the document or a cluster.
package realserver

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
)

// Method is how requests come to the real server.
type Method string

// The methods: in frames to its own hardware address (DR), or inside packets to its own address (Tun).
const (
	DR  Method = "dr"
	Tun Method = "tun"
)

// Tunnel is what requests of method Tun are packed into.
type Tunnel string

// The tunnels that IPVS knows.
const (
	IPIP Tunnel = "ipip"
	GUE  Tunnel = "gue"
	GRE  Tunnel = "gre"
)

// Family is a version of IP.
type Family string

// The families.
const (
	IPv4 Family = "ipv4"
	IPv6 Family = "ipv6"
)

func familyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

// Wish is one virtual address that the machine shall take requests for.
type Wish struct {
	Address    netip.Addr `json:"address"`
	Method     Method     `json:"method"`
	Tunnel     Tunnel     `json:"tunnel,omitempty"`      // with Tun only; IPIP unless said otherwise
	TunnelPort uint16     `json:"tunnel_port,omitempty"` // UDP, with GUE only
	Outer      Family     `json:"outer,omitempty"`       // with Tun only: of the packets around the requests; Address's unless said otherwise
	Services   []uint16   `json:"-"`                     // TCP ports on which a service must accept connections: for Check only
}

// Complete fills in what is usual and refuses what cannot be.
func (w Wish) Complete() (Wish, error) {
	a := w.Address
	switch {
	case !a.IsValid() || a.Zone() != "" || a.Is4In6():
		return w, fmt.Errorf("%s is no virtual address", a)
	case a.IsUnspecified(), a.IsLoopback(), a.IsMulticast(), a.IsLinkLocalUnicast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return w, fmt.Errorf("%s is no virtual address: it cannot be reached from elsewhere", a)
	}
	w.Method = cmp.Or(w.Method, DR)
	switch w.Method {
	case DR:
		if w.Tunnel != "" || w.TunnelPort != 0 || w.Outer != "" {
			return w, errors.New("direct routing has no tunnel; use method tun")
		}
		return w, nil
	case Tun:
	default:
		return w, fmt.Errorf("method %q is not known; use dr or tun (a real server behind nat needs nothing of this)", w.Method)
	}
	w.Tunnel, w.Outer = cmp.Or(w.Tunnel, IPIP), cmp.Or(w.Outer, familyOf(a))
	if w.Outer != IPv4 && w.Outer != IPv6 {
		return w, fmt.Errorf("family %q is not known; use ipv4 or ipv6", w.Outer)
	}
	switch w.Tunnel {
	case IPIP, GRE:
		if w.TunnelPort != 0 {
			return w, fmt.Errorf("a tunnel of kind %s has no port; gue has", w.Tunnel)
		}
	case GUE:
		w.TunnelPort = cmp.Or(w.TunnelPort, guePort)
	default:
		return w, fmt.Errorf("tunnel %q is not known; use ipip, gue or gre", w.Tunnel)
	}
	return w, nil
}

// guePort is what routers send to unless their document says otherwise.
const guePort = 6080

// unpacker is the kind of device that takes requests out of their tunnel: one that is bound to no address does for all routers. The kernel
// makes one by itself (native) with the module. GUE's packets are of these kinds once their UDP header is off.
type unpacker struct{ kind, native, module string }

func (w Wish) unpacker() unpacker {
	switch {
	case w.Tunnel == GRE && w.Outer == IPv6:
		return unpacker{"ip6gre", "ip6gre0", "ip6_gre"}
	case w.Tunnel == GRE:
		return unpacker{"gre", "gre0", "ip_gre"}
	case w.Outer == IPv6:
		return unpacker{kindIP6Tunnel, "ip6tnl0", "ip6_tunnel"}
	case w.Address.Is6():
		return unpacker{"sit", "sit0", "sit"}
	default:
		return unpacker{"ipip", "tunl0", "ipip"}
	}
}

const kindIP6Tunnel = "ip6tnl"

// overhead is how many bytes the tunnel adds to a request.
func (w Wish) overhead() int {
	n := 20
	if w.Outer == IPv6 {
		n = 40
	}
	switch w.Tunnel {
	case GUE:
		n += 8 + 4 // UDP, GUE
	case GRE:
		n += 4
	}
	return n
}

// fouModule and receiver are of the UDP port that takes GUE's header off.
func (w Wish) fouModule() string {
	if w.Outer == IPv6 {
		return "fou6"
	}
	return "fou"
}

func (w Wish) receiver() Thing {
	return Thing{Kind: Receiver, Name: fmt.Sprintf("%s %d", w.Outer, w.TunnelPort)}
}

// String is the wish as it is said in messages.
func (w Wish) String() string {
	switch {
	case w.Method == DR:
		return w.Address.String() + " (dr)"
	case w.Tunnel == GUE:
		return fmt.Sprintf("%s (tun, gue to port %d over %s)", w.Address, w.TunnelPort, w.Outer)
	default:
		return fmt.Sprintf("%s (tun, %s over %s)", w.Address, w.Tunnel, w.Outer)
	}
}
