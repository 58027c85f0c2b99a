package wire

import (
	"context"
	"net"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/trust"
)

// StreamLayer carries raft's messages over the cluster's port: raft.NewNetworkTransport takes it. A server's address in
// raft is its ID; the Dialer knows where that is, so a node that moves needs no change in raft.
type StreamLayer struct {
	self     nodeAddr
	listener net.Listener
	dialer   *Dialer
}

var _ raft.StreamLayer = (*StreamLayer)(nil)

// NewStreamLayer builds the stream layer of the node with the ID self.
func NewStreamLayer(self string, l *Listener, d *Dialer) *StreamLayer {
	return &StreamLayer{self: nodeAddr(self), listener: l.Raft(), dialer: d}
}

// Accept implements net.Listener.
func (s *StreamLayer) Accept() (net.Conn, error) { return s.listener.Accept() }

// Close implements net.Listener: raft's connections are accepted no longer. Open ones are raft's own to close.
func (s *StreamLayer) Close() error { return s.listener.Close() }

// Addr implements net.Listener: its String is this node's ID.
func (s *StreamLayer) Addr() net.Addr { return s.self }

// Dial implements raft.StreamLayer; the address is a node's ID, or AtPath's. A timeout of zero leaves the Dialer's.
func (s *StreamLayer) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx := context.Background() // raft hands in none
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	id, path := SplitPath(address)
	if path == "" {
		return s.dialer.Dial(ctx, id, trust.Raft)
	}
	return s.dialer.DialAt(ctx, id, path, trust.Raft)
}

type nodeAddr string

func (nodeAddr) Network() string  { return "polso" }
func (a nodeAddr) String() string { return string(a) }
