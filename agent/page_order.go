package agent

import (
	"cmp"
	"net/netip"
	"slices"

	"polso/api"
	"polso/ipvs"
)

// inOrder sorts what is by name. Those that are equal stay by name.
func inOrder(list []listed, order string) {
	most := func(of func(listed) uint64) func(a, b listed) int {
		return func(a, b listed) int { return cmp.Compare(of(b), of(a)) }
	}
	var by func(a, b listed) int
	switch order {
	case api.ByTrouble:
		by = byTrouble
	case api.ByAddress:
		by = func(a, b listed) int { return a.address.Compare(b.address) }
	case api.ByConnections:
		by = most(func(l listed) uint64 { return l.rates.Connections })
	case api.ByIn:
		by = most(func(l listed) uint64 { return l.rates.BytesIn })
	case api.ByOut:
		by = most(func(l listed) uint64 { return l.rates.BytesOut })
	case api.ByActive:
		active := make(map[string]int, len(list)) // a sum over the servers, which each comparison would make anew
		for _, l := range list {
			active[l.name] = l.active()
		}
		by = func(a, b listed) int { return cmp.Compare(active[b.name], active[a.name]) }
	default:
		return
	}
	slices.SortStableFunc(list, by)
}

// byTrouble puts first whom to look at first.
func byTrouble(a, b listed) int {
	states := []string{"down", "panic", "unknown", "up", "inactive"}
	return cmp.Or(cmp.Compare(slices.Index(states, a.state), slices.Index(states, b.state)), cmp.Compare(b.rates.Connections, a.rates.Connections))
}

// firstOf is an address with the first of its ports.
func firstOf(at netip.Addr, ports []uint16) netip.AddrPort {
	if len(ports) == 0 {
		return netip.AddrPortFrom(at, 0)
	}
	return netip.AddrPortFrom(at, ports[0])
}

// established are the connections to all servers.
func established(stats map[netip.AddrPort]ipvs.DestinationStats) (n int) {
	for _, d := range stats {
		n += d.Active
	}
	return n
}
