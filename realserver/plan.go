package realserver

import (
	"fmt"
	"net/netip"
	"slices"
)

// Want is what the machine shall be.
type Want struct {
	Wishes []Wish // completed
	Device string // that gets the addresses: lo, or a dummy, which is made if there is none of that name. IPv4 in a tunnel goes on the tunnel's device
}

// Refusal says why nothing was changed and what to do.
type Refusal struct{ What, Fix string }

func (r *Refusal) Error() string { return r.What }

// planner collects the changes from m to what is wanted, pretending that those before are made.
type planner struct {
	m       Machine
	changes []Change
}

// Plan says which changes make m what is wanted, in their order, and nothing that m has already. A *Refusal if m is in a state that is somebody else's business. A module comes before anything that needs it; where
// one is not loaded yet the rest is a forecast, and Plan must be asked again once it is.
func Plan(want Want, m Machine) ([]Change, error) {
	p := &planner{m: m}
	if err := p.device(want.Device); err != nil {
		return nil, err
	}
	// First what this kernel may not have, last what must not be there before all else is.
	places := make([]string, len(want.Wishes))
	for i, w := range want.Wishes {
		places[i] = want.Device
		if w.Method == Tun {
			if unpacking := p.unpack(w); w.Address.Is4() {
				places[i] = unpacking // which drops what it unpacks if it has no address: Machine.drops
			}
		}
		if err := p.admit(w, places[i]); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(want.Wishes, func(w Wish) bool { return w.Address.Is4() }) {
		p.quiet()
	}
	for i, w := range want.Wishes {
		p.need(Thing{Kind: Address, Name: host(w.Address).String(), On: places[i]}, here)
	}
	// Modules first: the rest is computed anew when they are there.
	slices.SortStableFunc(p.changes, func(a, b Change) int { return isModule(b) - isModule(a) })
	return p.changes, nil
}

func isModule(c Change) int {
	if c.Kind == Module {
		return 1
	}
	return 0
}

func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// need adds the change that gives a thing a value, unless it has it.
func (p *planner) need(t Thing, value string) {
	before := p.m.value(t)
	for _, c := range p.changes {
		if c.Thing == t {
			before = c.After
		}
	}
	if before != value {
		p.changes = append(p.changes, Change{t, before, value})
	}
}

// device sees to the link for the addresses.
func (p *planner) device(name string) error {
	d, there := p.m.device(name)
	switch {
	case !there:
		p.need(Thing{Kind: Module, Name: "dummy"}, loaded)
		p.need(Thing{Kind: Link, Name: name}, "dummy")
		p.need(Thing{Kind: State, Name: name}, up)
	case !d.Quiet:
		return &Refusal{name + " answers ARP: with the address on it this machine would take the requests from the router",
			"use lo, or the name of a dummy device"}
	case !d.Up:
		p.need(Thing{Kind: State, Name: name}, up)
	}
	return nil
}

// admit refuses an address that has another place or length, and one that the device cannot have.
func (p *planner) admit(w Wish, device string) error {
	for _, at := range p.m.at(w.Address) {
		switch {
		case at.Link != device && at.Marked:
			return &Refusal{fmt.Sprintf("%s was set up on %s, and belongs on %s now", w.Address, at.Link, device), "polso realserver remove " + w.Address.String() + ", and then setup again"}
		case at.Link != device:
			return &Refusal{fmt.Sprintf("%s is on %s already", w.Address, at.Link),
				"if this machine is to be a real server, not the one that holds the address: ip addr del " + at.Prefix.String() + " dev " + at.Link}
		case at.Prefix != host(w.Address):
			return &Refusal{fmt.Sprintf("%s is on %s as %s: the machine takes all of that subnet for itself", w.Address, device, at.Prefix),
				"ip addr del " + at.Prefix.String() + " dev " + device + ", and then setup again"}
		}
	}
	if path := "net/ipv6/conf/" + device + "/disable_ipv6"; w.Address.Is6() && p.m.Settings[path] == "1" {
		return &Refusal{"IPv6 is switched off on " + device, SettingCommand(path, "0")}
	}
	return nil
}

// quiet keeps the machine from answering ARP for addresses on quiet links, and from naming them in its own questions.
func (p *planner) quiet() {
	if !keepsQuiet(p.m.inEffect(arpIgnore, "all")) {
		p.need(Thing{Kind: Setting, Name: confPath("all", arpIgnore)}, "1")
	}
	if p.m.inEffect(arpAnnounce, "all") < 2 {
		p.need(Thing{Kind: Setting, Name: confPath("all", arpAnnounce)}, "2")
	}
}

// unpack sees to what takes requests out of w's tunnel, and names the device.
func (p *planner) unpack(w Wish) string {
	if w.Tunnel == GUE {
		if p.m.value(w.receiver()) == "" {
			p.need(Thing{Kind: Module, Name: w.fouModule()}, loaded)
		}
		p.need(w.receiver(), gue)
	}
	u := w.unpacker()
	d, there := p.m.unpacking(u)
	switch {
	case there:
	case slices.Contains(p.m.Modules, u.module): // a namespace whose kernel makes none by itself
		d = Device{Name: "polso-" + u.kind, Kind: u.kind, Mode: anyMode}
		p.need(Thing{Kind: Link, Name: d.Name}, u.kind)
	default:
		d = Device{Name: u.native, Kind: u.kind}
		p.need(Thing{Kind: Module, Name: u.module}, loaded)
	}
	if w.Address.Is4() && d.Kind == kindIP6Tunnel && d.Mode != anyMode {
		p.need(Thing{Kind: Mode, Name: d.Name}, anyMode)
	}
	// Requests come out of the device, and their answers leave by another link: that is what strict filtering drops.
	if w.Address.Is4() && p.m.inEffect(rpFilter, d.Name) == strict {
		p.need(Thing{Kind: Setting, Name: confPath(d.Name, rpFilter)}, "2")
	}
	if !d.Up {
		p.need(Thing{Kind: State, Name: d.Name}, up)
	}
	return d.Name
}
