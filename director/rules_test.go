package director

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
)

// filter is the fake of the packet rules with its changes in the diary.
type filter struct {
	ipvs.FakeRules
	diary *diary
}

func (f *filter) SetRules(want ipvs.Rules) error {
	have, _ := f.FakeRules.Rules()
	err := f.FakeRules.SetRules(want)
	for _, op := range ipvs.PlanRules(want, have) {
		if err != nil {
			f.diary.write("nft %s # fails", op)
			break
		}
		f.diary.write("nft %s", op)
	}
	return err
}

// ports is web with several ports, by name 0x5fd9bc91.
func ports(servers ...string) config.Virtual {
	return with(web(servers...), func(v *config.Virtual) {
		v.Ports, v.Ranges, v.Check = []uint16{80, 443}, []config.PortRange{{From: 8000, To: 8100}}, nil
		for i := range v.Servers {
			v.Servers[i].Address = netip.AddrPortFrom(v.Servers[i].Address.Addr(), 0)
		}
	})
}

func TestDecideRules(t *testing.T) {
	sctp := with(ports("a"), func(v *config.Virtual) { v.Protocol, v.Ports, v.Ranges = config.SCTP, []uint16{1, 2}, nil })
	six := with(ports(), func(v *config.Virtual) {
		v.Name, v.Address, v.Family, v.Ports, v.Ranges = "six", netip.MustParseAddr("2001:db8::10"), config.IPv6, nil, []config.PortRange{{From: 1, To: 65535}}
	})
	masqueraded := with(web("a", "b"), func(v *config.Virtual) { v.Masquerade, v.Check = true, nil })
	masqueraded = with(masqueraded, by(config.NAT))
	one := with(masqueraded, func(v *config.Virtual) { v.Servers[0].Address = netip.MustParseAddrPort("10.0.0.1:8080") })
	many := with(ports("a"), by(config.NAT))
	many.Masquerade = true
	every := with(one, func(v *config.Virtual) {
		v.Ports, v.Persistent = []uint16{0}, &config.Persistent{Timeout: time.Minute}
		v.Servers[0].Address, v.Servers[1].Forward = netip.MustParseAddrPort("10.0.0.1:0"), config.DR
	})
	for _, tt := range []struct {
		name string
		v    config.Virtual
		want string
	}{
		{"one port", web("a"), ""},
		{"the operator's mark", with(web("a"), func(v *config.Virtual) { v.Address, v.Ports, v.FWMark = netip.Addr{}, nil, 7 }), ""},
		{"ports and a range", ports("a"), `
add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 80 : 0x5fd9bc91 }
add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 443 : 0x5fd9bc91 }
add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 8000-8100 : 0x5fd9bc91 }`},
		{"sctp", sctp, `
add element inet polso_marks ipv4 { 192.0.2.10 . sctp . 1 : 0x5fd9bc91 }
add element inet polso_marks ipv4 { 192.0.2.10 . sctp . 2 : 0x5fd9bc91 }`},
		{"IPv6", six, `
add element inet polso_marks ipv6 { 2001:db8::10 . tcp . 1-65535 : ` + markText(six) + ` }`},
		{"masquerade", one, `
add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 80 : 0x5fd9bc91 }
add element inet polso_masquerade ipv4 { 0x5fd9bc91 . 10.0.0.1 }
add element inet polso_masquerade ipv4 { 0x5fd9bc91 . 10.0.0.2 }`},
		{"masquerade of several ports", with(many, func(v *config.Virtual) { v.Ports = []uint16{80} }), `
add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 80 : 0x5fd9bc91 }
add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 8000-8100 : 0x5fd9bc91 }
add element inet polso_masquerade ipv4 { 0x5fd9bc91 . 10.0.0.1 }`},
		{"masquerade of the operator's mark", with(many, func(v *config.Virtual) { v.Address, v.Ports, v.Ranges, v.FWMark = netip.Addr{}, nil, nil, 7 }), `
add element inet polso_masquerade ipv4 { 0x00000007 . 10.0.0.1 }`},
		{"masquerade of every port, but for a server by direct routing", every, `
add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 0-65535 : 0x5fd9bc91 }
add element inet polso_masquerade ipv4 { 0x5fd9bc91 . 10.0.0.1 }`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := Inputs{State: State{Known: true, Revision: 1, Document: document(tt.v)}, Links: links(), Observed: &ipvs.Table{}}
			want := Decide(in)
			var lines []string
			for _, op := range ipvs.PlanRules(want.Rules, ipvs.Rules{}) {
				lines = append(lines, op.String())
			}
			checkText(t, strings.Join(lines, "\n"), tt.want)
			if got := want.Sysctls["net/ipv4/vs/conntrack"].Value == "1"; got != tt.v.Masquerade {
				t.Errorf("connections are tracked: %v", got)
			}
			in.Ruleless = "no"
			needs := strings.Contains(tt.want, "polso")
			if want := Decide(in); len(want.Unfit) > 0 != needs || len(want.Problems) > 0 != needs {
				t.Errorf("without nftables: unfit %q, problems %v", want.Unfit, want.Problems)
			}
		})
	}
}

