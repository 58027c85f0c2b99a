package main

import (
	"bytes"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"polso/lab"
)

// The servers are ports of one machine.
const (
	firstPort  = 20000
	maxServers = 5000
)

// ports are servers that count who asks them: a connection that is closed without a word, or a request, which is answered 200.
type ports struct {
	node  *lab.Node
	open  []net.Listener
	asked atomic.Int64
}

// openPorts has n servers on a node. Close them.
func openPorts(node *lab.Node, n int) (*ports, error) {
	p := &ports{node: node}
	for i := range n {
		err := node.Do(func() error {
			l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(p.at(i)))
			if err == nil {
				p.open = append(p.open, l)
			}
			return err
		})
		if err != nil {
			p.close()
			return nil, err
		}
		go p.accept(p.open[i])
	}
	return p, nil
}

// at is where server i is.
func (p *ports) at(i int) netip.AddrPort {
	return netip.AddrPortFrom(p.node.Addr(lab.Outside), uint16(firstPort+i))
}

func (p *ports) close() {
	for _, l := range p.open {
		l.Close()
	}
}

func (p *ports) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		p.asked.Add(1)
		go answer(c)
	}
}

const page = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nup\n"

func answer(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	var buf [2048]byte
	for n := 0; n < len(buf); {
		got, err := c.Read(buf[n:])
		if err != nil {
			return // who asks by tcp hangs up
		}
		n += got
		if bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
			_, _ = c.Write([]byte(page))
			return
		}
	}
}
