package ipvs_test

import (
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"polso/ipvs"
	"polso/tools/apart"
)

func mark(addr string, p ipvs.Protocol, from, to uint16, mark uint32) ipvs.Mark {
	return ipvs.Mark{Addr: netip.MustParseAddr(addr), Protocol: p, Ports: ipvs.Ports{From: from, To: to}, FWMark: mark}
}

func masquerade(mark uint32, server string) ipvs.Masquerade {
	return ipvs.Masquerade{FWMark: mark, Server: netip.MustParseAddr(server)}
}

func someRules() ipvs.Rules {
	return ipvs.Rules{
		Marks: []ipvs.Mark{
			mark("192.0.2.10", ipvs.TCP, 80, 80, 0x50000001), mark("192.0.2.10", ipvs.TCP, 443, 443, 0x50000001),
			mark("192.0.2.10", ipvs.TCP, 8000, 8100, 0x50000001), mark("192.0.2.10", ipvs.UDP, 443, 443, 0x50000002),
			mark("2001:db8::10", ipvs.SCTP, 1, 65535, 0x5fffffff),
		},
		Masquerades: []ipvs.Masquerade{
			masquerade(0x50000001, "10.0.0.1"), masquerade(0x50000001, "10.0.0.2"), masquerade(7, "10.0.0.1"), masquerade(0x5fffffff, "2001:db8:1::1"),
		},
	}
}

// follow makes the kernel have the rules and looks whether it does.
func follow(t *testing.T, k *ipvs.KernelRules, want ipvs.Rules) {
	t.Helper()
	if err := k.SetRules(want); err != nil {
		t.Fatal(err)
	}
	reads(t, k, want)
}

func reads(t *testing.T, k *ipvs.KernelRules, want ipvs.Rules) {
	t.Helper()
	got, err := k.Rules()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Canonical(), got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

// ruleset is what the program nft says; the test goes without where there is none, but in the laboratory.
func ruleset(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("nft", "list", "ruleset").CombinedOutput()
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			apart.Lacking(t, err.Error())
		}
		t.Fatalf("nft does not understand what is there: %v %s", err, out)
	}
	return string(out)
}

func TestKernelRules(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		k := new(ipvs.KernelRules)
		reads(t, k, ipvs.Rules{})
		all := someRules()
		follow(t, k, all)
		for _, change := range []func(*ipvs.Rules){
			func(r *ipvs.Rules) { r.Marks = append(r.Marks, mark("192.0.2.10", ipvs.TCP, 22, 22, 0x50000001)) },
			func(r *ipvs.Rules) { r.Marks[2].Ports.To = 8200 }, // overlaps with what it takes the place of
			func(r *ipvs.Rules) { r.Marks[0].FWMark = 0x50000007 },
			func(r *ipvs.Rules) { r.Masquerades = r.Masquerades[:1] },
			func(r *ipvs.Rules) { r.Masquerades = nil },
			func(r *ipvs.Rules) { r.Masquerades = someRules().Masquerades },
			func(r *ipvs.Rules) { r.Marks = nil },
			func(r *ipvs.Rules) { r.Masquerades = nil },
		} {
			change(&all)
			follow(t, k, all)
		}
		many := ipvs.Rules{}
		for i := range 3000 {
			many.Marks = append(many.Marks, mark("2001:db8::10", ipvs.TCP, uint16(2*i+1), uint16(2*i+1), uint32(0x50000000+i)))
			many.Masquerades = append(many.Masquerades, ipvs.Masquerade{FWMark: uint32(i + 1), Server: netip.MustParseAddr("10.0.0.1")})
		}
		follow(t, k, many)
		follow(t, k, ipvs.Rules{})
	})
}

