package wire

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"polso/consensus/trust"
)

// lives tells that c has nothing to say and is not at its end.
func lives(t *testing.T, what string, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !isTimeout(err) {
		t.Errorf("%s was cut: %v", what, err)
	}
}

// After Renew raft's connections with one node are cut at a time, and those made afterwards stay.
func TestRenewNode(t *testing.T) {
	g := newGroup(t)
	r1, r2, r3 := g.node("r1"), g.node("r2"), g.node("r3")
	dialled := r1.dial(t, "r2", trust.Raft)
	http := r1.dial(t, "r2", trust.Peer)
	r2.dial(t, "r1", trust.Raft)
	accepted := accept(t, r1.Raft())
	r3.dial(t, "r1", trust.Raft)
	other := accept(t, r1.Raft())
	renew := func() {
		r1.Listener.RenewNode("r2")
		r1.Dialer.RenewNode("r2")
	}
	renew()
	lives(t, "a connection that is up to date", dialled)
	if err := r1.membership.Renew(g.credentials("r1", g.ca, nil)); err != nil {
		t.Fatal(err)
	}
	if n := r1.Outdated("r2"); n != 2 {
		t.Errorf("%d connections to r2 are outdated, want 2", n)
	}
	renew()
	ended(t, dialled)
	ended(t, accepted)
	lives(t, "an HTTP connection", http)
	lives(t, "another node's", other)
	again := r1.dial(t, "r2", trust.Raft)
	renew()
	lives(t, "one made afterwards", again)
	if n := r1.Outdated("r2"); n != 1 {
		t.Errorf("%d connections to r2 are outdated, want that for HTTP alone", n)
	}
}

// Members answer over an outdated connection once more and have the client make a new one; nothing that is under way is lost.
func TestRenewHTTP(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	asked := make(chan string, 10)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /x", func(_ http.ResponseWriter, r *http.Request) { asked <- r.RemoteAddr })
	server := NewPeerServer(PeerServerOptions{Extra: mux})
	background(t, func(ctx context.Context) error { return server.Run(ctx, r1.Peer()) })
	client := NewClient(ClientOptions{Dialer: r2.Dialer})
	t.Cleanup(client.Close)
	get := func() string {
		t.Helper()
		resp, err := client.HTTP("r1").Get("http://r1/x")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return <-asked
	}
	first := get()
	if again := get(); again != first {
		t.Fatalf("%s after %s: the connection is not used again", again, first)
	}
	if err := r1.membership.Renew(g.credentials("r1", g.ca, nil)); err != nil {
		t.Fatal(err)
	}
	if last := get(); last != first {
		t.Errorf("%s after %s: the connection was cut", last, first)
	}
	if next := get(); next == first {
		t.Error("the outdated connection is still used")
	}
}

// Once the old CA is dropped, whoever came with a certificate of it is cut off, and let in no more.
func TestRecheck(t *testing.T) {
	g := newGroup(t)
	next, err := trust.NewAuthority("c1", "test", 1)
	if err != nil {
		t.Fatal(err)
	}
	r1, r2, stranger := g.node("r1"), g.node("r2"), g.node("r3")
	renew := func(n *node, c trust.Credentials) {
		t.Helper()
		if err := n.membership.Renew(c); err != nil {
			t.Fatal(err)
		}
	}
	renew(r1, g.credentials("r1", next, g.ca.CertPEM()))
	renew(r2, g.credentials("r2", next, g.ca.CertPEM()))
	r2.dial(t, "r1", trust.Raft)
	member := accept(t, r1.Raft())
	dialled := r1.dial(t, "r3", trust.Peer)
	stranger.membership.Renew(g.credentials("r3", g.ca, next.CertPEM()))
	stranger.dial(t, "r1", trust.Raft)
	strange := accept(t, r1.Raft())

	r1.Listener.Recheck()
	r1.Dialer.Recheck()
	lives(t, "a stranger's, while both are trusted", strange)
	renew(r1, g.credentials("r1", next, nil))
	r1.Listener.Recheck()
	r1.Dialer.Recheck()
	ended(t, strange)
	ended(t, dialled)
	lives(t, "a member's", member)
	if c, err := stranger.Dial(t.Context(), "r1", trust.Raft); err == nil {
		ended(t, c) // TLS 1.3 tells at the first read
	}
	if _, err := r1.Dial(t.Context(), "r3", trust.Raft); err == nil {
		t.Error("a node with a certificate of the old CA is dialled")
	}
}
