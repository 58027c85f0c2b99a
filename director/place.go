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

// placement is where the document's addresses belong on this node.
type placement struct {
	places   []Place // sorted by address
	homes    map[netip.Addr]Home
	homeless []Problem // one for each address without a place
	doubts   []Problem // about places that stand nevertheless
}

// place finds a place for each address of the document. What is wrong becomes a problem on every router and not only on
// the director, so that it is seen before a takeover needs it.
func place(in Inputs) placement {
	out := placement{homes: make(map[netip.Addr]Home)}
	for _, c := range claims(in.State.Document) {
		look := named
		if c.logical == "" {
			look = found
		}
		home, trouble := look(in, c)
		if home.Link == "" {
			out.homeless = append(out.homeless, trouble)
			if last, ok := in.Homes[c.Addr]; ok {
				out.homes[c.Addr] = last
			}
			continue
		}
		if trouble != (Problem{}) {
			out.doubts = append(out.doubts, trouble)
		}
		c.Link = home.Link
		out.places, out.homes[c.Addr] = append(out.places, c.Place), home
	}
	out.doubts = append(out.doubts, bare(in.Links, out.places)...)
	return out
}

// bare says which links have IPv4 places and no IPv4 address of their own. Such a link works until its last virtual address
// leaves: the kernel then takes IPv4 off the link, and the routes through it go too. Until then a virtual address is the only
// source for what this router itself sends there. IPv6 has link-local addresses.
func bare(links vip.Links, places []Place) []Problem {
	var out []Problem
	for _, link := range links {
		on := func(p Place) bool { return p.Link == link.Name && p.Addr.Is4() }
		if slices.ContainsFunc(places, on) && !slices.ContainsFunc(link.Prefixes, func(p netip.Prefix) bool { return p.Addr().Is4() }) {
			out = append(out, Problem{
				"link " + link.Name, "has no IPv4 address of its own, so its routes go when its virtual addresses do",
				"ip address add ADDRESS/PREFIX dev " + link.Name + ", and in the configuration that survives a boot",
			})
		}
	}
	return out
}

// found finds the link that has the subnet of an address for which none is named. What it found once stands for as long as
// that link exists and the document asks for the same: other addresses come and go on a router that serves, and a lookup
// that comes out differently, or fails, must not take a virtual address with it. The problem tells of it. Without a
// place it says why.
func found(in Inputs, c *claim) (Home, Problem) {
	link, err := vip.LinkOf(in.Links, c.subnet)
	why, fix := link.Name+" has its subnet", `name one with "interface" in the document`
	switch {
	case err == nil:
	case errors.Is(err, vip.ErrAmbiguous):
		why = "several links have its subnet"
	default:
		why, fix = "no link has its subnet", "give a link an address of its subnet, or "+fix
	}
	last, settled := in.Homes[c.Addr]
	if settled {
		_, settled = in.Links.Named(last.Link)
	}
	what := "vip " + c.Addr.String()
	switch {
	case settled && (err != nil || last.Subnet == c.subnet && last.Link != link.Name):
		return last, Problem{what, "stays on " + last.Link + ", but " + why, fix}
	case err != nil:
		return Home{}, Problem{what, why, fix}
	}
	return Home{link.Name, c.subnet}, Problem{}
}

// named finds the device for an address whose link is named: by this node's settings or, failing that, by the document.
// Without one it says why.
func named(in Inputs, c *claim) (Home, Problem) {
	device, trouble := deviceOf(in, "vip "+c.Addr.String(), c.logical)
	return Home{Link: device}, trouble
}

// deviceOf returns the device that a logical interface is on this node; "" and what is wrong with it if there is none.
func deviceOf(in Inputs, what, logical string) (string, Problem) {
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
