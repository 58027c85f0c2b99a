package health

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// askICMP sends an echo request and waits for its reply. It needs CAP_NET_RAW. Each probe has a socket of its own, connected to
// the target: the kernel hands it that host's echo replies alone, of which the request's number picks its own.
func askICMP(ctx context.Context, p prober, t Target) answer {
	to := t.Addr.Addr().Unmap()
	c, err := p.dialICMP(ctx, to)
	if errors.Is(err, syscall.EPERM) {
		return answer{Err: errors.New("on this router: icmp needs CAP_NET_RAW")}
	}
	if err != nil {
		return answer{Err: err}
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	request, reply := echo(to)
	b, err := request.Marshal(nil) // of IPv6 the kernel has the addresses for the checksum, and makes it
	if err != nil {
		return answer{Err: err}
	}
	if _, err := c.Write(b); err != nil {
		return answer{Err: err}
	}
	p.step("sent", b)
	for got := make([]byte, 1500); ; {
		n, _, err := c.ReadFromIP(got) // not Read: that leaves the header of IPv4 before it
		if err != nil {
			return answer{Err: err}
		}
		if reply.is(got[:n]) {
			p.step("received", got[:n])
			return answer{OK: true, Words: "echo reply"}
		}
	}
}

// dialICMP connects a raw socket that hears echo replies only. As with dial, a source that is gone leaves it to the kernel.
func (p prober) dialICMP(ctx context.Context, to netip.Addr) (*net.IPConn, error) {
	network := "ip4:icmp"
	if to.Is6() {
		network = "ip6:ipv6-icmp"
	}
	var d net.Dialer
	if p.source != nil {
		if from := p.source(to); from.IsValid() {
			d.LocalAddr = &net.IPAddr{IP: from.AsSlice(), Zone: from.Zone()}
		}
	}
	c, err := d.DialContext(ctx, network, to.String())
	if d.LocalAddr != nil && errors.Is(err, syscall.EADDRNOTAVAIL) {
		d.LocalAddr = nil
		c, err = d.DialContext(ctx, network, to.String())
	}
	if err != nil {
		return nil, err
	}
	raw := c.(*net.IPConn)
	if to.Is6() {
		var only ipv6.ICMPFilter
		only.SetAll(true)
		only.Accept(ipv6.ICMPTypeEchoReply)
		err = ipv6.NewPacketConn(raw).SetICMPFilter(&only)
	} else {
		var only ipv4.ICMPFilter
		only.SetAll(true)
		only.Accept(ipv4.ICMPTypeEchoReply)
		err = ipv4.NewPacketConn(raw).SetICMPFilter(&only)
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return raw, nil
}

// expected is the echo reply to a request.
type expected struct {
	protocol int
	kind     icmp.Type
	body     icmp.Echo
}

// echo makes a request that no other is like, and what its reply is.
func echo(to netip.Addr) (icmp.Message, expected) {
	body := icmp.Echo{ID: rand.IntN(1 << 16), Seq: 1, Data: binary.BigEndian.AppendUint64([]byte("polso"), rand.Uint64())}
	if to.Is6() {
		return icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &body}, expected{58, ipv6.ICMPTypeEchoReply, body}
	}
	return icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &body}, expected{1, ipv4.ICMPTypeEchoReply, body}
}

// is tells whether b is the reply.
func (e expected) is(b []byte) bool {
	m, err := icmp.ParseMessage(e.protocol, b)
	if err != nil || m.Type != e.kind {
		return false
	}
	body, ok := m.Body.(*icmp.Echo)
	return ok && body.ID == e.body.ID && body.Seq == e.body.Seq && bytes.Equal(body.Data, e.body.Data)
}
