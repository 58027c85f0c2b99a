package wire

import (
	"bytes"
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
