package agent

import (
	"net"
	"net/netip"
	"sync"
)

// crowd counts who stands at the door: neither one address nor all together take what the rest of the agent needs.
type crowd struct {
	total, perAddress int

	mu   sync.Mutex // guards below
	all  int
	from map[netip.Addr]int
}

// limit is l without those that are too many: they are hung up on.
func (c *crowd) limit(l net.Listener) net.Listener { return limited{l, c} }

type limited struct {
	net.Listener
	crowd *crowd
}

// Accept implements net.Listener.
func (l limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := netip.Addr{}
		if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
			addr = tcp.AddrPort().Addr().Unmap()
		}
		if l.crowd.enter(addr) {
			return &guest{Conn: conn, leave: sync.OnceFunc(func() { l.crowd.leave(addr) })}, nil
		}
		conn.Close()
	}
}

func (c *crowd) enter(a netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.total || c.from[a] >= c.perAddress {
		return false
	}
	if c.from == nil {
		c.from = make(map[netip.Addr]int)
	}
	c.all++
	c.from[a]++
	return true
}

func (c *crowd) leave(a netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.from[a]--; c.from[a] == 0 {
		delete(c.from, a)
	}
}

// guest is a connection that gives its place back when it is closed.
type guest struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.leave()
	return g.Conn.Close()
}
