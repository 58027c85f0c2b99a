package vip

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ErrNoLink means that no link of this node has the address's subnet.
var ErrNoLink = errors.New("no link has its subnet")

// ErrAmbiguous means that several links have the address's subnet equally well.
var ErrAmbiguous = errors.New("several links have its subnet")

// Named returns the link of that name.
func (l Links) Named(name string) (Link, bool) {
	i := slices.IndexFunc(l, func(link Link) bool { return link.Name == name })
	if i < 0 {
		return Link{}, false
	}
	return l[i], true
}

// LinkFor finds the link on which an address belongs: the one with the longest prefix that contains it. Whether a link is
// up does not count, so that an address does not wander when a cable is pulled. The error matches ErrNoLink or
// ErrAmbiguous.
func LinkFor(links Links, addr netip.Addr) (Link, error) {
	addr = addr.Unmap()
	var best []Link
	longest := -1
	for _, link := range links {
		bits := longestPrefix(link, addr)
		switch {
		case bits < 0 || bits < longest:
		case bits > longest:
			longest, best = bits, []Link{link}
		default:
			best = append(best, link)
		}
	}
	return only(best, addr)
}

// LinkOf finds the link on which an address belongs that is given with its subnet: the one that has an address of exactly
// that subnet; if there is none, what LinkFor finds. The error matches ErrNoLink or ErrAmbiguous.
func LinkOf(links Links, p netip.Prefix) (Link, error) {
	var exact []Link
	for _, link := range links {
		if slices.Contains(link.Prefixes, p.Masked()) {
			exact = append(exact, link)
		}
	}
	if len(exact) == 0 {
		return LinkFor(links, p.Addr())
	}
	return only(exact, p.Addr())
}

// only returns the one link of those that have addr's subnet.
func only(links []Link, addr netip.Addr) (Link, error) {
	switch len(links) {
	case 0:
		return Link{}, fmt.Errorf("%s: %w", addr, ErrNoLink)
	case 1:
		return links[0], nil
	}
	names := make([]string, len(links))
	for i, link := range links {
		names[i] = link.Name
	}
	return Link{}, fmt.Errorf("%s: %w: %s", addr, ErrAmbiguous, strings.Join(names, ", "))
}

// longestPrefix is the length of the link's longest prefix that contains addr, -1 if none does.
func longestPrefix(link Link, addr netip.Addr) int {
	bits := -1
	for _, p := range link.Prefixes {
		if p.Contains(addr) {
			bits = max(bits, p.Bits())
		}
	}
	return bits
}

// withPrefixes returns the links, by name, each with its addresses that are not ours, and their subnets.
func withPrefixes(links Links, have []Placed) Links {
	out := make(Links, 0, len(links))
	for _, link := range links {
		link.Own, link.Prefixes = nil, nil
		for _, p := range have {
			if p.Index == link.Index && !p.Ours {
				own := netip.PrefixFrom(p.Addr, p.Bits)
				link.Own, link.Prefixes = append(link.Own, own), append(link.Prefixes, own.Masked())
			}
		}
		slices.SortFunc(link.Prefixes, netip.Prefix.Compare)
		link.Prefixes = slices.Compact(link.Prefixes)
		out = append(out, link)
	}
	slices.SortFunc(out, func(a, b Link) int { return strings.Compare(a.Name, b.Name) })
	return out
}
