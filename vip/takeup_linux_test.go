package vip_test

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"polso/tools/apart"
	"polso/vip"
)

// BenchmarkTakeUp is what a takeover's addresses cost: from Hold until the kernel answers for the last of them, behind the fence. It
// wants a network namespace: unshare -n go test -run '^$' -bench TakeUp ./vip
func BenchmarkTakeUp(b *testing.B) {
	apart.Pair(b)
	kernel, err := vip.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer kernel.Close()
	for _, count := range []int{1, 100, 500} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			fence := new(vip.KernelFence)
			defer fence.Close()
			k := vip.New(vip.Options{Edge: kernel, Fence: fence, Clock: vip.Boottime, Margin: 2 * time.Second, StateFile: filepath.Join(b.TempDir(), "addresses")})
			ctx, stop := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			go func() { ended <- k.Run(ctx) }()
			for !k.Fence().Up {
				time.Sleep(10 * time.Millisecond)
			}
			var took []time.Duration
			for n := uint64(1); b.Loop(); n++ {
				var want []vip.Held
				for i := range count {
					addr := netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
					want = append(want, vip.Held{Addr: addr, Link: "v0", Until: vip.Boottime() + vip.Instant(5*time.Minute), Epoch: n})
				}
				began := time.Now()
				if err := k.Hold(want); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
				b.StopTimer()
				if err := k.LetGo(nil); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
			stop()
			if err := <-ended; err != nil {
				b.Error(err)
			}
		})
	}
}
