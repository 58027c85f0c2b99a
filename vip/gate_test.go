package vip

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fencedBench is a bench with a fence.
func fencedBench(t *testing.T) (*bench, *FakeFence) {
	t.Helper()
	var f *FakeFence
	b := newBench(t, func(o *Options) {
		f = NewFakeFence(o.Clock)
		o.Fence = f
	})
	return b, f
}

func (b *bench) passes(f *FakeFence, want bool) {
	b.t.Helper()
	synctest.Wait()
	if got := f.Passes(ten); got != want {
		b.t.Errorf("passes: %v, want %v", got, want)
	}
}

// lead extends every 30 ms by 350 ms for a while.
func (b *bench) lead(epoch uint64, d time.Duration) {
	b.t.Helper()
	for until := b.in(d); b.clock() < until; {
		b.k.Extend(epoch, b.in(350*time.Millisecond))
		b.sleep(30 * time.Millisecond)
	}
}

func TestFenceFollowsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f := fencedBench(t)
		if !b.k.Fence().Up {
			t.Errorf("fence: %+v", b.k.Fence())
		}
		b.hold(b.held(ten, 1, 350*time.Millisecond), b.held(six, 1, 350*time.Millisecond))
		b.passes(f, true)
		for range 20 {
			b.lead(1, 200*time.Millisecond)
			b.passes(f, true)
		}
		b.present("192.0.2.10/32 dev eth0\n2001:db8::10/128 dev eth0\n")
		// Let go of one: the other passes on, and nothing is guarded that is not ours.
		if err := b.k.LetGo([]Held{b.held(ten, 1, 0)}); err != nil {
			t.Fatal(err)
		}
		b.passes(f, true)
		if got := f.Around(); len(got) != 1 || got[0] != (Guarded{ten, "eth0"}) {
			t.Errorf("behind the fence: %v", got)
		}
		b.sleep(400 * time.Millisecond)
		if err := b.k.LetGo(nil); err != nil { // as the pass does
			t.Fatal(err)
		}
		synctest.Wait()
		if got := f.Around(); len(got) != 0 || !f.Raised() {
			t.Errorf("behind the fence: %v, raised %v", got, f.Raised())
		}
		if err := b.stop(); err != nil || f.Raised() {
			t.Errorf("stop: %v, raised %v", err, f.Raised())
		}
	})
}

// Whatever the keeper cannot do, the gate closes at the end.
func TestFenceClosesThoughTheAddressStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f := fencedBench(t)
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		b.fake.Before(func(c Call) error {
			if c.Method == "Remove" {
				return syscall.EBUSY
			}
			return nil
		})
		b.sleep(309 * time.Millisecond) // a margin before the end
		b.passes(f, true)
		b.sleep(time.Millisecond)
		b.passes(f, false)
		b.sleep(100 * time.Millisecond)
		b.passes(f, false)
		b.present("192.0.2.10/32 dev eth0\n")
		b.fake.Before(nil)
	})
}

func TestNothingIsAddedBehindAFenceThatOpensLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f := fencedBench(t)
		f.Before(slowFence("Open", 161*time.Millisecond))
		if err := b.k.Hold([]Held{b.held(ten, 1, 350*time.Millisecond)}); !errors.Is(err, ErrLate) {
			t.Errorf("Hold: %v", err)
		}
		b.present("")
		f.Before(nil)
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		b.passes(f, true)
	})
}

func slowFence(method string, d time.Duration) func(string) error {
	return func(m string) error {
		if m == method {
			time.Sleep(d)
		}
		return nil
	}
}

