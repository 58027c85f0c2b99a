package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
)

// trait is what a virtual server can have beside its way of forwarding. One owns ten ports in a row, which it names by their place.
type trait struct {
	name      string
	forwards  []string            // nat, masq (nat with masquerade), dr, tun
	protocols []string            // empty: each
	reached   func(s seat) string // by what clients reach it, in the document's words; nil: its first port
	more      string              // the rest of the document's words
	moved     bool                // the servers listen at the last port alone, whatever clients ask
	asked     int                 // so many ports of it are asked
	try       func(v visitor) error
}

// seat is one virtual server with a trait, and two real servers.
type seat struct {
	trait
	forward, protocol, family string
	port                      int // the first of its ten
}

func (s seat) String() string {
	return fmt.Sprintf("%s %s %s %s", s.name, s.forward, s.protocol, s.family)
}

// everyTrait is what documents can say of a virtual server that its traffic shows.
func everyTrait() []trait {
	near, far := []string{"dr", "nat"}, []string{"nat", "masq"}
	const onePacket = "  flags     = [\"ops\"]\n"
	return []trait{
		{name: "another port", forwards: far, moved: true, asked: 1, try: visitor.oneServer},
		{name: "ports", forwards: []string{"dr", "tun", "nat", "masq"}, reached: seat.ports, asked: 5, try: visitor.fourPorts},
		{name: "ports to one", forwards: far, reached: seat.ports, moved: true, asked: 5, try: visitor.fourPorts},
		{name: "every port", forwards: near, reached: seat.everyPort, more: persistent(), asked: 2, try: visitor.sameOnBothPorts},
		{name: "mark", forwards: []string{"dr", "nat", "masq"}, reached: seat.mark, asked: 3, try: visitor.markedPorts},
		{name: "netmask", forwards: near, more: persistent(), asked: 1, try: visitor.sameForNeighbours},
		{name: "calls", forwards: near, protocols: []string{"udp"}, more: persistent(`engine = "sip"`), asked: 1, try: visitor.sameForCall},
		{name: "one packet", forwards: []string{"dr", "tun"}, protocols: []string{"udp"}, more: onePacket, asked: 1, try: visitor.eachPacketElsewhere},
		{name: "one packet of a call", forwards: near, protocols: []string{"udp"}, more: persistent(`engine = "sip"`) + onePacket, asked: 1, try: visitor.sameForCallFromOnePort},
	}
}

// everySeat is the table: trait × method × protocol × family.
func everySeat() (out []seat) {
	for _, trait := range everyTrait() {
		protocols := trait.protocols
		if len(protocols) == 0 {
			protocols = everyProtocol()
		}
		for _, forward := range trait.forwards {
			for _, protocol := range protocols {
				for _, family := range []string{"v4", "v6"} {
					out = append(out, seat{trait, forward, protocol, family, 20000 + 10*len(out)})
				}
			}
		}
	}
	return out
}

// persistent is a virtual's block, which takes four clients with addresses in a row for one.
func persistent(more ...string) string {
	lines := append([]string{`timeout = "5m"`, `netmask = "NETMASK"`}, more...)
	return "  persistent {\n    " + strings.Join(lines, "\n    ") + "\n  }\n"
}

func (s seat) ports() string {
	return s.at(fmt.Sprintf("ports     = [%d, %d, \"%d-%d\"]", s.port, s.port+1, s.port+2, s.port+3))
}

func (s seat) everyPort() string { return s.at("port      = 0") }

func (s seat) mark() string {
	return fmt.Sprintf("  fwmark    = %d\n  family    = \"ip%s\"\n", s.port, s.family)
}

func (s seat) at(ports string) string {
	return fmt.Sprintf("  address   = %q\n  interface = \"outside\"\n  protocol  = %q\n  %s\n", s.vip(), s.protocol, ports)
}

// vip is where clients begin. That with every port has an address of its own: it would answer for what others do not.
func (s seat) vip() netip.Addr {
	vip := map[string]netip.Addr{"v4": WebVIP, "v6": WebVIP6}
	if s.inside() {
		vip = map[string]netip.Addr{"v4": NATVIP, "v6": NATVIP6}
	}
	if s.name == "every port" {
		return everyPortsVIP(vip[s.family])
	}
	return vip[s.family]
}