func markText(v config.Virtual) string {
	_, text, _ := strings.Cut(ipvs.Mark{FWMark: v.Mark()}.String(), ": ")
	return text
}

// Rules that come are there before their service, and the service before the address; rules that go stay until it has gone.
func TestRulesInOrder(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.lead(1)
		w.know(2, document(ports("a")))
		w.expect("taking up", `
 0.000 nft add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 80 : 0x5fd9bc91 }
 0.000 nft add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 443 : 0x5fd9bc91 }
 0.000 nft add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 8000-8100 : 0x5fd9bc91 }
 0.000 ipvsadm -A -f 1608105105 -s wlc
 0.000 ipvsadm -a -f 1608105105 -r 10.0.0.1:0 -g -w 1
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.check("directing", "converged rev 2 web 192.0.2.10 present")
		w.wait(10 * time.Second)
		w.forget()
		w.know(3, document(with(ports("a"), func(v *config.Virtual) {
			v.Ports, v.Ranges = []uint16{22, 443}, []config.PortRange{{From: 8000, To: 8200}}
		})))
		w.expect("other ports", `
 0.000 nft delete element inet polso_marks ipv4 { 192.0.2.10 . tcp . 8000-8100 : 0x5fd9bc91 }
 0.000 nft add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 22 : 0x5fd9bc91 }
 0.000 nft add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 8000-8200 : 0x5fd9bc91 }
 0.000 nft delete element inet polso_marks ipv4 { 192.0.2.10 . tcp . 80 : 0x5fd9bc91 }
`)
		w.know(4, document(with(web("a"), func(v *config.Virtual) { v.Check = nil })))
		w.expect("one port", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.000 ipvsadm -D -f 1608105105
 0.000 nft delete element inet polso_marks ipv4 { 192.0.2.10 . tcp . 22 : 0x5fd9bc91 }
 0.000 nft delete element inet polso_marks ipv4 { 192.0.2.10 . tcp . 443 : 0x5fd9bc91 }
 0.000 nft delete element inet polso_marks ipv4 { 192.0.2.10 . tcp . 8000-8200 : 0x5fd9bc91 }
`)
		w.check("one port", "converged rev 4 web 192.0.2.10 present")
	})
}

// A virtual for one port beside one of every port: its packets go to the old service until the new one is there.
func TestRulesTurnAfterServices(t *testing.T) {
	every := with(web("a"), func(v *config.Virtual) {
		v.Name, v.Ports, v.Check, v.Masquerade = "every", []uint16{0}, nil, true
		v.Persistent = &config.Persistent{Timeout: time.Minute}
		v.Servers[0].Address = netip.AddrPortFrom(v.Servers[0].Address.Addr(), 0)
		by(config.NAT)(v)
	})
	one := with(web("b"), func(v *config.Virtual) { v.Check = nil })
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.lead(1)
		w.sys.put("net/ipv4/vs/conntrack", "1")
		w.know(2, document(every))
		w.wait(10 * time.Second)
		w.forget()
		_, mark, _ := strings.Cut(ipvs.Mark{FWMark: every.PacketMark()}.String(), ": ")
		w.know(3, document(every, one))
		w.expect("one port beside every port", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
 0.000 nft delete element inet polso_marks ipv4 { 192.0.2.10 . tcp . 0-65535 : `+mark+` }
 0.000 nft add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 0-79 : `+mark+` }
 0.000 nft add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 81-65535 : `+mark+` }
`)
		w.know(4, document(every))
		w.expect("and gone again", `
 0.000 nft delete element inet polso_marks ipv4 { 192.0.2.10 . tcp . 0-79 : `+mark+` }
 0.000 nft delete element inet polso_marks ipv4 { 192.0.2.10 . tcp . 81-65535 : `+mark+` }
 0.000 nft add element inet polso_marks ipv4 { 192.0.2.10 . tcp . 0-65535 : `+mark+` }
 0.000 ipvsadm -D -t 192.0.2.10:80
