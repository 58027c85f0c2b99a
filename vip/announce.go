package vip

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Linux neighbours before 4.11 ignore an update within locktime (1 s) of the last one, so repeats come later than that;
// the one at 0.1 s is for a link or switch port that was not ready. Forwarding tables of switches age after 300 s and some
// stacks forget sooner, so the address is refreshed for as long as it is held.
var schedule = [...]Instant{
	0,
	Instant(100 * time.Millisecond),
	Instant(1200 * time.Millisecond),
	Instant(2400 * time.Millisecond),
	Instant(5 * time.Second),
}

const (
	refresh = Instant(time.Minute)
	// Per link, so that many addresses do not overrun a switch's control plane.
	pace  = rate.Limit(100)
	burst = 20
	// An announcement that could not be sent is tried again this much later, in its place in the schedule.
	resend = Instant(200 * time.Millisecond)
)

// announcer tells the segment where addresses live, on its own goroutine. The keeper's lock may be held when the
// announcer's is taken, never the other way round.
type announcer struct {
	k    *Keeper
	bell chan struct{}

	mu      sync.Mutex // guards below; never held across a send
	queue   map[*entry]*announcement
	paces   map[int]*rate.Limiter // by link
	sending *entry
	sent    chan struct{} // closed when that send has ended
}

// announcement is where one address is in its schedule.
type announcement struct {
	epoch uint64
	began Instant
	step  int // of schedule; beyond it the refreshes
	due   Instant
	said  bool // that it fails
}

func newAnnouncer(k *Keeper) *announcer {
	return &announcer{k: k, bell: make(chan struct{}, 1), queue: make(map[*entry]*announcement), paces: make(map[int]*rate.Limiter)}
}

// start begins e's schedule anew, in the epoch in which it is held.
func (a *announcer) start(e *entry) { a.startLocked(e, a.k.epochOf(e)) }

// startLocked begins e's schedule anew. It may be called under the keeper's lock.
func (a *announcer) startLocked(e *entry, epoch uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.k.clock()
	a.queue[e] = &announcement{epoch: epoch, began: now, due: now}
	select {
	case a.bell <- struct{}{}:
	default: // already ringing
	}
}

// cancel takes e off the schedule. It does not wait for a send in flight.
func (a *announcer) cancel(e *entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.queue, e)
}

// quiet waits until no send for e is in flight, for a second at most, and says whether that is so.
func (a *announcer) quiet(e *entry) bool {
	a.mu.Lock()
	sending, sent := a.sending, a.sent
	a.mu.Unlock()
	if sending != e {
		return true
	}
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-sent:
		return true
	case <-timer.C:
		return false
	}
}

// run sends what is due until ctx ends.
func (a *announcer) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		e, n, wait := a.pick()
		if e != nil {
			a.send(e, n)
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-a.bell:
		case <-timer.C:
		}
	}
}

// pick takes the announcement that has been due longest and that its link's pace allows, or says how long there is none. What
// waits for the pace keeps its place: of many addresses each is announced once before any is repeated.
func (a *announcer) pick() (*entry, *announcement, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.k.clock()
	wait := Instant(time.Hour)
	first := make(map[int]*entry) // by link
	for e, n := range a.queue {
		switch f := first[e.index]; {
		case n.due > now:
			wait = min(wait, n.due-now)
		case f == nil || a.before(e, f):
			first[e.index] = e
		}
	}
	// The limiter's clock only has to run evenly; the boot clock does.
	at := time.Unix(0, int64(now))
	for link, e := range first {
		if a.paces[link] == nil {
			a.paces[link] = rate.NewLimiter(pace, burst)
		}
		if r := a.paces[link].ReserveN(at, 1); r.DelayFrom(at) > 0 {
			wait = min(wait, Instant(r.DelayFrom(at)))
			r.CancelAt(at)
			continue
		}
		a.sending, a.sent = e, make(chan struct{})
		return e, a.queue[e], 0
	}
	return nil, nil, time.Duration(wait)
}

// before tells which of two that are due goes first; a.mu is held.
func (a *announcer) before(e, f *entry) bool {
	if n, m := a.queue[e], a.queue[f]; n.due != m.due {
		return n.due < m.due
	}
	return e.addr.Less(f.addr)
}

// send announces e if it is still held, and puts its next announcement on the schedule.
func (a *announcer) send(e *entry, n *announcement) {
	// An announcement by one who no longer holds would steal the address from its new holder.
	still := func() bool { return a.k.owns(e, n.epoch) }
	err := a.k.edge.Announce(e.addr, e.index, still)
	owned := !errors.Is(err, ErrExpired) && still()
	switch {
	case err == nil:
		a.k.sent(e, n.epoch, time.Now())
	case owned:
		a.k.unsent(e, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.sent)
	a.sending, a.sent = nil, nil
	if a.queue[e] != n {
		return // cancelled or begun anew meanwhile
	}
	now := a.k.clock()
	switch {
	case !owned:
		delete(a.queue, e)
	case err != nil:
		if !n.said {
			a.k.say(slog.LevelWarn, "announcement not sent", e, "err", err)
			n.said = true
		}
		n.due = now + resend
	default:
		n.said = false
		// What has become due meanwhile is done with this one.
		for n.step < len(schedule) && n.began+schedule[n.step] <= now {
			n.step++
		}
		n.due = now + refresh
		if n.step < len(schedule) {
			n.due = n.began + schedule[n.step]
		}
	}
}
