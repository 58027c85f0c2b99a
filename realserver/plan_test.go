package realserver

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// fresh is a machine as it comes: one link with an address of its own, nothing set.
func fresh() Machine {
	m := Machine{
		Links: []Device{{Name: "lo", Up: true, Quiet: true, MTU: 65536}, {Name: "eth0", Up: true, MTU: 1500}},
		Addresses: []Placed{{netip.MustParsePrefix("127.0.0.1/8"), "lo", false}, {netip.MustParsePrefix("192.0.2.21/24"), "eth0", false},
			{netip.MustParsePrefix("::1/128"), "lo", false}},
		Settings: map[string]string{"net/ipv6/conf/lo/disable_ipv6": "0"},
		Defaults: []Default{{IPv4, "eth0", netip.MustParseAddr("192.0.2.1"), 0}},
	}
	for _, link := range []string{"all", "default", "lo", "eth0"} {
		m.Settings[confPath(link, arpIgnore)] = "0"
		m.Settings[confPath(link, arpAnnounce)] = "0"
		m.Settings[confPath(link, rpFilter)] = "0"
	}
	return m
}

func wish(t *testing.T, text string) Wish {
	t.Helper()
	words := strings.Fields(text)
	w := Wish{Address: netip.MustParseAddr(words[0])}
	for _, word := range words[1:] {
		switch word {
		case "dr", "tun":
			w.Method = Method(word)
		case "ipip", "gue", "gre":
			w.Method, w.Tunnel = Tun, Tunnel(word)
		case "ipv4", "ipv6":
			w.Outer = Family(word)
		case "6080":
			w.TunnelPort = 6080
		default:
			t.Fatalf("wish %q", text)
		}
	}
	w, err := w.Complete()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func commands(changes []Change) []string {
	var out []string
	for _, c := range changes {
		out = append(out, c.Command())
	}
	return out
}

const quietly = "sysctl -w net.ipv4.conf.all.arp_ignore=1\nsysctl -w net.ipv4.conf.all.arp_announce=2\n"

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Machine)
		wishes string
		device string
		want   string
	}{
		{"dr", nil, "192.0.2.10", "lo", quietly + "ip addr add 192.0.2.10/32 dev lo label lo:polso-rs"},
		{"two families, settings once", nil, "192.0.2.10, 192.0.2.11, 2001:db8::10", "lo", quietly +
			"ip addr add 192.0.2.10/32 dev lo label lo:polso-rs\nip addr add 192.0.2.11/32 dev lo label lo:polso-rs\nip addr add 2001:db8::10/128 dev lo nodad preferred_lft 0"},
		{"IPv6 needs no settings", nil, "2001:db8::10", "lo", "ip addr add 2001:db8::10/128 dev lo nodad preferred_lft 0"},
		{"a dummy is made", nil, "2001:db8::10", "vips",
			"modprobe dummy\nip link add vips type dummy\nip link set vips up\nip addr add 2001:db8::10/128 dev vips nodad preferred_lft 0"},
		{"what is there stays", func(m *Machine) {
			m.Settings[confPath("all", arpIgnore)], m.Settings[confPath("all", arpAnnounce)] = "2", "2"
			m.Addresses = append(m.Addresses, Placed{netip.MustParsePrefix("192.0.2.10/32"), "lo", false})
		}, "192.0.2.10", "lo", ""},
		{"arp_ignore 3 does not keep quiet", func(m *Machine) {
			m.Settings[confPath("all", arpIgnore)], m.Settings[confPath("all", arpAnnounce)] = "3", "2"
		}, "192.0.2.10", "lo", "sysctl -w net.ipv4.conf.all.arp_ignore=1\nip addr add 192.0.2.10/32 dev lo label lo:polso-rs"},
		{"ipip, nothing loaded", nil, "192.0.2.10 tun", "lo", "modprobe ipip\nip link set tunl0 up\n" + quietly +
			"ip addr add 192.0.2.10/32 dev tunl0 label tunl0:polso-rs"},
		{"ipip, strict filtering", func(m *Machine) {
			m.Links = append(m.Links, Device{Name: "tunl0", Kind: "ipip", Open: true, Quiet: true})
			m.Settings[confPath("tunl0", rpFilter)] = "0"
			m.Settings[confPath("all", rpFilter)] = "1"
		}, "192.0.2.10 tun", "lo", "sysctl -w net.ipv4.conf.tunl0.rp_filter=2\nip link set tunl0 up\n" + quietly +
			"ip addr add 192.0.2.10/32 dev tunl0 label tunl0:polso-rs"},
		{"another's bound tunnel does not do", func(m *Machine) {
			m.Links = append(m.Links, Device{Name: "site", Kind: "ipip", Up: true, Quiet: true})
			m.Modules = []string{"ipip"}
		}, "192.0.2.10 tun", "lo", "ip link add polso-ipip type ipip\nip link set polso-ipip up\n" + quietly +
			"ip addr add 192.0.2.10/32 dev polso-ipip"},
		{"gue", nil, "192.0.2.10 gue 6080", "lo", "modprobe fou\nmodprobe ipip\nip fou add port 6080 gue\nip link set tunl0 up\n" + quietly +
			"ip addr add 192.0.2.10/32 dev tunl0 label tunl0:polso-rs"},
		{"gue, all IPv6", nil, "2001:db8::10 gue 6080", "lo", "modprobe fou6\nmodprobe ip6_tunnel\n" +
			"ip -6 fou add port 6080 gue\nip link set ip6tnl0 up\nip addr add 2001:db8::10/128 dev lo nodad preferred_lft 0"},
		{"IPv6 in IPv4", nil, "2001:db8::10 tun ipv4", "lo", "modprobe sit\nip link set sit0 up\nip addr add 2001:db8::10/128 dev lo nodad preferred_lft 0"},
		{"IPv4 in IPv6 needs another mode", func(m *Machine) {
			m.Links = append(m.Links, Device{Name: "ip6tnl0", Kind: "ip6tnl", Mode: "ip6ip6", Open: true, Quiet: true})
		}, "192.0.2.10 tun ipv6", "lo", "ip -6 tunnel change ip6tnl0 mode any\nip link set ip6tnl0 up\n" + quietly +
			"ip addr add 192.0.2.10/32 dev ip6tnl0"},
		{"gre over IPv6", nil, "2001:db8::10 gre", "lo", "modprobe ip6_gre\nip link set ip6gre0 up\nip addr add 2001:db8::10/128 dev lo nodad preferred_lft 0"},
		{"lo is down", func(m *Machine) { m.Links[0].Up = false }, "2001:db8::10", "lo",
			"ip link set lo up\nip addr add 2001:db8::10/128 dev lo nodad preferred_lft 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := fresh()
			if c.change != nil {
				c.change(&m)
			}
			want := Want{Device: c.device}
			for text := range strings.SplitSeq(c.wishes, ", ") {
				want.Wishes = append(want.Wishes, wish(t, text))
			}
			changes, err := Plan(want, m)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(commands(changes), "\n"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	on := func(prefix, link string) func(*Machine) {
		return func(m *Machine) {
			m.Addresses = append(m.Addresses, Placed{netip.MustParsePrefix(prefix), link, false})
		}
	}
	for _, c := range []struct {
		name      string
		change    func(*Machine)
		wish      string
		device    string
		what, fix string
	}{
		{"on a link that answers", on("192.0.2.10/24", "eth0"), "192.0.2.10", "lo", "192.0.2.10 is on eth0 already", "ip addr del 192.0.2.10/24 dev eth0"},
		{"held there as a router would", on("192.0.2.10/32", "eth0"), "192.0.2.10", "lo", "192.0.2.10 is on eth0 already", "ip addr del 192.0.2.10/32 dev eth0"},
		{"a subnet on lo", on("192.0.2.10/24", "lo"), "192.0.2.10", "lo", "takes all of that subnet", "ip addr del 192.0.2.10/24 dev lo"},
		{"set up for direct routing before", func(m *Machine) {
			m.Addresses = append(m.Addresses, Placed{netip.MustParsePrefix("192.0.2.10/32"), "lo", true})
		}, "192.0.2.10 tun", "lo", "192.0.2.10 was set up on lo, and belongs on tunl0 now", "polso realserver remove 192.0.2.10"},
		{"a device that answers", nil, "192.0.2.10", "eth0", "eth0 answers ARP", "use lo"},
		{"no IPv6", func(m *Machine) { m.Settings["net/ipv6/conf/lo/disable_ipv6"] = "1" }, "2001:db8::10", "lo",
			"IPv6 is switched off on lo", "sysctl -w net.ipv6.conf.lo.disable_ipv6=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := fresh()
			if c.change != nil {
				c.change(&m)
			}
			changes, err := Plan(Want{Wishes: []Wish{wish(t, c.wish)}, Device: c.device}, m)
			r, ok := err.(*Refusal)
			if !ok || len(changes) > 0 || !strings.Contains(r.What, c.what) || !strings.Contains(r.Fix, c.fix) {
				t.Errorf("%v, %#v; want a refusal with %q and %q", commands(changes), err, c.what, c.fix)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	vip, v6 := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")
	for _, c := range []struct {
		name string
		w    Wish
		want string // the wish, or a part of the error
	}{
		{"dr is usual", Wish{Address: vip}, "192.0.2.10 (dr)"},
		{"ipip is usual", Wish{Address: v6, Method: Tun}, "2001:db8::10 (tun, ipip over ipv6)"},
		{"gue", Wish{Address: v6, Method: Tun, Tunnel: GUE, TunnelPort: 6080, Outer: IPv4}, "2001:db8::10 (tun, gue to port 6080 over ipv4)"},
		{"none", Wish{}, "no virtual address"},
		{"loopback", Wish{Address: netip.MustParseAddr("127.0.0.1")}, "cannot be reached"},
		{"link-local", Wish{Address: netip.MustParseAddr("fe80::1")}, "cannot be reached"},
		{"zone", Wish{Address: netip.MustParseAddr("2001:db8::1%eth0")}, "no virtual address"},
		{"broadcast", Wish{Address: netip.MustParseAddr("255.255.255.255")}, "cannot be reached"},
		{"nat", Wish{Address: vip, Method: "nat"}, `"nat" is not known`},
		{"dr with a tunnel", Wish{Address: vip, Tunnel: GRE}, "has no tunnel"},
		{"gue, by the port that is usual", Wish{Address: vip, Method: Tun, Tunnel: GUE}, "192.0.2.10 (tun, gue to port 6080 over ipv4)"},
		{"gre with one", Wish{Address: vip, Method: Tun, Tunnel: GRE, TunnelPort: 1}, "has no port"},
		{"vxlan", Wish{Address: vip, Method: Tun, Tunnel: "vxlan"}, "use ipip, gue or gre"},
		{"ipv5", Wish{Address: vip, Method: Tun, Outer: "ipv5"}, "use ipv4 or ipv6"},
	} {
		w, err := c.w.Complete()
		got := w.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// What was set up is put back in the reverse order; what somebody else changed since is left and named.
func TestUndo(t *testing.T) {
	want := Want{Wishes: []Wish{wish(t, "192.0.2.10"), wish(t, "2001:db8::10")}, Device: "lo"}
	changes, err := Plan(want, fresh())
	if err != nil {
		t.Fatal(err)
	}
	after := func() Machine {
		m := fresh()
		m.Settings[confPath("all", arpIgnore)], m.Settings[confPath("all", arpAnnounce)] = "1", "2"
		m.Addresses = append(m.Addresses, Placed{netip.MustParsePrefix("192.0.2.10/32"), "lo", true}, Placed{netip.MustParsePrefix("2001:db8::10/128"), "lo", false})
		return m
	}
	r := Record{}.with(want, changes)
	// The first address was on the link before.
	beside := Record{}.with(want, slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.Name == "192.0.2.10/32" }))
	const back = "sysctl -w net.ipv4.conf.all.arp_announce=0\nsysctl -w net.ipv4.conf.all.arp_ignore=0"
	for _, c := range []struct {
		name   string
		r      Record
		change func(*Machine)
		only   string
		want   string
		notes  int
		left   int // changes in the record
	}{
		{"all", r, nil, "", "ip addr del 2001:db8::10/128 dev lo\nip addr del 192.0.2.10/32 dev lo\n" + back, 0, 0},
		{"one of two", r, nil, "192.0.2.10", "ip addr del 192.0.2.10/32 dev lo", 0, 3},
		{"the only one that was put there", beside, func(m *Machine) { m.Addresses[3].Marked = false }, "2001:db8::10", "ip addr del 2001:db8::10/128 dev lo", 0, 2},
		{"one that is not ours", r, nil, "192.0.2.77", "", 0, 4},
		{"done to the half", r, func(m *Machine) { *m = fresh(); m.Settings[confPath("all", arpIgnore)] = "1" }, "", "sysctl -w net.ipv4.conf.all.arp_ignore=0", 0, 0},
		{"a setting of somebody else's", r, func(m *Machine) { m.Settings[confPath("all", arpIgnore)] = "2" }, "",
			"ip addr del 2001:db8::10/128 dev lo\nip addr del 192.0.2.10/32 dev lo\nsysctl -w net.ipv4.conf.all.arp_announce=0", 1, 0},
		{"an address put there anew by hand", r, func(m *Machine) { m.Addresses[3].Marked = false }, "", "ip addr del 2001:db8::10/128 dev lo\n" + back, 1, 0},
		{"without a record the mark tells", Record{}, nil, "", "ip addr del 192.0.2.10/32 dev lo", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := after()
			if c.change != nil {
				c.change(&m)
			}
			var only []netip.Addr
			if c.only != "" {
				only = append(only, netip.MustParseAddr(c.only))
			}
			changes, left, notes := Undo(c.r, m, only)
			if got := strings.Join(commands(changes), "\n"); got != c.want || len(notes) != c.notes || len(left.Changes) != c.left {
				t.Errorf("got\n%s\nnotes %q, left %v\nwant\n%s", got, notes, commands(left.Changes), c.want)
			}
			if wishes := (len(left.Wishes) > 0); wishes != (c.left > 0) {
				t.Errorf("left wishes %v", left.Wishes)
			}
		})
	}
	if got := r.with(Want{Device: "lo"}, []Change{{Thing{Setting, confPath("all", arpIgnore), ""}, "0", "2"}}).Changes[0]; got.Before != "0" || got.After != "2" {
		t.Errorf("a second change of the same setting is recorded as %+v", got)
	}
	if slices.ContainsFunc(Record{}.with(Want{}, []Change{{Thing{Module, "ipip", ""}, "", loaded}}).Changes, func(Change) bool { return true }) {
		t.Error("a module is recorded: it would be unloaded")
	}
}
