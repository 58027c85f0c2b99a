package agent

import (
	"net/netip"
	"slices"

	"polso/director"
	"polso/vip"
)

// source has probes of target come from an address of this router's own where the kernel would take a virtual one: a real
// server of direct routing has that address too, and would answer itself. Elsewhere it returns the zero Addr: the kernel knows
// the routes. chosen asks it, of IPv4 alone and only while something is held; IPv6 takes no deprecated address. Where the link has
// no other address one of another link does: the router answers for all of its own on every link.
func source(s *director.Status, target netip.Addr, chosen func(netip.Addr) netip.Addr) netip.Addr {
	if !target.Is4() || !slices.ContainsFunc(s.Held, func(h director.HeldStatus) bool { return h.Present && h.Addr.Is4() }) {
		return netip.Addr{}
	}
	from := chosen(target)
	i := slices.IndexFunc(s.Held, func(h director.HeldStatus) bool { return h.Present && h.Addr == from })
	if i < 0 {
		return netip.Addr{}
	}
	link, _ := s.Links.Named(s.Held[i].Link)
	for _, l := range append(vip.Links{link}, s.Links...) {
		var best netip.Prefix
		for _, own := range l.Own {
			if own.Addr().Is4() && !own.Addr().IsLoopback() && (!best.IsValid() || own.Contains(target) && !best.Contains(target)) {
				best = own
			}
		}
		if best.IsValid() {
			return best.Addr()
		}
	}
	return netip.Addr{}
}
