package wire

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"polso/consensus/trust"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// group is a cluster's CA and the book of addresses and removals that all its nodes share.
type group struct {
	t  *testing.T
	ca trust.Authority

	mu      sync.Mutex // guards below
	addrs   map[string][]string
	removed []string
}

func newGroup(t *testing.T) *group { return newGeneration(t, 1) }

func newGeneration(t *testing.T, generation uint64) *group {
	t.Helper()
	ca, err := trust.NewAuthority("c1", "test", generation)
	if err != nil {
		t.Fatal(err)
	}
	return &group{t: t, ca: ca, addrs: make(map[string][]string)}
}

func (g *group) remove(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.removed = append(g.removed, id)
}

func (g *group) isRemoved(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Contains(g.removed, id)
}

func (g *group) place(id string, addrs ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.addrs[id] = addrs
}

func (g *group) where(id string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.addrs[id]
}

// credentials are id's by the group's CA, or by the one given, with other trusted beside it.
func (g *group) credentials(id string, by trust.Authority, other []byte) trust.Credentials {
	g.t.Helper()
	key, csr, err := trust.NewRequest(id)
	if err != nil {
		g.t.Fatal(err)
	}
	cluster, generation := by.Cluster()
	kind := trust.KindRouter
	if strings.HasPrefix(id, "w") {
		kind = trust.KindWitness
	}
	cert, err := by.Issue(csr, trust.Identity{Cluster: cluster, Generation: generation, Node: id, Kind: kind})
	if err != nil {
		g.t.Fatal(err)
	}
	return trust.Credentials{CA: by.CertPEM(), Other: other, Cert: cert, Key: key}
}

func (g *group) membership(id string) *trust.Membership { return g.membershipWith(id, g.isRemoved) }

func (g *group) membershipWith(id string, removed func(id string) bool) *trust.Membership {
	g.t.Helper()
	m, err := trust.NewMembership(g.credentials(id, g.ca, nil), removed)
	if err != nil {
		g.t.Fatal(err)
	}
	return m
}

func (g *group) pin() trust.Pin {
	g.t.Helper()
	pin, err := trust.Fingerprint(g.ca.CertPEM())
	if err != nil {
		g.t.Fatal(err)
	}
	return pin
}

// node is a member with its port open on loopback.
type node struct {
	*Listener
	*Dialer
	id         string
	membership *trust.Membership
	stop       func()
}

func (g *group) node(id string, change ...func(*ListenerOptions)) *node {
	g.t.Helper()
	m := g.membership(id)
	o := ListenerOptions{Membership: m}
	for _, c := range change {
		c(&o)
	}
	n := &node{Listener: NewListener(o), Dialer: g.dialer(m), id: id, membership: m}
	if err := n.Listen(g.t.Context(), "127.0.0.1:0"); err != nil {
		g.t.Fatal(err)
	}
	g.place(id, n.Addrs()[0].String())
	n.stop = background(g.t, n.Listener.Run)
	return n
}

func (g *group) dialer(m *trust.Membership) *Dialer {
	d := NewDialer(DialerOptions{Membership: m, Addresses: g.where})
	g.t.Cleanup(d.Close)
	return d
}

// background runs f until the test ends or stop is called, and wants it to end without error.
func background(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("ended with %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Error("does not end")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func (n *node) dial(t *testing.T, id string, p trust.Protocol) net.Conn {
	t.Helper()
	c, err := n.Dial(t.Context(), id, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func accept(t *testing.T, ln net.Listener) net.Conn {
	t.Helper()
	type result struct {
		c   net.Conn
		err error
	}
	got := make(chan result, 1)
	go func() {
		c, err := ln.Accept()
		got <- result{c, err}
	}()
	select {
	case r := <-got:
		if r.err != nil {
			t.Fatal(r.err)
		}
		t.Cleanup(func() { r.c.Close() })
		r.c.SetDeadline(time.Now().Add(10 * time.Second))
		return r.c
	case <-time.After(10 * time.Second):
		ln.Close()
		t.Fatal("nothing to accept")
		return nil
	}
}

// ended tells that nothing comes from c any more.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := c.Read(make([]byte, 1))
	if n != 0 || err == nil {
		t.Error("the connection still speaks")
	}
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		t.Error("the connection stays open")
	}
}

// silent accepts connections and says nothing: a path that is dead behind its first hop, or an attacker.
type silent struct {
	net.Listener
	mu    sync.Mutex // guards below
	conns []net.Conn
}

func newSilent(t *testing.T) *silent {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &silent{Listener: ln}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
		for _, c := range s.conns {
			c.Close()
		}
	})
	return s
}
