package vip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	ten    = netip.MustParseAddr("192.0.2.10")
	eleven = netip.MustParseAddr("192.0.2.11")
	six    = netip.MustParseAddr("2001:db8::10")
)

// bench is a keeper on a fake kernel in a bubble of virtual time.
type bench struct {
	t     *testing.T
	fake  *Fake
	k     *Keeper
	clock Clock
	stop  func() error
}

func newBench(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	start := time.Now()
	// Not from zero: an instant of zero must mean nothing to the keeper.
	clock := func() Instant { return Instant(time.Since(start)) + Instant(time.Hour) }
	fake := NewFake(clock,
		Link{Name: "eth0", Up: true, Prefixes: prefixes("192.0.2.0/24", "2001:db8::/64")},
		Link{Name: "eth1", Up: true, Prefixes: prefixes("198.51.100.0/24")},
	)
	o := Options{Edge: fake, Clock: clock, Margin: 40 * time.Millisecond}
	if change != nil {
		change(&o)
	}
	b := &bench{t: t, fake: fake, k: New(o), clock: clock}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.k.Run(ctx) }()
	stopped := false
	b.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
	return b
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, s := range texts {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// in is the instant that much from now.
func (b *bench) in(d time.Duration) Instant { return b.clock() + Instant(d) }

func (b *bench) held(addr netip.Addr, epoch uint64, left time.Duration) Held {
	return Held{Addr: addr, Link: "eth0", Epoch: epoch, Until: b.in(left)}
}

func (b *bench) hold(want ...Held) {
	b.t.Helper()
	if err := b.k.Hold(want); err != nil {
		b.t.Fatalf("Hold: %v", err)
	}
	synctest.Wait()
}

func (b *bench) diary(want ...string) {
	b.t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, b.fake.Diary()); diff != "" {
		b.t.Errorf("diary (-want +got):\n%s", diff)
	}
}

func (b *bench) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (b *bench) present(want string) {
	b.t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, b.fake.String()); diff != "" {
		b.t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

func TestHoldUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		b.sleep(50 * time.Millisecond)
		b.diary("ip addr add 192.0.2.10/32 dev eth0", "announce 192.0.2.10 dev eth0")
		b.sleep(285 * time.Millisecond)
		b.present("192.0.2.10/32 dev eth0\n")
		b.sleep(10 * time.Millisecond) // 345 ms: five before the end
		b.diary("ip addr add 192.0.2.10/32 dev eth0", "announce 192.0.2.10 dev eth0",
			"announce 192.0.2.10 dev eth0", "ip addr del 192.0.2.10/32 dev eth0")
		if got := b.k.Report(); len(got) != 0 {
			t.Errorf("still reported: %+v", got)
		}
	})
}

func TestExtend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 7, 350*time.Millisecond), b.held(six, 7, 350*time.Millisecond))
		for range 100 {
			b.sleep(100 * time.Millisecond)
			b.k.Extend(7, b.in(350*time.Millisecond))
		}
		b.present("192.0.2.10/32 dev eth0\n2001:db8::10/128 dev eth0\n")
		// Ten seconds at one renewal every 0.6 s for each.
		if n := b.fake.Renewals(); n < 30 || n > 34 {
			t.Errorf("%d renewals in ten seconds", n)
		}
		b.k.Extend(7, b.in(100*time.Millisecond)) // never back
		b.sleep(300 * time.Millisecond)
		b.present("192.0.2.10/32 dev eth0\n2001:db8::10/128 dev eth0\n")
		b.sleep(50 * time.Millisecond)
		b.present("")
		b.k.Extend(7, b.in(time.Second)) // never revives
		b.sleep(100 * time.Millisecond)
		b.present("")
	})
}

func TestExtendKeepsToItsEpoch(t *testing.T) {
	for _, tt := range []struct {
		name  string
		epoch uint64
		want  string
	}{
		{"the same", 7, "192.0.2.10/32 dev eth0\n"},
		{"an older", 6, ""},
		{"a newer", 8, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.hold(b.held(ten, 7, 350*time.Millisecond))
				b.k.Extend(tt.epoch, b.in(time.Second))
				b.sleep(500 * time.Millisecond)
				b.present(tt.want)
			})
		})
	}
}

