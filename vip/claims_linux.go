package vip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/ndp"
	"golang.org/x/net/bpf"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Claims implements Edge. It hears all links, those that come up later too.
func (k *Kernel) Claims(ctx context.Context, tell func(Claim)) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range []struct {
		name     string
		protocol uint16
		filter   []bpf.Instruction
		parse    func([]byte) (Claim, bool)
	}{
		{"arp", unix.ETH_P_ARP, nil, claimARP},
		{"advertisements", unix.ETH_P_IPV6, onlyAdvertisements, claimNDP},
	} {
		f, err := claimSocket(s.protocol, s.filter)
		if err != nil {
			return errors.Join(fmt.Errorf("hear %s: %w", s.name, err), g.Wait())
		}
		stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
		g.Go(func() error {
			defer f.Close()
			defer stop()
			if err := hearClaims(f, s.parse, tell); ctx.Err() == nil {
				return fmt.Errorf("hear %s: %w", s.name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// onlyAdvertisements passes ICMPv6 neighbour advertisements without extension headers, as they are sent.
var onlyAdvertisements = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 14 + 6, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: icmpv6, SkipTrue: 3},
	bpf.LoadAbsolute{Off: 14 + ipv6Header, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 136, SkipTrue: 1}, // RFC 4861 section 4.4
	bpf.RetConstant{Val: 2048},
	bpf.RetConstant{Val: 0},
}

// claimSocket opens a packet socket that hears a protocol on all links.
func claimSocket(protocol uint16, filter []bpf.Instruction) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if len(filter) > 0 {
		raw, err := bpf.Assemble(filter)
		if err != nil {
			return nil, errors.Join(err, unix.Close(fd))
		}
		code := make([]unix.SockFilter, len(raw))
		for i, r := range raw {
			code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
		}
		if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}); err != nil {
			return nil, errors.Join(err, unix.Close(fd))
		}
	}
	// Bound only now, so that nothing comes in that the filter has not seen.
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol<<8 | protocol>>8}); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "packet"), nil
}

// hearClaims reads until the deadline.
func hearClaims(f *os.File, parse func([]byte) (Claim, bool), tell func(Claim)) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	b := make([]byte, 2048)
	for {
		var n int
		var from unix.Sockaddr
		var failed error
		err := conn.Read(func(fd uintptr) bool {
			n, from, failed = unix.Recvfrom(int(fd), b, 0)
			return !errors.Is(failed, unix.EAGAIN)
		})
		if err := errors.Join(err, failed); errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENETDOWN) {
			continue // a link has gone down: the others go on
		} else if err != nil {
			return err
		}
		at, ok := from.(*unix.SockaddrLinklayer)
		if !ok || at.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		if c, ok := parse(b[:n]); ok {
			c.Index = at.Ifindex
			tell(c)
		}
	}
}

// claimARP reads whose address an ARP packet's sender says it has. A probe claims nothing (RFC 5227 section 2.1.1).
func claimARP(b []byte) (Claim, bool) {
	var frame ethernet.Frame
	var p arp.Packet
	if frame.UnmarshalBinary(b) != nil || frame.EtherType != ethernet.EtherTypeARP || p.UnmarshalBinary(frame.Payload) != nil {
		return Claim{}, false
	}
	return Claim{Addr: p.SenderIP, MAC: p.SenderHardwareAddr}, !p.SenderIP.IsUnspecified()
}

// claimNDP reads what a neighbour advertisement says: its target's hardware address, or that of who sent it.
func claimNDP(b []byte) (Claim, bool) {
	var frame ethernet.Frame
	if frame.UnmarshalBinary(b) != nil || frame.EtherType != ethernet.EtherTypeIPv6 {
		return Claim{}, false
	}
	p := frame.Payload
	if len(p) <= ipv6Header || p[6] != icmpv6 || p[7] != ndp.HopLimit {
		return Claim{}, false
	}
	m, err := ndp.ParseMessage(p[ipv6Header:])
	na, ok := m.(*ndp.NeighborAdvertisement)
	if err != nil || !ok {
		return Claim{}, false
	}
	return Claim{Addr: na.TargetAddress, MAC: advertised(na, frame.Source)}, true
}

// advertised is the hardware address that an advertisement names.
func advertised(na *ndp.NeighborAdvertisement, sender net.HardwareAddr) net.HardwareAddr {
	for _, o := range na.Options {
		if lla, ok := o.(*ndp.LinkLayerAddress); ok && lla.Direction == ndp.Target {
			return lla.Addr
		}
	}
	return sender
}

// answerARP says whether the frame has somebody claim addr, by request or reply, and who.
func answerARP(b []byte, addr netip.Addr) (net.HardwareAddr, bool) {
	c, ok := claimARP(b)
	return c.MAC, ok && c.Addr == addr
}

// answerNDP says whether the frame advertises addr, and the hardware address it names.
func answerNDP(b []byte, addr netip.Addr) (net.HardwareAddr, bool) {
	c, ok := claimNDP(b)
	return c.MAC, ok && c.Addr == addr
}
