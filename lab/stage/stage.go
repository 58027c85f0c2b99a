package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"polso/lab"
)

// service is what the client asks, once somebody has added it.
var service = netip.AddrPortFrom(lab.WebVIP, 80)

// How often the client asks: gently, for an emulated machine, and more when it is told to.
const (
	calm = 200 * time.Millisecond
	busy = 50 * time.Millisecond
)

// stage is what there is to see.
type stage struct {
	cluster *lab.Lab
	ca      string // whom browsers are to believe, PEM

	mu     sync.Mutex  // guards below, and all of cluster but its client
	client *lab.Prober // nil until it is told to begin
	since  time.Time   // the last act began
	lost   *lab.Router // the director that was killed
}

// build makes the cluster, which balances nothing yet. Close it.
func build(ctx context.Context, o lab.Options, password string) (s *stage, err error) {
	l, err := lab.New(ctx, o)
	if err != nil {
		return nil, err
	}
	s = &stage{cluster: l}
	defer func() {
		if err != nil {
			where, kerr := l.KeepLogs("stage")
			err = fmt.Errorf("%w (routers' logs: %s)", errors.Join(err, kerr), where)
			s.close()
		}
	}()
	for _, r := range l.Routers {
		if err := r.Start(ctx); err != nil {
			return nil, err
		}
	}
	if err := l.Form(ctx, "--cluster", "edge", "--profile", lab.DefaultProfile()); err != nil {
		return nil, err
	}
	first := l.Routers[0]
	user := map[string]string{"name": "operator", "role": "operator", "password": password}
	if err := first.Ask(ctx, http.MethodPost, "/v1/users", user, nil); err != nil {
		return nil, err
	}
	if s.ca, err = first.Polso(ctx, "cert", "show", "--ca"); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *stage) close() error {
	if s.client != nil {
		s.client.Stop()
	}
	return s.cluster.Close()
}

// asks has the client ask so often from now on.
func (s *stage) asks(every time.Duration) (err error) {
	if s.client != nil {
		s.client.Stop()
	}
	s.since = time.Now()
	s.client, err = lab.StartProber(s.cluster.Client, lab.Traffic{Network: "tcp", To: service, Every: every, Timeout: time.Second})
	return err
}

// handler serves:
//
//	CONNECT HOST:PORT  a connection from the client's place in the network
//	GET /              scene
//	GET /client        seen
//	POST /calm         the client begins to ask
//	POST /busy         it asks four times as often
//	POST /kill         the director dies; its name
//	POST /back         it is started again
//	POST /keep         the routers' logs go to the artifacts folder; where
func (s *stage) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(context.Context) (any, error){
		"GET /{$}": s.look, "GET /client": s.watch, "POST /calm": s.calmly, "POST /busy": s.busier, "POST /kill": s.kill, "POST /back": s.back, "POST /keep": s.keep,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			v, err := answer(r.Context())
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v) // who has asked is gone
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			s.connect(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
