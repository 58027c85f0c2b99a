package api

import (
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often somebody may try to sign in: from an address, for a user from an address, and for a user from anywhere. A person who mistypes
// does not meet it. Who guesses from one address slows nobody down elsewhere; from however many, it is some 29,000 guesses a day for one
// user, and even that keeps nobody out at an address from where the user has signed in before (OWASP, Slow Down Online Guessing Attacks
// with Device Cookies: what is trusted here is the address).
const (
	addressEvery, addressBurst = 3 * time.Second, 20
	userEvery, userBurst       = 10 * time.Second, 10
	anyEvery, anyBurst         = 3 * time.Second, 100

	maxPaced = 4096 // of each; beyond, strangers share one
)

// pace limits tries by where they come from and by whom they name, whether there is such a user or not.
type pace struct {
	mu        sync.Mutex // guards below
	addresses map[string]*rate.Limiter
	users     map[string]*rate.Limiter // by user and address
	anywhere  map[string]*rate.Limiter // by user
	known     map[string]bool          // user and address from where the user has signed in
}

func newPace() *pace {
	return &pace{
		addresses: make(map[string]*rate.Limiter), users: make(map[string]*rate.Limiter), anywhere: make(map[string]*rate.Limiter), known: make(map[string]bool),
	}
}

// from is a user at an address, or at one that counts as the same.
func from(address, user string) string { return network(address) + " " + user }

// try counts a try, of a password for user or, with "", of an access token. It returns how long to wait if it is one too many.
func (p *pace) try(address, user string) *Error {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	limits := []*rate.Limiter{limiter(p.addresses, network(address), addressEvery, addressBurst, now)}
	if at := from(address, user); user != "" {
		limits = append(limits, limiter(p.users, at, userEvery, userBurst, now))
		if !p.known[at] {
			limits = append(limits, limiter(p.anywhere, user, anyEvery, anyBurst, now))
		}
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

// right forgets the tries from there for a user who has signed in, and remembers that it was there.
func (p *pace) right(address, user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := from(address, user)
	delete(p.users, at)
	if len(p.known) >= maxPaced { // no guess gets that far: it is years of users that move
		clear(p.known)
	}
	p.known[at] = true
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
