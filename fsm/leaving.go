package fsm

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"polso/config"
)

// leave works out who leaves now that c.Document has taken before's place. A server comes back by its address, whatever its
// name: to the kernel it is the same destination.
func (c *change) leave(before config.Document, until time.Time) {
	stays := make(map[config.Service]map[netip.AddrPort]bool, len(c.Document.Virtuals))
	for _, v := range c.Document.Virtuals {
		addrs := make(map[netip.AddrPort]bool, len(v.Servers)+len(v.Sorry))
		for _, list := range [][]config.Server{v.Servers, v.Sorry} {
			for _, s := range list {
				addrs[s.Address] = true
			}
		}
		stays[v.Service()] = addrs
	}

	var leaving []Leaving
	back := make(map[string]bool) // or gone with its service
	for _, l := range c.Leaving {
		if addrs, ok := stays[l.Virtual.Service()]; ok && !addrs[l.Server.Address] {
			leaving = append(leaving, l)
		} else {
			back[l.ID] = true
		}
	}
	ends := slices.Clip(without(c.Due, func(d Due) bool { return d.Kind == DueLeaving && back[d.ID] })) // it may be published
	for _, v := range before.Virtuals {
		addrs, ok := stays[v.Service()]
		if !ok || !until.After(c.at) {
			continue
		}
		gone := v
		gone.Servers, gone.Sorry = nil, nil
		leaves := func(s config.Server, name string) {
			l := Leaving{ID: fmt.Sprintf("%s@%d", name, c.Revision), Virtual: gone.Clone(), Server: s, Until: until}
			leaving = append(leaving, l)
			ends = append(ends, Due{At: until, Kind: DueLeaving, ID: l.ID}) // the revision is new, and so is the ID
		}
		for _, s := range v.Servers {
			// A disabled server is out of the kernel's table: leaving would bring it back.
			if !addrs[s.Address] && !c.disabled(v.Name, s) {
				leaves(s, v.Name+"/"+s.Name)
			}
		}
		for _, s := range v.Sorry { // one may have a server's name; words about that are not about it
			if !addrs[s.Address] && !c.disabled("", s) {
				leaves(s, v.Name+"/sorry/"+s.Name)
			}
		}
	}
	slices.SortFunc(leaving, func(a, b Leaving) int { return cmp.Compare(a.ID, b.ID) })
	c.Leaving = leaving
	c.Due = slices.SortedFunc(slices.Values(ends), compareDue)
}

// disabled reports whether an operator keeps a server out of the table.
func (c *change) disabled(virtual string, s config.Server) bool {
	words := slices.Concat(c.OverridesOf(ServerTarget(virtual, s.Name)), c.OverridesOf(AddressTarget(s.Address.Addr())))
	return slices.ContainsFunc(words, func(o Override) bool { return o.Kind == Disable })
}

// due adds an end; there is one for each kind and ID.
func (c *change) due(d Due) {
	c.notDue(d.Kind, d.ID)
	i, _ := slices.BinarySearchFunc(c.Due, d, compareDue)
	c.Due = slices.Concat(c.Due[:i], []Due{d}, c.Due[i:])
}

func (c *change) notDue(kind, id string) {
	c.Due = without(c.Due, func(d Due) bool { return d.Kind == kind && d.ID == id })
}

func compareDue(a, b Due) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
}

// without returns list without what gone is true of. The list itself is not touched: it is published.
func without[T any](list []T, gone func(T) bool) []T {
	if !slices.ContainsFunc(list, gone) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), gone)
}
