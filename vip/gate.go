package vip

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"
)

// gate is the Keeper's side of its fence. One gate stands before every address: it is open until the earliest of the ends
// of those that are held.
type gate struct {
	fence Fence         // nil: there is none
	moved chan struct{} // rings when an end has moved

	// changing is held by who changes what is guarded, from reading what that is to be until the addresses are added. Only
	// the pass waits for it; everybody else tries, and leaves it to a later time.
	changing sync.Mutex

	// Guarded by the Keeper's mutex.
	up      bool    // the fence is raised and works
	why     string  // why it is not, for people
	until   Instant // the gate stays open until then at least; 0: it is shut, as far as is known
	late    bool    // it may stay open for too long
	guarded map[Guarded]bool
}

// slack is how much earlier than the end the gate is to shut: it counts its time from when the kernel comes to it, which may
// be that much later than the clock was read, and is open for too long only after that.
func (k *Keeper) slack() Instant { return Instant(k.margin) }

// FenceState is what a Keeper says of its fence.
type FenceState struct {
	Up  bool   // nothing passes beyond a lease's end, whatever becomes of this process
	Why string // why it is not up
}

// Fence says whether the kernel's fence stands around what is held. Without it an address whose process has died or stands
// still is answered for until the kernel lets go of it: Lifetime and 0.3 s after its last renewal.
func (k *Keeper) Fence() FenceState {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gate.fence == nil {
		return FenceState{Why: "not asked for"}
	}
	return FenceState{Up: k.gate.up, Why: k.gate.why}
}

// raise builds the fence around what is ours on the links by now: a process before this one may have left it.
func (k *Keeper) raise() {
	if k.gate.fence == nil {
		return
	}
	k.gate.changing.Lock()
	defer k.gate.changing.Unlock()
	var around []Guarded
	if _, have, err := k.observe(); err == nil {
		for _, p := range have {
			if p.Ours {
				around = append(around, Guarded{p.Addr, p.Link})
			}
		}
	}
	k.mu.Lock()
	k.gate.until = 0
	k.mu.Unlock()
	k.fenced(k.surround(around, k.gate.fence.Raise))
}

// surround has the fence stand around exactly these addresses, and notes that.
func (k *Keeper) surround(around []Guarded, do func([]Guarded) error) error {
	err := do(around)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gate.guarded = make(map[Guarded]bool)
	for _, g := range around {
		k.gate.guarded[g] = err == nil
	}
	return err
}

// raze takes the fence away, once nothing is left behind it.
func (k *Keeper) raze() {
	if k.gate.fence == nil {
		return
	}
	if err := k.gate.fence.Raze(); err != nil && k.Fence().Up {
		k.log.Warn("fence not taken away", "err", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gate.up, k.gate.until, k.gate.why = false, 0, "the keeper has ended"
}

// fenced notes whether the fence works. Where it does not, addresses are held without it: that must be known, and is no
// reason to hold nothing.
func (k *Keeper) fenced(err error) {
	if err != nil {
		// A fence that cannot be opened would let nothing pass.
		err = errors.Join(err, k.gate.fence.Raze())
	}
	k.mu.Lock()
	was, wasUp := k.gate.why, k.gate.up
	k.gate.up, k.gate.why = err == nil, ""
	if err != nil {
		k.gate.until, k.gate.why = 0, err.Error()
	}
	k.mu.Unlock()
	switch {
	case err == nil && !wasUp:
		k.log.Info("fence raised")
	case err != nil && was != err.Error():
		k.log.Warn("no fence: what a process that dies or stands still holds is answered for until the kernel lets go of it", "err", err)
	}
}

// behind lists what is in the table, says whether any of it is held, and until when the gate may be open: the earliest end.
// Ends differ for moments only, as one mandate gives them to all; one that is too near to be renewed for is left out, or it
// would shut the gate before those that last longer. 0: there is no other. The caller holds the lock.
func (k *Keeper) behind() (around []Guarded, until Instant, held bool) {
	now := k.clock()
	for at, e := range k.entries {
		around = append(around, Guarded{at.addr, at.link})
		if e.phase != there && e.phase != placing || k.ended(e, now) {
			continue
		}
		held = true
		if e.until-now > k.slack()+2*Instant(k.margin) {
			until = min(cmp.Or(until, e.until), e.until)
		}
	}
	return around, until, held
}

// admit puts what is about to be added behind the fence and opens the gate. The caller is who changes what is guarded, until
// that is added. The only errors are ErrExpired and ErrLate: nothing must be added then.
func (k *Keeper) admit(fresh map[place]Held) error {
	if k.gate.fence == nil {
		return nil
	}
	k.mu.Lock()
	around, until, held := k.behind()
	up, open := k.gate.up, held && k.gate.until != 0
	k.mu.Unlock()
	for at, h := range fresh {
		around = append(around, Guarded{at.addr, at.link})
		until = min(cmp.Or(until, h.Until), h.Until)
	}
	if until-k.clock() <= k.slack()+Instant(k.margin) {
		return ErrExpired
	}
	err := ErrNoFence
	switch {
	case up && open:
		err = k.surround(around, k.gate.fence.Guard)
	case up:
		err = k.open(around, until)
	}
	if errors.Is(err, ErrNoFence) {
		err = k.anew(around, until)
	}
	if errors.Is(err, ErrLate) {
		return ErrLate
	}
	k.fenced(err)
	return nil
}

// anew raises the fence around the addresses and opens it.
func (k *Keeper) anew(around []Guarded, until Instant) error {
	if err := k.surround(around, k.gate.fence.Raise); err != nil {
		return err
	}
	return k.open(around, until)
}

// open opens the gate for the addresses until then. The error is ErrLate when the end is too near, or the kernel came to it
// too late three times: the gate is shut then.
func (k *Keeper) open(around []Guarded, until Instant) error {
	for range 3 {
		began := k.clock()
		end := until - k.slack()
		if began >= end {
			break
		}
		err := k.surround(around, func(around []Guarded) error {
			return k.gate.fence.Open(around, time.Duration(end-began))
		})
		if err != nil {
			return err
		}
		k.mu.Lock()
		k.gate.late = k.clock()-began > k.slack()
		late := k.gate.late
		if !late {
			k.gate.until = end
		}
		k.mu.Unlock()
		if !late {
			return nil
		}
	}
	return errors.Join(ErrLate, k.gate.fence.Shut())
}

// keepOpen renews the gate as ends move, until ctx ends. It is a goroutine of its own: what takes addresses down waits for
// no fence.
func (k *Keeper) keepOpen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.gate.moved:
			for k.prolong() {
			}
		}
	}
}

