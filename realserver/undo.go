package realserver

import (
	"fmt"
	"net/netip"
	"slices"
)

// Undo says how to put back what was recorded, the last first, for the given addresses or all: the rest goes with the last address. What
// somebody else has changed since is left as it is and named in notes. Without a record the addresses that carry the mark are taken.
func Undo(r Record, m Machine, only []netip.Addr) (changes []Change, left Record, notes []string) {
	goes := func(name string) bool {
		return len(only) == 0 || slices.Contains(only, netip.MustParsePrefix(name).Addr())
	}
	recorded := slices.Clone(r.Changes)
	for _, p := range m.Addresses {
		t := Thing{Kind: Address, Name: p.Prefix.String(), On: p.Link}
		if p.Marked && !slices.ContainsFunc(recorded, func(c Change) bool { return c.Thing == t }) {
			recorded = append(recorded, Change{t, "", here})
		}
	}
	last := !slices.ContainsFunc(recorded, func(c Change) bool { return c.Kind == Address && !goes(c.Name) && m.value(c.Thing) == here }) &&
		!slices.ContainsFunc(r.Wishes, func(w Wish) bool { return !goes(host(w.Address).String()) && m.has(w.Address) }) // it was there before
	left = Record{Born: r.Born, Device: r.Device}
	for _, w := range r.Wishes {
		if !last && !goes(host(w.Address).String()) {
			left.Wishes = append(left.Wishes, w)
		}
	}
	for _, c := range slices.Backward(recorded) {
		if !last && (c.Kind != Address || !goes(c.Name)) {
			left.Changes = append(left.Changes, c)
			continue
		}
		switch now := m.value(c.Thing); {
		case now == c.Before, now == "", c.Before == "" && (c.Kind == Setting || c.Kind == State): // never done, gone, or goes with its link
		case now != c.After:
			notes = append(notes, fmt.Sprintf("%s is %s now, neither what it was (%s) nor what was set (%s): left", c.title(), now, c.Before, c.After))
		case c.Kind == Address && !m.ours(c.Thing):
			notes = append(notes, fmt.Sprintf("%s was put on %s by somebody else meanwhile: left", c.Name, c.On))
		default:
			changes = append(changes, c.reverse())
		}
	}
	slices.Reverse(left.Changes)
	return changes, left, notes
}

// has says whether an address is on any link.
func (m Machine) has(a netip.Addr) bool {
	return slices.ContainsFunc(m.Addresses, func(p Placed) bool { return p.Prefix.Addr() == a })
}

// ours says whether an address that was recorded is still the one that was put there: IPv6 knows no label, and some links are too long for one.
func (m Machine) ours(t Thing) bool {
	return slices.ContainsFunc(m.Addresses, func(p Placed) bool {
		return p.Prefix.String() == t.Name && p.Link == t.On && (p.Marked || p.Prefix.Addr().Is6() || label(t.On) == "")
	})
}

func (t Thing) title() string {
	if t.Kind == Setting {
		return settingName(t.Name)
	}
	return string(t.Kind) + " " + t.Name
}
