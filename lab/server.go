package lab

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Server is a real server: HTTP on port 80 (any path answers with the server's name), an echo over TCP on port 7000 that
// greets with the name first, and an echo over UDP on port 7000 that puts the name before what it returns.
type Server struct {
	*Node
	locals []netip.Addr // what it answers on; UDP answers must come from the address that was asked

	mu    sync.Mutex // guards below
	open  map[interface{ Close() error }]struct{}
	delay time.Duration // before HTTP answers
}

// addServer makes a real server. Beside the routers it has the virtual addresses on its loopback and keeps quiet about them
// (direct routing); behind them its gateway is the address that moves with the director.
func (l *Lab) addServer(ctx context.Context, name string, host int, bridge string) error {
	n, err := l.addNode(ctx, name, host, bridge)
	if err != nil {
		return err
	}
	s := &Server{Node: n}
	if bridge == outer {
		s.locals = []netip.Addr{n.Addr(Outside), n.Addr6(Outside), WebVIP, WebVIP6}
		// Before the address is there, or the first question for it would be answered.
		if err := n.sysctl("net/ipv4/conf/all/arp_ignore", "1", "net/ipv4/conf/all/arp_announce", "2"); err != nil {
			return err
		}
		err = n.Batch(ctx, "addr add "+WebVIP.String()+"/32 dev lo", "addr add "+WebVIP6.String()+"/128 dev lo nodad")
	} else {
		s.locals = []netip.Addr{n.Addr(Inside), n.Addr6(Inside)}
		err = n.Batch(ctx, "route add default via "+Gateway.String(), "route add ::/0 via "+Gateway6.String())
	}
	if err != nil {
		return err
	}
	l.Servers[name] = s
	return s.Up()
}

// Up starts answering. It is the end of Down, and New's last word.
func (s *Server) Up() error {
	s.Down()
	s.mu.Lock()
	s.open = make(map[interface{ Close() error }]struct{})
	s.mu.Unlock()
	return s.Do(func() error {
		web, err := net.Listen("tcp", fmt.Sprintf(":%d", httpPort))
		if err != nil {
			return err
		}
		h := &http.Server{Handler: http.HandlerFunc(s.answer), ReadHeaderTimeout: 5 * time.Second}
		s.keep(h)
		go func() { _ = h.Serve(web) }()

		echo, err := net.Listen("tcp", fmt.Sprintf(":%d", echoPort))
		if err != nil {
			return err
		}
		s.keep(echo)
		go s.accept(echo)

		for _, local := range s.locals {
			c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, echoPort)))
			if err != nil {
				return err
			}
			s.keep(c)
			go reflect(s.Name, c)
		}
		return nil
	})
}

// Down stops answering, as when the server's process dies: connections end, new ones are refused. Calling it again does
// nothing. It may be called at any time.
func (s *Server) Down() {
	s.mu.Lock()
	open := s.open
	s.open = nil
	s.mu.Unlock()
	for c := range open {
		c.Close()
	}
}

// Slow makes HTTP answer after a delay; 0 is as usual.
func (s *Server) Slow(d time.Duration) {
	s.mu.Lock()
	s.delay = d
	s.mu.Unlock()
}

// keep remembers what Down closes; when the server is down already it closes at once.
func (s *Server) keep(c interface{ Close() error }) {
	s.mu.Lock()
	up := s.open != nil
	if up {
		s.open[c] = struct{}{}
	}
	s.mu.Unlock()
	if !up {
		c.Close()
	}
}

func (s *Server) forget(c interface{ Close() error }) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	c.Close()
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	delay := s.delay
	s.mu.Unlock()
	if delay > 0 {
		wait := time.NewTimer(delay)
		defer wait.Stop()
		select {
		case <-r.Context().Done():
		case <-wait.C:
		}
	}
	fmt.Fprintln(w, s.Name)
}

func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.keep(c)
		go func() {
			defer s.forget(c)
			fmt.Fprintln(c, s.Name)
			lines := bufio.NewScanner(c)
			for lines.Scan() {
				if _, err := fmt.Fprintln(c, lines.Text()); err != nil {
					return
				}
			}
		}()
	}
}
