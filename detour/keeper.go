package detour

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
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

// Keeper keeps the detours that are wanted. Its methods may be called by any goroutine. They wait for the kernel, not for time.
type Keeper struct {
	edge Edge

	mu     sync.Mutex // guards below, and keeps one at a time at the kernel
	ways   []Way      // sorted, none twice
	at     map[Way]netip.Addr
	taken  map[netip.Addr]bool
	failed map[Way]error
	looked time.Time
}

// New returns a Keeper that wants nothing yet, and touches nothing before Set is told of the first.
func New(edge Edge) *Keeper {
	return &Keeper{edge: edge, at: make(map[Way]netip.Addr), taken: make(map[netip.Addr]bool)}
}

// Set replaces the ways that are wanted, and returns the error of each that cannot be had. One that was wanted before keeps its
// stand-in. It keeps nothing of ways.
func (k *Keeper) Set(ways []Way) map[Way]error {
	ways = slices.Compact(slices.SortedFunc(slices.Values(ways), Way.compare))
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Equal(ways, k.ways) {
		k.assign(ways)
		k.looked = time.Time{}
	}
	if len(k.at) > 0 || k.looked.IsZero() {
		k.look()
	}
	return k.failed
}

// assign gives each way a stand-in. k.mu is held.
func (k *Keeper) assign(ways []Way) {
	k.ways = ways
	before := k.at
	k.at, k.taken = make(map[Way]netip.Addr, len(ways)), make(map[netip.Addr]bool, len(ways))
	for _, w := range ways {
		if at, ok := before[w]; ok {
			k.at[w], k.taken[at] = at, true
		}
	}
	next := map[bool]int{}
	for _, w := range ways {
		four := w.Virtual.Is4()
		for k.at[w] == (netip.Addr{}) && next[four] < most {
			next[four]++
			if at := standIn(w.Virtual, next[four]); !k.taken[at] {
				k.at[w], k.taken[at] = at, true
			}
		}
	}
}

// StandIn returns the address at which a way's probes are to be sent. An error says why there is none.
func (k *Keeper) StandIn(w Way) (netip.Addr, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at, ok := k.at[w]
	if !ok {
		return netip.Addr{}, errors.New("it is not wanted")
	}
	k.look()
	return at, k.failed[w]
}

// Close takes everything away, with what an earlier process has left.
func (k *Keeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ways, k.at, k.looked = nil, nil, time.Time{}
	return Raze(k.edge)
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
	if time.Since(k.looked) < looksLast {
		return
	}
	k.failed = make(map[Way]error)
	all := func(err error) {
		for _, w := range k.ways {
			k.failed[w] = err
		}
	}
	defer func() { k.looked = time.Now() }()
	have, err := k.edge.State()
	if err != nil {
		all(err)
		return
	}
	want := make([]Detour, 0, len(k.ways))
	for _, w := range k.ways {
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
