package vip

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
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

// turn has the caller change what is guarded until end is called, if nobody else does.
func (g *gate) turn() (end func(), free bool) {
	select {
	case g.changing <- struct{}{}:
		return func() { <-g.changing }, true
	default:
		return nil, false
	}
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
	end, free := k.gate.turn()
	if !free {
		return
	}
	defer end()
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

// ringGate has the gate renewed if the ends have moved far enough.
func (k *Keeper) ringGate() {
	select {
	case k.gate.moved <- struct{}{}:
	default: // already ringing
	}
}
