package lab

import (
	"fmt"
	"net/netip"
	"strings"
)

// Crowd is many virtual servers with the same number of real servers each, without checks: what a table's size costs. They are ports of
// the same addresses, however many they are: what addresses cost is another matter.
type Crowd struct {
	Virtuals, Servers int
	First             int // the weight of the first server of the first virtual; the others have 1
}

// crowdVIPs is how many addresses a Crowd of as many virtual servers or more has.
const crowdVIPs = 23

// VIP is the address of the first virtual server.
func (c Crowd) VIP() netip.Addr { return crowdVIP(0) }

// VIPs are the addresses of all virtual servers.
func (c Crowd) VIPs() (list []netip.Addr) {
	for i := range min(c.Virtuals, crowdVIPs) {
		list = append(list, crowdVIP(i))
	}
	return list
}

func crowdVIP(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 9, 2, byte(i%crowdVIPs + 1)}) }

// each calls virtual for each virtual server and then server for each of its servers, in the table's order of names.
func (c Crowd) each(virtual func(i int, at netip.AddrPort), server func(j int, at, to netip.AddrPort, weight int)) {
	for i := range c.Virtuals {
		at := netip.AddrPortFrom(crowdVIP(i), uint16(1000+i/crowdVIPs))
		virtual(i, at)
		for j := range c.Servers {
			n, weight := i*c.Servers+j, 1
			if n == 0 {
				weight = c.First
			}
			server(j, at, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 10, byte(n / 200), byte(n%200 + 1)}), at.Port()), weight)
		}
	}
}

// Document is the crowd in the operator's words.
func (c Crowd) Document() string {
	var b strings.Builder
	c.each(func(i int, at netip.AddrPort) {
		if i > 0 {
			b.WriteString("}\n\n")
		}
		fmt.Fprintf(&b, "virtual \"v%d\" {\n  address   = %q\n  interface = \"outside\"\n  port      = %d\n  scheduler = \"wlc\"\n", i, at.Addr(), at.Port())
	}, func(j int, _, to netip.AddrPort, weight int) {
		fmt.Fprintf(&b, "  server \"s%d\" {\n    address = %q\n    weight  = %d\n  }\n", j, to.Addr(), weight)
	})
	b.WriteString("}\n\n")
	return b.String()
}

// Rules are the crowd as `ipvsadm -S -n` prints it, in the document's order.
func (c Crowd) Rules() []string {
	var lines []string
	c.each(func(_ int, at netip.AddrPort) {
		lines = append(lines, fmt.Sprintf("-A -t %s -s wlc", at))
	}, func(_ int, at, to netip.AddrPort, weight int) {
		lines = append(lines, fmt.Sprintf("-a -t %s -r %s -g -w %d", at, to, weight))
	})
	return lines
}

// Keepalived is the crowd in keepalived's words.
func (c Crowd) Keepalived() string {
	var b strings.Builder
	c.each(func(i int, at netip.AddrPort) {
		if i > 0 {
			b.WriteString("}\n")
		}
		fmt.Fprintf(&b, "virtual_server %s %d {\n  lvs_sched wlc\n  lvs_method DR\n  protocol TCP\n", at.Addr(), at.Port())
	}, func(_ int, _, to netip.AddrPort, weight int) {
		fmt.Fprintf(&b, "  real_server %s %d {\n    weight %d\n  }\n", to.Addr(), to.Port(), weight)
	})
	b.WriteString("}\n")
	return b.String()
}
