package director

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"polso/config"
	"polso/ipvs"
)

// Rules are the packet rules that some services need: ipvs.KernelRules or ipvs.FakeRules. Both methods end within a bounded
// time.
type Rules interface {
	Rules() (ipvs.Rules, error)
	SetRules(ipvs.Rules) error
}

// rules returns what the services of a table need of the packet filter: marks for virtuals of several ports, and to tell
// what is masqueraded. What is not in the table needs nothing.
func rules(doc config.Document, t ipvs.Table) ipvs.Rules {
	var out ipvs.Rules
	there := servicesOf(&t)
	for _, v := range doc.Virtuals {
		key, err := keyOf(v)
		service, ok := there[key]
		mark := v.PacketMark()
		if err != nil || !ok || mark == 0 {
			continue
		}
		if v.FWMark == 0 {
			protocol, _ := protocolOf(v.Protocol) // keyOf has looked
			for _, p := range portsOf(doc, v) {
				out.Marks = append(out.Marks, ipvs.Mark{Addr: v.Address, Protocol: protocol, Ports: p, FWMark: mark})
			}
		}
		for _, d := range service.Destinations {
			if v.Masquerade && d.Forward == ipvs.NAT {
				out.Masquerades = append(out.Masquerades, ipvs.Masquerade{FWMark: mark, Server: d.Addr.Addr()})
			}
		}
	}
	return out.Canonical()
}

// portsOf returns the ports that a virtual is reached at. Every port is all that no other virtual of the address has.
func portsOf(doc config.Document, v config.Virtual) []ipvs.Ports {
	var out []ipvs.Ports
	if port, one := v.Port(); !one || port != 0 {
		for _, r := range v.AllPorts() {
			out = append(out, ipvs.Ports{From: r.From, To: r.To})
		}
		return out
	}
	var taken []config.PortRange
	for _, o := range doc.Virtuals {
		if o.Name != v.Name && o.Address == v.Address && o.Protocol == v.Protocol {
			taken = append(taken, o.AllPorts()...)
		}
	}
	slices.SortFunc(taken, func(a, b config.PortRange) int { return cmp.Compare(a.From, b.From) })
	next := 0
	free := func(last int) {
		if next <= last {
			out = append(out, ipvs.Ports{From: uint16(next), To: uint16(last)})
		}
	}
	for _, r := range taken {
		free(int(r.From) - 1)
		next = max(next, int(r.To)+1)
	}
	free(math.MaxUint16)
	return out
}

// ruleless says which virtuals need rules on a node whose kernel has none, and why that is.
func ruleless(doc config.Document, why string) []Problem {
	var out []Problem
	for _, v := range doc.Virtuals {
		what := ""
		switch {
		case v.Mark() != v.FWMark:
			what = "its ports"
		case v.Masquerade:
			what = "masquerade"
		}
		if what != "" {
			out = append(out, Problem{"virtual " + v.Name, fmt.Sprintf("%s cannot be had without nftables: %s", what, why), "modprobe nf_tables; or one virtual for each port, and no masquerade"})
		}
	}
	return out
}

// readRules reads the rules. Without them, why says what hinders.
func (d *Director) readRules() (have *ipvs.Rules, why string) {
	if d.o.Rules == nil {
		return nil, "there is no nftables here"
	}
	r, err := d.o.Rules.Rules()
	if err != nil {
		return nil, err.Error()
	}
	return &r, ""
}

// rule makes the kernel have the rules and tells whether it has them.
func (p *pass) rule(want ipvs.Rules) bool {
	have := p.memory.rules
	if have == nil {
		return want.Empty() // else it is a problem, and no step that failed
	}
	ops := ipvs.PlanRules(want, *have)
	if len(ops) == 0 {
		return true
	}
	if err := p.o.Rules.SetRules(want); err != nil {
		p.fail("nft "+ops[0].String(), err)
		return false
	}
	p.memory.rules = &want
	for _, op := range ops {
		p.log.Info("packet rules changed", "op", op.String())
	}
	return true
}

// balance readies rules and table: rules that come, services that come, rules that take packets from one service to another,
// services that go, rules that go. So at no time is a packet marked for a service that has gone, or on its way to one that has
// not come.
func (p *pass) balance(m Mandate, want Want, have ipvs.Table, stuck map[netip.Addr]bool) bool {
	before, ruledBefore := p.memory.rules, p.memory.ruled
	p.memory.ruled = nil
	coming, ruled := want.Rules, true
	if before != nil && len(ipvs.PlanRules(want.Rules, *before)) > 0 {
		coming = want.Rules.Over(*before)
		if ruledBefore != nil && len(ipvs.PlanRules(want.Rules, *ruledBefore)) == 0 {
			p.drift++ // they were as wanted, and somebody changed them
		}
		if there := servicesOf(&have); slices.ContainsFunc(want.Table.Services, func(s ipvs.Service) bool { _, ok := there[s.Key]; return !ok }) {
			ruled = p.rule(before.Over(want.Rules))
		}
	}
	turn := func() { ruled = p.rule(coming) && ruled }
	if !p.follow(m, want.Table, have, stuck, turn) || !ruled {
		return false
	}
	if !p.rule(want.Rules) {
		return false
	}
	p.memory.ruled = &want.Rules
	return true
}

// unruled takes from the services that are in the kernel those whose packets do not get all the marks that are wanted.
func (p *pass) unruled(want ipvs.Rules, made map[ipvs.Key]bool) {
	have := make(map[ipvs.Mark]bool)
	if p.memory.rules != nil {
		for _, m := range p.memory.rules.Marks {
			have[m] = true
		}
	}
	for _, m := range want.Marks {
		if !have[m] {
			delete(made, ipvs.MarkKey(m.FWMark, ipvs.FamilyOf(m.Addr)))
		}
	}
}

// addressOf is the address that clients reach a service at; invalid if only the operator knows.
func (p *pass) addressOf(key ipvs.Key) netip.Addr {
	if key.FWMark == 0 || p.memory.rules == nil {
		return key.Addr
	}
	marks := p.memory.rules.Marks
	i := slices.IndexFunc(marks, func(m ipvs.Mark) bool { return m.FWMark == key.FWMark && ipvs.FamilyOf(m.Addr) == key.Family })
	if i < 0 {
		return netip.Addr{}
	}
	return marks[i].Addr
}
