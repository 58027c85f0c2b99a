package config

import (
	"fmt"
	"slices"
	"time"
)

// maxThrough is how long a probe through a virtual may wait: the router forgets by then whose the answer is.
const maxThrough = time.Minute

// through checks that a probe can take the virtual's own way.
func (v *verdicts) through(p path, c Check, x Virtual, asked []Server) {
	if c.Through == "" || !enum(v, p.attr("through"), "through", c.Through, ThroughVirtual) {
		return
	}
	if x.FWMark != 0 {
		v.add(p.attr("through"), "the check has no address to ask: a firewall mark has none", "", "Remove through.")
		return
	}
	for _, s := range asked {
		if what, why := s.unreached(x); what != "" {
			v.add(p.attr("through"), what, why, "Remove through.")
			return
		}
	}
	switch port, one := x.Port(); {
	case one && port != 0 && c.Port != 0 && c.Port != port:
		v.add(p.attr("port"), "through asks the virtual's own port", fmt.Sprintf("It is %d.", port), "Remove port.")
	case (!one || port == 0) && c.Port == 0:
		v.add(p.attr("through"), "through has no port to ask: the virtual has several", "", "Name one of them: port = 80.")
	case !one && !slices.ContainsFunc(x.AllPorts(), func(r PortRange) bool { return r.From <= c.Port && c.Port <= r.To }):
		v.add(p.attr("port"), fmt.Sprintf("port %d is none of the virtual's", c.Port), "Through the virtual only its own ports are asked.", "Name one of them, or remove through.")
	}
	if c.Timeout > maxThrough {
		v.add(p.attr("timeout"), fmt.Sprintf("a check through the virtual waits no longer than %s", maxThrough), "", "Write a shorter timeout.")
	}
}

// unreached says what keeps probes through x from a server, and why; "": nothing does.
func (s Server) unreached(x Virtual) (what, why string) {
	switch {
	case s.Forward != DR && s.Forward != Tun:
		return fmt.Sprintf("through is for dr and tun, and server %q is forwarded to by %s", s.Name, s.Forward), "Only there does a server have the virtual's address."
	case s.Tunnel.Type != "" && s.Tunnel.Type != IPIP:
		return fmt.Sprintf("through is for tunnels of type %q, and server %q has %q", IPIP, s.Name, s.Tunnel.Type), "A router cannot wrap its own packets in the others for one server."
	case s.Address.IsValid() && x.Address.IsValid() && familyOf(s.Address.Addr()) != familyOf(x.Address):
		return fmt.Sprintf("through is for servers of the virtual's family, and server %q has %s", s.Name, s.Address.Addr()), "The other family's packets cannot carry a stand-in of this one's."
	}
	return "", ""
}
