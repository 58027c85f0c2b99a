package vip

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"syscall"
)

// Hold makes sure that the wanted addresses are there, each until its end, and announced once per epoch and once per
// add. It adds what is missing and moves ends (never back within an epoch); it removes nothing. What cannot be held is an
// error that matches one of the reasons above or the kernel's, all of them joined; the others are held all the same.
func (k *Keeper) Hold(want []Held) error {
	if len(want) == 0 {
		return nil
	}
	links, have, err := k.observe()
	if err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	var errs []error
	fresh := make(map[place]Held)
	ops := make(map[place]Verb)
	for _, op := range Diff(want, have) {
		ops[place{op.Addr, op.Link}] = op.Verb
	}
	for _, h := range want {
		at := place{h.Addr, h.Link}
		if !h.Addr.IsValid() || h.Addr.Is4In6() || h.Addr.Zone() != "" {
			errs = append(errs, fmt.Errorf("hold %s on %s: not a plain address", h.Addr, h.Link))
			continue
		}
		known, err := k.move(h, ops[at])
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("hold %s on %s: %w", h.Addr, h.Link, err))
		case !known:
			fresh[at] = h
		}
	}
	if err := k.note(fresh); err != nil {
		// Kernels that keep no mark drop what a crash leaves by themselves, only later: no reason to hold nothing.
		k.log.Warn("addresses not listed", "file", k.file.path, "err", err)
	}
	k.ringGate()
	if len(fresh) == 0 {
		return errors.Join(errs...)
	}
	k.gate.changing <- struct{}{}
	defer func() { <-k.gate.changing }()
	if err := k.admit(fresh); err != nil {
		return errors.Join(append(errs, fmt.Errorf("hold: open the fence: %w", err))...)
	}
	for _, at := range slices.SortedFunc(maps.Keys(fresh), comparePlaces) {
		if err := k.add(fresh[at], links); err != nil {
			errs = append(errs, fmt.Errorf("hold %s on %s: %w", at.addr, at.link, err))
		}
	}
	return errors.Join(errs...)
}

// move gives h's end and epoch to its entry if its address is there, and says whether that was all there was to do.
func (k *Keeper) move(h Held, verb Verb) (known bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.mayHold(h); err != nil {
		return false, err
	}
	e := k.entries[place{h.Addr, h.Link}]
	if e == nil {
		if verb == Refuse {
			return false, ErrForeign
		}
		return false, nil
	}
	switch e.phase {
	case leaving, undone, placing: // placing: another Hold's, which must not be, as there is one pass
		return false, ErrLeaving
	}
	if k.ended(e, k.clock()) {
		// Its end has come and the keeper is about to see to it.
		return false, ErrLeaving
	}
	if verb == Add || verb == Refuse || e.phase == lost {
		if e.phase == there {
			k.lose(e, "somebody took it off the link")
		}
		if verb == Refuse {
			return false, ErrForeign
		}
		if e.writing != nil {
			return false, ErrLeaving // a renewal in flight may bring it back: it must not be forgotten before
		}
		delete(k.entries, place{e.addr, e.link})
		return false, nil
	}
	if h.Epoch != e.epoch {
		e.epoch, e.until, e.conflict = h.Epoch, h.Until, Conflict{}
		e.up, e.told = k.clock(), 0
		k.announcer.startLocked(e, h.Epoch)
		k.wake()
		return true, nil
	}
	e.until = max(e.until, h.Until)
	return true, nil
}

// mayHold says why h must not be held now, nil if it may, and notes its epoch. The caller holds the lock.
func (k *Keeper) mayHold(h Held) error {
	if !k.running {
		return ErrNotRunning
	}
	if h.Epoch < k.floor || h.Epoch+1 < k.newest {
		return ErrStale
	}
	k.newest = h.Epoch + 1
	// What cannot be over well before the end is not begun.
	if k.clock()+Instant(k.margin/2) >= h.Until-k.guard() {
		return ErrExpired
	}
	return nil
}

// note lists what is held and what is about to be.
func (k *Keeper) note(fresh map[place]Held) error {
	if len(fresh) == 0 || k.file.path == "" {
		return nil
	}
	all := k.places()
	for at := range fresh {
		all = append(all, at)
	}
	return k.file.write(all)
}

// places lists what is in the table.
func (k *Keeper) places() []place {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Keys(k.entries))
}

// add puts one address on its link, and takes it off again if the kernel took too long or the world has changed
// meanwhile.
func (k *Keeper) add(h Held, links Links) error {
	link, ok := links.Named(h.Link)
	if !ok {
		return syscall.ENODEV
	}
	e := &entry{
		addr: h.Addr, link: h.Link, index: link.Index,
		until: h.Until, epoch: h.Epoch, writing: make(chan struct{}),
	}
	k.mu.Lock()
	began := k.clock()
	if err := k.mayHold(h); err != nil {
		k.mu.Unlock()
		return err
	}
	if k.entries[place{h.Addr, h.Link}] != nil {
		k.mu.Unlock()
		return ErrLeaving
	}
	k.entries[place{h.Addr, h.Link}] = e
	k.mu.Unlock()
	k.wake() // its end may be the next

	err := k.edge.Add(e.addr, e.index, k.lifetime)
	if errors.Is(err, syscall.EEXIST) {
		err = k.adopt(e)
	}
	ended := k.clock()

	k.mu.Lock()
	close(e.writing)
	e.writing = nil
	switch {
	case err != nil && e.phase == placing && !k.tooLong(began, ended):
		delete(k.entries, place{e.addr, e.link})
		k.mu.Unlock()
		return err
	case e.phase != placing || k.tooLong(began, ended): // too long includes beyond its end: see mayHold
		if e.phase == placing {
			e.phase = leaving
		}
		k.mu.Unlock()
		return errors.Join(ErrLate, err, k.remove(e))
	}
	e.phase = there
	e.renewed, e.up = began, ended
	k.announcer.startLocked(e, e.epoch)
	k.mu.Unlock()
	k.say(slog.LevelInfo, "address taken up", e, "epoch", h.Epoch)
	select {
	case k.placed <- struct{}{}:
	default: // already ringing
	}
	return nil
}

// adopt takes over the address that is at e's place already if it is ours, from a process before this one.
func (k *Keeper) adopt(e *entry) error {
	_, have, err := k.observe()
	if err != nil {
		return err
	}
	for _, p := range have {
		if p.Addr == e.addr && p.Index == e.index && p.host() && p.Ours {
			return k.edge.Renew([]Site{{e.addr, e.index}}, k.lifetime)[0]
		}
	}
	return ErrForeign
}

// lose notes that e is gone before its time. The caller holds the lock.
func (k *Keeper) lose(e *entry, why string) {
	k.announcer.cancel(e)
	e.phase, e.loss = lost, why
	k.say(slog.LevelWarn, "address lost", e, "why", why)
}

func comparePlaces(a, b place) int {
	return cmp.Or(a.addr.Compare(b.addr), cmp.Compare(a.link, b.link))
}
