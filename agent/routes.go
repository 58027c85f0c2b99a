package agent

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"polso/director"
)

// remembers is how long the kernel's choice of a source is believed where nothing tells that it changed: routes are not watched.
const remembers = 5 * time.Second

// maxRoutes is how many servers are remembered: more than a document has at a time.
const maxRoutes = 1 << 14

// routes remembers from where the kernel would send to the servers, which it is asked before every probe of a router that holds.
type routes struct {
	chosen func(target netip.Addr) netip.Addr

	mu    sync.Mutex // guards below
	last  *director.Status
	known map[netip.Addr]route // made while what last holds was held, and since the last forget
	round int                  // counts what has begun known anew
}

type route struct {
	from netip.Addr
	at   time.Time
}

func newRoutes(chosen func(netip.Addr) netip.Addr) *routes {
	return &routes{chosen: chosen, known: make(map[netip.Addr]route)}
}

// source is as the function of that name, with s as the director's last status. It may be called from any goroutine.
func (r *routes) source(s *director.Status, target netip.Addr) netip.Addr {
	return source(s, target, func(target netip.Addr) netip.Addr {
		now := time.Now()
		r.mu.Lock()
		if s != r.last {
			if r.last == nil || !slices.EqualFunc(r.last.Held, s.Held, sameHolding) {
				r.begin()
			}
			r.last = s
		}
		to, ok := r.known[target]
		round := r.round
		r.mu.Unlock()
		if ok && now.Sub(to.at) < remembers {
			return to.from
		}
		to = route{r.chosen(target), now}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.known) >= maxRoutes {
			r.begin() // of servers that are gone, most of it
		} else if r.round == round { // else it may be of before
			r.known[target] = to
		}
		return to.from
	})
}

// forget has the kernel asked anew: addresses or links changed.
func (r *routes) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin()
}

func (r *routes) begin() {
	clear(r.known)
	r.round++
}

func sameHolding(a, b director.HeldStatus) bool {
	return a.Addr == b.Addr && a.Present == b.Present && a.Epoch == b.Epoch
}