// A renewal that was under way for long must not leave the gate open beyond the end.
func TestLateRenewalOfTheFenceIsPutRight(t *testing.T) {
	for _, tt := range []struct {
		name string
		took time.Duration
	}{
		{"a little", 60 * time.Millisecond},
		{"until the end", 560 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, f := fencedBench(t)
				b.hold(b.held(ten, 1, 500*time.Millisecond))
				b.sleep(100 * time.Millisecond)
				var once atomic.Bool
				f.Before(func(m string) error {
					if m == "Renew" && once.CompareAndSwap(false, true) {
						time.Sleep(tt.took)
					}
					return nil
				})
				end := b.in(600 * time.Millisecond)
				b.k.Extend(1, end)
				b.sleep(time.Duration(end-b.clock()) - 81*time.Millisecond) // more slack for a kernel that is slow
				if tt.took < 300*time.Millisecond {
					b.passes(f, true)
				}
				b.sleep(42 * time.Millisecond)
				b.passes(f, false)
				b.sleep(39 * time.Millisecond)
				b.present("")
			})
		})
	}
}

// Others' rules are loaded anew, and everything that was there is flushed first.
func TestFenceThatSomebodyTookAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f := fencedBench(t)
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		b.lead(1, 900*time.Millisecond)
		var rung atomic.Int64
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = b.k.Watch(ctx, func() { rung.Add(1) }) }()
		synctest.Wait()
		rung.Store(0)
		if err := f.Raze(); err != nil {
			t.Fatal(err)
		}
		b.lead(1, 200*time.Millisecond)
		if rung.Load() == 0 {
			t.Error("nobody was told to look for other rules that went with it")
		}
		if !f.Raised() || len(f.Around()) != 1 || !b.k.Fence().Up {
			t.Errorf("raised %v around %v, %+v", f.Raised(), f.Around(), b.k.Fence())
		}
		b.passes(f, true)
		b.diary("ip addr add 192.0.2.10/32 dev eth0", "announce 192.0.2.10 dev eth0", "announce 192.0.2.10 dev eth0")
	})
}

// The gate could not be renewed for as long as it was open: what is behind it is dropped, and taken up again by the pass.
func TestFenceThatLapsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f := fencedBench(t)
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		f.Before(func(m string) error {
			if m == "Renew" {
				return syscall.EBUSY
			}
			return nil
		})
		b.lead(1, 400*time.Millisecond)
		b.passes(f, false)
		f.Before(nil)
		b.lead(1, 100*time.Millisecond)
		b.present("")
		if r := b.k.Report(); len(r) != 1 || r[0].Loss == "" {
			t.Errorf("report: %+v", r)
		}
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		b.lead(1, time.Second)
		b.present("192.0.2.10/32 dev eth0\n")
		b.passes(f, true)
	})
}

func TestHeldWithoutAFenceWhereThereIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *Options) {
			f := NewFakeFence(o.Clock)
			f.Before(func(string) error { return syscall.EOPNOTSUPP })
			o.Fence = f
		})
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		b.lead(1, time.Second)
		b.present("192.0.2.10/32 dev eth0\n")
		if s := b.k.Fence(); s.Up || s.Why == "" {
			t.Errorf("fence: %+v", s)
		}
	})
}

// What a process before this one left behind stays shut out until it is gone.
func TestFenceAroundWhatWasLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		clock := func() Instant { return Instant(time.Since(start)) + Instant(time.Hour) }
		fake, fence := NewFake(clock, Link{Name: "eth0", Up: true}), NewFakeFence(clock)
		if err := fake.Add(ten, 2, 2*time.Second); err != nil {
			t.Fatal(err)
		}
		k := New(Options{Edge: fake, Clock: clock, Fence: fence})
		k.raise()
		if fence.Passes(ten) {
			t.Error("it passes")
		}
		if err := k.LetGo(nil); err != nil {
			t.Fatal(err)
		}
		k.prolong()
		if got := fence.Around(); len(got) != 0 {
			t.Errorf("behind the fence: %v", got)
		}
	})
}

// The gate shuts for one address's end; what lasts longer passes on.
func TestFenceAmongDifferentEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f := fencedBench(t)
		b.hold(b.held(eleven, 1, 100*time.Millisecond), b.held(ten, 1, 400*time.Millisecond))
		for range 36 {
			b.passes(f, true)
			b.sleep(10 * time.Millisecond)
		}
		b.sleep(10 * time.Millisecond)
		b.passes(f, false)
		b.sleep(30 * time.Millisecond)
		b.present("")
	})
}
