package agent

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"polso/director"
	"polso/vip"
)

// TestRoutesAreRemembered: the kernel is asked once for a while, and anew as soon as an address has come or gone.
func TestRoutesAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, virtual, server := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.254"), netip.MustParseAddr("10.0.0.9")
		asked, kernels := 0, own
		r := newRoutes(func(netip.Addr) netip.Addr { asked++; return kernels })
		status := func(held ...netip.Addr) *director.Status {
			s := &director.Status{Links: vip.Links{{Name: "eth1", Own: []netip.Prefix{netip.PrefixFrom(own, 24)}}}}
			for _, addr := range held {
				s.Held = append(s.Held, director.HeldStatus{Held: vip.Held{Addr: addr, Link: "eth1", Epoch: uint64(len(held))}, Present: true})
			}
			return s
		}
		other := netip.MustParseAddr("10.0.0.253")
		step := func(what string, s *director.Status, want netip.Addr, wantAsked int) {
			t.Helper()
			if got := r.source(s, server); got != want || asked != wantAsked {
				t.Errorf("%s: from %v, asked %d times; want %v and %d", what, got, asked, want, wantAsked)
			}
		}
		step("a standby", status(), netip.Addr{}, 0)
		step("holding", status(other), netip.Addr{}, 1)
		time.Sleep(remembers - time.Nanosecond)
		step("a pass later", status(other), netip.Addr{}, 1)
		kernels = virtual
		step("with one more address", status(other, virtual), own, 2)
		step("and still", status(other, virtual), own, 2)
		kernels = own
		r.forget()
		step("somebody changed an address", status(other, virtual), netip.Addr{}, 3)
		kernels = virtual
		time.Sleep(remembers)
		step("a route changed a while ago", status(other, virtual), own, 4)
	})
}

// TestRoutesForgetWhatIsUnderWay: an answer of before a change is not kept for after it.
func TestRoutesForgetWhatIsUnderWay(t *testing.T) {
	var r *routes
	asked := 0
	r = newRoutes(func(netip.Addr) netip.Addr { asked++; r.forget(); return netip.MustParseAddr("10.0.0.1") })
	s := &director.Status{Held: []director.HeldStatus{{Held: vip.Held{Addr: netip.MustParseAddr("10.0.0.254")}, Present: true}}}
	for range 2 {
		r.source(s, netip.MustParseAddr("10.0.0.9"))
	}
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
}
