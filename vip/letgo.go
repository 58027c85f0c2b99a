package vip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"syscall"
	"time"
)

// How long removals may take, and how soon one that failed is tried again.
const (
	patience = 3 * time.Second // longer than an Edge's call takes
	bound    = 6 * time.Second
	again    = Instant(100 * time.Millisecond)
)

// LetGo removes from the kernel whatever carries Polso's mark and is not in keep (by address and link), also what a
// process before this one left. It returns when that is gone; ErrNotGone, joined with the kernel's reasons, names what is
// not. It needs no Run.
func (k *Keeper) LetGo(keep []Held) error {
	kept := make(map[place]bool, len(keep))
	for _, h := range keep {
		kept[place{h.Addr, h.Link}] = true
	}
	return k.letGo(keep, func(e *entry) bool { return !kept[place{e.addr, e.link}] })
}

// Drop takes everything down now, and closes every epoch heard of so far (by Hold or Extend): a pass that is under way
// cannot take an address up again in them. It may be called at any time from any goroutine, and again; it returns within
// ten seconds, with ErrNotGone and the kernel's reasons for what could not be taken down.
func (k *Keeper) Drop() error {
	k.mu.Lock()
	k.floor = k.newest
	k.mu.Unlock()
	// Aside, so that a kernel which does not return keeps nobody waiting for ever.
	done := make(chan error, 1)
	go func() { done <- k.letGo(nil, func(*entry) bool { return true }) }()
	timer := time.NewTimer(bound + patience)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("let go of everything: %w: the kernel does not answer", ErrNotGone)
	}
}

// letGo takes down the entries that must go, and then what carries the mark and is neither kept nor in the table.
func (k *Keeper) letGo(keep []Held, must func(*entry) bool) error {
	var errs []error
	began := k.clock()
	// Many may share one write that is stuck: it is waited for once, and last.
	writes, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, e := range k.dismiss(must) {
		if k.clock()-began > Instant(bound) {
			errs = append(errs, fmt.Errorf("let go of %s on %s: %w", e.addr, e.link, ErrNotGone))
			continue
		}
		if err := k.settle(writes, e); err != nil {
			errs = append(errs, err)
		}
	}
	_, have, err := k.observe()
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("let go: %w", err))...)
	}
	// Only strangers are left: what is in the table is either kept, or was dealt with above.
	known := make(map[place]bool)
	for _, at := range k.places() {
		known[at] = true
	}
	at := make(map[place]Placed)
	for _, p := range have {
		at[place{p.Addr, p.Link}] = p
	}
	for _, op := range Diff(keep, have) {
		where := place{op.Addr, op.Link}
		if op.Verb != Remove || known[where] {
			continue
		}
		if k.clock()-began > Instant(bound) {
			errs = append(errs, fmt.Errorf("let go of %s on %s: %w", op.Addr, op.Link, ErrNotGone))
			continue
		}
		if err := k.edge.Remove(op.Addr, op.Bits, at[where].Index); err != nil && !gone(err) {
			errs = append(errs, fmt.Errorf("let go of %s on %s: %w: %w", op.Addr, op.Link, ErrNotGone, err))
			continue
		}
		k.say(slog.LevelInfo, "address of a process before this one removed", &entry{addr: op.Addr, link: op.Link})
	}
	if len(errs) == 0 {
		if err := k.forget(); err != nil {
			errs = append(errs, err)
		}
	}
	k.ringGate() // the fence around them is no hurry
	return errors.Join(errs...)
}

// forget brings the list of addresses up to date, now that the others are gone.
func (k *Keeper) forget() error {
	if k.file.path == "" {
		return nil
	}
	if err := k.file.write(k.places()); err != nil {
		return fmt.Errorf("list the addresses: %w", err)
	}
	return nil
}

// dismiss marks the entries that must go, and returns those that are being written last: from now on nothing renews or announces
// them. Lost ones are forgotten at once.
func (k *Keeper) dismiss(must func(*entry) bool) []*entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out, written []*entry
	for _, at := range slices.SortedFunc(maps.Keys(k.entries), comparePlaces) {
		e := k.entries[at]
		if !must(e) {
			continue
		}
		k.announcer.cancel(e)
		if e.phase == lost && e.writing == nil {
			delete(k.entries, at)
			continue
		}
		e.phase = leaving
		// The caller removes it; the keeper only if that does not come about.
		e.attempt = k.clock() + again
		if e.writing != nil {
			written = append(written, e)
		} else {
			out = append(out, e)
		}
	}
	return append(out, written...)
}

// settle removes a dismissed entry once the write and the announcement in flight, if any, have ended, so that neither can
// come after. It waits for a write until writes ends.
func (k *Keeper) settle(writes context.Context, e *entry) error {
	k.mu.Lock()
	writing := e.writing
	k.mu.Unlock()
	if writing != nil {
		select {
		case <-writing:
		case <-writes.Done():
			return fmt.Errorf("let go of %s on %s: %w: a write is stuck in the kernel", e.addr, e.link, ErrNotGone)
		}
	}
	quiet := k.announcer.quiet(e)
	switch err := k.remove(e); {
	case err != nil:
		return fmt.Errorf("let go of %s on %s: %w: %w", e.addr, e.link, ErrNotGone, err)
	case !quiet: // the address is gone, but its announcement may leave after another router's
		return fmt.Errorf("let go of %s on %s: %w: an announcement is stuck in the kernel", e.addr, e.link, ErrNotGone)
	}
	return nil
}

// remove takes an entry that must go out of the kernel, and out of the table once that is confirmed. While a write to it
// is in flight the table keeps it: who writes removes it again.
func (k *Keeper) remove(e *entry) error {
	at := place{e.addr, e.link}
	k.mu.Lock()
	other := k.entries[at]
	k.mu.Unlock()
	if other != nil && other != e {
		return nil // it was gone, and has been taken up again since
	}
	err := k.edge.Remove(e.addr, e.addr.BitLen(), e.index)
	if gone(err) {
		err = nil
	}
	k.mu.Lock()
	missed := false
	switch {
	case err != nil:
		e.attempt = k.clock() + again
		k.wake()
	case e.writing != nil:
		e.attempt = k.clock() + again
	case k.entries[at] != e, e.phase == lost: // somebody else has removed it meanwhile
	case e.phase == undone:
		e.phase, missed = lost, true
	default:
		delete(k.entries, at)
		k.say(slog.LevelInfo, "address let go of", e)
	}
	k.mu.Unlock()
	if missed {
		k.tell()
	}
	return err
}

// gone says whether the error of a removal means that the address is not there.
func gone(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.ENODEV)
}
