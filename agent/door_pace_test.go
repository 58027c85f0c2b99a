package agent

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory, whose deadlines are those of virtual time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p pipes) Close() error   { return nil }

// slowly runs a client against what the door would do with that handler; answered is closed when that has ended.
func slowly(t *testing.T, h http.HandlerFunc, client func(c net.Conn, answered <-chan struct{})) {
	synctest.Test(t, func(t *testing.T) {
		l := make(pipes, 1)
		answered := make(chan struct{})
		once := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(answered)
			h(w, r)
		})
		srv := &http.Server{Handler: paced(once), ReadHeaderTimeout: headerTime}
		go func() { _ = srv.Serve(l) }()
		here, there := net.Pipe()
		l <- there
		client(here, answered)
		here.Close()
		close(l)
		srv.Close()
	})
}

func TestDoorHasPatienceAndNoMore(t *testing.T) {
	t.Run("who reads nothing is let go", func(t *testing.T) {
		var took time.Duration
		var err error
		slowly(t, func(w http.ResponseWriter, _ *http.Request) {
			began := time.Now()
			for err == nil {
				_, err = io.WriteString(w, strings.Repeat("x", 1<<16))
			}
			took = time.Since(began)
		}, func(c net.Conn, answered <-chan struct{}) {
			fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: r1\r\n\r\n")
			<-answered
		})
		if !errors.Is(err, os.ErrDeadlineExceeded) || took != writeTime {
			t.Errorf("it ended after %v with %v", took, err)
		}
	})
	t.Run("what is followed goes on", func(t *testing.T) {
		slowly(t, func(w http.ResponseWriter, _ *http.Request) {
			for i := range 3 {
				fmt.Fprintf(w, "%d\n", i)
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Errorf("after %d: %v", i, err)
				}
				time.Sleep(time.Hour)
			}
		}, func(c net.Conn, _ <-chan struct{}) {
			fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: r1\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "0\n1\n2\n" {
				t.Errorf("%q, %v", text, err)
			}
		})
	})
	t.Run("who sends a body too slowly is refused, who is waited for is not", func(t *testing.T) {
		for _, whole := range []bool{true, false} {
			var took time.Duration
			var err, ended error
			slowly(t, func(_ http.ResponseWriter, r *http.Request) {
				began := time.Now()
				_, err = io.ReadAll(r.Body)
				took = time.Since(began)
				time.Sleep(2 * bodyTime) // a write that takes long
				ended = r.Context().Err()
			}, func(c net.Conn, answered <-chan struct{}) {
				body := "x"
				if whole {
					body = "xx"
				}
				fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: r1\r\nContent-Length: 2\r\n\r\n"+body)
				go func() { _, _ = io.Copy(io.Discard, c) }()
				<-answered
			})
			if whole && (err != nil || ended != nil) {
				t.Errorf("a whole body: %v, and later %v", err, ended)
			}
			if !whole && (!errors.Is(err, os.ErrDeadlineExceeded) || took != bodyTime) {
				t.Errorf("half a body: %v after %v", err, took)
			}
		}
	})
}

func TestCrowd(t *testing.T) {
	c := &crowd{total: 3, perAddress: 2}
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	for i, step := range []struct {
		addr  netip.Addr
		enter bool
		want  bool
	}{{a, true, true}, {a, true, true}, {a, true, false}, {b, true, true}, {b, true, false}, {a, false, true}, {a, true, true}, {b, false, true}, {b, true, true}} {
		if !step.enter {
			c.leave(step.addr)
		} else if got := c.enter(step.addr); got != step.want {
			t.Errorf("step %d: %s gets in: %v", i, step.addr, got)
		}
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	door := (&crowd{total: 1, perAddress: 1}).limit(l)
	for range 2 { // the second gets the place that the first has given back, twice
		first, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		inside, err := door.Accept()
		if err != nil {
			t.Fatal(err)
		}
		inside.Close()
		inside.Close()
		first.Close()
	}
}
