package vip

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// Probe asks the link's segment who answers for addr, for 300 ms at most (three questions), without claiming it: an ARP
// probe with the sender 0.0.0.0 (RFC 5227 section 2.1.1), or a neighbour solicitation from the unspecified address (RFC
// 4862 section 5.4.2). found is false when nobody does. This node's own addresses do not answer.
func Probe(ctx context.Context, link string, addr netip.Addr) (mac net.HardwareAddr, found bool, err error) {
	fail := func(err error) (net.HardwareAddr, bool, error) {
		return nil, false, fmt.Errorf("probe %s on %s: %w", addr, link, err)
	}
	ifi, err := net.InterfaceByName(link)
	if err != nil {
		return fail(err)
	}
	if len(ifi.HardwareAddr) != 6 {
		return fail(errors.New("not an Ethernet link"))
	}
	ask, protocol, answers, err := question(ifi.HardwareAddr, addr)
	if err != nil {
		return fail(err)
	}
	conn, err := packet.Listen(ifi, packet.Raw, protocol, nil)
	if err != nil {
		return fail(err)
	}
	defer conn.Close()

	const every, times = 100 * time.Millisecond, 3
	for range times {
		if _, err := conn.WriteTo(ask.frame, &packet.Addr{HardwareAddr: ask.to}); err != nil {
			return fail(err)
		}
		until := time.Now().Add(every)
		if d, ok := ctx.Deadline(); ok && d.Before(until) {
			until = d
		}
		if err := conn.SetReadDeadline(until); err != nil {
			return fail(err)
		}
		mac, err := listen(conn, answers)
		switch {
		case err == nil:
			return mac, true, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return fail(err)
		case ctx.Err() != nil:
			return fail(ctx.Err())
		}
	}
	return nil, false, nil
}

// listen reads frames until one is the answer.
func listen(conn *packet.Conn, answers func([]byte) (net.HardwareAddr, bool)) (net.HardwareAddr, error) {
	b := make([]byte, 2048)
	for {
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			return nil, err
		}
		if mac, ok := answers(b[:n]); ok {
			return mac, nil
		}
	}
}

// probe is a frame and the hardware address it goes to.
type probe struct {
	frame []byte
	to    net.HardwareAddr
}

// question builds the probe, and says what tells an answer from other frames of that protocol.
func question(mac net.HardwareAddr, addr netip.Addr) (probe, int, func([]byte) (net.HardwareAddr, bool), error) {
	if addr.Is4() {
		p, err := arp.NewPacket(arp.OperationRequest, mac, netip.IPv4Unspecified(), make(net.HardwareAddr, len(mac)), addr)
		if err != nil {
			return probe{}, 0, nil, err
		}
		frame, err := broadcast(mac, ethernet.EtherTypeARP, p)
		answers := func(b []byte) (net.HardwareAddr, bool) { return answerARP(b, addr) }
		return probe{frame, ethernet.Broadcast}, unix.ETH_P_ARP, answers, err
	}
	frame, to, err := solicitation(mac, addr)
	answers := func(b []byte) (net.HardwareAddr, bool) { return answerNDP(b, addr) }
	return probe{frame, to}, unix.ETH_P_IPV6, answers, err
}

const (
	ipv6Header = 40
	icmpv6     = 58
)

// solicitation builds a whole frame, as no address of this node may be its source.
func solicitation(mac net.HardwareAddr, addr netip.Addr) ([]byte, net.HardwareAddr, error) {
	group, err := ndp.SolicitedNodeMulticast(addr)
	if err != nil {
		return nil, nil, err
	}
	icmp, err := ndp.MarshalMessageChecksum(&ndp.NeighborSolicitation{TargetAddress: addr}, netip.IPv6Unspecified(), group)
	if err != nil {
		return nil, nil, err
	}
	b := make([]byte, ipv6Header, ipv6Header+len(icmp))
	b[0] = 6 << 4
	binary.BigEndian.PutUint16(b[4:], uint16(len(icmp)))
	b[6], b[7] = icmpv6, ndp.HopLimit
	g := group.As16()
	copy(b[24:], g[:])
	to := net.HardwareAddr{0x33, 0x33, g[12], g[13], g[14], g[15]}
	frame := ethernet.Frame{Destination: to, Source: mac, EtherType: ethernet.EtherTypeIPv6, Payload: append(b, icmp...)}
	out, err := frame.MarshalBinary()
	return out, to, err
}