// What others change is seen, and mended: elements one by one, anything else by making the table anew.
func TestRulesForeignChanges(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		k, want := new(ipvs.KernelRules), someRules()
		follow(t, k, want)
		ruleset(t)
		for _, change := range []string{
			"delete element inet polso_marks ipv4 { 192.0.2.10 . tcp . 443 }",
			"add element inet polso_marks ipv4 { 192.0.2.11 . tcp . 443 : 7 }",
			"flush map inet polso_marks ipv6",
			"flush chain inet polso_marks in",
			"insert rule inet polso_marks in accept",
			"add chain inet polso_marks other",
			"add table inet polso_marks { flags dormant; }",
			"delete table inet polso_marks",
			"flush ruleset",
			"delete element inet polso_masquerade ipv4 { 0x00000007 . 10.0.0.1 }",
			"add rule inet polso_masquerade out masquerade",
		} {
			if out, err := exec.Command("nft", change).CombinedOutput(); err != nil {
				t.Fatalf("nft %s: %v %s", change, err, out)
			}
			have, err := k.Rules()
			if err != nil {
				t.Fatal(err)
			}
			if len(ipvs.PlanRules(want, have)) == 0 {
				t.Errorf("nft %s: nothing is seen of it", change)
			}
			follow(t, k, want)
		}
		// Another process's tables are made anew: nobody knows what they do.
		have, err := new(ipvs.KernelRules).Rules()
		if err != nil || len(have.Damaged) != 2 || len(have.Marks) > 0 {
			t.Errorf("another reads %+v, %v", have, err)
		}
		follow(t, new(ipvs.KernelRules), want)
		// Other tables are nobody's business.
		for _, change := range []string{"add table inet other", "add set inet other x { type ipv4_addr; }"} {
			if out, err := exec.Command("nft", change).CombinedOutput(); err != nil {
				t.Fatalf("nft %s: %v %s", change, err, out)
			}
		}
		follow(t, k, ipvs.Rules{})
		if left := ruleset(t); !strings.Contains(left, "table inet other") || strings.Contains(left, "polso") {
			t.Errorf("left: %s", left)
		}
	})
}

// Packets to the ports get the mark, those of the machine itself too, and no other packet does.
func TestRulesMarkPackets(t *testing.T) {
	apart.Run(t, func(t *testing.T) {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkSetUp(lo); err != nil {
			t.Fatal(err)
		}
		for _, a := range []string{"192.0.2.10/32", "2001:db8::10/128"} {
			addr, err := netlink.ParseAddr(a)
			if err != nil {
				t.Fatal(err)
			}
			addr.Flags |= unix.IFA_F_NODAD
			if err := netlink.AddrAdd(lo, addr); err != nil {
				t.Fatal(err)
			}
		}
		k := new(ipvs.KernelRules)
		follow(t, k, ipvs.Rules{Marks: []ipvs.Mark{
			mark("192.0.2.10", ipvs.UDP, 80, 80, 0x50000001), mark("192.0.2.10", ipvs.UDP, 8000, 8100, 0x50000001), mark("2001:db8::10", ipvs.UDP, 8000, 8100, 0x50000002),
		}})
		// What has the mark comes no further: a socket that is connected hears of it.
		ruleset(t)
		for _, line := range []string{
			"add table inet probe", "add chain inet probe in { type filter hook input priority filter; }",
			"add rule inet probe in meta mark 0x50000001 reject", "add rule inet probe in meta mark 0x50000002 reject with icmpv6 type admin-prohibited",
			"add chain inet probe out { type filter hook output priority filter; }",
			"add set inet probe seen { type mark; flags dynamic; size 99; }",
			"add rule inet probe out meta mark 0x50000001-0x5fffffff udp dport != 0 add @seen { meta mark }",
		} {
			if out, err := exec.Command("nft", line).CombinedOutput(); err != nil {
				t.Fatalf("nft %s: %v %s", line, err, out)
			}
		}
		for at, marked := range map[string]bool{
			"192.0.2.10:80": true, "192.0.2.10:8000": true, "192.0.2.10:8050": true, "192.0.2.10:8100": true, "[2001:db8::10]:8100": true,
			"192.0.2.10:81": false, "192.0.2.10:7999": false, "192.0.2.10:8101": false, "[2001:db8::10]:80": false, "127.0.0.1:80": false,
		} {
			addr := netip.MustParseAddrPort(at)
			server, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
			if err != nil {
				t.Fatal(err)
			}
			c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
			if err != nil {
				t.Fatal(err)
			}
			// The answer to the first comes before the second is sent: loopback delivers at once.
			_, _ = c.Write([]byte("a"))
			_, err = c.Write([]byte("b"))
			if (err != nil) != marked {
				t.Errorf("%s: marked %v, want %v", at, err != nil, marked)
			}
			server.Close()
			c.Close()
		}
		_, seen, _ := strings.Cut(ruleset(t), "set seen")
		for _, mark := range []string{"0x50000001", "0x50000002"} {
			if _, elements, _ := strings.Cut(seen, "elements"); !strings.Contains(elements, mark) {
				t.Errorf("what goes out is not marked %s: %s", mark, seen)
			}
		}
	})
}
