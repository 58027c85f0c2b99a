package ipvs_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/ipvs"
)

func server(a string, weight int) ipvs.Destination {
	return ipvs.Destination{Addr: netip.MustParseAddrPort(a), Forward: ipvs.Direct, Weight: weight}
}

func service(a, scheduler string, servers ...ipvs.Destination) ipvs.Service {
	return ipvs.Service{Key: ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort(a)), Scheduler: scheduler, Destinations: servers}
}

func tableOf(s ...ipvs.Service) ipvs.Table { return ipvs.Table{Services: s} }

func with(s ipvs.Service, change func(*ipvs.Service)) ipvs.Service {
	change(&s)
	return s
}

func TestPlanSays(t *testing.T) {
	web := service("10.0.0.1:80", "wlc", server("10.1.0.1:80", 1), server("10.1.0.2:80", 1))
	tests := []struct {
		name       string
		want, have ipvs.Table
		plan       string
	}{
		{"nothing to do", tableOf(web), tableOf(web), ""},
		{"order carries no meaning",
			tableOf(service("10.0.0.1:80", "rr", server("10.1.0.1:80", 1), server("10.1.0.2:80", 1)), service("10.0.0.2:80", "rr")),
			tableOf(service("10.0.0.2:80", "rr"), service("10.0.0.1:80", "rr", server("10.1.0.2:80", 1), server("10.1.0.1:80", 1))),
			""},
		{"from nothing", tableOf(web), ipvs.Table{}, `
-A -t 10.0.0.1:80 -s wlc
-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 1
-a -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 1`},
		{"to nothing: the servers go with the service", ipvs.Table{}, tableOf(web), `
-D -t 10.0.0.1:80`},
		{"a new service before an old one goes", tableOf(service("10.0.0.9:80", "rr")), tableOf(service("10.0.0.1:80", "rr")), `
-A -t 10.0.0.9:80 -s rr
-D -t 10.0.0.1:80`},
		{"everything of a service in place",
			tableOf(with(web, func(s *ipvs.Service) {
				s.Scheduler, s.Flags, s.Persistent, s.PersistMask = "sh", ipvs.Sched1|ipvs.Sched2, time.Minute, 24
			})), tableOf(web), `
-E -t 10.0.0.1:80 -s sh -p 60 -M 255.255.255.0 -b sh-fallback,sh-port`},
		{"up before down",
			tableOf(service("10.0.0.1:80", "wlc", server("10.1.0.1:80", 0), server("10.1.0.2:80", 5), server("10.1.0.4:80", 1))),
			tableOf(service("10.0.0.1:80", "wlc", server("10.1.0.1:80", 1), server("10.1.0.2:80", 1), server("10.1.0.3:80", 1))), `
-a -t 10.0.0.1:80 -r 10.1.0.4:80 -g -w 1
-e -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 5
-e -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 0
-d -t 10.0.0.1:80 -r 10.1.0.3:80`},
		{"another forwarding is an edit",
			tableOf(service("10.0.0.1:80", "wlc", ipvs.Destination{Addr: netip.MustParseAddrPort("10.1.0.1:80"), Forward: ipvs.Tun, Weight: 1})),
			tableOf(service("10.0.0.1:80", "wlc", server("10.1.0.1:80", 1))), `
-e -t 10.0.0.1:80 -r 10.1.0.1:80 -i -w 1 --tun-type ipip`},
		{"timeouts: only those that differ",
			ipvs.Table{Timeouts: ipvs.Timeouts{TCP: time.Hour, UDP: 300 * time.Second}},
			ipvs.Table{Timeouts: ipvs.Timeouts{TCP: 900 * time.Second, TCPFin: 120 * time.Second, UDP: 300 * time.Second}}, `
--set 3600 0 0`},
		{"timeouts nobody asked for stay", ipvs.Table{}, ipvs.Table{Timeouts: ipvs.Timeouts{TCP: time.Hour}}, ""},
		{"less than a second is a second",
			tableOf(with(web, func(s *ipvs.Service) { s.Persistent = time.Millisecond })),
			tableOf(with(web, func(s *ipvs.Service) { s.Persistent = time.Second })), ""},
		{"the full mask is no mask",
			tableOf(with(web, func(s *ipvs.Service) { s.Persistent, s.PersistMask = time.Minute, 32 })),
			tableOf(with(web, func(s *ipvs.Service) { s.Persistent = time.Minute })), ""},
		{"a foreign mask of nothing is repaired",
			tableOf(with(web, func(s *ipvs.Service) { s.Persistent = time.Minute })),
			tableOf(with(web, func(s *ipvs.Service) { s.Persistent, s.PersistMask = time.Minute, -1 })), `
-E -t 10.0.0.1:80 -s wlc -p 60`},
		{"a mark of each family",
			tableOf(ipvs.Service{Key: ipvs.MarkKey(7, ipvs.IPv6), Scheduler: "rr"}, ipvs.Service{Key: ipvs.MarkKey(7, ipvs.IPv4), Scheduler: "rr"}),
			ipvs.Table{}, `
-A -f 7 -s rr
-A -f 7 -6 -s rr`},
		{"foreign tunnels go", tableOf(web), tableOf(service("10.0.0.1:80", "wlc", server("10.1.0.1:80", 1),
			ipvs.Destination{Addr: netip.MustParseAddrPort("10.1.0.2:80"), Forward: ipvs.Tun, Weight: 1, Tunnel: ipvs.Tunnel{Type: ipvs.GUE, Port: 6080}})), `
-e -t 10.0.0.1:80 -r 10.1.0.2:80 -g -w 1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got strings.Builder
			for _, o := range ipvs.Plan(tt.want, tt.have) {
				got.WriteString("\n" + o.String())
			}
			if diff := cmp.Diff(tt.plan, got.String()); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPlanLeavesItsInput holds Plan to being pure: what it was given is as before.
func TestPlanLeavesItsInput(t *testing.T) {
	want := tableOf(service("10.0.0.2:80", "rr", server("10.1.0.9:80", 1), server("10.1.0.1:80", 1)), service("10.0.0.1:80", "rr"))
	have := tableOf(service("10.0.0.2:80", "rr", server("10.1.0.7:80", 1), server("10.1.0.1:80", 2)), service("10.0.0.1:80", "wlc"))
	first := func(t ipvs.Table) string {
		return t.Services[0].String() + t.Services[0].Destinations[0].String() + t.Services[1].String()
	}
	before := first(want) + first(have)
	ipvs.Plan(want, have)
	if after := first(want) + first(have); after != before {
		t.Errorf("Plan made\n%s\nof\n%s", after, before)
	}
}
