package director

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

func TestDecidePlaces(t *testing.T) {
	blue := with(web(), func(v *config.Virtual) { v.Name, v.Address = "blue", netip.MustParseAddr("192.0.2.11") })
	twoGroups := base(blocks(document(web(), blue), block("b", "192.0.2.11/24", "", "blue")))
	checkDecisions(t, []decision{
		{"nat wants forwarding and no redirects, also before a server is up", base(blocks(document(with(web("a"), by(config.NAT))), block("inside", "10.0.0.254/24", "", ""))), `
-A -t 192.0.2.10:80 -s wlc
ip addr add 10.0.0.254 dev eth1 # until 5s epoch 3
` + heldHere + `sysctl -w net/ipv4/conf/all/send_redirects=0
sysctl -w net/ipv4/conf/eth0/send_redirects=0
sysctl -w net/ipv4/conf/eth1/send_redirects=0
sysctl -w net/ipv4/ip_forward=1
` + vsSysctls},
		{"nat silences the servers' link, also without a vip there", base(document(with(web("a"), by(config.NAT)))), `
-A -t 192.0.2.10:80 -s wlc
` + heldHere + `sysctl -w net/ipv4/conf/all/send_redirects=0
sysctl -w net/ipv4/conf/eth0/send_redirects=0
sysctl -w net/ipv4/conf/eth1/send_redirects=0
sysctl -w net/ipv4/ip_forward=1
` + vsSysctls},
		{"nat of IPv6", base(document(with(web("a"), func(v *config.Virtual) {
			v.Address, v.Family, v.Check = netip.MustParseAddr("2001:db8::10"), config.IPv6, nil
			v.Servers[0].Address = netip.MustParseAddrPort("[2001:db8:1::1]:80")
			by(config.NAT)(v)
		}))), `
-A -t [2001:db8::10]:80 -s wlc
-a -t [2001:db8::10]:80 -r [2001:db8:1::1]:80 -m -w 1
ip addr add 2001:db8::10 dev eth0 # until 5s epoch 3
` + vsSysctls + "sysctl -w net/ipv6/conf/all/forwarding=1\n"},

		{"two virtuals share an address: it is held once", base(document(web(), with(web(), func(v *config.Virtual) { v.Name, v.Ports = "tls", []uint16{443} }))), `
-A -t 192.0.2.10:80 -s wlc
-A -t 192.0.2.10:443 -s wlc
` + heldHere + vsSysctls},
		{"vip of a virtual names group and device", change(base(blocks(document(web()), block("front", "192.0.2.10/24", "outside", "blue"))), func(in *Inputs) {
			in.Interfaces = map[string]string{"outside": "eth1"}
			in.Mandate.Groups = map[Group]vip.Instant{"blue": vip.Instant(time.Second)}
		}), `
-A -t 192.0.2.10:80 -s wlc
ip addr add 192.0.2.10 dev eth1 # until 1s epoch 3
` + vsSysctls},
		{"another group's mandate holds nothing", base(blocks(document(web()), block("front", "192.0.2.10/24", "", "blue"))), `
-A -t 192.0.2.10:80 -s wlc
` + vsSysctls},
		{"cold: only mandated groups where another leads", change(twoGroups, func(in *Inputs) {
			in.State.Document.Cluster.Standby, in.State.OtherLeads = config.Cold, true
		}), `
-A -t 192.0.2.10:80 -s wlc
` + heldHere + vsSysctls},
		// A document that moves an address to another group arrives between mandate and state: no service goes for a pass.
		{"cold: groups without a mandate keep theirs where no other leads", change(twoGroups, func(in *Inputs) {
			in.State.Document.Cluster.Standby = config.Cold
		}), `
-A -t 192.0.2.10:80 -s wlc
-A -t 192.0.2.11:80 -s wlc
` + heldHere + vsSysctls},
		{"a device's own name needs no map", base(document(with(web(), func(v *config.Virtual) { v.Interface = "eth1" }))), `
-A -t 192.0.2.10:80 -s wlc
ip addr add 192.0.2.10 dev eth1 # until 5s epoch 3
` + vsSysctls},
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
` + heldHere + vsSysctls + `! vip 172.16.0.1: several links have its subnet; name one with "interface" in the document
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
` + vsSysctls + `! vip 192.0.2.10: no link has its subnet; give a link an address of its subnet, or name one with "interface" in the document
unfit: vip 192.0.2.10: no link has its subnet
`},
		{"a link is down: held all the same, and unfit", down(base(document(web())), 0), `
-A -t 192.0.2.10:80 -s wlc
` + heldHere + vsSysctls + `unfit: link eth0 of vip 192.0.2.10 is down
`},
		{"a link is down on a standby", change(down(base(document(web())), 0), func(in *Inputs) { in.Mandate = Mandate{} }), `
-A -t 192.0.2.10:80 -s wlc
` + vsSysctls + `unfit: link eth0 of vip 192.0.2.10 is down
`},
		{"a link is down that no address needs", down(base(document(web())), 1), `
-A -t 192.0.2.10:80 -s wlc
` + heldHere + vsSysctls},
		{"a link is down with the table not readable", observed(down(base(document(web())), 0), nil), `
# the table stays as it is
` + heldHere + `unfit: link eth0 of vip 192.0.2.10 is down
`},

		{"a link has addresses to hold and none of its own", change(base(blocks(document(with(web(), func(v *config.Virtual) { v.Interface = "eth2" })),
			block("six", "2001:db8::10/64", "eth3", ""))), func(in *Inputs) {
			in.Links = append(in.Links, vip.Link{Name: "eth2", Index: 4, Up: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("fe80::/64")}},
				vip.Link{Name: "eth3", Index: 5, Up: true}, vip.Link{Name: "eth4", Index: 6})
		}), `
-A -t 192.0.2.10:80 -s wlc
ip addr add 192.0.2.10 dev eth2 # until 5s epoch 3
ip addr add 2001:db8::10 dev eth3 # until 5s epoch 3
` + vsSysctls + `! link eth2: has no IPv4 address of its own, so its routes go when its virtual addresses do; ip address add ADDRESS/PREFIX dev eth2, and in the configuration that survives a boot
`},
	})
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
