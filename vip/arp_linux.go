package vip

import (
	"encoding"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
)

// sendTimeout bounds one send: a link's queue may be full.
const sendTimeout = 100 * time.Millisecond

// announceARP sends both forms of a gratuitous ARP, as some stacks honour only the one or the other: the request (RFC
// 5227 section 2.3) and the reply with the own hardware address as target (RFC 5944 section 4.6).
func announceARP(ifi *net.Interface, addr netip.Addr, still func() bool) error {
	frames, err := gratuitous(ifi.HardwareAddr, addr)
	if err != nil {
		return fmt.Errorf("arp: %w", err)
	}
	// Protocol 0: the socket only sends, nothing is queued on it.
	conn, err := packet.Listen(ifi, packet.Raw, 0, nil)
	if err != nil {
		return fmt.Errorf("arp: %w", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return fmt.Errorf("arp: %w", err)
	}
	for _, frame := range frames {
		if !still() {
			return ErrExpired
		}
		if _, err := conn.WriteTo(frame, &packet.Addr{HardwareAddr: ethernet.Broadcast}); err != nil {
			return fmt.Errorf("arp: %w", err)
		}
	}
	return nil
}

// gratuitous builds the two frames.
func gratuitous(mac net.HardwareAddr, addr netip.Addr) ([][]byte, error) {
	request, err := arp.NewPacket(arp.OperationRequest, mac, addr, make(net.HardwareAddr, len(mac)), addr)
	if err != nil {
		return nil, err
	}
	reply, err := arp.NewPacket(arp.OperationReply, mac, addr, mac, addr)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, p := range []*arp.Packet{request, reply} {
		frame, err := broadcast(mac, ethernet.EtherTypeARP, p)
		if err != nil {
			return nil, err
		}
		out = append(out, frame)
	}
	return out, nil
}

// broadcast puts a payload into a frame to everybody.
func broadcast(mac net.HardwareAddr, kind ethernet.EtherType, payload encoding.BinaryMarshaler) ([]byte, error) {
	b, err := payload.MarshalBinary()
	if err != nil {
		return nil, err
	}
	frame := ethernet.Frame{Destination: ethernet.Broadcast, Source: mac, EtherType: kind, Payload: b}
	return frame.MarshalBinary()
}