// everyPortsVIP is the address of a virtual server with every port, beside that of the others.
func everyPortsVIP(vip netip.Addr) netip.Addr { return vip.Next().Next() }

// inside tells whether the servers are behind the routers.
func (s seat) inside() bool { return s.forward == "nat" || s.forward == "masq" }

// servers are the nodes of the real servers.
func (s seat) servers(l *Lab) []*Node {
	if s.inside() {
		return []*Node{l.Servers["na"].Node, l.Servers["nb"].Node}
	}
	return []*Node{l.Servers["a"].Node, l.Servers["b"].Node}
}

// own is the address of a real server.
func (s seat) own(n *Node) netip.Addr {
	segment := Outside
	if s.inside() {
		segment = Inside
	}
	if s.family == "v6" {
		return n.Addr6(segment)
	}
	return n.Addr(segment)
}

// last is the port of a server to which all clients are moved.
func (s seat) last() int { return s.port + 9 }

// hcl is the seat's virtual server.
func (s seat) hcl(l *Lab) string {
	reached := s.at(fmt.Sprintf("port      = %d", s.port))
	if s.reached != nil {
		reached = s.reached(s)
	}
	forward := fmt.Sprintf("  forward   = %q\n", s.forward)
	if s.forward == "masq" {
		forward = "  forward   = \"nat\"\n  masquerade = true\n"
	}
	netmask := map[string]string{"v4": "/30", "v6": "/126"}[s.family]
	var b strings.Builder
	fmt.Fprintf(&b, "virtual %q {\n%s  scheduler = \"rr\"\n%s%s", strings.ReplaceAll(s.String(), " ", "-"), reached, forward, strings.ReplaceAll(s.more, "NETMASK", netmask))
	for _, n := range s.servers(l) {
		at := s.own(n).String()
		if s.moved {
			at = netip.AddrPortFrom(s.own(n), uint16(s.last())).String()
		}
		fmt.Fprintf(&b, "  server %q {\n    address = %q\n  }\n", n.Name, at)
	}
	b.WriteString("}\n\n")
	return b.String()
}

// serve has the seat's servers answer.
func (s seat) serve(t *testing.T, l *Lab) {
	t.Helper()
	for _, n := range s.servers(l) {
		at := s.vip()
		if s.inside() {
			at = s.own(n)
		}
		if s.moved {
			answer(t, n, s.protocol, netip.AddrPortFrom(at, uint16(s.last())))
			continue
		}
		for i := range s.asked {
			answer(t, n, s.protocol, netip.AddrPortFrom(at, uint16(s.port+i)))
		}
	}
}

// markers is nftables' table of an operator who marks packets for two ports of each seat that is reached by its mark.
func markers(seats []seat) string {
	var b strings.Builder
	b.WriteString("table inet operator {\n  chain in {\n    type filter hook prerouting priority mangle;\n")
	for _, s := range seats {
		if s.name != "mark" {
			continue
		}
		ip := map[string]string{"v4": "ip", "v6": "ip6"}[s.family]
		fmt.Fprintf(&b, "    %s daddr %s %s dport { %d, %d } meta mark set %d\n", ip, s.vip(), s.protocol, s.port, s.port+1, s.port)
	}
	b.WriteString("  }\n}\n")
	return b.String()
}

// seated has everything ready for the seats' virtual servers but the document.
func seated(t *testing.T, ctx context.Context, l *Lab, director *Router, seats []seat) {
	t.Helper()
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(markers(seats))
	_, err := director.run(cmd)
	must(t, err)
	var every, more []string
	for _, vip := range []netip.Addr{WebVIP, WebVIP6} {
		every = append(every, fmt.Sprintf("addr add %s/%d dev lo", everyPortsVIP(vip), vip.BitLen()))
	}
	for _, host := range clients(l)[1:] {
		more = append(more, fmt.Sprintf("addr add %s/24 dev eth0", client(l, "v4", host)), fmt.Sprintf("addr add %s/64 dev eth0 nodad", client(l, "v6", host)))
	}
	must(t, l.Servers["a"].Batch(ctx, every...))
	must(t, l.Servers["b"].Batch(ctx, every...))
	must(t, l.Client.Batch(ctx, more...))
	for _, s := range seats {
		s.serve(t, l)
	}
}
