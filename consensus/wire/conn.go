package wire

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"

	"polso/consensus/trust"
)

// conn is a connection after its handshake, known to the registry of the end that made it.
type conn struct {
	net.Conn // TLS
	raw      net.Conn
	peer     trust.Identity // zero on a joining one
	protocol trust.Protocol
	self     *trust.Membership
	proof    uint64       // of self, when the handshake began
	closed   func()       // tells the owner, once
	answered func(Answer) // on a dialled connection: takes the other end's first word, once
	first    sync.Once
}

// Read reads. In TLS 1.3 a handshake ends for the client before the server has looked at its certificate: what the server
// thinks of it comes with the first read.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.answered != nil {
		switch {
		case n > 0:
			c.first.Do(func() { c.answered(Accepts) })
		case isRefusal(err):
			c.first.Do(func() { c.answered(Refuses) })
		}
	}
	return n, err
}

// isRefusal tells whether the other end has refused this node's certificate (RFC 8446, 6.2: bad_certificate).
func isRefusal(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" && op.Err.Error() == tls.AlertError(42).Error() // the type of Err is crypto/tls's own
}

// Close ends the connection politely.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.closed()
	return err
}

// cut ends the connection at once: TLS's goodbye waits up to five seconds for a peer that does not read.
func (c *conn) cut() {
	c.raw.Close()
	c.closed()
}

// outdated tells whether this node proves itself otherwise now than it did on this connection.
func (c *conn) outdated() bool { return c.proof < c.self.Proof() }

// believed tells whether the other end would be let in today.
func (c *conn) believed() bool {
	_, err := c.self.Identify(c.Conn.(*tls.Conn).ConnectionState())
	return err == nil
}

// PeerOf tells which member is at the other end of a connection that this package made or accepted; false for one of a
// joining node and for any other.
func PeerOf(c net.Conn) (trust.Identity, bool) {
	if c, ok := c.(*conn); ok && c.peer != (trust.Identity{}) {
		return c.peer, true
	}
	return trust.Identity{}, false
}

// registry knows the open connections, so that those of a removed node can be cut.
type registry struct {
	mu   sync.Mutex // guards below
	open map[*conn]struct{}
	done bool
}

// add takes the connection in and completes its closed hook. False: the registry is closed, or limit connections of that
// peer are open already (0: no limit).
func (r *registry) add(c *conn, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return false
	}
	if limit > 0 {
		n := 0
		for other := range r.open {
			if other.peer.Node == c.peer.Node {
				n++
			}
		}
		if n >= limit {
			return false
		}
	}
	if r.open == nil {
		r.open = make(map[*conn]struct{})
	}
	r.open[c] = struct{}{}
	return true
}

func (r *registry) drop(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
}

func (r *registry) cutNode(id string) {
	r.cut(func(c *conn) bool { return c.peer.Node == id })
}

// renewNode cuts the node's connections for raft on which this node has proved itself as it does no longer. raft makes new ones.
func (r *registry) renewNode(id string) {
	r.cut(func(c *conn) bool { return c.peer.Node == id && c.protocol == trust.Raft && c.outdated() })
}

// recheck cuts the connections of those who would not be let in any more.
func (r *registry) recheck() { r.cut(func(c *conn) bool { return !c.believed() }) }

// outdated counts the node's connections on which this node has proved itself as it does no longer.
func (r *registry) outdated(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for c := range r.open {
		if c.peer.Node == id && c.outdated() {
			n++
		}
	}
	return n
}

// close cuts everything and takes nothing in any more.
func (r *registry) close() {
	r.mu.Lock()
	r.done = true
	r.mu.Unlock()
	r.cut(func(*conn) bool { return true })
}

func (r *registry) cut(which func(*conn) bool) {
	r.mu.Lock()
	var victims []*conn
	for c := range r.open {
		if which(c) {
			victims = append(victims, c)
		}
	}
	r.mu.Unlock()
	for _, c := range victims {
		c.cut()
	}
}
