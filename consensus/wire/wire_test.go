package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/trust"
)

func TestDispatch(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	for _, tt := range []struct {
		p  trust.Protocol
		ln net.Listener
	}{{trust.Raft, r1.Raft()}, {trust.Peer, r1.Peer()}} {
		out := r2.dial(t, "r1", tt.p)
		in := accept(t, tt.ln)
		if id, ok := PeerOf(in); !ok || id.Node != "r2" {
			t.Errorf("%s: accepted from %v, %v", tt.p, id, ok)
		}
		if id, ok := PeerOf(out); !ok || id.Node != "r1" {
			t.Errorf("%s: dialled %v, %v", tt.p, id, ok)
		}
		go out.Write([]byte("ping"))
		buf := make([]byte, 4)
		if _, err := io.ReadFull(in, buf); err != nil || string(buf) != "ping" {
			t.Errorf("%s: read %q, %v", tt.p, buf, err)
		}
	}
	raw, err := tls.Dial("tcp", r1.Addrs()[0].String(), trust.JoinTLS(g.pin()))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if id, ok := PeerOf(accept(t, r1.Join())); ok {
		t.Errorf("a joining node passes as %v", id)
	}
}

func TestStrangersNeverReachAListener(t *testing.T) {
	g := newGeneration(t, 2)
	var logged lines
	r1 := g.node("r1", func(o *ListenerOptions) { o.Log = logged.logger() })
	address := r1.Addrs()[0].String()
	lax := func(m *trust.Membership, p trust.Protocol) *tls.Config {
		c := m.ClientTLS(p, "r1")
		c.VerifyConnection = nil
		return c
	}
	g.remove("gone")
	for _, tt := range []struct {
		name   string
		config *tls.Config
	}{
		{"wrong CA", lax(newGeneration(t, 2).membership("r2"), trust.Raft)},
		{"wrong generation", lax(newGeneration(t, 1).membership("r2"), trust.Raft)},
		{"removed", lax(g.membership("gone"), trust.Peer)},
		{"no certificate", &tls.Config{InsecureSkipVerify: true, NextProtos: []string{string(trust.Raft)}}},
		{"no protocol", &tls.Config{InsecureSkipVerify: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			c := tls.Client(raw, tt.config)
			c.Handshake() // a TLS 1.3 client may believe it went well
			ended(t, c)
		})
	}
	// Had one of them been queued, it would be first.
	g.node("r2").dial(t, "r1", trust.Raft)
	if id, _ := PeerOf(accept(t, r1.Raft())); id.Node != "r2" {
		t.Errorf("accepted %v first", id)
	}
	if !strings.Contains(logged.String(), "has to join again") {
		t.Errorf("the log does not say what to do:\n%s", logged.String())
	}
}

func TestRemovalCutsConnections(t *testing.T) {
	g := newGroup(t)
	r1, r2, r3 := g.node("r1"), g.node("r2"), g.node("r3")
	r2.dial(t, "r1", trust.Raft)
	accepted := accept(t, r1.Raft())
	dialled := r1.dial(t, "r2", trust.Peer)
	accept(t, r2.Peer())
	r3.dial(t, "r1", trust.Raft)
	other := accept(t, r1.Raft())

	g.remove("r2")
	r1.Listener.CloseNode("r2")
	r1.Dialer.CloseNode("r2")
	ended(t, accepted)
	ended(t, dialled)
	if _, err := r1.Dial(t.Context(), "r2", trust.Peer); !errors.Is(err, trust.ErrRemoved) || !errors.Is(err, ErrUnreachable) {
		t.Errorf("dialling a removed node: %v", err)
	}
	if err := other.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Read(make([]byte, 1)); !isTimeout(err) {
		t.Errorf("another node's connection was cut too: %v", err)
	}
	r1.Listener.members.mu.Lock()
	n := len(r1.Listener.members.open)
	r1.Listener.members.mu.Unlock()
	if n != 1 {
		t.Errorf("%d connections are registered, want 1", n)
	}
}

