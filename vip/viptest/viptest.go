// Package viptest is the suite that every vip.Edge passes: the fake, and the kernel.
package viptest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"polso/vip"
)

// Bench is an Edge to test, with two links that are up and carry nothing of the suite's addresses.
type Bench struct {
	Edge  vip.Edge
	Clock vip.Clock
	Link  string // of 192.0.2.2/24 and 2001:db8::2/64
	Other string
	// Put adds an address as an operator would, Take removes one.
	Put, Take func(addr netip.Prefix, link string) error
	// Claim has a neighbour on Link claim an address, as one who has it too would.
	Claim func(addr netip.Addr, mac net.HardwareAddr) error
}

// The suite's addresses, one of each family.
var (
	Four = netip.MustParseAddr("192.0.2.50")
	Six  = netip.MustParseAddr("2001:db8::50")
)

// Run runs the suite. For each test it calls in, which must call test once with a fresh bench; in may do so in a
// synctest bubble, or in a network namespace.
func Run(t *testing.T, in func(t *testing.T, test func(t *testing.T, b Bench))) {
	t.Helper()
	for _, tt := range []struct {
		name string
		test func(t *testing.T, b Bench)
	}{
		{"added twice", addedTwice},
		{"removed twice", removedTwice},
		{"no such link", noSuchLink},
		{"placed as ours", placedAsOurs},
		{"links", links},
		{"expires", expires},
		{"renewed lives on", renewedLivesOn},
		{"many are renewed at once", renewsMany},
		{"renewing brings back", renewingBringsBack},
		{"changes are told", changesAreTold},
		{"held until its end", heldUntilItsEnd},
		{"extended lives on", extendedLivesOn},
		{"taken away and held again", takenAway},
		{"released by a later process", released},
		{"somebody's own", somebodysOwn},
		{"drop", drop},
		{"somebody else claims it", somebodyClaims},
	} {
		t.Run(tt.name, func(t *testing.T) { in(t, tt.test) })
	}
}

func (b Bench) index(t *testing.T, name string) int {
	t.Helper()
	links, err := b.Edge.Links()
	if err != nil {
		t.Fatal(err)
	}
	link, ok := links.Named(name)
	if !ok {
		t.Fatalf("no link %s among %v", name, links)
	}
	return link.Index
}

// find returns how the kernel carries addr as a host address on the link.
func (b Bench) find(t *testing.T, addr netip.Addr, link int) (vip.Placed, bool) {
	t.Helper()
	have, err := b.Edge.Placed()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(have, func(p vip.Placed) bool {
		return p.Addr == addr && p.Index == link && p.Bits == addr.BitLen()
	})
	if i < 0 {
		return vip.Placed{}, false
	}
	return have[i], true
}

// until asks every 5 ms whether something is so, and returns how long it took; it fails the test after a while.
func until(t *testing.T, what string, so func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("never came about: %s", what)
		}
		<-tick.C
	}
	return time.Since(began)
}

