package vip

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// Run takes addresses down at their ends and renews the others until ctx ends; then it takes everything down and returns
// Drop's error. It waits for nothing but time: neither the pass, nor the announcements, nor the log. There must be one
// Run at a time.
func (k *Keeper) Run(ctx context.Context) error {
	k.mu.Lock()
	if k.running {
		k.mu.Unlock()
		return errors.New("vip: the keeper is running already")
	}
	k.running = true
	k.mu.Unlock()

	// The two helpers live a little longer than the keeper's own loop, so that its last words are heard.
	aside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(func() { k.announcer.run(aside) })
	helpers.Go(func() { k.speak(aside) })

	k.keep(ctx)

	k.mu.Lock()
	k.running = false // what Hold has in flight is undone by Hold
	k.mu.Unlock()
	err := k.Drop()
	stop()
	helpers.Wait()
	return err
}

// keep is the loop.
func (k *Keeper) keep(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var planned, last Instant
	for {
		now := k.clock()
		if why := k.astray(now, planned, last); why != "" {
			k.dropFirst(why)
		}
		last = now
		next, some := k.tick()
		planned = 0
		if some {
			planned = max(next, k.clock()) // only oversleeping counts as late
			timer.Reset(time.Duration(planned - k.clock()))
		} else {
			timer.Reset(time.Hour)
		}
		select {
		case <-ctx.Done():
			return
		case <-k.bell:
		case <-timer.C:
		}
	}
}

// astray says why what the keeper believes about time cannot be trusted, "" if it can: it woke much later than it meant
// to (a suspend, a stop, a starved machine), or the clock went back. planned and last are 0 when there is none.
func (k *Keeper) astray(now, planned, last Instant) string {
	if now < last {
		return "the clock went back"
	}
	if planned == 0 || now <= planned {
		return ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.entries {
		if e.phase != there && e.phase != placing {
			continue
		}
		left := e.until - planned
		if now < e.until-k.guard() && now-planned > left/2 {
			return "woke late"
		}
	}
	return ""
}

// dropFirst dismisses everything; the tick that follows removes it before anything else. The pass takes up again what
// the lease still allows.
func (k *Keeper) dropFirst(why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.entries {
		if e.phase == there || e.phase == placing {
			k.announcer.cancel(e)
			e.phase, e.loss, e.attempt = undone, why, 0
			k.say(slog.LevelWarn, "address dropped", e, "why", why)
		}
	}
}

// tick does what is due, ends before renewals, and returns when to look again; some is false when there is nothing to wait
// for.
func (k *Keeper) tick() (next Instant, some bool) {
	for {
		due := k.due()
		for _, e := range due {
			_ = k.remove(e) // it is tried again
		}
		if len(due) > 0 {
			continue // time has passed
		}
		if !k.renew() {
			return k.next()
		}
	}
}

// due returns the entries to remove now: those whose end has come, and those that must go and whose turn it is.
func (k *Keeper) due() []*entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock()
	var out []*entry
	for at, e := range k.entries {
		ended := now >= e.until-k.guard()
		switch {
		case ended && e.phase == lost && e.writing == nil:
			delete(k.entries, at)
		case ended && (e.phase == there || e.phase == placing):
			k.announcer.cancel(e)
			e.phase = leaving
			k.say(slog.LevelWarn, "lease ended, address goes", e)
			out = append(out, e)
		case (e.phase == leaving || e.phase == undone) && now >= e.attempt:
			out = append(out, e)
		}
	}
	return out
}

// every is how often an address is renewed.
func (k *Keeper) every() Instant { return Instant(k.lifetime * 3 / 10) }

// dueForRenewal returns the entries whose turn it is.
func (k *Keeper) dueForRenewal() []*entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock()
	var out []*entry
	for _, e := range k.entries {
		if e.phase == there && e.writing == nil && now >= k.renewal(e) {
			out = append(out, e)
		}
	}
	return out
}

// renewal is when e is to be renewed next. The caller holds the lock.
func (k *Keeper) renewal(e *entry) Instant { return max(e.renewed+k.every(), e.attempt) }

// renew renews what is due, as long as no end has come, and says whether there may be more to do at once.
func (k *Keeper) renew() bool {
	due := k.dueForRenewal()
	if len(due) == 0 {
		return false
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
		l := look{at: began, ok: err == nil, seen: seen[at{e.addr, e.index}]}
		if !k.renewOne(e, l) {
			break
		}
	}
	return true
}

// look is what the kernel said about an address before it was to be renewed.
type look struct {
	at       Instant // asked then
	ok, seen bool
}

// renewOne renews e if it may, and says whether the next may follow: not when an end has come meanwhile, or this one must
// be undone.
func (k *Keeper) renewOne(e *entry, l look) bool {
	k.mu.Lock()
	began := k.clock()
	for _, other := range k.entries {
		if (other.phase == there || other.phase == placing) && began >= other.until-k.guard() {
			k.mu.Unlock()
			return false
		}
	}
	// The kernel may have let go of it, and no fresh look says that it has not.
	doubtful := began-e.renewed >= Instant(k.lifetime-k.margin) && (!l.ok || k.tooLong(l.at, began))
	switch {
	case e.phase != there || e.writing != nil:
		k.mu.Unlock()
		return true
	case l.ok && !l.seen:
		k.lose(e, "the kernel no longer has it")
		k.mu.Unlock()
		k.tell()
		return true
	case doubtful:
		k.announcer.cancel(e)
		e.phase, e.loss, e.attempt = undone, "not renewed in time", 0
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
	case e.phase == leaving || e.phase == undone:
		e.attempt = 0 // who dismissed it may have given up waiting
		return false
	case e.phase != there:
	case k.tooLong(began, ended):
		k.announcer.cancel(e)
		e.phase, e.loss, e.attempt = undone, "the kernel was too slow over a renewal", 0
		k.say(slog.LevelWarn, "address dropped", e, "why", e.loss)
		return false
	case err != nil:
		e.attempt = ended + again
		k.say(slog.LevelWarn, "address not renewed", e, "err", err)
	default:
		e.renewed = began
	}
	return true
}

// next is when something is due: the earliest end, renewal or second attempt.
func (k *Keeper) next() (at Instant, some bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.entries {
		when := e.until - k.guard()
		switch e.phase {
		case there:
			if e.writing == nil {
				when = min(when, k.renewal(e))
			}
		case leaving, undone:
			when = e.attempt
		}
		if !some || when < at {
			at, some = when, true
		}
	}
	return at, some
}

// words are what the keeper has to say: the log may block, the keeper must not.
type words struct {
	level slog.Level
	text  string
	args  []any
}

// say logs something about e, later. It never blocks; when nobody listens and the queue is full, the words are lost.
func (k *Keeper) say(level slog.Level, text string, e *entry, args ...any) {
	select {
	case k.words <- words{level, text, append([]any{"vip", e.addr, "link", e.link}, args...)}:
	default:
	}
}

// speak logs what has been said until ctx ends, and then what is left.
func (k *Keeper) speak(ctx context.Context) {
	for {
		select {
		case w := <-k.words:
			k.log.Log(ctx, w.level, w.text, w.args...)
		case <-ctx.Done():
			for {
				select {
				case w := <-k.words:
					k.log.Log(ctx, w.level, w.text, w.args...)
				default:
					return
				}
			}
		}
	}
}
