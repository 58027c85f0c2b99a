package vip

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// gate is the Keeper's side of its fence. One gate stands before every address: it is open until the earliest of the ends
// of those that are held.
type gate struct {
	fence Fence         // nil: there is none
	moved chan struct{} // rings when an end has moved

	// changing has one in it while somebody changes what is guarded, from reading what that is to be until the addresses are
	// added. Only the pass waits for that to end; everybody else tries, and leaves it to a later time.
	changing chan struct{}

	// Guarded by the Keeper's mutex.
	up      bool    // the fence is raised and works
	why     string  // why it is not, for people
	until   Instant // the gate stays open until then at least; 0: it is shut, as far as is known
	late    bool    // it may stay open for too long
	margins Instant // of slack: one, and up to four where the kernel is slow
	guarded map[Guarded]bool
}

// slack is how much earlier than the end the gate is to shut: it counts its time from when the kernel comes to it, which may
// be that much later than the clock was read, and is open for too long only after that. The caller holds the lock.
func (k *Keeper) slack() Instant { return max(k.gate.margins, 1) * Instant(k.margin) }

// took notes how long the kernel was over opening the gate, and says whether that was too long. The caller holds the lock.
func (k *Keeper) took(d Instant) (late bool) {
	slack := k.slack()
	switch {
	case d > slack:
		k.gate.margins = min(2*max(k.gate.margins, 1), 4)
	case d < slack/8:
		k.gate.margins = 1
	}
	k.gate.late = d > slack
	return k.gate.late
}

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
	k.gate.changing <- struct{}{}
	defer func() { <-k.gate.changing }()
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

// surrounds says whether the fence stands around exactly these addresses, as far as is known. The caller holds the lock.
func (k *Keeper) surrounds(around []Guarded) bool {
	return len(around) == len(k.gate.guarded) && !slices.ContainsFunc(around, func(g Guarded) bool { return !k.gate.guarded[g] })
}

// raze takes the fence away, once nothing is left behind it.
func (k *Keeper) raze() {
	if k.gate.fence == nil {
		return
	}
	if err := k.gate.fence.Raze(); err != nil && k.Fence().Up {
		k.remark(slog.LevelWarn, "fence not taken away", "err", err)
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
		k.remark(slog.LevelInfo, "fence raised")
	case err != nil && was != err.Error():
		k.remark(slog.LevelWarn, "no fence: what a process that dies or stands still holds is answered for until the kernel lets go of it", "err", err)
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
	began, near := k.clock(), k.slack()+Instant(k.margin)
	up, open := k.gate.up, held && k.gate.until != 0
	k.mu.Unlock()
	for at, h := range fresh {
		around = append(around, Guarded{at.addr, at.link})
		until = min(cmp.Or(until, h.Until), h.Until)
	}
	if until-began <= near {
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
		k.mu.Lock()
		began, end := k.clock(), until-k.slack()
		k.mu.Unlock()
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
		late := k.took(k.clock() - began)
		if !late {
			k.gate.until = end
		}
		k.mu.Unlock()
		if !late {
			return nil
		}
	}
	return errors.Join(ErrLate, k.gate.fence.Shut(around))
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
	around, until, held := k.behind()
	began, open, late, up := k.clock(), k.gate.until, k.gate.late, k.gate.up
	end, moved := until-k.slack(), !k.surrounds(around)
	k.mu.Unlock()
	// The last: the process stood still, and has opened what was to be shut about now.
	if up && (!held || moved || late && (until == 0 || end <= began)) {
		k.leaveFence()
	}
	switch {
	case !held, late && (until == 0 || end <= began):
		return false
	case !up || until == 0 || end <= began:
		return false
	case open == 0:
		k.mend()
		k.tell() // what took the fence away has taken other rules too
		return false
	case !late && end < open+2*Instant(k.margin) && (end <= open || open-began > 3*Instant(k.margin)):
		return false // not worth it yet
	}
	err := k.gate.fence.Renew(time.Duration(end - began))

	k.mu.Lock()
	defer k.mu.Unlock()
	ended := k.clock()
	switch {
	case err == nil:
		k.gate.until = end
		return k.took(ended - began) // to be put right before anything else
	case !errors.Is(err, ErrShut):
		k.remark(slog.LevelWarn, "fence not renewed", "err", err)
	case ended < open-Instant(k.margin/4):
		// It cannot have closed yet: somebody has taken it away, as a reload of a firewall's rules does.
		k.gate.until, k.gate.late = 0, false
		k.remark(slog.LevelWarn, "the fence was taken away by somebody, raising it again")
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

// mend raises anew a fence that somebody took away, and opens it for what is held. While the pass changes what is guarded
// it is left to that.
func (k *Keeper) mend() {
	select {
	case k.gate.changing <- struct{}{}:
		defer func() { <-k.gate.changing }()
	default:
		return
	}
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

// leaveFence shuts the gate if it is to be, and guards only what is left: what is not ours any more is not to be shut out.
// While the pass changes what is guarded it is left to that.
func (k *Keeper) leaveFence() {
	select {
	case k.gate.changing <- struct{}{}:
		defer func() { <-k.gate.changing }()
	default:
		return
	}
	k.mu.Lock()
	around, until, held := k.behind()
	same := k.surrounds(around)
	shut := !held && k.gate.until != 0 || k.gate.late && until == 0
	if shut {
		k.gate.until, k.gate.late = 0, false
	}
	k.mu.Unlock()
	var err error
	switch {
	case shut:
		err = k.surround(around, k.gate.fence.Shut)
	case !same:
		err = k.surround(around, k.gate.fence.Guard)
	default:
		return
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