// The removal that comes between a connection's check and its entry in the registry finds nothing to cut there; whoever
// enters looks once more.
func TestRemovalDuringTheHandshake(t *testing.T) {
	g := newGroup(t)
	g.node("r1")
	r2 := g.node("r2")
	// lateBy lets n questions about the node pass before the answer turns.
	lateBy := func(n int32) func(string) bool {
		var asked atomic.Int32
		return func(string) bool { return asked.Add(1) > n }
	}
	for n := range int32(4) {
		d := NewDialer(DialerOptions{Membership: g.membershipWith("r3", lateBy(n)), Addresses: g.where})
		if _, err := d.Dial(t.Context(), "r1", trust.Raft); !errors.Is(err, trust.ErrRemoved) {
			t.Errorf("dialled, removed after %d questions: %v", n, err)
		}
		if len(d.members.open) != 0 {
			t.Errorf("dialled, removed after %d questions: still registered", n)
		}
	}
	for n := range int32(3) {
		l := NewListener(ListenerOptions{Membership: g.membershipWith("r4", lateBy(n))})
		if err := l.Listen(t.Context(), "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		stop := background(t, l.Run)
		g.place("r4", l.Addrs()[0].String())
		accepted := make(chan bool, 1)
		go func() {
			_, err := l.Raft().Accept()
			accepted <- err == nil
		}()
		out := r2.dial(t, "r4", trust.Raft)
		select {
		case <-accepted:
			t.Errorf("accepted, removed after %d questions: handed on", n)
		case <-readEnd(out):
		}
		stop()
		if len(l.members.open) != 0 {
			t.Errorf("accepted, removed after %d questions: still registered", n)
		}
	}
}

// readEnd is closed when nothing more can be read from c.
func readEnd(c net.Conn) <-chan struct{} {
	end := make(chan struct{})
	go func() {
		defer close(end)
		io.Copy(io.Discard, c)
	}()
	return end
}

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

func TestDialTriesAddressesInTurn(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	good := g.where("r1")[0]
	mute := newSilent(t)
	refusing := func() string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		return ln.Addr().String()
	}()
	other := g.node("r3").Addrs()[0].String()
	for _, tt := range []struct {
		name string
		bad  []string
	}{
		{"nobody listens on the first", []string{refusing}},
		{"the first says nothing", []string{mute.Addr().String()}},
		{"another node has the first", []string{other}},
		{"three bad ones before it", []string{mute.Addr().String(), refusing, other}},
		{"the first is no address", []string{"a:b:c"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g.place("r1", append(tt.bad, good)...)
			d := g.dialer(r2.membership)
			start := time.Now()
			c, err := d.Dial(t.Context(), "r1", trust.Raft)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v", took)
			}
			accept(t, r1.Raft())
		})
	}
}

func TestDialRemembersWhatWorked(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	mute, good := newSilent(t).Addr().String(), g.where("r1")[0]
	g.place("r1", mute, good)
	order := func() string { return strings.Join(r2.addresses("r1"), " ") }
	if got := order(); got != mute+" "+good {
		t.Errorf("before: %s", got)
	}
	r2.dial(t, "r1", trust.Raft)
	accept(t, r1.Raft())
	if got := order(); got != good+" "+mute {
		t.Errorf("after: %s", got)
	}
	r2.Dialer.CloseNode("r1")
	if got := order(); got != mute+" "+good {
		t.Errorf("forgotten: %s", got)
	}
}

func TestDialNobody(t *testing.T) {
	g := newGroup(t)
	r1 := g.node("r1")
	mute := newSilent(t)
	g.place("mute", mute.Addr().String())
	g.place("r3", r1.Addrs()[0].String())
	for _, tt := range []struct{ id, want string }{
		{"unknown", "no address of it is known"},
		{"mute", "deadline exceeded"},
		{"r3", "node r1 answers where r3 was expected"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := r1.Dial(ctx, tt.id, trust.Raft)
		cancel()
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.id, err, tt.want)
		}
	}
}

