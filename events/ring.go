package events

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// Kept is how many events a ring has at most: at some hundred bytes each, less than a megabyte.
	Kept = 1000
	// longestWhat bounds what a server or a program may have to say.
	longestWhat = 500
)

// Ring keeps the last events that one router saw. It is safe for concurrent use, and nobody who adds waits.
type Ring struct {
	router string
	boot   string // tells the rings of one router's processes apart

	mu    sync.Mutex // guards below
	list  []Event
	last  uint64 // number of the newest
	added chan struct{}
}

// NewRing returns an empty ring of the router of that name.
func NewRing(router string) *Ring {
	return &Ring{router: router, boot: strings.ToLower(rand.Text()[:8]), added: make(chan struct{})}
}

// Add puts events of this moment at the end. ID, At and Router are the ring's to fill in. Times in a ring never go back, whatever the
// clock does.
func (r *Ring) Add(list ...Event) {
	if len(list) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now().UTC().Truncate(time.Millisecond)
	if n := len(r.list); n > 0 && now.Before(r.list[n-1].At) {
		now = r.list[n-1].At
	}
	for _, e := range list {
		r.last++
		e.ID, e.At, e.Router = fmt.Sprintf("%s.%s.%d", r.router, r.boot, r.last), now, r.router
		e.What = shortened(e.What)
		r.list = append(r.list, e)
	}
	if over := len(r.list) - Kept; over > 0 {
		r.list = slices.Clone(r.list[over:])
	}
	close(r.added)
	r.added = make(chan struct{})
}

// After returns what was added after p, which may be of another process of the router or of none: then it is everything that is kept.
// now is where the ring is.
func (r *Ring) After(p Position) (list []Event, now Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now = Position{Boot: r.boot, Last: r.last}
	first := r.last - uint64(len(r.list)) // the number before the oldest
	from := uint64(0)
	if p.Boot == r.boot && p.Last > first {
		from = min(p.Last, r.last) - first
	}
	return slices.Clone(r.list[from:]), now
}

// Added returns a channel that is closed when something is added.
func (r *Ring) Added() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.added
}

// shortened is a line of a bounded length.
func shortened(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if len(text) <= longestWhat {
		return text
	}
	cut := longestWhat - len("…")
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
