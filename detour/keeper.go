package detour

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Edge is a kernel with detours: Kernel, or Fake. Every method may be called by one goroutine at a time and ends within seconds.
type Edge interface {
	// State reads what is there.
	State() (State, error)
	// Do takes the steps in their order and returns each one's error, nil where it went well.
	Do(ops []Op) []error
}

// looksLast is for how long a look at the kernel is believed: a probe that begins later looks first, and mends. Who loads a
// firewall anew takes the rules away; servers must not fall for that.
const looksLast = time.Second

// Keeper keeps the detours that are wanted. Its methods may be called by any goroutine.
type Keeper struct {
	edge Edge
	bell chan struct{} // capacity 1: look at want

	wanted atomic.Pointer[[]Way]         // sorted, none twice
	told   atomic.Pointer[map[Way]error] // failed, as last seen; it is not changed any more

	mu     sync.Mutex // guards below, and keeps one at a time at the kernel
	seen   *[]Way     // the wanted that at is of
	at     map[Way]netip.Addr
	failed map[Way]error
	looked time.Time
}

// New returns a Keeper that wants nothing yet.
func New(edge Edge) *Keeper {
	k := &Keeper{edge: edge, bell: make(chan struct{}, 1)}
	k.wanted.Store(new([]Way))
	k.told.Store(new(map[Way]error))
	return k
}

// Set replaces the ways that are wanted. One that was wanted before keeps its stand-in. It does not block, and keeps nothing of
// ways.
func (k *Keeper) Set(ways []Way) {
	ways = slices.Compact(slices.SortedFunc(slices.Values(ways), Way.compare))
	if slices.Equal(ways, *k.wanted.Load()) {
		return
	}
	k.wanted.Store(&ways)
	select {
	case k.bell <- struct{}{}:
	default: // already ringing
	}
}

// Failed are the ways that could not be had when somebody looked last, and why. It does not block; the result is shared and must
// not be modified.
func (k *Keeper) Failed() map[Way]error { return *k.told.Load() }

// Run has what is wanted follow Set until ctx ends, and then takes everything away. Before that it takes away what an earlier
// process has left.
func (k *Keeper) Run(ctx context.Context) error {
	if err := k.raze(); err != nil && len(*k.wanted.Load()) > 0 {
		k.fail(err)
	}
	for {
		select {
		case <-ctx.Done():
			_ = k.raze() // what is left harms nobody, and goes when the next one begins
			return nil
		case <-k.bell:
			k.mu.Lock()
			k.look()
			k.mu.Unlock()
		}
	}
}

// assign gives each way a stand-in. k.mu is held.
func (k *Keeper) assign(ways []Way) {
	before := k.at
	k.at = make(map[Way]netip.Addr, len(ways))
	taken := make(map[netip.Addr]bool, len(ways))
	for _, w := range ways {
		if at, ok := before[w]; ok {
			k.at[w], taken[at] = at, true
		}
	}
	next := map[bool]int{}
	for _, w := range ways {
		four := w.Virtual.Is4()
		for k.at[w] == (netip.Addr{}) && next[four] < most {
			next[four]++
			if at := standIn(w.Virtual, next[four]); !taken[at] {
				k.at[w], taken[at] = at, true
			}
		}
	}
}

// StandIn returns the address to which a way's probes are to be sent. An error says why there is none. It looks at the kernel if
// nobody has for a second, and mends what it finds.
func (k *Keeper) StandIn(w Way) (netip.Addr, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.look()
	at, ok := k.at[w]
	if !ok {
		return netip.Addr{}, errors.New("there is no stand-in for it")
	}
	return at, k.failed[w]
}

// raze takes everything away.
func (k *Keeper) raze() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.looked = time.Time{}
	return Raze(k.edge)
}

// fail says of every way that it cannot be had.
func (k *Keeper) fail(err error) {
	failed := make(map[Way]error)
	for _, w := range *k.wanted.Load() {
		failed[w] = err
	}
	k.told.Store(&failed)
}

// Raze takes every detour away.
func Raze(e Edge) error {
	have, err := e.State()
	if err != nil {
		return err
	}
	return errors.Join(e.Do(Plan(nil, have))...)
}

// look makes the kernel have what is wanted, unless somebody has just looked. k.mu is held.
func (k *Keeper) look() {
	if wanted := k.wanted.Load(); wanted != k.seen {
		k.seen = wanted
		k.assign(*wanted)
	} else if time.Since(k.looked) < looksLast {
		return
	}
	k.failed = make(map[Way]error)
	defer func() {
		k.looked = time.Now()
		told := k.failed
		k.told.Store(&told)
	}()
	all := func(err error) {
		for _, w := range *k.seen {
			k.failed[w] = err
		}
	}
	have, err := k.edge.State()
	if err != nil {
		all(err)
		return
	}
	want := make([]Detour, 0, len(*k.seen))
	for _, w := range *k.seen {
		at, ok := k.at[w]
		if !ok {
			k.failed[w] = fmt.Errorf("there are no more than %d stand-ins", most)
			continue
		}
		want = append(want, Detour{at, w})
	}
	ops := Plan(want, have)
	for i, err := range k.edge.Do(ops) {
		switch {
		case err == nil:
		case ops[i].Part == Base:
			all(err)
			return
		default:
			k.failed[k.wayOf(ops[i])] = err
		}
	}
}

// wayOf is the way that a step is for; what is taken away is no way's.
func (k *Keeper) wayOf(o Op) Way {
	if at, ok := k.at[o.Way]; ok && at == o.At {
		return o.Way
	}
	return Way{}
}
