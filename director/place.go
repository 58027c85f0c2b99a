package director

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"polso/vip"
)

// places finds where each address of the document belongs on this node: once each, sorted by address. One that has no
// place becomes a problem, on every router and not only on the director, so that it is seen before a takeover needs it.
func places(in Inputs) ([]Place, []Problem) {
	type claim struct {
		Place
		logical string // interface as the document calls it
	}
	var (
		doc    = in.State.Document
		claims = make(map[netip.Addr]*claim)
		order  []netip.Addr
	)
	at := func(a netip.Addr, name, logical string, g Group) *claim {
		c, ok := claims[a]
		if !ok {
			c = &claim{Place: Place{Addr: a, Name: name, Group: g}}
			claims[a] = c
			order = append(order, a)
		}
		if c.logical == "" {
			c.logical = logical
		}
		return c
	}
	for _, b := range doc.VIPs {
		g := Group(b.Group)
		if g == "" {
			g = DefaultGroup
		}
		at(b.Address.Addr(), b.Name, b.Interface, g)
	}
	for _, v := range doc.Virtuals {
		if v.FWMark != 0 || !v.Address.IsValid() {
			continue
		}
		c := at(v.Address, v.Name, v.Interface, DefaultGroup)
		if key, ok := KeyOf(v); ok {
			c.Services = append(c.Services, key)
		}
	}
	slices.SortFunc(order, netip.Addr.Compare)
	var (
		out      []Place
		problems []Problem
	)
	for _, a := range order {
		c := claims[a]
		var p Problem
		if c.Link, p = linkOf(in, a, c.logical); c.Link == "" {
			problems = append(problems, p)
			continue
		}
		out = append(out, c.Place)
	}
	return out, problems
}

// linkOf finds the device for address a: the one that this node's settings (or, failing that, the document) name, else
// the one that has a's subnet. Without one it says why.
func linkOf(in Inputs, a netip.Addr, logical string) (string, Problem) {
	if logical == "" {
		link, err := vip.LinkFor(in.Links, a)
		switch {
		case err == nil:
			return link.Name, Problem{}
		case errors.Is(err, vip.ErrAmbiguous):
			return "", Problem{"vip " + a.String(), "several links have its subnet", `name one with "interface" in the document`}
		default:
			return "", Problem{"vip " + a.String(), "no link has its subnet", `give a link an address of its subnet, or name one with "interface" in the document`}
		}
	}
	if device, mapped := in.Interfaces[logical]; mapped {
		if _, ok := in.Links.Named(device); ok {
			return device, Problem{}
		}
		return "", Problem{"vip " + a.String(), fmt.Sprintf("interface %q is device %s on this router, and there is none of that name", logical, device), "correct --interface " + logical + "=DEVICE; it has " + devices(in.Links)}
	}
	// A document that names devices needs no map.
	if _, ok := in.Links.Named(logical); ok {
		return logical, Problem{}
	}
	return "", Problem{"vip " + a.String(), fmt.Sprintf("this router does not know interface %q", logical), "start the agent with --interface " + logical + "=DEVICE; it has " + devices(in.Links)}
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
