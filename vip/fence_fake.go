package vip

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A FakeFence is a Fence with the kernel's manners in memory, on a clock that is handed in. Every method may be called from
// any goroutine.
type FakeFence struct {
	clock Clock

	mu     sync.Mutex // guards below; not held while Before runs
	before func(method string) error
	raised bool
	around []Guarded
	end    Instant // the gate is open before it
}

// NewFakeFence returns a FakeFence that is not raised.
func NewFakeFence(clock Clock) *FakeFence { return &FakeFence{clock: clock} }

// Before has do run before each call, by its method's name; the call fails with what do returns.
func (f *FakeFence) Before(do func(method string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = do
}

// Passes says whether anything for addr passes now.
func (f *FakeFence) Passes(addr netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	guarded := slices.ContainsFunc(f.around, func(g Guarded) bool { return g.Addr == addr })
	return !f.raised || !guarded || f.clock() < f.end
}

// Raised says whether the fence is there.
func (f *FakeFence) Raised() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.raised
}

// Around lists what is behind the fence.
func (f *FakeFence) Around() []Guarded {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.around)
}

// do is one call.
func (f *FakeFence) do(method string, needs bool, then func() error) error {
	f.mu.Lock()
	before := f.before
	f.mu.Unlock()
	if before != nil {
		if err := before(method); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if needs && !f.raised {
		return ErrNoFence
	}
	return then()
}

// Raise implements Fence.
func (f *FakeFence) Raise(around []Guarded) error {
	return f.do("Raise", false, func() error {
		f.raised, f.around, f.end = true, slices.Clone(around), 0
		return nil
	})
}

// Guard implements Fence.
func (f *FakeFence) Guard(around []Guarded) error {
	return f.do("Guard", true, func() error {
		f.around = slices.Clone(around)
		return nil
	})
}

// Open implements Fence.
func (f *FakeFence) Open(around []Guarded, d time.Duration) error {
	return f.do("Open", true, func() error {
		f.around, f.end = slices.Clone(around), f.clock()+Instant(d)
		return nil
	})
}

// Renew implements Fence.
func (f *FakeFence) Renew(d time.Duration) error {
	return f.do("Renew", false, func() error {
		now := f.clock()
		if !f.raised || now >= f.end {
			return ErrShut
		}
		f.end = now + Instant(d)
		return nil
	})
}

// Shut implements Fence.
func (f *FakeFence) Shut(around []Guarded) error {
	return f.do("Shut", true, func() error {
		f.around, f.end = slices.Clone(around), 0
		return nil
	})
}

// Raze implements Fence.
func (f *FakeFence) Raze() error {
	return f.do("Raze", false, func() error {
		f.raised, f.around, f.end = false, nil, 0
		return nil
	})
}
