package vip

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Run takes addresses down at their ends and renews the others until ctx ends; then it takes everything down and returns
// Drop's error. What takes addresses down waits for nothing but time: neither for the pass, nor for renewals,
// announcements or the log. There must be one Run at a time.
func (k *Keeper) Run(ctx context.Context) error {
	k.mu.Lock()
	if k.running {
		k.mu.Unlock()
		return errors.New("vip: the keeper is running already")
	}
	k.running = true
	k.mu.Unlock()
	k.raise()

	// Two of the helpers live a little longer than the keeper's own loop, so that its last words are heard.
	aside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	helpers.Go(func() { k.announcer.run(aside) })
	helpers.Go(func() { k.speak(aside) })
	helpers.Go(func() { k.keepAlive(ctx) })
	helpers.Go(func() { k.keepOpen(ctx) })

	k.keep(ctx)

	k.mu.Lock()
	k.running = false // what Hold has in flight is undone by Hold
	k.mu.Unlock()
	err := k.Drop()
	stop()
	helpers.Wait()
	if err == nil {
		k.raze()
	}
	return err
}

// keep is the loop that takes down.
func (k *Keeper) keep(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var planned, last Instant
	var before time.Time // just before last, on a clock that stands still while the machine is suspended
	for {
		next := time.Now()
		now := k.clock()
		// At least so long: whatever comes between two readings of one moment is taken for time awake.
		slept := now - last - Instant(time.Since(before))
		if why := k.astray(now, planned, last); why != "" {
			k.dropFirst(why)
		} else if last != 0 && slept > Instant(k.margin/2) {
			k.dropFirst("the machine was suspended")
		}
		last, before = now, next
		k.turns.Add(1)
		k.ringGate() // ends that are near shut the gate no more
		due, some := k.tick()
		planned = 0
		if some {
			planned = max(due, k.clock()) // only oversleeping counts as late
			// A timer does not see a suspend: it is to fire soon after one.
			timer.Reset(min(time.Duration(planned-k.clock()), k.margin))
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
		if !k.ended(e, now) && now-planned > left/2 {
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
			k.undo(e, why)
		}
	}
}

// tick removes what is due, and returns when to look again; some is false when there is nothing to wait for.
func (k *Keeper) tick() (next Instant, some bool) {
	for {
		due := k.due()
		if len(due) == 0 {
			return k.next()
		}
		for _, e := range due {
			_ = k.remove(e) // it is tried again
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
		ended := k.ended(e, now)
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

// next is when something is due: the earliest end or second attempt, and soon while there is anything.
func (k *Keeper) next() (at Instant, some bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at = k.clock() + k.every()
	for _, e := range k.entries {
		some = true
		switch {
		case e.phase == leaving || e.phase == undone:
			at = min(at, e.attempt)
		case e.phase == lost && e.writing != nil: // forgotten once that has ended, which nothing tells of
			at = min(at, max(e.until-k.guard(), k.clock()+again))
		default:
			at = min(at, e.until-k.guard())
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

// say logs something about e, later.
func (k *Keeper) say(level slog.Level, text string, e *entry, args ...any) {
	k.remark(level, text, append([]any{"vip", e.addr, "link", e.link}, args...)...)
}

// remark logs something, later. It never blocks; when nobody listens and the queue is full, the words are lost.
func (k *Keeper) remark(level slog.Level, text string, args ...any) {
	select {
	case k.words <- words{level, text, args}:
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
