package viptest

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"polso/vip"
)

// early is how much sooner than its lifetime says the kernel may let go of an address: ADDRCONF_TIMER_FUZZ_MINUS, a fiftieth of a second, which
// spares it a timer (check_lifetime in net/ipv4/devinet.c, addrconf_verify_rtnl in net/ipv6/addrconf.c), and a tick of at most 10 ms.
const early = 30 * time.Millisecond

// lapses waits until the kernel has let go of addr, whose lifetime of a second was set between the two moments.
func (b Bench) lapses(t *testing.T, addr netip.Addr, link int, before, after time.Time) {
	t.Helper()
	until(t, "the kernel lets go", func() bool { _, ok := b.find(t, addr, link); return !ok })
	least, most := time.Since(after), time.Since(before)
	if most < time.Second-early || least > 2*time.Second {
		t.Errorf("%s: valid_lft 1 s, gone after %v to %v", addr, least, most)
	}
	t.Logf("%s: valid_lft 1 s, gone after %v to %v", addr, least, most)
}

// renew gives an address a second.
func (b Bench) renew(t *testing.T, addr netip.Addr, link int) {
	t.Helper()
	must(t, b.Edge.Renew([]vip.Site{{Addr: addr, Link: link}}, time.Second)[0])
}

func expires(t *testing.T, b Bench) {
	link := b.index(t, b.Link)
	both(func(addr netip.Addr) {
		before := time.Now()
		must(t, b.Edge.Add(addr, link, time.Second))
		b.lapses(t, addr, link, before, time.Now())
	})
}

func renewedLivesOn(t *testing.T, b Bench) {
	link := b.index(t, b.Link)
	both(func(addr netip.Addr) {
		must(t, b.Edge.Add(addr, link, time.Second))
		var before time.Time
		for range 5 {
			stays(t, "renewed", 400*time.Millisecond, func() bool { _, ok := b.find(t, addr, link); return ok })
			before = time.Now()
			b.renew(t, addr, link)
		}
		b.lapses(t, addr, link, before, time.Now())
	})
}

// Of many that are renewed at once each has its own answer, and one that is refused keeps none from being renewed.
func renewsMany(t *testing.T, b Bench) {
	link := b.index(t, b.Link)
	var list []vip.Site
	for i := range 40 {
		four, six := Four.AsSlice(), Six.AsSlice()
		four[3], six[15] = byte(i+100), byte(i+100)
		for _, raw := range [][]byte{four, six} {
			addr, _ := netip.AddrFromSlice(raw)
			list = append(list, vip.Site{Addr: addr, Link: link})
		}
	}
	for _, s := range list {
		must(t, b.Edge.Add(s.Addr, s.Link, time.Second))
	}
	nowhere := vip.Site{Addr: Four, Link: 4711}
	for _, at := range []int{0, len(list) / 2, len(list)} { // the last is the one that is always answered
		time.Sleep(400 * time.Millisecond)
		some := slices.Insert(slices.Clone(list), at, nowhere)
		for i, err := range b.Edge.Renew(some, time.Second) {
			if want := some[i] == nowhere; want != errors.Is(err, syscall.ENODEV) || !want && err != nil {
				t.Errorf("%d: %+v: %v", i, some[i], err)
			}
		}
	}
	for _, s := range list {
		if _, ok := b.find(t, s.Addr, s.Link); !ok {
			t.Errorf("%s was not renewed", s.Addr)
		}
		must(t, b.Edge.Remove(s.Addr, s.Addr.BitLen(), s.Link))
	}
}
