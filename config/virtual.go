package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// Schedulers returns the schedulers that Linux knows, by the kernel's names.
func Schedulers() []string {
	return []string{"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos"}
}

// occupied is what virtuals are reached at, by virtual.
type occupied struct {
	marks map[Service]string
	ports map[Service][]taken // by address and protocol
}

// taken are ports that a virtual has.
type taken struct {
	PortRange
	by string
}

func (v *verdicts) virtuals(virtuals []Virtual) {
	seen := make(map[string]bool)
	seats := occupied{make(map[Service]string), make(map[Service][]taken)}
	for _, x := range virtuals {
		p := path("").block("virtual", x.Name)
		v.name(p, "virtual name", x.Name)
		if seen[x.Name] {
			v.add(p, fmt.Sprintf("virtual %q is there twice", x.Name), "", "Rename one of them.")
		}
		seen[x.Name] = true
		if x.FWMark != 0 {
			v.marked(p, x, seats)
		} else {
			v.addressed(p, x, seats)
		}
		v.balancing(p, x)
		v.servers(p, x)
		v.sorryServers(p, x)
		v.following(p, x)
		if x.Check != nil {
			v.check(p.attr("check"), *x.Check, x, slices.DeleteFunc(slices.Clone(x.Servers), func(s Server) bool { return s.Check != nil }))
		}
	}
}

// marked checks a virtual that is a firewall mark: everything about the packets is said by whoever marks them.
func (v *verdicts) marked(p path, x Virtual, seats occupied) {
	const why = "A firewall mark says which packets are meant; the rule that sets it names their address, port and protocol."
	only := func(attr string, written bool) {
		if written {
			v.add(p.attr(attr), fmt.Sprintf("%s does not go with fwmark", attr), why, "Remove one of the two.")
		}
	}
	only("address", x.Address.IsValid())
	only("interface", x.Interface != "")
	only("protocol", x.Protocol != "")
	if x.several() {
		only("ports", true)
	} else {
		only("port", len(x.Ports) == 1)
	}
	if x.FWMark&^MarkBits == MarkBase {
		v.add(p.attr("fwmark"), fmt.Sprintf("firewall mark %d is one that Polso makes", x.FWMark),
			fmt.Sprintf("Those from %d to %d are for virtuals with several ports, or that masquerade.", MarkBase, MarkBase|MarkBits), "Choose another mark.")
	}
	if !enum(v, p.attr("family"), "family", x.Family, IPv4, IPv6) {
		return
	}
	if first, ok := seats.marks[x.Service()]; ok {
		v.add(p.attr("fwmark"), fmt.Sprintf("firewall mark %d (%s) is that of virtual %q too", x.FWMark, x.Family, first), "", "Choose another mark.")
		return
	}
	seats.marks[x.Service()] = x.Name
}

// addressed checks a virtual that is an address with ports.
func (v *verdicts) addressed(p path, x Virtual, seats occupied) {
	ok := x.Address.IsValid()
	if !ok {
		v.add(p.attr("address"), "a virtual needs an address or a fwmark", "", `Add address = "192.0.2.10", or fwmark = 7.`)
	} else {
		ok = v.usable(p.attr("address"), x.Address, "virtual address", x.Interface)
	}
	if ok && x.Family != familyOf(x.Address) {
		v.add(p.attr("family"), fmt.Sprintf("family %q is not that of %s", x.Family, x.Address), "", "Leave family out: the address says it.")
	}
	if x.Interface != "" {
		v.name(p.attr("interface"), "interface", x.Interface)
	}
	enum(v, p.attr("protocol"), "protocol", x.Protocol, TCP, UDP, SCTP)
	v.ports(p, x)
	if ok {
		v.seats(p, x, seats)
	}
}

