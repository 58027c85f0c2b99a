package consensus

import (
	"net"
	"sync"
	"testing"
	"time"
)

// relay is a path that can be cut as cables are: nothing comes through any more and nobody is told.
type relay struct {
	net.Listener
	to string
	wg sync.WaitGroup

	mu    sync.Mutex // guards below
	conns []net.Conn
	cut   chan struct{} // closed while nothing is cut
	done  bool
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l, to: to, cut: make(chan struct{})}
	close(r.cut)
	r.wg.Go(r.run)
	t.Cleanup(func() {
		l.Close()
		r.join()
		r.mu.Lock()
		r.done = true
		for _, c := range r.conns {
			c.Close()
		}
		r.mu.Unlock()
		r.wg.Wait()
	})
	return r
}

// part cuts the path; join ends that, and what was sent meanwhile arrives.
func (r *relay) part() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = make(chan struct{})
}

func (r *relay) join() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.cut:
	default:
		close(r.cut)
	}
}

func (r *relay) open() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

func (r *relay) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		c.Close()
	}
	r.conns = append(r.conns, c)
	return !r.done
}

func (r *relay) run() {
	for {
		near, err := r.Accept()
		if err != nil {
			return
		}
		if !r.keep(near) {
			return
		}
		r.wg.Go(func() {
			<-r.open()
			far, err := net.DialTimeout("tcp", r.to, time.Second)
			if err != nil {
				near.Close()
				return
			}
			if r.keep(far) {
				r.wg.Go(func() { r.pass(near, far) })
				r.pass(far, near)
			}
		})
	}
}

// pass carries what comes from one end to the other.
func (r *relay) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		<-r.open()
		if _, werr := to.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}
