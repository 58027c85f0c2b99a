package ipvs

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// anyTable draws tables that pass Check, over few names so that two of them overlap.
func anyTable(t *rapid.T, label string) Table {
	var tab Table
	keys := []Key{
		AddrKey(TCP, netip.MustParseAddrPort("10.0.0.1:80")), AddrKey(TCP, netip.MustParseAddrPort("10.0.0.1:443")),
		AddrKey(UDP, netip.MustParseAddrPort("10.0.0.1:80")), AddrKey(TCP, netip.MustParseAddrPort("[fd00::1]:80")),
		MarkKey(1, IPv4), MarkKey(1, IPv6), MarkKey(2, IPv4),
	}
	for _, k := range rapid.SliceOfDistinct(rapid.SampledFrom(keys), rapid.ID[Key]).Draw(t, label) {
		s := Service{
			Key:       k,
			Scheduler: rapid.SampledFrom([]string{"rr", "wlc", "sh"}).Draw(t, "scheduler"),
			Flags:     rapid.SampledFrom([]Flags{0, Sched1, Sched1 | Sched2}).Draw(t, "flags"),
		}
		if rapid.Bool().Draw(t, "persistent") {
			s.Persistent = time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond
			s.PersistMask = rapid.SampledFrom([]int{0, 24, 32}).Draw(t, "mask")
			s.PE = rapid.SampledFrom([]string{"", "sip"}).Draw(t, "engine")
		}
		for _, n := range rapid.SliceOfDistinct(rapid.IntRange(1, 5), rapid.ID[int]).Draw(t, "servers") {
			a := netip.AddrFrom4([4]byte{10, 1, 0, byte(n)})
			if k.Family == IPv6 {
				a = netip.AddrFrom16([16]byte{0xfd, 15: byte(n)})
			}
			d := Destination{
				Addr:    netip.AddrPortFrom(a, k.Port),
				Weight:  rapid.IntRange(0, 3).Draw(t, "weight"),
				Forward: rapid.SampledFrom([]Forward{NAT, Local, Tun, Direct}).Draw(t, "forward"),
				Upper:   rapid.Uint32Range(0, 2).Draw(t, "upper"),
			}
			if d.Forward == Tun || rapid.Bool().Draw(t, "noise") { // without Tun it has no meaning
				d.Tunnel = rapid.SampledFrom([]Tunnel{{}, {Type: GUE, Port: 6080}, {Type: GUE, Port: 6080, Flags: Csum}, {Type: GRE}}).Draw(t, "tunnel")
			}
			s.Destinations = append(s.Destinations, d)
		}
		tab.Services = append(tab.Services, s)
	}
	if err := tab.Check(); err != nil {
		t.Fatalf("drew a wrong table: %v", err)
	}
	return tab
}

func TestPlanOnLargerTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		follow(t, anyTable(t, "want"), anyTable(t, "have"))
	})
}
