package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"polso/consensus/trust"
)

func TestPlacesAreGivenBack(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1", func(o *ListenerOptions) { o.PerAddress = 2 }), g.node("r2")
	address := r1.Addrs()[0].String()
	for range 6 {
		r2.dial(t, "r1", trust.Raft) // stays open: a member is not counted here
		accept(t, r1.Raft())
	}
	for range 6 {
		raw, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(raw, "GET / HTTP/1.0\r\n\r\n") // fails in its handshake
		ended(t, raw)
		raw.Close()
	}
	for range 6 {
		c, err := tls.Dial("tcp", address, trust.JoinTLS(g.pin()))
		if err != nil {
			t.Fatal(err)
		}
		in := accept(t, r1.Join())
		in.Close()
		ended(t, c)
		c.Close()
	}
	r1.gate.mu.Lock()
	defer r1.gate.mu.Unlock()
	if len(r1.gate.counts) != 0 || r1.gate.order.Len() != 0 {
		t.Errorf("places still taken: %v", r1.gate.counts)
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestSlowHandshakeIsBounded(t *testing.T) {
	g := newGroup(t)
	r1 := g.node("r1", func(o *ListenerOptions) { o.Handshake = 50 * time.Millisecond })
	raw, err := net.Dial("tcp", r1.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.Write([]byte{0x16, 0x03}) // the first bytes of a handshake that never goes on
	ended(t, raw)
}

func TestNobodyAcceptsIsBounded(t *testing.T) {
	g := newGroup(t)
	g.node("r1", func(o *ListenerOptions) { o.Handshake = 200 * time.Millisecond })
	ended(t, g.node("r2").dial(t, "r1", trust.Raft))
}

// from dials the port from a loopback address of choice.
func from(t *testing.T, source, address string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	c, err := d.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestFloodFromOneAddress(t *testing.T) {
	g := newGroup(t)
	r1 := g.node("r1", func(o *ListenerOptions) { o.PerAddress = 3; o.Handshake = 20 * time.Second })
	address := r1.Addrs()[0].String()
	for range 3 {
		from(t, "127.0.0.9", address)
	}
	ended(t, from(t, "127.0.0.9", address))
	g.node("r2").dial(t, "r1", trust.Raft) // from 127.0.0.1
	accept(t, r1.Raft())
}

func TestFloodFromEverywhere(t *testing.T) {
	g := newGroup(t)
	r1 := g.node("r1", func(o *ListenerOptions) { o.PerAddress = 1; o.Unproven = 2; o.Handshake = 20 * time.Second })
	address := r1.Addrs()[0].String()
	first := from(t, "127.0.0.9", address)
	// Each of the later ones takes the place of an earlier one once it has been accepted; the first goes.
	from(t, "127.0.0.10", address)
	from(t, "127.0.0.11", address)
	ended(t, first)
	g.node("r2").dial(t, "r1", trust.Raft)
	accept(t, r1.Raft())
}

func TestOneMemberHasManyConnections(t *testing.T) {
	g := newGroup(t)
	r1 := g.node("r1", func(o *ListenerOptions) { o.PerMember = 2 })
	r2 := g.node("r2")
	first := r2.dial(t, "r1", trust.Raft)
	accept(t, r1.Raft())
	r2.dial(t, "r1", trust.Peer)
	accept(t, r1.Peer())
	ended(t, r2.dial(t, "r1", trust.Raft))
	first.Close()
	// The server learns of the end when it reads; the place is free when it closes its end.
	r1.Listener.CloseNode("r2")
	r2.dial(t, "r1", trust.Raft)
	accept(t, r1.Raft())
}