// What a node that is dialled thinks of this one comes after the handshake, and the last word counts.
func TestAnswer(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	want := func(what string, want Answer) {
		t.Helper()
		if got := r2.Answer("r1"); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	dialled := func(says string) {
		t.Helper()
		c := r2.dial(t, "r1", trust.Peer)
		if says != "" {
			if _, err := accept(t, r1.Peer()).Write([]byte(says)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Read(make([]byte, 1)); (err == nil) != (says != "") {
			t.Errorf("read: %v", err)
		}
	}
	want("not dialled yet", Unasked)
	dialled("hello")
	want("it speaks", Accepts)
	g.remove("r2")
	dialled("")
	want("removed", Refuses)
	r1.stop()
	if _, err := r2.Dial(t.Context(), "r1", trust.Peer); err == nil {
		t.Error("dialled a node that has gone")
	}
	want("gone", Silent)
	c := &conn{Conn: broken{err: errors.New("connection reset")}, answered: func(a Answer) { t.Errorf("any other error is %v", a) }}
	if _, err := c.Read(nil); err == nil {
		t.Error("no error")
	}
}

// broken is a connection that ended with err.
type broken struct {
	net.Conn
	err error
}

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestListenErrors(t *testing.T) {
	g := newGroup(t)
	r1 := g.node("r1")
	taken := r1.Addrs()[0].String()
	_, port, _ := net.SplitHostPort(taken)
	for _, tt := range []struct {
		name  string
		addrs []string
		want  []string
	}{
		{"taken", []string{taken}, []string{"port " + port + " is already in use by another process on 127.0.0.1", "ss -ltnp", "--listen"}},
		{"second taken", []string{"127.0.0.1:0", taken}, []string{"already in use"}},
		{"not ours", []string{"192.0.2.1"}, []string{"192.0.2.1 is not an address of this node", "ip -brief address"}},
		{"no address", nil, []string{"no address given"}},
		{"nonsense", []string{"a:b:c"}, []string{"a:b:c", "want host"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := NewListener(ListenerOptions{Membership: r1.membership})
			err := l.Listen(t.Context(), tt.addrs...)
			if err == nil {
				l.Close()
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v lacks %q", err, want)
				}
			}
			if len(l.Addrs()) != 0 {
				t.Errorf("sockets stay open: %v", l.Addrs())
			}
		})
	}
}

func TestSeveralListenAddresses(t *testing.T) {
	g := newGroup(t)
	l := NewListener(ListenerOptions{Membership: g.membership("r1")})
	if err := l.Listen(t.Context(), "127.0.0.1:0", "127.0.0.2:0", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	background(t, l.Run)
	if n := len(l.Addrs()); n != 2 {
		t.Fatalf("%d addresses, want 2: the third is the first again", n)
	}
	r2 := g.node("r2")
	for _, a := range l.Addrs() {
		g.place("r1", a.String())
		r2.dial(t, "r1", trust.Raft)
		accept(t, l.Raft())
	}
}

func TestRunEndsEverything(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	out := r2.dial(t, "r1", trust.Raft)
	accept(t, r1.Raft())
	half := from(t, "127.0.0.1", r1.Addrs()[0].String()) // in its handshake
	r1.stop()
	ended(t, out)
	ended(t, half)
	for _, ln := range []net.Listener{r1.Raft(), r1.Peer(), r1.Join()} {
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after the end: %v", err)
		}
	}
	if _, err := r2.Dial(t.Context(), "r1", trust.Raft); !errors.Is(err, ErrUnreachable) {
		t.Errorf("dial after the end: %v", err)
	}
}

func TestRaftTransport(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	t1 := raft.NewNetworkTransport(NewStreamLayer("r1", r1.Listener, r1.Dialer), 3, time.Second, io.Discard)
	defer t1.Close()
	t2 := raft.NewNetworkTransport(NewStreamLayer("r2", r2.Listener, r2.Dialer), 3, time.Second, io.Discard)
	defer t2.Close()
	if t1.LocalAddr() != "r1" {
		t.Errorf("local address %q", t1.LocalAddr())
	}
	go func() {
		rpc := <-t2.Consumer()
		rpc.Respond(&raft.AppendEntriesResponse{Term: rpc.Command.(*raft.AppendEntriesRequest).Term, Success: true}, nil)
	}()
	var answer raft.AppendEntriesResponse
	err := t1.AppendEntries("r2", "r2", &raft.AppendEntriesRequest{Term: 7, PrevLogTerm: 1, RPCHeader: raft.RPCHeader{Addr: []byte("r1")}}, &answer)
	if err != nil || !answer.Success || answer.Term != 7 {
		t.Errorf("answer %+v, %v", answer, err)
	}
}

func TestWithPort(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"10.0.0.1", "10.0.0.1:5390"},
		{"10.0.0.1:1", "10.0.0.1:1"},
		{"2001:db8::1", "[2001:db8::1]:5390"},
		{"[2001:db8::1]", "[2001:db8::1]:5390"},
		{"[2001:db8::1]:7", "[2001:db8::1]:7"},
		{"fe80::1%eth0", "[fe80::1%eth0]:5390"},
		{"r1.example", "r1.example:5390"},
		{":5390", ":5390"},
		{"", ":5390"},
		{"10.0.0.1:http", ""},
		{"10.0.0.1:70000", ""},
		{"10.0.0.1:", ""},
		{"[10.0.0.1]", ""},
		{"a:b:c", ""},
		{"http://r1", ""},
		{"r1 r2", ""},
	} {
		got, err := WithPort(tt.in)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%q: %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

// lines is a log to look into.
type lines struct {
	mu  sync.Mutex // guards below
	buf bytes.Buffer
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