// ports checks the ports themselves.
func (v *verdicts) ports(p path, x Virtual) {
	attr := "port"
	if x.several() {
		attr = "ports"
	}
	all := x.AllPorts()
	if len(all) == 0 {
		v.add(p.attr(attr), "a virtual needs a port", "", "Add port = 80, ports = [80, 443], or port = 0 with a persistent block for every port.")
	}
	for i, r := range all {
		switch {
		case slices.Contains(all[:i], r):
			v.add(p.attr(attr), fmt.Sprintf("port %s is named twice", r.brief()), "", "")
		case r.From == 0 && len(all) > 1:
			v.add(p.attr(attr), "port 0, which means every port, stands beside others", "", "")
		case r.From == 0 && x.Persistent == nil:
			v.add(p.attr(attr), "port 0 needs a persistent block", "Port 0 means every port, and the kernel has it for persistent services only.", `Add persistent { timeout = "5m" }, or a port.`)
		case r.From > r.To:
			v.add(p.attr(attr), fmt.Sprintf("%s is not a range of ports", r), "The smaller comes first.", "")
		default:
			if j := slices.IndexFunc(all[:i], r.overlaps); j >= 0 {
				v.add(p.attr(attr), fmt.Sprintf("port %s is named twice, by %s and by %s", r.common(all[j]).brief(), all[j].brief(), r.brief()), "", "")
			}
		}
	}
}

// seats checks that nobody else is reached at the same place.
func (v *verdicts) seats(p path, x Virtual, seats occupied) {
	at := Service{Address: x.Address, Protocol: x.Protocol}
	for _, r := range x.AllPorts() {
		i := slices.IndexFunc(seats.ports[at], func(t taken) bool { return t.by != x.Name && r.overlaps(t.PortRange) })
		if i < 0 {
			continue
		}
		first := seats.ports[at][i]
		v.add(p, fmt.Sprintf("%s port %s/%s is served by virtual %q too", x.Address, r.common(first.PortRange).brief(), x.Protocol, first.by), "",
			"Give one of them another address, port or protocol, or merge their servers.")
	}
	for _, r := range x.AllPorts() {
		seats.ports[at] = append(seats.ports[at], taken{r, x.Name})
	}
	mark := Service{Mark: x.PacketMark(), Family: x.Family}
	if mark.Mark == 0 {
		return
	}
	if first, ok := seats.marks[mark]; ok && first != x.Name {
		v.add(p, fmt.Sprintf("the names %q and %q make the same firewall mark", first, x.Name),
			"Virtuals with several ports, and those that masquerade, are told apart by a mark that is made of their names.", "Rename one of them.")
	}
	seats.marks[mark] = x.Name
}

// balancing checks how a virtual spreads its connections.
func (v *verdicts) balancing(p path, x Virtual) {
	enum(v, p.attr("scheduler"), "scheduler", x.Scheduler, Schedulers()...)
	enum(v, p.attr("forward"), "forwarding method", x.Forward, NAT, DR, Tun, Local)
	if x.Masquerade && x.Forward != NAT && !slices.ContainsFunc(x.Servers, func(s Server) bool { return s.Forward == NAT }) {
		v.add(p.attr("masquerade"), `masquerade is for forward = "nat"`, "With dr and tun the servers answer the clients themselves.", `Write forward = "nat", or remove masquerade.`)
	}
	v.flags(p.attr("flags"), x)
	v.tunnels(p, x)
	if x.Persistent != nil {
		p := p.attr("persistent")
		v.kernelTimeout(p.attr("timeout"), x.Persistent.Timeout)
		if m, most := x.Persistent.Mask, x.Family.bits(); m < 0 || m > most {
			v.add(p.attr("netmask"), fmt.Sprintf("netmask /%d is not between /1 and /%d", m, most), "", "")
		}
		v.engine(p.attr("engine"), x)
	}
}

func (v *verdicts) servers(p path, x Virtual) {
	seen := make(map[string]bool)
	taken := make(map[netip.AddrPort]string)
	for _, s := range x.Servers {
		p := p.block("server", s.Name)
		if seen[s.Name] {
			v.add(p, fmt.Sprintf("server %q is there twice in virtual %q", s.Name, x.Name), "", "Rename one of them.")
		}
		seen[s.Name] = true
		if first, ok := taken[s.Address]; ok && s.Address.IsValid() {
			v.add(p.attr("address"), fmt.Sprintf("%s is the address of server %q too", hostPort(s.Address), first), "", "Raise that server's weight, or remove one of the two.")
		} else {
			taken[s.Address] = s.Name
		}
		v.server(p, x, s)
	}
}

