package vip_test

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"polso/tools/apart"
	"polso/vip"
)

// BenchmarkKeep is what addresses cost while nothing happens: this process's time of a processor in a second (one operation: five). It wants a
// network namespace: unshare -n go test -run '^$' -bench Keep -benchtime 1x ./vip
func BenchmarkKeep(b *testing.B) {
	apart.Pair(b)
	kernel, err := vip.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer kernel.Close()
	for _, count := range []int{1, 100, 500} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			k := vip.New(vip.Options{Edge: kernel, Clock: vip.Boottime, Margin: 100 * time.Millisecond, StateFile: filepath.Join(b.TempDir(), "addresses")})
			ctx, stop := context.WithCancel(b.Context())
			ended := make(chan error, 2)
			go func() { ended <- k.Run(ctx) }()
			go func() { ended <- k.Watch(ctx, func() {}) }()
			var want []vip.Held
			for i := range count {
				addr := netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
				want = append(want, vip.Held{Addr: addr, Link: "v0", Until: vip.Boottime() + vip.Instant(time.Hour), Epoch: 1})
			}
			for k.Turns() == 0 {
				time.Sleep(time.Millisecond)
			}
			if err := k.Hold(want); err != nil {
				b.Fatal(err)
			}
			time.Sleep(20 * time.Second) // the announcements are over
			before, began := processor(b), time.Now()
			for b.Loop() {
				time.Sleep(5 * time.Second)
			}
			b.ReportMetric(float64((processor(b)-before).Microseconds())/1000/time.Since(began).Seconds(), "cpu-ms/s")
			b.ReportMetric(0, "ns/op")
			stop()
			for range 2 {
				if err := <-ended; err != nil {
					b.Error(err)
				}
			}
		})
	}
}

func processor(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