// stays asks every 5 ms for a while whether something is still so.
func stays(t *testing.T, what string, d time.Duration, so func() bool) {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for time.Since(began) < d {
		if !so() {
			t.Fatalf("ended after %v: %s", time.Since(began), what)
		}
		<-tick.C
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func both(test func(addr netip.Addr)) {
	test(Four)
	test(Six)
}

func addedTwice(t *testing.T, b Bench) {
	both(func(addr netip.Addr) {
		link := b.index(t, b.Link)
		must(t, b.Edge.Add(addr, link, 2*time.Second))
		wantErr(t, b.Edge.Add(addr, link, 2*time.Second), syscall.EEXIST)
		must(t, b.Edge.Add(addr, b.index(t, b.Other), 2*time.Second))
	})
}

func removedTwice(t *testing.T, b Bench) {
	both(func(addr netip.Addr) {
		link := b.index(t, b.Link)
		wantErr(t, b.Edge.Remove(addr, addr.BitLen(), link), syscall.EADDRNOTAVAIL)
		must(t, b.Edge.Add(addr, link, 2*time.Second))
		must(t, b.Edge.Remove(addr, addr.BitLen(), link))
		wantErr(t, b.Edge.Remove(addr, addr.BitLen(), link), syscall.EADDRNOTAVAIL)
	})
}

func noSuchLink(t *testing.T, b Bench) {
	both(func(addr netip.Addr) {
		wantErr(t, b.Edge.Add(addr, 4711, 2*time.Second), syscall.ENODEV)
		wantErr(t, b.Edge.Remove(addr, addr.BitLen(), 4711), syscall.ENODEV)
		if err := b.Edge.Announce(addr, 4711, func() bool { return true }); err == nil {
			t.Error("announced on a link that is not there")
		}
	})
}

func placedAsOurs(t *testing.T, b Bench) {
	both(func(addr netip.Addr) {
		link := b.index(t, b.Link)
		must(t, b.Edge.Add(addr, link, 2*time.Second))
		p, ok := b.find(t, addr, link)
		if !ok || !p.Ours || p.Permanent {
			t.Errorf("placed as %+v, %v", p, ok)
		}
	})
	have, err := b.Edge.Placed()
	must(t, err)
	own := netip.MustParseAddr("192.0.2.2")
	i := slices.IndexFunc(have, func(p vip.Placed) bool { return p.Addr == own })
	if i < 0 || have[i].Ours || !have[i].Permanent || have[i].Bits != 24 {
		t.Errorf("the link's own address among %+v", have)
	}
}

func links(t *testing.T, b Bench) {
	must(t, b.Edge.Add(Four, b.index(t, b.Other), 2*time.Second))
	got, err := vip.New(vip.Options{Edge: b.Edge, Clock: b.Clock}).Links()
	must(t, err)
	link, _ := got.Named(b.Link)
	if !link.Up || len(link.MAC) != 6 || !slices.Contains(link.Prefixes, netip.MustParsePrefix("192.0.2.0/24")) ||
		!slices.Contains(link.Prefixes, netip.MustParsePrefix("2001:db8::/64")) || !slices.Contains(link.Own, netip.MustParsePrefix("192.0.2.2/24")) {
		t.Errorf("%s is %+v", b.Link, link)
	}
	other, _ := got.Named(b.Other)
	if four := netip.PrefixFrom(Four, 32); slices.Contains(other.Prefixes, four) || slices.Contains(other.Own, four) {
		t.Errorf("our own address is among those of %+v", other)
	}
	if _, ok := got.Named("lo"); ok {
		t.Error("the loopback device is listed")
	}
	for _, tt := range []netip.Addr{Four, Six} {
		if at, err := vip.LinkFor(got, tt); err != nil || at.Name != b.Link {
			t.Errorf("%s belongs on %s, %v", tt, at.Name, err)
		}
	}
}

// It is why a keeper looks before it renews.
func renewingBringsBack(t *testing.T, b Bench) {
	both(func(addr netip.Addr) {
		link := b.index(t, b.Link)
		b.renew(t, addr, link)
		if p, ok := b.find(t, addr, link); !ok || !p.Ours {
			t.Errorf("%+v, %v", p, ok)
		}
	})
}

func changesAreTold(t *testing.T, b Bench) {
	ctx, cancel := context.WithCancel(t.Context())
	events := make(chan vip.Event, 64)
	done := make(chan error, 1)
	go func() {
		done <- b.Edge.Subscribe(ctx, func(e vip.Event) {
			select {
			case events <- e:
			default:
			}
		})
	}()
	defer func() {
		cancel()
		must(t, <-done)
	}()
	link := b.index(t, b.Link)
	both(func(addr netip.Addr) {
		// Subscribing takes a moment: add and remove until it is heard.
		want := []vip.Event{
			{Kind: vip.AddrAdded, Addr: addr, Bits: addr.BitLen(), Index: link},
			{Kind: vip.AddrRemoved, Addr: addr, Bits: addr.BitLen(), Index: link},
		}
		until(t, "both are told", func() bool {
			must(t, b.Edge.Add(addr, link, 2*time.Second))
			must(t, b.Edge.Remove(addr, addr.BitLen(), link))
			wait := time.NewTimer(50 * time.Millisecond)
			defer wait.Stop()
			for len(want) > 0 {
				select {
				case e := <-events:
					if e.Kind == want[0].Kind && e.Addr == want[0].Addr && e.Bits == want[0].Bits && e.Index == want[0].Index {
						want = want[1:]
					}
				case <-wait.C:
					return false
				}
			}
			return true
		})
	})
}

const margin = time.Second

// running is a keeper whose Run is under way until the test ends.
func running(t *testing.T, b Bench) *vip.Keeper {
	t.Helper()
	// A margin for busy test machines: the keeper undoes what takes longer than half of it.
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	k := vip.New(vip.Options{Edge: b.Edge, Clock: b.Clock, Margin: margin, Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	until(t, "the keeper runs", func() bool {
		err := k.Hold([]vip.Held{{Addr: Four, Link: b.Link}})
		return errors.Is(err, vip.ErrExpired)
	})
	return k
}

func (b Bench) held(addr netip.Addr, left time.Duration) vip.Held {
	return vip.Held{Addr: addr, Link: b.Link, Epoch: 1, Until: b.Clock() + vip.Instant(left)}
}

func heldUntilItsEnd(t *testing.T, b Bench) {
	k := running(t, b)
	link := b.index(t, b.Link)
	both(func(addr netip.Addr) {
		h := b.held(addr, 2*time.Second)
		must(t, k.Hold([]vip.Held{h}))
		last := b.Clock()
		until(t, "the keeper lets go", func() bool {
			asked := b.Clock()
			_, ok := b.find(t, addr, link)
			if ok {
				last = asked
			}
			return !ok
		})
		if last >= h.Until {
			t.Errorf("%s: still there %v after its end", addr, time.Duration(last-h.Until))
		}
		if early := time.Duration(h.Until - last); early > margin/2 {
			t.Errorf("%s: gone %v before its end", addr, early)
		}
	})
}

func extendedLivesOn(t *testing.T, b Bench) {
	k := running(t, b)
	link := b.index(t, b.Link)
	for range 5 {
		must(t, k.Hold([]vip.Held{b.held(Four, 2*time.Second), b.held(Six, 2*time.Second)}))
		lasted, stalled := b.extend(t, k, link)
		if lasted {
			return
		}
		if !stalled {
			t.Fatalf("extended, and gone: %+v", k.Report())
		}
		t.Log("the machine stood still, once more")
		must(t, k.LetGo(nil))
	}
	t.Fatal("the machine stands still too often to tell")
}

// extend extends what is held for five seconds; stalled says that the machine stood still meanwhile, when a keeper rightly
// lets go.
func (b Bench) extend(t *testing.T, k *vip.Keeper, link int) (lasted, stalled bool) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for began, last := b.Clock(), b.Clock(); b.Clock()-began < vip.Instant(5*time.Second); {
		k.Extend(1, b.Clock()+vip.Instant(2*time.Second))
		_, four := b.find(t, Four, link)
		_, six := b.find(t, Six, link)
		stalled = stalled || b.Clock()-last > vip.Instant(300*time.Millisecond)
		if !four || !six {
			return false, stalled
		}
		last = b.Clock()
		<-tick.C
	}
	return true, stalled
}

func takenAway(t *testing.T, b Bench) {
	k := running(t, b)
	link := b.index(t, b.Link)
	rung := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- k.Watch(ctx, func() {
			select {
			case rung <- struct{}{}:
			default:
			}
		})
	}()
	defer func() {
		cancel()
		must(t, <-done)
	}()
	both(func(addr netip.Addr) {
		must(t, k.Hold([]vip.Held{b.held(addr, time.Minute)}))
		must(t, b.Take(netip.PrefixFrom(addr, addr.BitLen()), b.Link))
		until(t, "it is back", func() bool {
			select {
			case <-rung:
				must(t, k.Hold([]vip.Held{b.held(addr, time.Minute)}))
			default:
			}
			_, ok := b.find(t, addr, link)
			return ok
		})
	})
}

func released(t *testing.T, b Bench) {
	both(func(addr netip.Addr) {
		must(t, b.Edge.Add(addr, b.index(t, b.Link), time.Minute))
		must(t, b.Edge.Add(addr, b.index(t, b.Other), time.Minute))
	})
	must(t, vip.New(vip.Options{Edge: b.Edge, Clock: b.Clock}).LetGo(nil))
	have, err := b.Edge.Placed()
	must(t, err)
	for _, p := range have {
		if p.Ours {
			t.Errorf("left: %+v", p)
		}
	}
	if _, ok := b.find(t, netip.MustParseAddr("192.0.2.2"), b.index(t, b.Link)); ok {
		t.Error("192.0.2.2 is a host address")
	}
}

func somebodysOwn(t *testing.T, b Bench) {
	k := running(t, b)
	link := b.index(t, b.Link)
	both(func(addr netip.Addr) {
		must(t, b.Put(netip.PrefixFrom(addr, addr.BitLen()), b.Link))
		wantErr(t, k.Hold([]vip.Held{b.held(addr, time.Minute)}), vip.ErrForeign)
		must(t, k.LetGo(nil))
		if p, ok := b.find(t, addr, link); !ok || p.Ours || !p.Permanent {
			t.Errorf("%s is %+v, %v", addr, p, ok)
		}
	})
}

func drop(t *testing.T, b Bench) {
	k := running(t, b)
	link := b.index(t, b.Link)
	want := []vip.Held{b.held(Four, time.Minute), b.held(Six, time.Minute)}
	must(t, k.Hold(want))
	must(t, k.Drop())
	both(func(addr netip.Addr) {
		if _, ok := b.find(t, addr, link); ok {
			t.Errorf("%s is there after Drop", addr)
		}
	})
	wantErr(t, k.Hold(want), vip.ErrStale)
	must(t, k.Drop())
}

func somebodyClaims(t *testing.T, b Bench) {
	k := running(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Listen(ctx) }()
	defer func() {
		cancel()
		must(t, <-done)
	}()
	other := net.HardwareAddr{2, 0, 0, 0, 0, 0x99}
	both(func(addr netip.Addr) {
		must(t, k.Hold([]vip.Held{b.held(addr, time.Minute)}))
		report := func() vip.Report {
			all := k.Report()
			return all[slices.IndexFunc(all, func(r vip.Report) bool { return r.Addr == addr })]
		}
		// The schedule's last repeat comes after five seconds.
		until(t, "announced for the last time", func() bool {
			at := report().Announced
			return !at.IsZero() && time.Since(at) > 2700*time.Millisecond
		})
		before := report().Announced
		until(t, "the claim is heard", func() bool {
			must(t, b.Claim(addr, other))
			return report().Conflict.Count > 0
		})
		if c := report().Conflict; c.MAC.String() != other.String() || time.Since(c.At) > time.Minute {
			t.Errorf("conflict: %+v", c)
		}
		until(t, "it is announced again", func() bool { return report().Announced.After(before) })
	})
}
