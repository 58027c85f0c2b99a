package director

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// table80 is an observed table: web's service with destinations as "10.0.0.1:80 5" (address, weight).
func table80(dests ...string) *ipvs.Table {
	s := ipvs.Service{Key: ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.10:80")), Scheduler: "wlc"}
	for _, d := range dests {
		addr, weight, _ := strings.Cut(d, " ")
		s.Destinations = append(s.Destinations, ipvs.Destination{Addr: netip.MustParseAddrPort(addr), Weight: int(weight[0] - '0'), Forward: ipvs.Direct})
	}
	return &ipvs.Table{Services: []ipvs.Service{s}}
}

func TestDecide(t *testing.T) {
	const held = "ip addr add 192.0.2.10 dev eth0 # until 5s epoch 3\n"
	const vs = "sysctl -w net/ipv4/vs/expire_nodest_conn=1\nsysctl -w net/ipv4/vs/expire_quiescent_template=1\n"
	base := func(doc config.Document, up ...string) Inputs {
		return Inputs{
			Mandate:  mandate(3, 5*time.Second),
			State:    State{Known: true, Revision: 2, Document: doc},
			Health:   verdicts(doc, up...),
			Links:    links(),
			Observed: &ipvs.Table{},
		}
	}
	change := func(in Inputs, f func(*Inputs)) Inputs { f(&in); return in }
	override := func(in Inputs, o ...Override) Inputs { in.State.Overrides = o; return in }
	observed := func(in Inputs, t *ipvs.Table) Inputs { in.Observed = t; return in }
	quiesce := func(v *config.Virtual) { v.OnFailure = config.Quiesce }
	unchecked := func(v *config.Virtual) { v.Check = nil }
	block := func(name, prefix, iface, group string) config.VIP {
		return config.VIP{Name: name, Address: netip.MustParsePrefix(prefix), Interface: iface, Group: group}
	}
	blocks := func(doc config.Document, b ...config.VIP) config.Document { doc.VIPs = b; return doc }

	blue := with(web(), func(v *config.Virtual) { v.Name, v.Address = "blue", netip.MustParseAddr("192.0.2.11") })
	twoGroups := base(blocks(document(web(), blue), block("b", "192.0.2.11/24", "", "blue")))
	down := func(in Inputs, link int) Inputs { in.Links[link].Up = false; return in }

	tests := []struct {
		name string
		in   Inputs
		want string
	}{
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
` + held + vs},
		{"warm standby has the table and no address", change(base(document(web("a")), "web/a up"), func(in *Inputs) { in.Mandate = Mandate{} }), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + vs},
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
` + vs},
		{"cold standby that has nothing begins nothing", change(base(document(web("a")), "web/a up"), func(in *Inputs) {
			in.Mandate = Mandate{}
			in.State.Document.Cluster.Standby = config.Cold
		}), ``},
		{"cold director has all", change(base(document(web("a")), "web/a up"), func(in *Inputs) { in.State.Document.Cluster.Standby = config.Cold }), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + held + vs},
		{"no server up: the address stays", base(document(web("a", "b")), "web/a down", "web/b down"), `
-A -t 192.0.2.10:80 -s wlc
` + held + vs},

		{"down is removed", base(document(web("a", "b")), "web/a up", "web/b down"), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + held + vs},
		{"down is quiesced", base(document(with(web("a", "b"), quiesce)), "web/a up", "web/b down"), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 0
` + held + vs},
		{"unknown and new waits", base(document(web("a"))), `
-A -t 192.0.2.10:80 -s wlc
` + held + vs},
		{"unknown and there keeps the kernel's weight", observed(base(document(web("a", "b", "c"))), table80("10.0.0.1:80 5", "10.0.0.2:80 0")), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 5
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 0
` + held + vs},
		{"known and there gets the document's weight", observed(base(document(web("a")), "web/a up"), table80("10.0.0.1:80 5")), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + held + vs},
		{"no check: in at once", base(document(with(web("a"), unchecked))), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + held + vs},
		{"unknown wished to weight 0 needs no verdict", observed(base(document(with(web("a", "b"), func(v *config.Virtual) { v.Servers[0].Weight, v.Servers[1].Weight = 0, 0 }))), table80("10.0.0.1:80 5")), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 0
` + held + vs},

		{"drain", override(base(document(web("a", "b")), "web/a up", "web/b up"), Override{Virtual: "web", Server: "a", Kind: Drain}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 0
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
` + held + vs},
		{"drain before any verdict", observed(override(base(document(web("a", "b"))), Override{Virtual: "web", Server: "a", Kind: Drain}, Override{Virtual: "web", Server: "b", Kind: Drain}), table80("10.0.0.1:80 5")), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 0
` + held + vs},
		{"drain of a dead server", override(base(document(web("a")), "web/a down"), Override{Virtual: "web", Server: "a", Kind: Drain}), `
-A -t 192.0.2.10:80 -s wlc
` + held + vs},
		{"disable", override(base(document(web("a", "b")), "web/a up", "web/b up"), Override{Virtual: "web", Server: "a", Kind: Disable}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
` + held + vs},
		{"disable before any verdict", observed(override(base(document(web("a"))), Override{Virtual: "web", Server: "a", Kind: Disable}), table80("10.0.0.1:80 5")), `
-A -t 192.0.2.10:80 -s wlc
` + held + vs},
		{"weight", override(base(document(web("a")), "web/a up"), Override{Virtual: "web", Server: "a", Kind: SetWeight, Weight: 7}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 7
` + held + vs},
		{"weight does not revive", override(base(document(with(web("a"), quiesce)), "web/a down"), Override{Virtual: "web", Server: "a", Kind: SetWeight, Weight: 7}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 0
` + held + vs},
		{"drain beats weight, whatever the order", override(base(document(web("a")), "web/a up"),
			Override{Virtual: "web", Server: "a", Kind: Drain}, Override{Virtual: "web", Server: "a", Kind: SetWeight, Weight: 7}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 0
` + held + vs},
		{"an override of another server or virtual does nothing", override(base(document(web("a")), "web/a up"),
			Override{Virtual: "web", Server: "b", Kind: Disable}, Override{Virtual: "mail", Server: "a", Kind: Disable}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
` + held + vs},
		{"leaving drains", change(base(document(web("a")), "web/a up"), func(in *Inputs) {
			in.State.Leaving = []Leaving{{Virtual: web("a", "b"), Server: web("a", "b").Servers[1]}}
		}), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 0
` + held + vs},
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
` + held + vs},

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
` + held + "ip addr add 2001:db8::10 dev eth0 # until 5s epoch 3\n" + vs},
		{"timeouts", change(base(document()), func(in *Inputs) {
			in.State.Document.Virtuals = []config.Virtual{web()}
			in.State.Document.Cluster.Timeouts = config.Timeouts{TCP: time.Hour, UDP: time.Minute}
		}), `
--set 3600 0 60
-A -t 192.0.2.10:80 -s wlc
` + held + vs},
		{"timeouts that the document does not give are the kernel's first ones", observed(change(base(document(web())), func(in *Inputs) {
			in.State.Document.Cluster.Timeouts = config.Timeouts{UDP: time.Minute}
		}), &ipvs.Table{Timeouts: ipvs.Timeouts{TCP: time.Hour, TCPFin: time.Hour, UDP: time.Hour}}), `
--set 900 120 60
-A -t 192.0.2.10:80 -s wlc
` + held + vs},
		{"a kernel without UDP has no timeout to set", observed(base(document(web())), &ipvs.Table{Timeouts: ipvs.Timeouts{TCP: time.Hour, TCPFin: time.Hour}}), `
--set 900 120 0
-A -t 192.0.2.10:80 -s wlc
` + held + vs},
		{"one server by another method", base(document(with(web("a", "b"), func(v *config.Virtual) { v.Servers[1].Forward = config.Tun })), "web/a up", "web/b up"), `
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1
-a -t 192.0.2.10:80 -r 10.0.0.2:80 -i -w 1 --tun-type ipip
` + held + vs},

		{"nat wants forwarding and no redirects, also before a server is up", base(blocks(document(with(web("a"), by(config.NAT))), block("inside", "10.0.0.254/24", "", ""))), `
-A -t 192.0.2.10:80 -s wlc
ip addr add 10.0.0.254 dev eth1 # until 5s epoch 3
` + held + `sysctl -w net/ipv4/conf/all/send_redirects=0
sysctl -w net/ipv4/conf/eth0/send_redirects=0
sysctl -w net/ipv4/conf/eth1/send_redirects=0
sysctl -w net/ipv4/ip_forward=1
` + vs},
		{"nat silences the servers' link, also without a vip there", base(document(with(web("a"), by(config.NAT)))), `
-A -t 192.0.2.10:80 -s wlc
` + held + `sysctl -w net/ipv4/conf/all/send_redirects=0
sysctl -w net/ipv4/conf/eth0/send_redirects=0
sysctl -w net/ipv4/conf/eth1/send_redirects=0
sysctl -w net/ipv4/ip_forward=1
` + vs},
		{"nat of IPv6", base(document(with(web("a"), func(v *config.Virtual) {
			v.Address, v.Family, v.Check = netip.MustParseAddr("2001:db8::10"), config.IPv6, nil
			v.Servers[0].Address = netip.MustParseAddrPort("[2001:db8:1::1]:80")
			by(config.NAT)(v)
		}))), `
-A -t [2001:db8::10]:80 -s wlc
-a -t [2001:db8::10]:80 -r [2001:db8:1::1]:80 -m -w 1
ip addr add 2001:db8::10 dev eth0 # until 5s epoch 3
` + vs + "sysctl -w net/ipv6/conf/all/forwarding=1\n"},

		{"two virtuals share an address: it is held once", base(document(web(), with(web(), func(v *config.Virtual) { v.Name, v.Ports = "tls", []uint16{443} }))), `
-A -t 192.0.2.10:80 -s wlc
-A -t 192.0.2.10:443 -s wlc
` + held + vs},
		{"vip of a virtual names group and device", change(base(blocks(document(web()), block("front", "192.0.2.10/24", "outside", "blue"))), func(in *Inputs) {
			in.Interfaces = map[string]string{"outside": "eth1"}
			in.Mandate.Groups = map[Group]vip.Instant{"blue": vip.Instant(time.Second)}
		}), `
-A -t 192.0.2.10:80 -s wlc
ip addr add 192.0.2.10 dev eth1 # until 1s epoch 3
` + vs},
		{"another group's mandate holds nothing", base(blocks(document(web()), block("front", "192.0.2.10/24", "", "blue"))), `
-A -t 192.0.2.10:80 -s wlc
` + vs},
		{"cold: only mandated groups where another leads", change(twoGroups, func(in *Inputs) {
			in.State.Document.Cluster.Standby, in.State.OtherLeads = config.Cold, true
		}), `
-A -t 192.0.2.10:80 -s wlc
` + held + vs},
		// A document that moves an address to another group arrives between mandate and state: no service goes for a pass.
		{"cold: groups without a mandate keep theirs where no other leads", change(twoGroups, func(in *Inputs) {
			in.State.Document.Cluster.Standby = config.Cold
		}), `
-A -t 192.0.2.10:80 -s wlc
-A -t 192.0.2.11:80 -s wlc
` + held + vs},
		{"a device's own name needs no map", base(document(with(web(), func(v *config.Virtual) { v.Interface = "eth1" }))), `
-A -t 192.0.2.10:80 -s wlc
ip addr add 192.0.2.10 dev eth1 # until 5s epoch 3
` + vs},
		{"a vip's prefix says which link, whatever else has the address", change(base(blocks(document(), block("wide", "192.0.2.200/24", "", ""))), func(in *Inputs) {
			in.Links[1].Prefixes = append(in.Links[1].Prefixes, netip.MustParsePrefix("192.0.2.128/25"))
		}), `
ip addr add 192.0.2.200 dev eth0 # until 5s epoch 3
`},
		{"a vip's prefix that no link has: the longest that has the address", change(base(blocks(document(), block("narrow", "192.0.2.200/26", "", ""))), func(in *Inputs) {
			in.Links[1].Prefixes = append(in.Links[1].Prefixes, netip.MustParsePrefix("192.0.2.128/25"))
		}), `
ip addr add 192.0.2.200 dev eth1 # until 5s epoch 3
`},
		{"addresses without a place are problems, the rest goes on", change(base(blocks(document(web()),
			block("far", "198.51.100.1/24", "", ""), block("lost", "192.0.2.11/24", "inside", ""), block("gone", "192.0.2.12/24", "outside", ""),
			block("both", "172.16.0.1/24", "", ""))), func(in *Inputs) {
			in.Interfaces = map[string]string{"outside": "eth7"}
			for i := range in.Links {
				in.Links[i].Prefixes = append(in.Links[i].Prefixes, netip.MustParsePrefix("172.16.0.0/24"))
			}
		}), `
-A -t 192.0.2.10:80 -s wlc
` + held + vs + `! vip 172.16.0.1: several links have its subnet; name one with "interface" in the document
! vip 192.0.2.11: this router does not know interface "inside"; start the agent with --interface inside=DEVICE; it has eth0, eth1
! vip 192.0.2.12: interface "outside" is device eth7 on this router, and there is none of that name; correct --interface outside=DEVICE; it has eth0, eth1
! vip 198.51.100.1: no link has its subnet; give a link an address of its subnet, or name one with "interface" in the document
unfit: vip 172.16.0.1: several links have its subnet
unfit: vip 192.0.2.11: this router does not know interface "inside"
unfit: vip 192.0.2.12: interface "outside" is device eth7 on this router, and there is none of that name
unfit: vip 198.51.100.1: no link has its subnet
`},
		{"a standby shows its problems before a takeover needs it", change(base(document(web())), func(in *Inputs) { in.Mandate, in.Links = Mandate{}, nil }), `
-A -t 192.0.2.10:80 -s wlc
` + vs + `! vip 192.0.2.10: no link has its subnet; give a link an address of its subnet, or name one with "interface" in the document
unfit: vip 192.0.2.10: no link has its subnet
`},
		{"a link is down: held all the same, and unfit", down(base(document(web())), 0), `
-A -t 192.0.2.10:80 -s wlc
` + held + vs + `unfit: link eth0 of vip 192.0.2.10 is down
`},
		{"a link is down on a standby", change(down(base(document(web())), 0), func(in *Inputs) { in.Mandate = Mandate{} }), `
-A -t 192.0.2.10:80 -s wlc
` + vs + `unfit: link eth0 of vip 192.0.2.10 is down
`},
		{"a link is down that no address needs", down(base(document(web())), 1), `
-A -t 192.0.2.10:80 -s wlc
` + held + vs},
		{"a link is down with the table not readable", observed(down(base(document(web())), 0), nil), `
# the table stays as it is
` + held + `unfit: link eth0 of vip 192.0.2.10 is down
`},

		{"a link has addresses to hold and none of its own", change(base(blocks(document(with(web(), func(v *config.Virtual) { v.Interface = "eth2" })),
			block("six", "2001:db8::10/64", "eth3", ""))), func(in *Inputs) {
			in.Links = append(in.Links, vip.Link{Name: "eth2", Index: 4, Up: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("fe80::/64")}},
				vip.Link{Name: "eth3", Index: 5, Up: true}, vip.Link{Name: "eth4", Index: 6})
		}), `
-A -t 192.0.2.10:80 -s wlc
ip addr add 192.0.2.10 dev eth2 # until 5s epoch 3
ip addr add 2001:db8::10 dev eth3 # until 5s epoch 3
` + vs + `! link eth2: has no IPv4 address of its own, so its routes go when its virtual addresses do; ip address add ADDRESS/PREFIX dev eth2, and in the configuration that survives a boot
`},

		{"table not readable: addresses as mandated", change(base(document(web("a")), "web/a up"), func(in *Inputs) { in.Observed = nil }), `
# the table stays as it is
` + held},
		{"foreign services before the first document", change(base(document()), func(in *Inputs) { in.State.Foreign, in.Observed = true, table80() }), `
# the table stays as it is
! ipvs table: 1 service was there before the first document; this router directs nothing and touches none of it; keep them: polso import ipvsadm; let go of them: polso apply --adopt
unfit: services that are not Polso's are in the kernel
`},
		{"foreign services that nobody sees just now", change(base(document(web("a")), "web/a up"), func(in *Inputs) { in.State.Foreign = true }), `
# the table stays as it is
! ipvs table: services were there before the first document; this router directs nothing and touches none of it; keep them: polso import ipvsadm; let go of them: polso apply --adopt
unfit: services that are not Polso's are in the kernel
`},
		{"foreign services given up", change(base(document()), func(in *Inputs) { in.State.Foreign, in.Observed = false, table80() }), ``},
		{"foreign services after the first document", observed(base(document()), table80()), ``},

		{"what cannot be said is left out", base(document(
			with(web("a"), func(v *config.Virtual) { v.Flags = []string{"fast"} }),
			with(web("a"), func(v *config.Virtual) { v.Name, v.Ports = "many", []uint16{80, 443} }),
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
` + held + vs + `! virtual web: unknown flag "fast"; correct the document: polso validate
! virtual many: 2 ports: one is supported; correct the document: polso validate
! virtual icmp: unknown protocol "icmp"; correct the document: polso validate
! virtual mark: unknown family ""; correct the document: polso validate
! server ok/a: unknown forward method "route"; correct the document: polso validate
! server ok/c: server b has the same address already; correct the document: polso validate
! virtual again: virtual ok is the same service already; correct the document: polso validate
! server portless/a: its check has no port to ask, so it never counts as up; add "port" to the check
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Decide(tt.in)
			checkText(t, got.words(), tt.want)
			if again := Decide(tt.in); !reflect.DeepEqual(got, again) {
				t.Errorf("twice the same inputs gave\n%+v\nand\n%+v", got, again)
			}
		})
	}
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

func TestPlacesNameTheirServices(t *testing.T) {
	doc := document(web(), with(web(), func(v *config.Virtual) { v.Name, v.Ports = "tls", []uint16{443} }))
	doc.VIPs = []config.VIP{{Name: "inside", Address: netip.MustParsePrefix("10.0.0.254/24")}}
	got := Decide(Inputs{State: State{Known: true, Revision: 2, Document: doc}, Links: links(), Observed: &ipvs.Table{}}).Places
	key := func(port uint16) ipvs.Key {
		return ipvs.AddrKey(ipvs.TCP, netip.AddrPortFrom(netip.MustParseAddr("192.0.2.10"), port))
	}
	want := []Place{
		{Addr: netip.MustParseAddr("10.0.0.254"), Link: "eth1", Name: "inside", Group: DefaultGroup},
		{Addr: netip.MustParseAddr("192.0.2.10"), Link: "eth0", Name: "web", Group: DefaultGroup, Services: []ipvs.Key{key(80), key(443)}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
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
