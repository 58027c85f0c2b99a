package lab

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
)

// The frames of ARP (RFC 826) and neighbour discovery (RFC 4861) are built and read here by hand: what is observed must not
// depend on the library that the observed uses.

const (
	etherARP  = 0x0806
	etherIPv6 = 0x86dd

	arpRequest, arpReply = 1, 2
	icmp6, ndSolicit     = 58, 135
	ndAdvert             = 136
)

var (
	broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	allNodes  = netip.MustParseAddr("ff02::1")
)

// question is the frame that asks who has target: an ARP request or a neighbour solicitation.
func question(mac net.HardwareAddr, from, target netip.Addr) []byte {
	if target.Is4() {
		f := ethernet(broadcast, mac, etherARP)
		f = binary.BigEndian.AppendUint16(f, 1)      // Ethernet
		f = binary.BigEndian.AppendUint16(f, 0x0800) // IPv4
		f = append(f, 6, 4, 0, arpRequest)
		f = append(append(f, mac...), from.AsSlice()...)
		return append(append(f, 0, 0, 0, 0, 0, 0), target.AsSlice()...)
	}
	t := target.As16()
	group := netip.AddrFrom16([16]byte{0xff, 0x02, 11: 1, 12: 0xff, 13: t[13], 14: t[14], 15: t[15]}) // solicited-node
	body := append([]byte{ndSolicit, 0, 0, 0, 0, 0, 0, 0}, t[:]...)
	body = append(append(body, 1, 1), mac...) // source link-layer address
	binary.BigEndian.PutUint16(body[2:], checksum6(from, group, body))

	g := group.As16()
	f := ethernet(net.HardwareAddr{0x33, 0x33, g[12], g[13], g[14], g[15]}, mac, etherIPv6)
	f = append(f, 0x60, 0, 0, 0)
	f = binary.BigEndian.AppendUint16(f, uint16(len(body)))
	f = append(f, icmp6, 255)
	f = append(append(f, from.AsSlice()...), g[:]...)
	return append(f, body...)
}

func ethernet(to, from net.HardwareAddr, kind uint16) []byte {
	f := append(make([]byte, 0, 96), to...)
	return binary.BigEndian.AppendUint16(append(f, from...), kind)
}

// checksum6 is ICMPv6's checksum, over the pseudo-header (RFC 8200, 8.1) and the body, whose own field must be zero.
func checksum6(from, to netip.Addr, body []byte) uint16 {
	pseudo := append(from.AsSlice(), to.AsSlice()...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(body)))
	pseudo = append(pseudo, 0, 0, 0, icmp6)
	var sum uint32
	for _, b := range [][]byte{pseudo, body} {
		for i := 0; i+1 < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// Claim is what a frame says about an address: this hardware address has it.
type Claim struct {
	Kind  ClaimKind
	Addr  netip.Addr
	MAC   net.HardwareAddr
	Asker netip.Addr // of an answer: who had asked
}

// ClaimKind is the form of a claim.
type ClaimKind int

// The forms: an answer to a question, a gratuitous ARP as request or as reply, an unsolicited neighbour advertisement.
const (
	Reply ClaimKind = iota + 1
	GratuitousRequest
	GratuitousReply
	UnsolicitedAdvert
)

// String is the form's name.
func (k ClaimKind) String() string {
	switch k {
	case Reply:
		return "answer"
	case GratuitousRequest:
		return "gratuitous ARP request"
	case GratuitousReply:
		return "gratuitous ARP reply"
	case UnsolicitedAdvert:
		return "unsolicited neighbour advertisement"
	default:
		return "unknown"
	}
}

// parseClaim reads a frame; false if it claims no address.
func parseClaim(f []byte) (Claim, bool) {
	if len(f) < 14 {
		return Claim{}, false
	}
	switch body := f[14:]; binary.BigEndian.Uint16(f[12:]) {
	case etherARP:
		return parseARP(f[:6], body)
	case etherIPv6:
		return parseAdvert(f[6:12], body)
	default:
		return Claim{}, false
	}
}

func parseARP(to, b []byte) (Claim, bool) {
	if len(b) < 28 || b[4] != 6 || b[5] != 4 {
		return Claim{}, false
	}
	op := binary.BigEndian.Uint16(b[6:])
	sender, target := netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28]))
	c := Claim{Addr: sender, MAC: net.HardwareAddr(slices.Clone(b[8:14]))}
	toAll := string(to) == string(broadcast)
	switch {
	case op == arpRequest && sender == target:
		c.Kind = GratuitousRequest
	case op == arpReply && toAll:
		c.Kind = GratuitousReply
	case op == arpReply:
		c.Kind, c.Asker = Reply, target
	default:
		return Claim{}, false
	}
	return c, true
}

func parseAdvert(from, b []byte) (Claim, bool) {
	const header = 40
	if len(b) < header+24 || b[6] != icmp6 || b[header] != ndAdvert {
		return Claim{}, false
	}
	body := b[header:]
	c := Claim{Kind: Reply, Addr: netip.AddrFrom16([16]byte(body[8:24])), MAC: net.HardwareAddr(slices.Clone(from)), Asker: netip.AddrFrom16([16]byte(b[24:40]))}
	if c.Asker == allNodes {
		c.Kind, c.Asker = UnsolicitedAdvert, netip.Addr{}
	}
	if len(body) >= 32 && body[24] == 2 { // target link-layer address
		c.MAC = net.HardwareAddr(slices.Clone(body[26:32]))
	}
	return c, true
}