// A pass may have read its mandate before the lease was renewed.
func TestHoldDoesNotShorten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		old := b.held(ten, 1, 100*time.Millisecond)
		b.hold(old)
		b.k.Extend(1, b.in(time.Second))
		b.hold(old)
		b.sleep(500 * time.Millisecond)
		b.present("192.0.2.10/32 dev eth0\n")
	})
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(b *bench) Held
		want error
	}{
		{"past its end", func(b *bench) Held { return b.held(ten, 1, 0) }, ErrExpired},
		{"too near its end", func(b *bench) Held { return b.held(ten, 1, 29*time.Millisecond) }, ErrExpired},
		{"older epoch than extended", func(b *bench) Held { b.k.Extend(3, 0); return b.held(ten, 2, time.Second) }, ErrStale},
		{"older epoch than extended, after word of a still older", func(b *bench) Held {
			b.k.Extend(5, 0)
			b.k.Extend(3, 0)
			return b.held(ten, 4, time.Second)
		}, ErrStale},
		{"older epoch than held", func(b *bench) Held {
			b.hold(b.held(eleven, 3, time.Second))
			return b.held(ten, 2, time.Second)
		}, ErrStale},
		{"epoch closed by Drop", func(b *bench) Held {
			b.k.Extend(3, 0)
			if err := b.k.Drop(); err != nil {
				b.t.Error(err)
			}
			return b.held(ten, 3, time.Second)
		}, ErrStale},
		{"somebody's own", func(b *bench) Held {
			_ = b.fake.Put(netip.MustParsePrefix("192.0.2.10/24"), "eth1")
			return b.held(ten, 1, time.Second)
		}, ErrForeign},
		{"somebody's own, identical", func(b *bench) Held {
			_ = b.fake.Put(netip.MustParsePrefix("192.0.2.10/32"), "eth0")
			return b.held(ten, 1, time.Second)
		}, ErrForeign},
		{"no such link", func(b *bench) Held {
			return Held{Addr: ten, Link: "eth9", Until: b.in(time.Second)}
		}, syscall.ENODEV},
		{"the keeper has ended", func(b *bench) Held {
			if err := b.stop(); err != nil {
				b.t.Error(err)
			}
			return b.held(ten, 1, time.Second)
		}, ErrNotRunning},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				h := tt.do(b)
				before := b.fake.String()
				err := b.k.Hold([]Held{h})
				if !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				b.present(before)
			})
		})
	}
}

func TestOneRefusedTheOthersHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		_ = b.fake.Put(netip.MustParsePrefix("192.0.2.10/32"), "eth0")
		err := b.k.Hold([]Held{b.held(ten, 1, time.Second), b.held(eleven, 1, time.Second)})
		if want := "hold 192.0.2.10 on eth0: the same address is there and is not Polso's"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		b.present("192.0.2.11/32 dev eth0\n")
		if err := b.k.LetGo(nil); err != nil {
			t.Error(err)
		}
		have, _ := b.fake.Placed()
		if !strings.Contains(fmt.Sprint(have), "192.0.2.10") {
			t.Error("somebody's own address was removed")
		}
	})
}

func TestDropIsIdempotentAndClosesTheEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 4, time.Second), b.held(six, 4, time.Second))
		for range 3 {
			if err := b.k.Drop(); err != nil {
				t.Fatal(err)
			}
			b.present("")
		}
		if err := b.k.Hold([]Held{b.held(ten, 4, time.Second)}); !errors.Is(err, ErrStale) {
			t.Errorf("held again in the dropped epoch: %v", err)
		}
		b.hold(b.held(ten, 5, time.Second))
		b.present("192.0.2.10/32 dev eth0\n")
	})
}

func TestLetGoKeepsAndCleans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		// Left by a process before this one, on another link than this one would choose.
		for _, addr := range []netip.Addr{eleven, ten} {
			if err := b.fake.Add(addr, 3, 2*time.Second); err != nil {
				t.Fatal(err)
			}
		}
		keep := b.held(ten, 1, time.Second)
		b.hold(keep, b.held(six, 1, time.Second))
		if err := b.k.LetGo([]Held{keep}); err != nil {
			t.Fatal(err)
		}
		b.present("192.0.2.10/32 dev eth0\n")
	})
}

func TestLetGoNeedsNoRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := func() Instant { return 0 }
		fake := NewFake(clock, Link{Name: "eth0", Up: true})
		if err := fake.Add(ten, 2, 2*time.Second); err != nil {
			t.Fatal(err)
		}
		if err := New(Options{Edge: fake, Clock: clock}).LetGo(nil); err != nil {
			t.Fatal(err)
		}
		if got := fake.String(); got != "" {
			t.Errorf("left: %s", got)
		}
	})
}

func TestRunEndsWithNothingHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, time.Hour))
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		b.present("")
	})
}

func hostPrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
