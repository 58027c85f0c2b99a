package director

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
)

func TestDecide(t *testing.T) {
	checkDecisions(t, []decision{
		{"nothing known", Inputs{}, `
# the table stays as it is
`},
		{"nothing known for long", Inputs{Running: 5 * time.Second}, `
# the table stays as it is
unfit: the state is not known yet
`},
		{"nothing known, but not for long", Inputs{Running: 5*time.Second - 1}, `
# the table stays as it is
`},
		{"known, whatever the age", change(base(document()), func(in *Inputs) { in.Running = time.Hour }), ``},
		{"mandate without knowledge", Inputs{Mandate: mandate(3, 5*time.Second), State: State{Document: document(web("a"))}, Links: links(), Observed: &ipvs.Table{}}, `
# the table stays as it is
`},
		{"empty document", base(document()), ``},
		{"director with two servers up", base(document(web("a", "b")), "web/a up", "web/b up"), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
` + heldHere + vsSysctls},
		{"warm standby has the table and no address", change(base(document(web("a")), "web/a up"), func(in *Inputs) { in.Mandate = Mandate{} }), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + vsSysctls},
		{"cold standby has nothing once another leads", change(base(document(web("a")), "web/a up"), func(in *Inputs) {
			in.Mandate, in.State.OtherLeads = Mandate{}, true
			in.State.Document.Cluster.Standby = config.Cold
			in.State.Document.Cluster.Timeouts.TCP = time.Hour
		}), ``},
		{"cold standby keeps what it has while nobody is known to lead", change(observed(base(document(web("b")), "web/b up"), table80("10.0.0.9:80 5")), func(in *Inputs) {
			in.Mandate = Mandate{}
			in.State.Document.Cluster.Standby = config.Cold
			in.State.Document.Cluster.Timeouts.TCP = time.Hour
		}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.9:80 -g -w 5
` + vsSysctls},
		{"cold standby that has nothing begins nothing", change(base(document(web("a")), "web/a up"), func(in *Inputs) {
			in.Mandate = Mandate{}
			in.State.Document.Cluster.Standby = config.Cold
		}), ``},
		{"cold director has all", change(base(document(web("a")), "web/a up"), func(in *Inputs) { in.State.Document.Cluster.Standby = config.Cold }), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + heldHere + vsSysctls},
		{"no server up: the address stays", base(document(web("a", "b")), "web/a down", "web/b down"), `
-A -t 192.0.2.10:80 -s wlc
` + heldHere + vsSysctls},

		{"down is removed", base(document(web("a", "b")), "web/a up", "web/b down"), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + heldHere + vsSysctls},
		{"down is quiesced", base(document(with(web("a", "b"), quiesce)), "web/a up", "web/b down"), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 0
` + heldHere + vsSysctls},
		{"unknown and new waits", base(document(web("a"))), `
-A -t 192.0.2.10:80 -s wlc
` + heldHere + vsSysctls},
		{"unknown and there keeps the kernel's weight", observed(base(document(web("a", "b", "c"))), table80("10.0.0.1:80 5", "10.0.0.2:80 0")), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 5
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 0
` + heldHere + vsSysctls},
		{"known and there gets the document's weight", observed(base(document(web("a")), "web/a up"), table80("10.0.0.1:80 5")), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + heldHere + vsSysctls},
		{"no check: in at once", base(document(with(web("a"), unchecked))), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + heldHere + vsSysctls},
		{"unknown wished to weight 0 needs no verdict", observed(base(document(with(web("a", "b"), func(v *config.Virtual) { v.Servers[0].Weight, v.Servers[1].Weight = 0, 0 }))), table80("10.0.0.1:80 5")), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 0
` + heldHere + vsSysctls},

		{"drain", override(base(document(web("a", "b")), "web/a up", "web/b up"), Override{Virtual: "web", Server: "a", Kind: Drain}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 0
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
` + heldHere + vsSysctls},
		{"drain before any verdict", observed(override(base(document(web("a", "b"))), Override{Virtual: "web", Server: "a", Kind: Drain}, Override{Virtual: "web", Server: "b", Kind: Drain}), table80("10.0.0.1:80 5")), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 0
` + heldHere + vsSysctls},
		{"drain of a dead server", override(base(document(web("a")), "web/a down"), Override{Virtual: "web", Server: "a", Kind: Drain}), `
-A -t 192.0.2.10:80 -s wlc
` + heldHere + vsSysctls},
		{"disable", override(base(document(web("a", "b")), "web/a up", "web/b up"), Override{Virtual: "web", Server: "a", Kind: Disable}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
` + heldHere + vsSysctls},
		{"disable before any verdict", observed(override(base(document(web("a"))), Override{Virtual: "web", Server: "a", Kind: Disable}), table80("10.0.0.1:80 5")), `
-A -t 192.0.2.10:80 -s wlc
` + heldHere + vsSysctls},
		{"weight", override(base(document(web("a")), "web/a up"), Override{Virtual: "web", Server: "a", Kind: SetWeight, Weight: 7}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 7
` + heldHere + vsSysctls},
		{"weight does not revive", override(base(document(with(web("a"), quiesce)), "web/a down"), Override{Virtual: "web", Server: "a", Kind: SetWeight, Weight: 7}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 0
` + heldHere + vsSysctls},
		{"drain beats weight, whatever the order", override(base(document(web("a")), "web/a up"),
			Override{Virtual: "web", Server: "a", Kind: Drain}, Override{Virtual: "web", Server: "a", Kind: SetWeight, Weight: 7}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 0
` + heldHere + vsSysctls},
		{"an override of another server or virtual does nothing", override(base(document(web("a")), "web/a up"),
			Override{Virtual: "web", Server: "b", Kind: Disable}, Override{Virtual: "mail", Server: "a", Kind: Disable}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + heldHere + vsSysctls},
		{"leaving drains", change(base(document(web("a")), "web/a up"), func(in *Inputs) {
			in.State.Leaving = []Leaving{{Virtual: web("a", "b"), Server: web("a", "b").Servers[1]}}
		}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 0
` + heldHere + vsSysctls},
		{"leaving that is named again, or whose service is gone, or twice", change(base(document(web("a")), "web/a up"), func(in *Inputs) {
			old := with(web("z"), func(v *config.Virtual) { v.Ports = []uint16{81} })
			in.State.Leaving = []Leaving{
				{Virtual: web("x"), Server: web("x").Servers[0]}, {Virtual: old, Server: old.Servers[0]},
				{Virtual: web("a", "b"), Server: web("a", "b").Servers[1]}, {Virtual: web("a", "c"), Server: web("a", "c").Servers[1]},
			}
		}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 0
` + heldHere + vsSysctls},

		{"everything a service can say", base(document(
			with(web("a"), func(v *config.Virtual) {
				v.Protocol, v.Scheduler, v.Flags = config.UDP, "sh", []string{"ops", "port", "fallback"}
				v.Check = nil
			}),
			with(web("a"), func(v *config.Virtual) {
				v.Name, v.Ports = "all", []uint16{0}
				v.Persistent = &config.Persistent{Timeout: 5 * time.Minute, Mask: 24}
				v.Check = nil
				by(config.Tun)(v)
			}),
			with(web("a"), func(v *config.Virtual) {
				v.Name, v.Address, v.Ports, v.FWMark, v.Protocol = "mark", netip.Addr{}, nil, 7, ""
				v.Scheduler, v.Flags, v.Check = "rr", []string{"flag-1", "flag-2", "flag-3"}, nil
			}),
			with(web("a"), func(v *config.Virtual) {
				v.Name, v.Address, v.Ports, v.FWMark, v.Protocol, v.Family = "mark6", netip.Addr{}, nil, 7, "", config.IPv6
				v.Servers[0].Address = netip.MustParseAddrPort("[2001:db8:1::1]:80")
				v.Check = nil
			}),
			with(web("a"), func(v *config.Virtual) {
				v.Name, v.Address, v.Family = "web6", netip.MustParseAddr("2001:db8::10"), config.IPv6
				v.Servers[0].Address = netip.MustParseAddrPort("[2001:db8:1::1]:80")
				v.Check = nil
			}),
		)), `
-A -t 192.0.2.10:0 -s wlc -p 300 -M 255.255.255.0
-a -t 192.0.2.10:0 -r 10.0.0.1:80 -i -w 1 --tun-type ipip
-A -u 192.0.2.10:80 -s sh -o -b sh-fallback,sh-port
-a -u 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
-A -t [2001:db8::10]:80 -s wlc
-a -t [2001:db8::10]:80 -r [2001:db8:1::1]:80 -g -w 1
-A -f 7 -s rr -b flag-1,flag-2,flag-3
-a -f 7 -r 10.0.0.1:80 -g -w 1
-A -f 7 -6 -s wlc
-a -f 7 -6 -r [2001:db8:1::1]:80 -g -w 1
` + heldHere + "ip addr add 2001:db8::10 dev eth0 # until 5s epoch 3\n" + vsSysctls +
			"sysctl -w net/ipv4/vs/expire_quiescent_template=1\nsysctl -w net/ipv4/vs/schedule_icmp=1\n"},
		{"timeouts", change(base(document()), func(in *Inputs) {
			in.State.Document.Virtuals = []config.Virtual{web()}
			in.State.Document.Cluster.Timeouts = config.Timeouts{TCP: time.Hour, UDP: time.Minute}
		}), `
--set 3600 0 60
-A -t 192.0.2.10:80 -s wlc
` + heldHere + vsSysctls},
		{"timeouts that the document does not give are the kernel's first ones", observed(change(base(document(web())), func(in *Inputs) {
			in.State.Document.Cluster.Timeouts = config.Timeouts{UDP: time.Minute}
		}), &ipvs.Table{Timeouts: ipvs.Timeouts{TCP: time.Hour, TCPFin: time.Hour, UDP: time.Hour}}), `
--set 900 120 60
-A -t 192.0.2.10:80 -s wlc
` + heldHere + vsSysctls},
		{"a kernel without UDP has no timeout to set", observed(base(document(web())), &ipvs.Table{Timeouts: ipvs.Timeouts{TCP: time.Hour, TCPFin: time.Hour}}), `
--set 900 120 0
-A -t 192.0.2.10:80 -s wlc
` + heldHere + vsSysctls},
		{"one server by another method", base(document(with(web("a", "b"), func(v *config.Virtual) { v.Servers[1].Forward = config.Tun })), "web/a up", "web/b up"), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -i -w 1 --tun-type ipip
` + heldHere + vsSysctls},
		{"every tunnel, and thresholds", base(document(with(web("a", "b", "c"), func(v *config.Virtual) {
			v.Check, v.Forward, v.Tunnel = nil, config.Tun, config.Tunnel{Type: config.GUE, Port: 6080, Checksum: config.FullChecksum}
			for i := range v.Servers {
				v.Servers[i].Forward = config.Tun
			}
			v.Servers[1].Tunnel, v.Servers[1].Upper, v.Servers[1].Lower = config.Tunnel{Type: config.GRE, Checksum: config.NoChecksum}, 100, 50
			v.Servers[2].Tunnel, v.Servers[2].Address = config.Tunnel{Type: config.IPIP}, netip.MustParseAddrPort("[2001:db8:1::1]:80")
		}))), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r [2001:db8:1::1]:80 -i -w 1 --tun-type ipip
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -i -w 1 --tun-type gre --tun-nocsum -x 100 -y 50
` + heldHere + vsSysctls},
		{"a call is one client", base(document(with(web("a"), func(v *config.Virtual) {
			v.Check, v.Protocol, v.Flags, v.Persistent = nil, config.UDP, []string{"ops"}, &config.Persistent{Timeout: time.Minute, Engine: "sip"}
		}))), `
-A -u 192.0.2.10:80 -s wlc -p 60 --pe sip -o
-a -u 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + heldHere + vsSysctls + `sysctl -w net/ipv4/vs/expire_quiescent_template=1
`},
		{"the router itself", base(document(with(web("a"), func(v *config.Virtual) {
			v.Check, v.Forward, v.Servers[0].Forward, v.Servers[0].Address = nil, config.Local, config.Local, netip.MustParseAddrPort("127.0.0.1:80")
		}))), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 127.0.0.1:80 -g -w 1
` + heldHere + vsSysctls},
		{"a server that drains keeps its tunnel", change(base(document(with(web("a"), unchecked))), func(in *Inputs) {
			b := web("a", "b").Servers[1]
			b.Forward, b.Tunnel, b.Upper = config.Tun, config.Tunnel{Type: config.GUE, Port: 6080}, 7
			in.State.Leaving = []Leaving{{Virtual: web("a", "b"), Server: b}}
		}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -i -w 0 --tun-type gue --tun-port 6080 --tun-nocsum -x 7 -y 0
` + heldHere + vsSysctls},
		{"table not readable: addresses as mandated", change(base(document(web("a")), "web/a up"), func(in *Inputs) { in.Observed = nil }), `
# the table stays as it is
` + heldHere},
		{"foreign services before the first document", change(base(document()), func(in *Inputs) { in.State.Foreign, in.Observed = true, table80() }), `
# the table stays as it is
! ipvs table: 1 service was there before the first document; this router directs nothing and touches none of it; keep those that you want in the document (polso import ipvsadm), then polso apply --adopt, which lets go of the others
unfit: services that are not Polso's are in the kernel
`},
		{"foreign services that nobody sees just now", change(base(document(web("a")), "web/a up"), func(in *Inputs) { in.State.Foreign = true }), `
# the table stays as it is
! ipvs table: services were there before the first document; this router directs nothing and touches none of it; keep those that you want in the document (polso import ipvsadm), then polso apply --adopt, which lets go of the others
unfit: services that are not Polso's are in the kernel
`},
		{"foreign services given up", change(base(document()), func(in *Inputs) { in.State.Foreign, in.Observed = false, table80() }), ``},
		{"foreign services after the first document", observed(base(document()), table80()), ``},

		{"what cannot be said is left out", base(document(
			with(web("a"), func(v *config.Virtual) { v.Flags = []string{"fast"} }),
			with(web("a"), func(v *config.Virtual) { v.Name, v.Ports = "many", nil }),
			with(web("a"), func(v *config.Virtual) { v.Name, v.Protocol, v.Ports = "icmp", "icmp", []uint16{1} }),
			with(web("a"), func(v *config.Virtual) { v.Name, v.FWMark, v.Family = "mark", 7, "" }),
			with(web("a", "b", "c"), func(v *config.Virtual) {
				v.Name, v.Ports, v.Check = "ok", []uint16{81}, nil
				v.Servers[0].Forward, v.Servers[2].Address = "route", v.Servers[1].Address
			}),
			with(web("a"), func(v *config.Virtual) { v.Name, v.Ports = "again", []uint16{81} }),
			with(web("a"), func(v *config.Virtual) {
				v.Name, v.FWMark, v.Family = "portless", 8, config.IPv4
				v.Servers[0].Address = netip.MustParseAddrPort("10.0.0.1:0")
			}),
		)), `
-A -t 192.0.2.10:81 -s wlc
-a -t 192.0.2.10:81 -r 10.0.0.2:80 -g -w 1
-A -f 8 -s wlc
` + heldHere + vsSysctls + `! virtual web: unknown flag "fast"; correct the document: polso validate
! virtual many: it has no port; correct the document: polso validate
! virtual icmp: unknown protocol "icmp"; correct the document: polso validate
! virtual mark: unknown family ""; correct the document: polso validate
! server ok/a: unknown forward method "route"; correct the document: polso validate
! server ok/c: server b has the same address already; correct the document: polso validate
! virtual again: virtual ok is the same service already; correct the document: polso validate
! server portless/a: its check has no port to ask, so it never counts as up; add "port" to the check
`},
	})
}

func TestDecideProbesEverythingEverywhereOnce(t *testing.T) {
	doc := document(
		web("a", "b"),
		with(web("a"), func(v *config.Virtual) { v.Name, v.Ports = "twin", []uint16{81} }), // the same question to the same server
		with(web("a"), func(v *config.Virtual) {
			v.Name, v.Ports = "side", []uint16{82}
			c := *v.Check
			c.Port = 8080
			v.Check = &c
		}),
		with(web("x", "y", "z"), func(v *config.Virtual) { v.Name, v.Check = "blind", nil }),
	)
	const want = `
tcp 10.0.0.1:80 every 2s timeout 1s rise 2 fall 3
tcp 10.0.0.1:8080 every 2s timeout 1s rise 2 fall 3
tcp 10.0.0.2:80 every 2s timeout 1s rise 2 fall 3
`
	for name, in := range map[string]Inputs{
		"director":      {Mandate: mandate(1, time.Second), State: State{Known: true, Revision: 2, Document: doc}, Observed: &ipvs.Table{}},
		"standby":       {State: State{Known: true, Revision: 2, Document: doc}, Observed: &ipvs.Table{}},
		"not yet known": {State: State{Document: doc}},
		"disabled": {State: State{Known: true, Revision: 2, Document: doc, Overrides: []Override{{Virtual: "web", Server: "a", Kind: Disable}}},
			Observed: &ipvs.Table{}},
	} {
		t.Run(name, func(t *testing.T) {
			var got strings.Builder
			for _, p := range Decide(in).Probes {
				got.WriteString(string(p.Key()) + "\n")
			}
			checkText(t, got.String(), want)
		})
	}
}

// TestWeighExhaustively goes through every combination of what decides about one server and compares with the rules
// said another way.
func TestWeighExhaustively(t *testing.T) {
	doc := document(web("a"))
	for _, onFailure := range []config.OnFailure{config.Remove, config.Quiesce} {
		for _, checked := range []string{"checked", "unchecked"} {
			for _, state := range []health.State{health.Unknown, health.Up, health.Down} {
				for _, have := range []string{"", "10.0.0.1:80 0", "10.0.0.1:80 5"} {
					for _, kind := range []OverrideKind{"", Drain, Disable, SetWeight} {
						v := with(doc.Virtuals[0], func(v *config.Virtual) { v.OnFailure = onFailure })
						target, _ := TargetOf(v, v.Servers[0])
						if checked == "unchecked" {
							v.Check = nil
						}
						in := Inputs{
							State:  State{Known: true, Revision: 2, Document: document(v)},
							Health: health.View{target.Key(): {State: state}}, Observed: &ipvs.Table{},
						}
						if kind != "" {
							in.State.Overrides = []Override{{Virtual: "web", Server: "a", Kind: kind, Weight: 7}}
						}
						if have != "" {
							in.Observed = table80(have)
						}
						wished := map[OverrideKind]int{"": 1, Drain: 0, SetWeight: 7}[kind]
						present, weight := kind != Disable, wished
						if checked == "checked" && state == health.Down {
							present, weight = present && onFailure == config.Quiesce, 0
						}
						if checked == "checked" && state == health.Unknown {
							present = present && have != ""
							if have == "10.0.0.1:80 0" {
								weight = 0
							} else if wished > 0 {
								weight = 5
							}
						}
						want := -1
						if present {
							want = weight
						}
						got := -1
						for _, d := range Decide(in).Table.Services[0].Destinations {
							got = d.Weight
						}
						if got != want {
							t.Errorf("%s, %s, %s, kernel has %q, override %q: weight %d, want %d (-1 is absent)", onFailure, checked, state, have, kind, got, want)
						}
					}
				}
			}
		}
	}
}
