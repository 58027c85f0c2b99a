package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"polso/lab"
	"polso/lab/splice"
)

// scene is who is there.
type scene struct {
	CA       string            `json:"ca"`
	Routers  map[string]string `json:"routers"` // addresses by name
	Virtual  string            `json:"virtual"` // the address that the client asks, at port 80
	Servers  map[string]string `json:"servers"` // addresses by name, of those that answer there once it is balanced with dr
	Director string            `json:"director"`
}

func (s *stage) look(ctx context.Context) (any, error) {
	now := scene{CA: s.ca, Routers: make(map[string]string), Virtual: service.Addr().String(), Servers: make(map[string]string)}
	for name, server := range s.cluster.Servers {
		now.Servers[name] = server.Addr(lab.Outside).String()
	}
	for _, r := range s.cluster.Routers {
		now.Routers[r.Name] = r.Addr4()
	}
	active, err := s.cluster.Active(ctx)
	if err != nil {
		return nil, err
	}
	now.Director = active.Name
	return now, nil
}

// seen is what the client has seen since the last act.
type seen struct {
	Seconds  float64        `json:"seconds"`
	Answered int            `json:"answered"`
	Servers  map[string]int `json:"servers"` // answers by server
	Gap      float64        `json:"gap"`     // the longest silence, s
}

func (s *stage) watch(context.Context) (any, error) {
	if s.client == nil {
		return nil, errors.New("the client has not begun")
	}
	r := s.client.Between(s.since, time.Time{})
	return seen{time.Since(s.since).Seconds(), r.Answered, r.Servers, r.Gap.Seconds()}, nil
}

func (s *stage) calmly(context.Context) (any, error) { return nil, s.asks(calm) }

func (s *stage) busier(context.Context) (any, error) { return nil, s.asks(busy) }

func (s *stage) kill(ctx context.Context) (any, error) {
	active, err := s.cluster.Active(ctx)
	if err != nil {
		return nil, err
	}
	s.lost, s.since = active, time.Now()
	return active.Name, active.Kill()
}

func (s *stage) back(ctx context.Context) (any, error) {
	if s.lost == nil {
		return nil, errors.New("nobody was killed")
	}
	return nil, s.lost.Start(ctx)
}

func (s *stage) keep(context.Context) (any, error) { return s.cluster.KeepLogs("stage") }

// connect makes the request's connection one to where it wants to go, from the client's place in the network.
func (s *stage) connect(w http.ResponseWriter, r *http.Request) {
	to, err := dial(r.Context(), s.cluster.Client, r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	from, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		to.Close()
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if _, err := from.Write([]byte("HTTP/1.1 200 Connected\r\n\r\n")); err != nil {
		to.Close()
		from.Close()
		return
	}
	splice.Both(from.(*net.TCPConn), to)
}

// dial connects from a node.
func dial(ctx context.Context, from *lab.Node, address string) (*net.TCPConn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	from.Go(func() {
		d := net.Dialer{Timeout: 5 * time.Second}
		conn, err := d.DialContext(ctx, "tcp4", address)
		done <- result{conn, err}
	})
	select {
	case r := <-done:
		if r.err != nil {
			return nil, r.err
		}
		return r.conn.(*net.TCPConn), nil
	case <-time.After(10 * time.Second):
		return nil, errors.New("the node is gone")
	}
}