// server checks one server by itself, of either kind.
func (v *verdicts) server(p path, x Virtual, s Server) {
	v.name(p, "server name", s.Name)
	if s.Forward != x.Forward { // or the virtual's has been looked at
		enum(v, p.attr("forward"), "forwarding method", s.Forward, NAT, DR, Tun, Local)
	}
	if s.Weight < 0 || s.Weight > maxWeight {
		v.add(p.attr("weight"), fmt.Sprintf("weight %d is not between 0 and %d", s.Weight, maxWeight), "", "")
	}
	v.thresholds(p, s)
	if s.Check != nil {
		v.check(p.attr("check"), *s.Check, x, []Server{s})
	}
	if !s.Address.IsValid() {
		v.add(p.attr("address"), "a server needs an address", "", `Add address = "10.0.0.11", with a port if it is not the virtual's: "10.0.0.11:8080".`)
		return
	}
	v.destination(p.attr("address"), s.Address, s.Forward, x)
}

// destination checks an address that packets are sent on to.
func (v *verdicts) destination(p path, a netip.AddrPort, forward Forward, x Virtual) {
	switch own := a.Addr().IsLoopback(); {
	case forward == Local && !own:
		v.add(p, fmt.Sprintf(`forward "local" does not lead to %s`, a.Addr()), "It hands packets to the router's own programs, whatever the address.", "Write 127.0.0.1, or ::1 for IPv6.")
		return
	case forward == Local:
	case own:
		v.add(p, fmt.Sprintf("%s is each router itself", a.Addr()), "", `Write forward = "local" if that is meant.`)
		return
	case !v.usable(p, a.Addr(), "server", ""):
		return
	}
	if f := familyOf(a.Addr()); x.identified() && f != x.Family && forward != Tun {
		v.add(p, fmt.Sprintf("%s is %s and the virtual is %s", a.Addr(), f, x.Family), fmt.Sprintf("Forwarding by %s cannot change the family of a packet.", forward), "")
	}
	if !x.reachable() {
		return
	}
	port, _ := x.Port() // 0: every port, or the packet's own
	if a.Port() == port {
		return
	}
	switch {
	case forward == DR || forward == Tun || forward == Local:
		what := fmt.Sprintf("forward %q cannot change the port (%d)", forward, a.Port())
		fix := "Leave the port out"
		if port != 0 {
			what, fix = fmt.Sprintf("forward %q cannot change the port (%d to %d)", forward, port, a.Port()), fix+fmt.Sprintf(", let the server listen on %d", port)
		}
		v.add(p, what, "With dr, tun and local the packet reaches the server as the client sent it.", fix+`, or use forward = "nat".`)
	case a.Port() == 0 && port != 0:
		v.add(p, "the server has no port", "", "")
	}
}

// reachable reports whether the virtual has what it is reached at. If not, its port is missing or was not understood, and
// nothing can be said of what is compared with it.
func (x Virtual) reachable() bool { return len(x.Ports) > 0 || x.several() || x.FWMark != 0 }

// identified reports whether the virtual's family is more than a guess.
func (x Virtual) identified() bool {
	return (x.Address.IsValid() || x.FWMark != 0) && (x.Family == IPv4 || x.Family == IPv6)
}

// short is a server's address as the document writes it: without the port that it would get anyway.
func (x Virtual) short(a netip.AddrPort) string {
	if x.withPort(netip.AddrPortFrom(a.Addr(), 0)) == a {
		return a.Addr().String()
	}
	return a.String()
}

func hostPort(a netip.AddrPort) string {
	if a.Port() == 0 {
		return a.Addr().String()
	}
	return a.String()
}
