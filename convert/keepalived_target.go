package convert

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"polso/config"
)

// kaTarget is what clients ask for: an address with a port, or a firewall mark.
type kaTarget struct {
	addr   netip.Addr
	port   uint16 // 0: every port
	mark   uint32 // not 0: instead of an address
	family config.Family
}

// targets reads what follows the word virtual_server. If there is none, said tells why.
func (k *kaImport) targets(n *kaNode) (targets []kaTarget, said kaSaid) {
	switch first := n.word(0); first {
	case "fwmark":
		mark, err := strconv.ParseUint(n.word(1), 0, 32)
		if err != nil || mark == 0 {
			return nil, kaSay(Lost, "%q is not a firewall mark", n.word(1))
		}
		return []kaTarget{{mark: uint32(mark)}}, kaSaid{}
	case "group":
		g := k.groups[n.word(1)]
		if g == nil {
			return nil, kaSay(Lost, "no virtual_server_group is called %q", n.word(1))
		}
		g.read = true
		for _, line := range g.nodes {
			targets = append(targets, k.entry(line)...)
			if len(targets) > mostParts {
				break // which is enough to be refused
			}
		}
		if len(targets) == 0 {
			return nil, kaSay(Lost, "virtual_server_group %q has nothing to ask for", n.word(1))
		}
		return targets, kaSaid{}
	default:
		a, err := netip.ParseAddr(first)
		if err != nil {
			return nil, kaSay(Lost, "%q is not an IP address", first)
		}
		port, ok := kaPort(n.word(1))
		if !ok {
			return nil, kaSay(Lost, "%q is not a port", n.word(1))
		}
		return []kaTarget{{addr: a.Unmap(), port: port}}, kaSaid{}
	}
}

// kaPort reads a port; none is 0.
func kaPort(s string) (uint16, bool) {
	if s == "" {
		return 0, true
	}
	port, err := portNumber(s)
	return port, err == nil
}

// group keeps a virtual_server_group for who names it.
func (k *kaImport) group(n *kaNode) kaSaid {
	name := n.word(0)
	if k.groups[name] != nil {
		return kaSay(Lost, "another virtual_server_group is called %q", name)
	}
	k.groups[name] = n
	return kaSaid{}
}

// unused tells of groups that nobody names.
func (k *kaImport) unused() {
	for name, n := range k.groups {
		if !n.read {
			n.told = true
			k.say("", n.at, kaSay(Lost, "no virtual_server names group %q", name))
		}
	}
}

// entry reads a line of a virtual_server_group: an address, a range of them, or a firewall mark.
func (k *kaImport) entry(n *kaNode) []kaTarget {
	fail := func(format string, args ...any) []kaTarget {
		k.say("", n.at, kaSay(Lost, format, args...))
		return nil
	}
	if n.words[0] == "fwmark" {
		mark, err := strconv.ParseUint(n.word(0), 0, 32)
		if err != nil || mark == 0 {
			return fail("%q is not a firewall mark", n.word(0))
		}
		family := map[string]config.Family{"inet": config.IPv4, "inet6": config.IPv6}[n.word(1)]
		return []kaTarget{{mark: uint32(mark), family: family}}
	}
	port, ok := kaPort(n.word(0))
	if !ok {
		return fail("%q is not a port", n.word(0))
	}
	first, last, err := kaRange(n.words[0])
	if err != nil {
		return fail("%s", err)
	}
	var targets []kaTarget
	for a := first; ; a = a.Next() {
		targets = append(targets, kaTarget{addr: a, port: port})
		if a == last || len(targets) > mostParts {
			return targets
		}
	}
}

// kaRange reads ADDRESS, ADDRESS-LAST, ADDRESS-NUMBER (the last part, in IPv6 a hexadecimal one) or ADDRESS/LENGTH.
func kaRange(s string) (first, last netip.Addr, err error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		if p != p.Masked() {
			return first, last, fmt.Errorf("%s is no network", s)
		}
		return p.Addr(), kaLastOf(p), nil
	}
	from, to, ranged := strings.Cut(s, "-")
	first, err = netip.ParseAddr(from)
	if err != nil {
		return first, last, fmt.Errorf("%q is not an IP address", from)
	}
	if !ranged {
		return first, first, nil
	}
	if last, err = netip.ParseAddr(to); err != nil {
		if last, err = kaWithLast(first, to); err != nil {
			return first, last, err
		}
	}
	if last.BitLen() != first.BitLen() || last.Less(first) {
		return first, last, fmt.Errorf("%s is no range", s)
	}
	return first, last, nil
}

// kaWithLast is a with its last part replaced.
func kaWithLast(a netip.Addr, part string) (netip.Addr, error) {
	base, width := 10, 8
	if a.Is6() {
		base, width = 16, 16
	}
	n, err := strconv.ParseUint(part, base, width)
	if err != nil {
		return a, fmt.Errorf("%q ends no range", part)
	}
	b := a.AsSlice()
	if a.Is4() {
		b[3] = byte(n)
	} else {
		binary.BigEndian.PutUint16(b[14:], uint16(n))
	}
	a, _ = netip.AddrFromSlice(b) // as long as it was
	return a, nil
}

func kaLastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// name adds a virtual for each target.
func (v *kaVirtual) name(targets []kaTarget) {
	for _, t := range targets {
		v.virtuals = append(v.virtuals, v.k.b.virtual(v.wish(t, len(targets)), v.node.at))
	}
	v.targets, v.about = targets, v.virtuals[0].path
}

// wish is what a virtual should be called.
func (v *kaVirtual) wish(t kaTarget, of int) string {
	name := ""
	if v.node.word(0) == "group" {
		name = v.node.word(1)
	}
	if n := v.node.statement("snmp_name"); n != nil && n.word(0) != "" {
		name = n.word(0)
	}
	if name == "" || of > 1 {
		name = strings.TrimPrefix(name+"-"+t.String(), "-")
	}
	if t.mark == 0 && v.protocol != config.TCP {
		name += "-" + string(v.protocol)
	}
	return name
}

// String is the target as part of a name.
func (t kaTarget) String() string {
	if t.mark != 0 {
		return fmt.Sprintf("fwmark-%d", t.mark)
	}
	return fmt.Sprintf("%s-%d", kaName(t.addr), t.port)
}
