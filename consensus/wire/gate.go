package wire

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
)

// gate bounds the connections of those who have not shown a member's certificate: handshakes under way and joining
// nodes. One address that opens too many is refused; when all places are taken the oldest makes room, because an honest
// handshake takes milliseconds and an honest member must find a place.
type gate struct {
	perAddress int
	total      int

	mu     sync.Mutex // guards below
	done   bool
	counts map[netip.Addr]int
	order  list.List // of *visitor, oldest first
}

type visitor struct {
	conn net.Conn
	addr netip.Addr
	at   *list.Element // nil once it has left
}

// enter returns nil when the address has too many visitors, or the gate is closed.
func (g *gate) enter(c net.Conn) *visitor {
	v := &visitor{conn: c, addr: remoteIP(c)}
	g.mu.Lock()
	if g.done || g.counts[v.addr] >= g.perAddress {
		g.mu.Unlock()
		return nil
	}
	var oldest *visitor
	if g.order.Len() >= g.total {
		oldest = g.order.Front().Value.(*visitor)
		g.remove(oldest)
	}
	if g.counts == nil {
		g.counts = make(map[netip.Addr]int)
	}
	g.counts[v.addr]++
	v.at = g.order.PushBack(v)
	g.mu.Unlock()
	if oldest != nil {
		oldest.conn.Close() // its own goroutine meets the error
	}
	return v
}

// leave gives the place back; a second time it does nothing.
func (g *gate) leave(v *visitor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(v)
}

func (g *gate) remove(v *visitor) {
	if v.at == nil {
		return
	}
	g.order.Remove(v.at)
	v.at = nil
	if g.counts[v.addr]--; g.counts[v.addr] == 0 {
		delete(g.counts, v.addr)
	}
}

// close turns every visitor away, present and future.
func (g *gate) close() {
	g.mu.Lock()
	g.done = true
	var present []net.Conn
	for e := g.order.Front(); e != nil; e = e.Next() {
		present = append(present, e.Value.(*visitor).conn)
	}
	g.mu.Unlock()
	for _, c := range present {
		c.Close()
	}
}
