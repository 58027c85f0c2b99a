package detour_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"polso/detour"
	"polso/tools/apart"
)

// BenchmarkStandIns is what stand-ins cost the kernel: made from nothing, and looked at. It wants a network namespace:
// unshare -n go test -run '^$' -bench StandIns ./detour
func BenchmarkStandIns(b *testing.B) {
	link := apart.Pair(b)
	own, err := netlink.ParseAddr("10.9.0.1/16")
	if err != nil {
		b.Fatal(err)
	}
	if err := netlink.AddrAdd(link, own); err != nil {
		b.Fatal(err)
	}
	kernel := new(detour.Kernel)
	for _, count := range []int{100, 1000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			var want []detour.Detour
			for i := range count {
				at, server := netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i + 1)}), netip.AddrFrom4([4]byte{10, 9, 1 + byte(i>>8), byte(i)})
				want = append(want, detour.Detour{At: at, Way: detour.Way{Virtual: addr("10.9.0.50"), Server: server, By: detour.Direct}})
			}
			var made, looked time.Duration
			for b.Loop() {
				began := time.Now()
				if err := errors.Join(kernel.Do(detour.Plan(want, detour.State{}))...); err != nil {
					b.Fatal(err)
				}
				made += time.Since(began)
				began = time.Now()
				if s, err := kernel.State(); err != nil || len(s.Routes) != count {
					b.Fatalf("%d routes, %v", len(s.Routes), err)
				}
				looked += time.Since(began)
				if err := detour.Raze(kernel); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(made.Milliseconds())/float64(b.N), "ms-made")
			b.ReportMetric(float64(looked.Microseconds())/float64(b.N)/1000, "ms-looked")
		})
	}
}