`)
	})
}

// A warm takeover waits for nothing where rules are needed either.
func TestRulesAreWarm(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.know(2, document(ports("a")))
		w.wait(6 * time.Second)
		w.forget()
		w.sys.slowly(time.Second)
		w.lead(1)
		w.wait(50 * time.Millisecond)
		w.expect("taking over", `
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
	})
}

func TestRulesDrift(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.lead(1)
		w.know(2, document(ports("a")))
		w.wait(10 * time.Second)
		w.forget()
		for i, foreign := range []func(*ipvs.Rules){
			func(r *ipvs.Rules) { r.Marks = r.Marks[1:] },
			func(r *ipvs.Rules) {
				r.Marks = append(r.Marks, ipvs.Mark{Addr: netip.MustParseAddr("192.0.2.99"), Protocol: ipvs.TCP, FWMark: 9})
			},
			func(r *ipvs.Rules) { r.Marks, r.Damaged = nil, []string{"inet polso_marks"} },
		} {
			have, err := w.rules.Rules()
			if err != nil {
				t.Fatal(err)
			}
			good := have.Canonical()
			foreign(&have)
			if err := w.rules.FakeRules.SetRules(have); err != nil {
				t.Fatal(err)
			}
			w.wait(restful + time.Second)
			if have, _ := w.rules.Rules(); len(ipvs.PlanRules(good, have)) > 0 || len(have.Damaged) > 0 {
				t.Errorf("foreign change %d stands: %+v", i, have)
			}
			if got := w.d.Status().Drift; got != uint64(i+1) {
				t.Errorf("after foreign change %d: drift %d", i, got)
			}
		}
	})
}

// Without nftables the virtual that needs it is not served, says so, and takes nothing down with it.
func TestWithoutRules(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.rules.Fail(errors.New("nftables: operation not supported"))
		w.start()
		w.lead(1)
		other := with(web("a"), func(v *config.Virtual) { v.Name, v.Address, v.Check = "other", netip.MustParseAddr("192.0.2.11"), nil })
		w.know(2, document(ports("a"), other))
		w.wait(20 * time.Second)
		s := w.d.Status()
		if i := slices.IndexFunc(s.Held, func(h HeldStatus) bool { return h.Present }); len(s.Held) != 2 || i < 0 || s.Held[i].Name != "other" || s.Held[1-i].Present {
			t.Errorf("held: %+v", s.Held)
		}
		const why = "its ports cannot be had without nftables: nftables: operation not supported"
		if len(s.Unfit) != 1 || s.Unfit[0] != "virtual web: "+why || len(s.Problems) != 1 || s.Problems[0].Why != why {
			t.Errorf("unfit %q, problems %v", s.Unfit, s.Problems)
		}
		w.rules.Fail(nil)
		w.wait(restful + time.Second)
		w.check("with nftables", "converged rev 2 web 192.0.2.10 present other 192.0.2.11 present")
		w.forget()
		// A step that fails is one like any other.
		w.know(3, document(with(ports("a"), func(v *config.Virtual) { v.Ports = []uint16{81} }), other))
		w.wait(time.Second)
		w.check("another port", "converged rev 3 web 192.0.2.10 present other 192.0.2.11 present")
	})
}

// Every port of an address is what the others at it leave.
func TestEveryPort(t *testing.T) {
	every := with(web(), func(v *config.Virtual) { v.Ports = []uint16{0} })
	at := func(name string, ports []uint16, ranges ...config.PortRange) config.Virtual {
		return with(web(), func(v *config.Virtual) { v.Name, v.Ports, v.Ranges = name, ports, ranges })
	}
	for _, tt := range []struct {
		others []config.Virtual
		want   string
	}{
		{nil, "[0-65535]"},
		{[]config.Virtual{at("a", []uint16{443, 80}), at("b", []uint16{25}, config.PortRange{From: 8000, To: 8100})}, "[0-24 26-79 81-442 444-7999 8101-65535]"},
		{[]config.Virtual{at("a", []uint16{65535, 1, 2})}, "[0 3-65534]"},
		{[]config.Virtual{at("a", nil, config.PortRange{From: 1, To: 65535})}, "[0]"},
		{[]config.Virtual{with(at("a", []uint16{80}), func(v *config.Virtual) { v.Protocol = config.UDP })}, "[0-65535]"},
	} {
		if got := fmt.Sprint(portsOf(document(append(tt.others, every)...), every)); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
