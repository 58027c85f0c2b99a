package agent

import (
	"net/netip"
	"testing"

	"polso/director"
	"polso/vip"
)

func TestSource(t *testing.T) {
	own := func(prefixes ...string) (out []netip.Prefix) {
		for _, p := range prefixes {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	held := func(addr, link string) director.HeldStatus {
		return director.HeldStatus{Held: vip.Held{Addr: netip.MustParseAddr(addr), Link: link}, Present: true}
	}
	lost := held("10.0.0.253", "eth1")
	lost.Present = false
	s := &director.Status{
		Held: []director.HeldStatus{held("2001:db8::10", "eth0"), held("10.0.0.254", "eth1"), held("192.0.2.10", "eth2"), lost},
		Links: vip.Links{
			{Name: "lo", Own: own("127.0.0.1/8")},
			{Name: "eth0", Own: own("192.0.2.1/24")},
			{Name: "eth1", Own: own("2001:db8:1::1/64", "10.8.0.1/24", "10.0.0.1/24", "10.0.0.2/24")},
			{Name: "eth2"},
		},
	}
	for _, tt := range []struct{ name, target, chosen, want string }{
		{"the kernel takes an own address", "10.0.0.9", "10.0.0.1", ""},
		{"a virtual one: the own that has the target's subnet", "10.0.0.9", "10.0.0.254", "10.0.0.1"},
		{"a virtual one, and the target is further away: any own of the link", "10.1.0.9", "10.0.0.254", "10.8.0.1"},
		{"a virtual one on a link that has no other: one of another link", "198.51.100.9", "192.0.2.10", "192.0.2.1"},
		{"one that is not there any more", "10.0.0.9", "10.0.0.253", ""},
		{"no route", "10.0.0.9", "", ""},
		{"IPv6 is not asked", "2001:db8:1::9", "2001:db8::10", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want, chosen netip.Addr
			if tt.want != "" {
				want = netip.MustParseAddr(tt.want)
			}
			if tt.chosen != "" {
				chosen = netip.MustParseAddr(tt.chosen)
			}
			if got := source(s, netip.MustParseAddr(tt.target), func(netip.Addr) netip.Addr { return chosen }); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	alone := &director.Status{Held: s.Held, Links: vip.Links{{Name: "lo", Own: own("127.0.0.1/8")}, {Name: "eth1", Own: own("2001:db8:1::1/64")}}}
	if got := source(alone, netip.MustParseAddr("10.0.0.9"), func(netip.Addr) netip.Addr { return netip.MustParseAddr("10.0.0.254") }); got.IsValid() {
		t.Errorf("a router without an address of its own: %v", got)
	}
	standby := func(netip.Addr) netip.Addr { t.Error("a standby asked the kernel"); return netip.Addr{} }
	if got := source(new(director.Status), netip.MustParseAddr("10.0.0.9"), standby); got.IsValid() {
		t.Errorf("a standby: %v", got)
	}
}

func TestKernelsSource(t *testing.T) {
	if got := kernelsSource(netip.MustParseAddr("127.0.0.1")); got != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("to loopback: from %v", got)
	}
}
