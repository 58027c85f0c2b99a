package ipvs_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/ipvs"
)

func TestTableCheck(t *testing.T) {
	tun := func(a string, tunnel ipvs.Tunnel) ipvs.Destination {
		return ipvs.Destination{Addr: netip.MustParseAddrPort(a), Forward: ipvs.Tun, Weight: 1, Tunnel: tunnel}
	}
	dest := func(a string, change func(*ipvs.Destination)) ipvs.Service {
		d := server(a, 1)
		change(&d)
		return service("10.0.0.1:80", "rr", d)
	}
	svc := func(change func(*ipvs.Service)) ipvs.Service { return with(service("10.0.0.1:80", "rr"), change) }
	tests := []struct {
		name  string
		table ipvs.Table
		want  string // the errors, one a line
	}{
		{"empty", ipvs.Table{}, ""},
		{"good", tableOf(service("10.0.0.1:80", "rr", server("10.1.0.1:80", 0), server("10.1.0.2:80", 65535)),
			service("[fd00::1]:80", "mh", server("[fd00::2]:80", 1)),
			ipvs.Service{Key: ipvs.MarkKey(1, ipvs.IPv4), Scheduler: "rr", Flags: ipvs.OnePacket, Destinations: []ipvs.Destination{server("10.1.0.1:0", 1)}},
			with(service("10.0.0.2:0", "rr", server("10.1.0.1:0", 1)), func(s *ipvs.Service) { s.Persistent = time.Minute })), ""},
		{"service twice", tableOf(service("10.0.0.1:80", "rr"), service("10.0.0.1:80", "wlc")),
			"service tcp 10.0.0.1:80: named twice"},
		{"server twice", tableOf(service("10.0.0.1:80", "rr", server("10.1.0.1:80", 1), server("10.1.0.1:80", 2))),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: named twice"},
		{"port 0", tableOf(service("10.0.0.1:0", "rr")),
			"service tcp 10.0.0.1:0: port 0 (every port) needs persistence"},
		{"port 0 of a server", tableOf(service("10.0.0.1:80", "rr", server("10.1.0.1:0", 1))),
			"service tcp 10.0.0.1:80: server 10.1.0.1:0: port 0 is for services of every port"},
		{"weight", tableOf(service("10.0.0.1:80", "rr", server("10.1.0.1:80", 65536), server("10.1.0.2:80", -1))),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: weight 65536 is not within 0..65535\n" +
				"service tcp 10.0.0.1:80: server 10.1.0.2:80: weight -1 is not within 0..65535"},
		{"thresholds", tableOf(dest("10.1.0.1:80", func(d *ipvs.Destination) { d.Lower = 1 })),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: lower threshold 1 is above the upper one, 0"},
		{"threshold too high", tableOf(dest("10.1.0.1:80", func(d *ipvs.Destination) { d.Upper = 1 << 31 })),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: upper threshold 2147483648 is above 2147483647"},
		{"direct changes the port", tableOf(service("10.0.0.1:80", "rr", server("10.1.0.1:8080", 1))),
			"service tcp 10.0.0.1:80: server 10.1.0.1:8080: direct forwarding cannot change the port from 80 to 8080"},
		{"forwarding", tableOf(dest("10.1.0.1:80", func(d *ipvs.Destination) { d.Forward = 9 })),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: forward 9 is not a forwarding method"},
		{"good tunnels", tableOf(service("10.0.0.1:80", "rr",
			tun("10.1.0.1:80", ipvs.Tunnel{Type: ipvs.GUE, Port: 6080, Flags: ipvs.Remcsum}), tun("10.1.0.2:80", ipvs.Tunnel{Type: ipvs.GRE, Flags: ipvs.Csum}),
			tun("[fd00::1]:80", ipvs.Tunnel{}))), ""},
		{"gue without a port", tableOf(service("10.0.0.1:80", "rr", tun("10.1.0.1:80", ipvs.Tunnel{Type: ipvs.GUE}))),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: a gue tunnel needs a port"},
		{"gre with a port", tableOf(service("10.0.0.1:80", "rr", tun("10.1.0.1:80", ipvs.Tunnel{Type: ipvs.GRE, Port: 6080}))),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: a gre tunnel has no port"},
		{"remcsum by gre", tableOf(service("10.0.0.1:80", "rr", tun("10.1.0.1:80", ipvs.Tunnel{Type: ipvs.GRE, Flags: ipvs.Remcsum}))),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: flags 0x2 do not go with a gre tunnel"},
		{"odd flags", tableOf(service("10.0.0.1:80", "rr", tun("10.1.0.1:80", ipvs.Tunnel{Type: ipvs.GUE, Port: 1, Flags: 3}))),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: flags 0x3 do not go with a gue tunnel"},
		{"local changes the port", tableOf(dest("127.0.0.1:8080", func(d *ipvs.Destination) { d.Forward = ipvs.Local })),
			"service tcp 10.0.0.1:80: server 127.0.0.1:8080: local forwarding cannot change the port from 80 to 8080"},
		{"ipip with a port", tableOf(service("10.0.0.1:80", "rr", tun("10.1.0.1:80", ipvs.Tunnel{Port: 6080}))),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: an ipip tunnel has neither port nor flags"},
		{"another tunnel", tableOf(service("10.0.0.1:80", "rr", tun("10.1.0.1:80", ipvs.Tunnel{Type: 9}))),
			"service tcp 10.0.0.1:80: server 10.1.0.1:80: tunnel 9 is not known"},
		{"families mixed otherwise", tableOf(service("10.0.0.1:80", "rr", server("[fd00::1]:80", 1))),
			"service tcp 10.0.0.1:80: server [fd00::1]:80: ipv6 server of an ipv4 service: only tun forwarding crosses families"},
		{"scheduler", tableOf(service("10.0.0.1:80", ""), service("10.0.0.2:80", "a name too long"), service("10.0.0.3:80", "RR")),
			"service tcp 10.0.0.1:80: no scheduler\n" +
				"service tcp 10.0.0.2:80: scheduler \"a name too long\" is not a kernel's name\n" +
				"service tcp 10.0.0.3:80: scheduler \"RR\" is not a kernel's name"},
		{"persistence", tableOf(svc(func(s *ipvs.Service) { s.Persistent = -time.Second })),
			"service tcp 10.0.0.1:80: persistence of -1s is not within 0..596h31m23s"},
		{"mask", tableOf(svc(func(s *ipvs.Service) { s.Persistent, s.PersistMask = time.Minute, 33 })),
			"service tcp 10.0.0.1:80: persistence mask /33 is not within 1..32 (0 is the full one)"},
		{"mask of ipv6", tableOf(with(service("[fd00::1]:80", "rr"), func(s *ipvs.Service) { s.Persistent, s.PersistMask = time.Minute, 129 })),
			"service tcp [fd00::1]:80: persistence mask /129 is not within 1..128 (0 is the full one)"},
		{"flags", tableOf(svc(func(s *ipvs.Service) { s.Flags = 0x43 })),
			"service tcp 10.0.0.1:80: flags 0x43 are not known"},
		{"one packet of tcp", tableOf(svc(func(s *ipvs.Service) { s.Flags = ipvs.OnePacket })),
			"service tcp 10.0.0.1:80: one-packet scheduling is for udp"},
		{"engine without persistence", tableOf(svc(func(s *ipvs.Service) { s.PE = "sip" })),
			"service tcp 10.0.0.1:80: persistence engine sip needs persistence"},
		{"neither address nor mark", tableOf(ipvs.Service{Scheduler: "rr", Flags: ipvs.Sched1, Key: ipvs.Key{Protocol: ipvs.TCP, Port: 80}}),
			"service tcp invalid AddrPort: neither an address nor a firewall mark"},
		{"mark with address", tableOf(svc(func(s *ipvs.Service) { s.FWMark = 7 })),
			"service fwmark 7: a firewall mark goes without address, port and protocol"},
		{"mark without family", tableOf(ipvs.Service{Scheduler: "rr", Key: ipvs.Key{FWMark: 7}}),
			"service fwmark 7: family 0: a firewall mark is of ipv4 or ipv6"},
		{"family of another address", tableOf(svc(func(s *ipvs.Service) { s.Family = ipvs.IPv6 })),
			"service tcp 10.0.0.1:80: ipv6: not the address's family"},
		{"protocol", tableOf(svc(func(s *ipvs.Service) { s.Protocol = 1 })),
			"service protocol 1 10.0.0.1:80: protocol 1: IPVS balances tcp, udp and sctp"},
		{"odd addresses", tableOf(service("[::ffff:10.0.0.1]:80", "rr"), service("[fe80::1%eth0]:80", "rr"), service("0.0.0.0:80", "rr"),
			service("10.0.0.1:80", "rr", server("224.0.0.1:80", 1), ipvs.Destination{})),
			"service tcp [::ffff:10.0.0.1]:80: ::ffff:10.0.0.1: write it as 10.0.0.1\n" +
				"service tcp [fe80::1%eth0]:80: fe80::1%eth0: IPVS knows no zones\n" +
				"service tcp 0.0.0.0:80: 0.0.0.0 is not the address of one host\n" +
				"service tcp 10.0.0.1:80: server 224.0.0.1:80: 224.0.0.1 is not the address of one host\n" +
				"service tcp 10.0.0.1:80: server invalid AddrPort: no address\n" +
				"service tcp 10.0.0.1:80: server invalid AddrPort: port 0 is for services of every port"},
		{"timeouts", ipvs.Table{Timeouts: ipvs.Timeouts{TCP: -1, UDP: 600 * time.Hour}},
			"timeout tcp: -1ns is not within 0..596h31m23s\ntimeout udp: 600h0m0s is not within 0..596h31m23s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			err := tt.table.Check()
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOpCheckAsksNoMoreThanCounts lets through what removes, whatever else is wrong with the entry: a foreign one must
// be removable.
func TestOpCheckAsksNoMoreThanCounts(t *testing.T) {
	foreign := ipvs.Destination{Addr: netip.MustParseAddrPort("[fd00::1]:80"), Forward: ipvs.Tun, Weight: 70000, Tunnel: ipvs.Tunnel{Type: ipvs.GUE}}
	s := ipvs.Service{Key: ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("10.0.0.1:0"))}
	tests := []struct {
		verb ipvs.Verb
		ok   bool
	}{
		{ipvs.AddService, false},
		{ipvs.EditService, false},
		{ipvs.DeleteService, true},
		{ipvs.AddDestination, false},
		{ipvs.EditDestination, false},
		{ipvs.DeleteDestination, true},
		{ipvs.SetTimeouts, true},
		{0, false},
		{ipvs.SetTimeouts + 1, false},
	}
	for _, tt := range tests {
		if err := (ipvs.Op{Verb: tt.verb, Service: s, Destination: foreign}).Check(); (err == nil) != tt.ok {
			t.Errorf("%s: %v, want ok %v", tt.verb, err, tt.ok)
		}
	}
}
