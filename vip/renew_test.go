package vip

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// writes is an Edge that notes of how many addresses each renewal was.
type writes struct {
	*Fake
	sizes []int // of the keeper's one goroutine that renews
}

func (w *writes) Renew(list []Site, valid time.Duration) []error {
	w.sizes = append(w.sizes, len(list))
	return w.Fake.Renew(list, valid)
}

// Many addresses share a write, as many as the kernel renews in a quarter of the margin.
func TestRenewalsShareWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(writes)
		b := newBench(t, func(o *Options) {
			w.Fake = o.Edge.(*Fake)
			o.Edge = w
		})
		var want []Held
		for i := range 200 {
			want = append(want, b.held(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 10)}), 1, time.Hour))
		}
		b.hold(want...)
		took := func(each time.Duration) []int {
			b.fake.Before(slow("Renew", each))
			b.sleep(3 * time.Second)
			sizes := slices.Clone(w.sizes)
			w.sizes = nil
			return sizes
		}
		if sizes := took(0); !slices.Equal(sizes[:9], []int{1, 2, 4, 8, 16, 32, 64, 64, 9}) || slices.Max(sizes) != most {
			t.Errorf("writes of a kernel that is fast: %v", sizes)
		}
		if sizes := took(500 * time.Microsecond); slices.Max(sizes[10:]) > 2*20 { // 20 take a quarter of the margin
			t.Errorf("writes of a kernel that takes half a millisecond for each: %v", sizes)
		}
		if got := len(b.k.Report()); got != 200 {
			t.Errorf("%d addresses are held", got)
		}
		for _, r := range b.k.Report() {
			if !r.Present {
				t.Errorf("%s: %s", r.Addr, r.Loss)
			}
		}
	})
}
