package vip

import (
	"errors"
	"log/slog"
	"slices"
)

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

// leaveFence shuts the gate if it is to be, and guards only what is left: what is not ours any more is not to be shut out.
// While the pass changes what is guarded it is left to that.
func (k *Keeper) leaveFence() {
	end, free := k.gate.turn()
	if !free {
		return
	}
	defer end()
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
