package wire

import (
	"context"
	"net"
	"sync"
)

// queue is a net.Listener whose connections come from the port's dispatcher.
type queue struct {
	addr   func() net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newQueue(addr func() net.Addr) *queue {
	return &queue{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// deliver hands c to whoever accepts; false when nobody does before ctx ends.
func (q *queue) deliver(ctx context.Context, c net.Conn) bool {
	select {
	case q.conns <- c:
		return true
	case <-q.closed:
		return false
	case <-ctx.Done():
		return false
	}
}

// Accept implements net.Listener.
func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: q.addr(), Err: net.ErrClosed}
	}
}

// Close implements net.Listener. The port and its other protocols stay open.
func (q *queue) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

// Addr implements net.Listener: the first address that the port listens on.
func (q *queue) Addr() net.Addr { return q.addr() }
