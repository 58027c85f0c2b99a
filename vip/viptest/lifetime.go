package viptest

import (
	"net/netip"
	"testing"
	"time"
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
			must(t, b.Edge.Renew(addr, link, time.Second))
		}
		b.lapses(t, addr, link, before, time.Now())
	})
}
