package vip

import (
	"context"
	"log/slog"
	"net/netip"
	"time"
)

// every is how often an address is renewed: 0.6 s for a lifetime of 2 s, so that two renewals may fail.
func (k *Keeper) every() Instant { return Instant(k.lifetime * 3 / 10) }

// keepAlive renews until ctx ends. It is a goroutine of its own, as asking the kernel about its addresses can take longer
// than an end can wait.
func (k *Keeper) keepAlive(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		k.renew()
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

// look is what the kernel said about an address before it was to be renewed.
type look struct {
	at       Instant // asked then
	ok, seen bool
}

// renew renews what is due.
func (k *Keeper) renew() {
	due := k.dueForRenewal()
	if len(due) == 0 {
		return
	}
	// Renewing would bring back an address that has expired, or that an operator took away: look first.
	began := k.clock()
	have, err := k.edge.Placed()
	type at struct {
		addr  netip.Addr
		index int
	}
	seen := make(map[at]bool, len(have))
	for _, p := range have {
		if p.host() {
			seen[at{p.Addr, p.Index}] = true
		}
	}
	for _, e := range due {
		if k.renewOne(e, look{at: began, ok: err == nil, seen: seen[at{e.addr, e.index}]}) {
			continue
		}
		if err := k.remove(e); err != nil { // before anything else
			k.say(slog.LevelWarn, "address not undone, trying again", e, "err", err)
		}
	}
}

// renewOne renews e if it may, and says whether e may stay.
func (k *Keeper) renewOne(e *entry, l look) (stays bool) {
	k.mu.Lock()
	began := k.clock()
	// The kernel may have let go of it, and no fresh look says that it has not.
	doubtful := began-e.renewed >= Instant(k.lifetime-k.margin/2) && (!l.ok || k.tooLong(l.at, began))
	switch {
	case e.phase != there:
		k.mu.Unlock()
		return true
	case k.ended(e, began):
		// This goroutine came first after a stop: a renewal would give the kernel two seconds more of what is over.
		k.mu.Unlock()
		k.wake()
		return true
	case l.ok && !l.seen:
		k.lose(e, "the kernel no longer has it")
		k.mu.Unlock()
		k.tell()
		return true
	case doubtful:
		k.undo(e, "not renewed in time")
		k.mu.Unlock()
		return false
	}
	writing := make(chan struct{})
	e.writing = writing
	k.mu.Unlock()

	err := k.edge.Renew(e.addr, e.index, k.lifetime)

	k.mu.Lock()
	defer k.mu.Unlock()
	ended := k.clock()
	e.writing = nil
	close(writing)
	switch {
	case e.phase != there:
		return false // it was dismissed or lost meanwhile, and this write may have brought it back
	case k.tooLong(began, ended) && (k.ended(e, ended) || ended-e.renewed >= Instant(k.lifetime-k.margin/2)):
		// It may have given the address a life beyond its end, or a second one after it had expired. A slow renewal before
		// either does no harm: dropping a good address for it would.
		k.undo(e, "the kernel was too slow over a renewal")
		return false
	case err != nil:
		e.attempt = ended + again
		k.say(slog.LevelWarn, "address not renewed", e, "err", err)
	default:
		e.renewed = began
	}
	return true
}

// undo marks an address that must go at once although its end has not come. The caller holds the lock.
func (k *Keeper) undo(e *entry, why string) {
	k.announcer.cancel(e)
	e.phase, e.loss, e.attempt = undone, why, 0
	k.say(slog.LevelWarn, "address dropped", e, "why", why)
	k.wake()
}
