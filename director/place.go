package director

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"polso/config"
	"polso/vip"
)

// claim is an address of the document with what it says about where it belongs.
type claim struct {
	Place
	logical string       // interface as the document calls it; "" says nothing
	subnet  netip.Prefix // the address with its vip block's prefix; without a block the address alone
}

// claims returns every address of the document once, sorted.
func claims(doc config.Document) []*claim {
	byAddr := make(map[netip.Addr]*claim)
	at := func(p netip.Prefix, name, logical string, g Group) *claim {
		c, ok := byAddr[p.Addr()]
		if !ok {
			c = &claim{Place: Place{Addr: p.Addr(), Name: name, Group: g}, subnet: p}
			byAddr[p.Addr()] = c
		}
		c.logical = cmp.Or(c.logical, logical)
		return c
	}
	for _, b := range doc.VIPs {
		at(b.Address, b.Name, b.Interface, cmp.Or(Group(b.Group), DefaultGroup))
	}
	for _, v := range doc.Virtuals {
		if v.FWMark != 0 || !v.Address.IsValid() {
			continue
		}
		c := at(netip.PrefixFrom(v.Address, v.Address.BitLen()), v.Name, v.Interface, DefaultGroup)
		if key, ok := KeyOf(v); ok {
			c.Services = append(c.Services, key)
		}
	}
	return slices.SortedFunc(maps.Values(byAddr), func(a, b *claim) int { return a.Addr.Compare(b.Addr) })
}

// places finds where each address of the document belongs on this node: once each, sorted by address. One that has no
// place becomes a problem, on every router and not only on the director, so that it is seen before a takeover needs it.
func places(in Inputs) ([]Place, []Problem) {
	var (
		out      []Place
		problems []Problem
	)
	for _, c := range claims(in.State.Document) {
		var p Problem
		if c.Link, p = linkOf(in, c); c.Link == "" {
			problems = append(problems, p)
			continue
		}
		out = append(out, c.Place)
	}
	return out, problems
}

// linkOf finds the device for an address: the one that this node's settings (or, failing that, the document) name, else
// the one that has its subnet. Without one it says why.
func linkOf(in Inputs, c *claim) (string, Problem) {
	what, logical := "vip "+c.Addr.String(), c.logical
	if logical == "" {
		link, err := vip.LinkOf(in.Links, c.subnet)
		switch {
		case err == nil:
			return link.Name, Problem{}
		case errors.Is(err, vip.ErrAmbiguous):
			return "", Problem{what, "several links have its subnet", `name one with "interface" in the document`}
		default:
			return "", Problem{what, "no link has its subnet", `give a link an address of its subnet, or name one with "interface" in the document`}
		}
	}
	if device, mapped := in.Interfaces[logical]; mapped {
		if _, ok := in.Links.Named(device); ok {
			return device, Problem{}
		}
		return "", Problem{what, fmt.Sprintf("interface %q is device %s on this router, and there is none of that name", logical, device), "correct --interface " + logical + "=DEVICE; it has " + devices(in.Links)}
	}
	// A document that names devices needs no map.
	if _, ok := in.Links.Named(logical); ok {
		return logical, Problem{}
	}
	return "", Problem{what, fmt.Sprintf("this router does not know interface %q", logical), "start the agent with --interface " + logical + "=DEVICE; it has " + devices(in.Links)}
}

func devices(links vip.Links) string {
	if len(links) == 0 {
		return "no link"
	}
	names := make([]string, len(links))
	for i, l := range links {
		names[i] = l.Name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
