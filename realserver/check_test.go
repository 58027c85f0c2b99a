package realserver

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// One thing is broken at a time, and check names it and nothing else.
func TestCheck(t *testing.T) {
	ready := func(m *Machine) {
		m.Settings[confPath("all", arpIgnore)], m.Settings[confPath("all", arpAnnounce)] = "1", "2"
		m.Addresses = append(m.Addresses, Placed{netip.MustParsePrefix("192.0.2.10/32"), "lo", true}, Placed{netip.MustParsePrefix("2001:db8::10/128"), "lo", false})
		m.Links = append(m.Links, Device{Name: "tunl0", Kind: "ipip", Open: true, Quiet: true, Up: true},
			Device{Name: "ip6tnl0", Kind: "ip6tnl", Mode: anyMode, Open: true, Quiet: true, Up: true})
		m.Receivers = []string{"ipv4 6080"}
		m.Defaults[0].AdvMSS = 1400
	}
	set := func(link, name, value string) func(*Machine) {
		return func(m *Machine) { m.Settings[confPath(link, name)] = value }
	}
	for _, c := range []struct {
		name   string
		change func(*Machine)
		wish   string
		want   string // the findings that are not ok: LEVEL NAME: a part of the detail / a part of the fix
	}{
		{"ready", nil, "192.0.2.10", ""},
		{"ready, IPv6", nil, "2001:db8::10", ""},
		{"IPv6 looks at no ARP", set("all", arpIgnore, "0"), "2001:db8::10", ""},
		{"no address", func(m *Machine) { m.Addresses = m.Addresses[:3] }, "192.0.2.10", "fail address 192.0.2.10: on no link / ip addr add 192.0.2.10/32 dev lo"},
		{"a subnet", func(m *Machine) { m.Addresses[3].Prefix = netip.MustParsePrefix("192.0.2.10/24") }, "192.0.2.10",
			"fail address 192.0.2.10: takes all of that subnet / ip addr del 192.0.2.10/24 dev lo; ip addr add 192.0.2.10/32 dev lo"},
		{"on eth0", func(m *Machine) { m.Addresses[3].Link = "eth0" }, "192.0.2.10", "fail address 192.0.2.10: eth0, which answers ARP / ip addr del 192.0.2.10/32 dev eth0"},
		{"on eth0 too", func(m *Machine) {
			m.Addresses = append(m.Addresses, Placed{netip.MustParsePrefix("192.0.2.10/24"), "eth0", false})
		}, "192.0.2.10", "fail address 192.0.2.10: eth0, which answers ARP / ip addr del 192.0.2.10/24 dev eth0"},
		{"on a dummy that is down", func(m *Machine) {
			m.Links = append(m.Links, Device{Name: "vips", Kind: "dummy", Quiet: true})
			m.Addresses[3].Link = "vips"
		}, "192.0.2.10", "fail address 192.0.2.10: vips, which is down / ip link set vips up"},
		{"answers ARP", set("all", arpIgnore, "0"), "192.0.2.10", "fail arp_ignore: 0 on eth0 / net.ipv4.conf.all.arp_ignore=1"},
		{"the link alone does", func(m *Machine) { set("all", arpIgnore, "0")(m); set("eth0", arpIgnore, "1")(m) }, "192.0.2.10", ""},
		{"arp_ignore 3 on the link", set("eth0", arpIgnore, "3"), "192.0.2.10", "fail arp_ignore: 3 on eth0 / net.ipv4.conf.eth0.arp_ignore=1"},
		{"names the address", set("all", arpAnnounce, "1"), "192.0.2.10", "fail arp_announce: 1 on eth0 / net.ipv4.conf.all.arp_announce=2"},
		{"a second link, strict", func(m *Machine) {
			m.Links = append(m.Links, Device{Name: "eth1", Up: true, MTU: 1500})
			set("all", rpFilter, "1")(m)
		}, "192.0.2.10", "warn rp_filter: 1 on eth1, and the default route leaves by eth0 / net.ipv4.conf.eth1.rp_filter=2"},
		{"tunnel ready", nil, "192.0.2.10 gue 6080", ""},
		{"tunnel, loosely filtered", func(m *Machine) { set("all", rpFilter, "2")(m); m.Addresses[3].Link = "tunl0" }, "192.0.2.10 tun", ""},
		{"tunnel without an address, loosely filtered", set("all", rpFilter, "2"), "192.0.2.10 tun",
			"fail rp_filter: 2 on tunl0, which has no address / have the virtual address on tunl0"},
		{"tunnel, strictly filtered", set("all", rpFilter, "1"), "192.0.2.10 tun", "fail rp_filter: 1 on tunl0 / net.ipv4.conf.tunl0.rp_filter=2"},
		{"tunnel down", func(m *Machine) { m.Links[2].Up = false }, "192.0.2.10 tun", "fail tunnel: tunl0 is down / ip link set tunl0 up"},
		{"tunnel of the wrong kind", nil, "192.0.2.10 gre", "fail tunnel: no device of kind gre / modprobe ip_gre; ip link set gre0 up"},
		{"tunnel bound to a peer", func(m *Machine) { m.Links[2].Open = false }, "192.0.2.10 tun", "fail tunnel: no device of kind ipip / modprobe ipip"},
		{"tunnel bound to an address of this machine", func(m *Machine) { m.Links[2].Local = netip.MustParseAddr("192.0.2.21") }, "192.0.2.10 tun", ""},
		{"tunnel bound to another's", func(m *Machine) { m.Links[2].Local = netip.MustParseAddr("192.0.2.22") }, "192.0.2.10 tun", "fail tunnel: no device of kind ipip / modprobe ipip"},
		{"tunnel unpacks IPv6 only", func(m *Machine) { m.Links[3].Mode = "ip6ip6" }, "192.0.2.10 tun ipv6", "fail tunnel: ip6tnl0 unpacks IPv6 only / mode any"},
		{"gue port", func(m *Machine) { m.Receivers = nil }, "192.0.2.10 gue 6080", "fail gue: port 6080 of ipv4 / ip fou add port 6080 gue"},
		{"large segments", func(m *Machine) { m.Defaults[0].AdvMSS = 0 }, "192.0.2.10 gue 6080",
			"warn segments: clients may send 1460 bytes, and 1428 fit / ip route change default via 192.0.2.1 dev eth0 advmss 1428"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := fresh()
			ready(&m)
			if c.change != nil {
				c.change(&m)
			}
			var bad []string
			for _, f := range Check([]Wish{wish(t, c.wish)}, m) {
				if f.Level != OK {
					bad = append(bad, fmt.Sprintf("%s %s: %s / %s", f.Level, f.Name, f.Detail, f.Fix))
				}
			}
			head, rest, _ := strings.Cut(c.want, ": ")
			detail, fix, _ := strings.Cut(rest, " / ")
			if c.want == "" && len(bad) > 0 || c.want != "" && (len(bad) != 1 || !strings.HasPrefix(bad[0], head) || !strings.Contains(bad[0], detail) || !strings.Contains(bad[0], fix)) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(bad, "\n"), c.want)
			}
		})
	}
}
