package ipvs

import (
	"fmt"
	"net/netip"
	"testing"
)

// sizes are those of docs/performance.md: services, and servers of each.
var sizes = [][2]int{{100, 10}, {1000, 10}, {2284, 16}}

func large(services, servers int) Table {
	var t Table
	for i := range services {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, byte(i / 250), byte(i%250 + 1)}), 80)
		s := Service{Key: AddrKey(TCP, at), Scheduler: "wlc"}
		for j := range servers {
			n := i*servers + j
			to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(16 + n/62500), byte(n / 250 % 250), byte(n%250 + 1)}), 80)
			s.Destinations = append(s.Destinations, Destination{Addr: to, Weight: 1, Forward: Direct})
		}
		t.Services = append(t.Services, s)
	}
	return t.Canonical()
}

func BenchmarkPlan(b *testing.B) {
	for _, size := range sizes {
		want := large(size[0], size[1])
		changed := want.Canonical()
		changed.Services[len(changed.Services)/2].Destinations[3].Weight = 7
		for name, have := range map[string]Table{"empty": {}, "same": want, "one": changed} {
			b.Run(fmt.Sprintf("%dx%d/%s", size[0], size[1], name), func(b *testing.B) {
				for b.Loop() {
					Plan(want, have)
				}
			})
		}
	}
}

// BenchmarkEncode is one step, as it goes to the kernel.
func BenchmarkEncode(b *testing.B) {
	ops := Plan(large(1, 16), Table{})
	for b.Loop() {
		if _, _, err := ops[3].encode(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode is one server, as the kernel tells of it.
func BenchmarkDecode(b *testing.B) {
	var answers [][]byte
	for name, list := range captured(b) {
		if len(name) > 4 && name[:4] == "dest" {
			answers = append(answers, list...)
		}
	}
	for b.Loop() {
		if _, _, err := decodeDestination(answers[0], IPv4); err != nil {
			b.Fatal(err)
		}
	}
}
