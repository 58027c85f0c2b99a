package api

import (
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often somebody may try to sign in. A person who mistypes does not meet it; guesses are some 9,000 a day for one user, whatever the
// number of addresses they come from. Who signs in rightly has the user's tries back.
const (
	addressEvery, addressBurst = 3 * time.Second, 20
	userEvery, userBurst       = 10 * time.Second, 10

	maxPaced = 4096 // of each; beyond, strangers share one
)

// pace limits tries by where they come from and by whom they name, whether there is such a user or not.
type pace struct {
	mu        sync.Mutex // guards below
	addresses map[string]*rate.Limiter
	users     map[string]*rate.Limiter
}

func newPace() *pace {
	return &pace{addresses: make(map[string]*rate.Limiter), users: make(map[string]*rate.Limiter)}
}

// try counts a try, of a password for user or, with "", of an access token. It returns how long to wait if it is one too many.
func (p *pace) try(address, user string) *Error {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	limits := []*rate.Limiter{limiter(p.addresses, network(address), addressEvery, addressBurst, now)}
	if user != "" {
		limits = append(limits, limiter(p.users, user, userEvery, userBurst, now))
	}
	for _, l := range limits {
		if tokens := l.TokensAt(now); tokens < 1 {
			return tooMany(time.Duration((1 - tokens) / float64(l.Limit()) * float64(time.Second)))
		}
	}
	for _, l := range limits {
		l.AllowN(now, 1)
	}
	return nil
}

// right forgets the tries for a user who has signed in.
func (p *pace) right(user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.users, user)
}

func limiter(of map[string]*rate.Limiter, key string, every time.Duration, burst int, now time.Time) *rate.Limiter {
	if l, ok := of[key]; ok {
		return l
	}
	if len(of) >= maxPaced {
		for k, l := range of {
			if l.TokensAt(now) >= float64(burst) { // as good as new
				delete(of, k)
			}
		}
	}
	if len(of) >= maxPaced {
		if key = "others"; of[key] != nil {
			return of[key]
		}
	}
	l := rate.NewLimiter(rate.Every(every), burst)
	of[key] = l
	return l
}

// network is what an address counts as: of IPv6 the network of 64 bits, of which a host has as many addresses as it likes.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "others"
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	net, err := a.Prefix(64)
	if err != nil {
		return "others"
	}
	return net.String()
}

func tooMany(wait time.Duration) *Error {
	e := Errorf(CodeDenied, "too many tries to sign in").WithHint("wait %d seconds", max(1, int(math.Ceil(wait.Seconds()))))
	e.Status, e.RetryAfter = http.StatusTooManyRequests, max(1, int(math.Ceil(wait.Seconds())))
	return e
}
