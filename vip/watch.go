package vip

import (
	"context"
	"errors"
	"slices"
	"time"
)

// How long Watch waits after a subscription has broken; twice as long each time that it breaks again within a second.
const (
	resubscribe        = 100 * time.Millisecond
	resubscribeLongest = 5 * time.Second
)

// Watch rings when an address or a link changes in a way that the pass may have to act on, until ctx ends; then it
// returns nil. The echo of the keeper's own writes does not ring. A link that comes up or changes its hardware address
// has the addresses on it announced again. When changes may have been missed it rings and subscribes anew. There must be
// one Watch at a time; ring must not block.
func (k *Keeper) Watch(ctx context.Context, ring func()) error {
	k.mu.Lock()
	if k.ring != nil {
		k.mu.Unlock()
		return errors.New("vip: somebody watches already")
	}
	k.ring = ring
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.ring = nil
	}()

	w := watcher{k: k, ring: ring, links: make(map[int]Link)}
	var broke time.Time // the last time that the subscription did
	wait := resubscribe
	for {
		if links, err := k.edge.Links(); err == nil {
			for _, link := range links {
				w.changed(link)
			}
		}
		ring()
		err := k.edge.Subscribe(ctx, w.hear)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(broke) < time.Second+wait {
			wait = min(2*wait, resubscribeLongest)
		} else { // one line for as long as it does not work
			k.log.Warn("subscription to address and link changes ended, subscribing again", "err", err)
			wait = resubscribe
		}
		broke = time.Now()
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// watcher tells changes that matter from those that do not.
type watcher struct {
	k     *Keeper
	ring  func()
	links map[int]Link // as last heard of
}

func (w *watcher) hear(e Event) {
	switch e.Kind {
	case AddrAdded:
		if !w.holds(e, placing, there) {
			w.ring()
		}
	case AddrRemoved:
		// Of an own removal that is over already the keeper knows nothing any more: it costs one more pass.
		if !w.holds(e, leaving, undone) {
			w.ring()
		}
	case LinkChanged:
		if w.changed(e.Link) {
			w.ring()
		}
	case LinkRemoved:
		delete(w.links, e.Index)
		w.ring()
	}
}

// changed notes the link, announces anew what it carries if its neighbours may have forgotten, and says whether
// anything about it is new.
func (w *watcher) changed(link Link) bool {
	old, known := w.links[link.Index]
	w.links[link.Index] = link
	moved := old.MAC.String() != link.MAC.String()
	if known && (link.Up && !old.Up || moved) {
		w.k.announceOn(link.Index)
	}
	return !known || old.Up != link.Up || old.Name != link.Name || moved
}

// holds says whether the event is about an address of ours in one of these phases.
func (w *watcher) holds(ev Event, phases ...phase) bool {
	k := w.k
	k.mu.Lock()
	defer k.mu.Unlock()
	about := func(e *entry) bool { return e.addr == ev.Addr && e.index == ev.Index && ev.Bits == e.addr.BitLen() }
	// Each renewal is told of: of many addresses none is to be looked for.
	if e := k.entries[place{ev.Addr, w.links[ev.Index].Name}]; e != nil && about(e) {
		return slices.Contains(phases, e.phase)
	}
	for _, e := range k.entries { // its link has another name now
		if about(e) {
			return slices.Contains(phases, e.phase)
		}
	}
	return false
}

// announceOn begins the schedule anew for what is held on a link.
func (k *Keeper) announceOn(index int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.entries {
		if e.index == index && e.phase == there {
			k.announcer.startLocked(e, e.epoch)
		}
	}
}
