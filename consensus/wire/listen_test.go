package wire

import (
	"errors"
	"net"
	"strings"
	"testing"

	"polso/consensus/trust"
)

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
