package vip_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"polso/vip"
)

// BenchmarkTakeUp is what a takeover's addresses cost: from Hold until the kernel answers for the last of them, behind the fence. It
// wants a network namespace: unshare -n go test -run '^$' -bench TakeUp ./vip
func BenchmarkTakeUp(b *testing.B) {
	links, err := netlink.LinkList()
	if err != nil || slices.ContainsFunc(links, func(l netlink.Link) bool { return l.Attrs().Flags&net.FlagUp != 0 }) {
		b.Skip("this namespace is in use")
	}
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "v0"}, PeerName: "v1"}
	if err := netlink.LinkAdd(link); err != nil {
		b.Skip(err)
	}
	peer, err := netlink.LinkByName("v1")
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(netlink.LinkSetUp(link), netlink.LinkSetUp(peer)); err != nil {
		b.Fatal(err)
	}
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
