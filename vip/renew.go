package vip

import (
	"context"
	"log/slog"
	"time"
)

// every is how often an address is renewed: 0.6 s for a lifetime of 2 s, so that two renewals may fail.
func (k *Keeper) every() Instant { return Instant(k.lifetime * 3 / 10) }

// keepAlive renews until ctx ends. It is a goroutine of its own, as asking the kernel about its addresses can take longer
// than an end can wait.
func (k *Keeper) keepAlive(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for window := 1; ; {
		window = k.renew(window)
		timer.Reset(max(time.Duration(k.nextRenewal()-k.clock()), 0))
		select {
		case <-ctx.Done():
			return
		case <-k.placed:
		case <-timer.C:
		}
	}
}

// renewal is when e is to be renewed next. The caller holds the lock.
func (k *Keeper) renewal(e *entry) Instant { return max(e.renewed+k.every(), e.attempt) }

// nextRenewal is when the earliest is due.
func (k *Keeper) nextRenewal() Instant {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock()
	at := now + Instant(time.Hour)
	for _, e := range k.entries {
		if e.phase == there && !k.ended(e, now) {
			at = min(at, k.renewal(e))
		}
	}
	return at
}

// dueForRenewal returns the entries whose turn it is.
func (k *Keeper) dueForRenewal() []*entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock()
	var out []*entry
	for _, e := range k.entries {
		if e.phase == there && now >= k.renewal(e) && !k.ended(e, now) {
			out = append(out, e)
		}
	}
	return out
}

// look is what the kernel said of its addresses before some were to be renewed.
type look struct {
	at   Instant // asked then
	ok   bool
	seen map[Site]bool
}

// seen asks the kernel. Renewing would bring back an address that has expired, or that an operator took away.
func (k *Keeper) seen() look {
	l := look{at: k.clock()}
	have, err := k.edge.Placed()
	l.ok, l.seen = err == nil, make(map[Site]bool, len(have))
	for _, p := range have {
		if p.host() {
			l.seen[Site{p.Addr, p.Index}] = true
		}
	}
	return l
}

// most is how many addresses one write may renew.
const most = 64

// renew renews what is due, so many at a time as window says, and returns the window for what comes after: while a write is under way its
// addresses cannot be let go of for good, so it grows only as far as the kernel does it in a quarter of the margin.
func (k *Keeper) renew(window int) int {
	due := k.dueForRenewal()
	if len(due) == 0 {
		return window
	}
	l := k.seen()
	for len(due) > 0 {
		some := due[:min(window, len(due))]
		due = due[len(some):]
		began := k.clock()
		k.renewSome(some, l)
		switch slow := k.clock()-began > Instant(k.margin/4); {
		case slow:
			window = max(len(some)/2, 1)
		case len(some) == window:
			window = min(2*window, most)
		}
	}
	return window
}

// renewSome renews those that may be, in one write, and takes down those that must go.
func (k *Keeper) renewSome(some []*entry, l look) {
	writing := make(chan struct{})
	renewed, out, began := k.begin(some, l, writing)
	if len(renewed) > 0 {
		sites := make([]Site, len(renewed))
		for i, e := range renewed {
			sites[i] = Site{e.addr, e.index}
		}
		// At once: what was looked at must still be so when the kernel writes.
		errs := k.edge.Renew(sites, k.lifetime)
		out = append(out, k.end(renewed, errs, began, writing)...)
	}
	for _, e := range out {
		if err := k.remove(e); err != nil {
			k.say(slog.LevelWarn, "address not undone, trying again", e, "err", err)
		}
	}
}

// begin sorts out which may be renewed, and which must go: the former are being written from then on, until writing is closed.
func (k *Keeper) begin(some []*entry, l look, writing chan struct{}) (renewed, out []*entry, began Instant) {
	lost := false
	k.mu.Lock()
	// Read after the lock, so that waiting for it cannot make an end look as if it were still to come.
	began = k.clock()
	for _, e := range some {
		switch {
		case e.phase != there:
		case k.ended(e, began):
			// This goroutine came first after a stop: a renewal would give the kernel two seconds more of what is over.
			k.wake()
		case k.ended(e, began+Instant(k.margin/2)):
			// The write may last until then, and bring back what was taken down meanwhile. A lease that goes on is longer by then.
			e.attempt = began + Instant(k.margin/2)
		case l.ok && !l.seen[Site{e.addr, e.index}]:
			k.lose(e, "the kernel no longer has it")
			lost = true
		case began-e.renewed >= Instant(k.lifetime-k.margin/2) && (!l.ok || k.tooLong(l.at, began)):
			// The kernel may have let go of it, and no fresh look says that it has not.
			k.undo(e, "not renewed in time")
			out = append(out, e) // the keeper's own loop is woken too
		default:
			e.writing = writing
			renewed = append(renewed, e)
		}
	}
	k.mu.Unlock()
	if lost {
		k.tell()
	}
	return renewed, out, began
}

// end notes what came of a write, and returns what may not stay.
func (k *Keeper) end(renewed []*entry, errs []error, began Instant, writing chan struct{}) (out []*entry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ended := k.clock()
	close(writing)
	for i, e := range renewed {
		e.writing = nil
		switch {
		case e.phase != there:
			out = append(out, e) // it was dismissed or lost meanwhile, and this write may have brought it back
		case k.tooLong(began, ended) && (k.ended(e, ended) || ended-e.renewed >= Instant(k.lifetime-k.margin/2)):
			// It may have given the address a life beyond its end, or a second one after it had expired. A slow renewal before
			// either does no harm: dropping a good address for it would.
			k.undo(e, "the kernel was too slow over a renewal")
			out = append(out, e)
		case errs[i] != nil:
			e.attempt = ended + again
			k.say(slog.LevelWarn, "address not renewed", e, "err", errs[i])
		default:
			e.renewed = began
		}
	}
	return out
}

// undo marks an address that must go at once although its end has not come. The caller holds the lock.
func (k *Keeper) undo(e *entry, why string) {
	k.announcer.cancel(e)
	e.phase, e.loss, e.attempt = undone, why, 0
	k.say(slog.LevelWarn, "address dropped", e, "why", why)
	k.wake()
}