// prolong moves the gate's end to the earliest of those of what is held, and says whether it must be put right at once.
func (k *Keeper) prolong() (again bool) {
	k.mu.Lock()
	_, until, held := k.behind()
	began, open, late, up := k.clock(), k.gate.until, k.gate.late, k.gate.up
	k.mu.Unlock()
	end := until - k.slack()
	switch {
	case up && late && !held:
		// The process stood still, and has opened what was to be shut by now.
		k.shut()
		return false
	case !up || until == 0 || end <= began:
		return false
	case open == 0:
		k.mend()
		return false
	case !late && end < open+Instant(k.margin) && (end <= open || open-began > 2*Instant(k.margin)):
		return false // not worth it yet
	}
	err := k.gate.fence.Renew(time.Duration(end - began))

	k.mu.Lock()
	defer k.mu.Unlock()
	ended := k.clock()
	switch {
	case err == nil:
		k.gate.until, k.gate.late = end, ended-began > k.slack()
		return k.gate.late // to be put right before anything else
	case !errors.Is(err, ErrShut):
		k.log.Warn("fence not renewed", "err", err)
	case ended < open-Instant(k.margin/4):
		// It cannot have closed yet: somebody has taken it away, as a reload of a firewall's rules does.
		k.gate.until, k.gate.late = 0, false
		k.log.Warn("the fence was taken away by somebody, raising it again")
		return true
	default:
		k.gate.until, k.gate.late = 0, false
		for _, e := range k.entries {
			if e.phase == there || e.phase == placing {
				k.undo(e, "the fence has closed: it was not renewed in time")
			}
		}
	}
	return false
}

// shut shuts the gate.
func (k *Keeper) shut() {
	if err := k.gate.fence.Shut(); err != nil && !errors.Is(err, ErrNoFence) {
		k.log.Warn("fence not shut", "err", err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gate.until, k.gate.late = 0, false
}

// mend raises anew a fence that somebody took away, and opens it for what is held. While the pass changes what is guarded
// it is left to that.
func (k *Keeper) mend() {
	if !k.gate.changing.TryLock() {
		return
	}
	defer k.gate.changing.Unlock()
	k.mu.Lock()
	around, until, _ := k.behind()
	k.mu.Unlock()
	if until == 0 {
		return
	}
	err := k.anew(around, until)
	if errors.Is(err, ErrLate) {
		k.dropFirst("the fence could not be opened in time")
		k.wake()
		return
	}
	k.fenced(err)
}

// leaveFence guards what is left once something was let go of: what is not ours any more is not to be shut out.
func (k *Keeper) leaveFence() {
	if k.gate.fence == nil || !k.gate.changing.TryLock() {
		return
	}
	defer k.gate.changing.Unlock()
	k.mu.Lock()
	around, _, held := k.behind()
	same := k.gate.up && len(around) == len(k.gate.guarded)
	for _, g := range around {
		same = same && k.gate.guarded[g]
	}
	up, open := k.gate.up, k.gate.until != 0
	if !held {
		k.gate.until = 0
	}
	k.mu.Unlock()
	if !up || same && (held || !open) {
		return
	}
	err := k.surround(around, k.gate.fence.Guard)
	if err == nil && !held {
		err = k.gate.fence.Shut()
	}
	if errors.Is(err, ErrNoFence) && !held {
		err = k.surround(around, k.gate.fence.Raise)
	}
	if err != nil && !errors.Is(err, ErrNoFence) { // with something held the next renewal mends it
		k.fenced(err)
	}
}

// ringGate has the gate renewed if the ends have moved far enough.
func (k *Keeper) ringGate() {
	select {
	case k.gate.moved <- struct{}{}:
	default: // already ringing
	}
}
