package ipvs_test

import (
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/ipvs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// listed is a table with every word that a listing has, and counters of every length.
func listed() (ipvs.Table, ipvs.Stats) {
	tun, nat := server("10.1.0.2:80", 2), server("10.1.0.3:8080", 65535)
	tun.Forward, nat.Forward = ipvs.Tun, ipvs.NAT
	local := server("127.0.0.1:80", 1)
	local.Forward = ipvs.Local
	web := with(service("10.0.0.1:80", "wlc", local, nat, tun, server("10.1.0.1:80", 1)), func(s *ipvs.Service) { s.Persistent = 300 * time.Second })
	udp := func(a, scheduler string, flags ipvs.Flags) ipvs.Service {
		return ipvs.Service{Key: ipvs.AddrKey(ipvs.UDP, netip.MustParseAddrPort(a)), Scheduler: scheduler, Flags: flags}
	}
	sip := udp("10.0.0.1:5060", "rr", ipvs.OnePacket)
	sip.Persistent, sip.PE = time.Minute, "sip"
	six := service("[fd00::1]:443", "wrr", server("[fd00:aaaa:bbbb:cccc:dddd:eeee:ffff:9]:443", 3))
	six.Persistent, six.PersistMask = time.Minute, 64
	all := with(service("10.0.0.1:0", "rr"), func(s *ipvs.Service) { s.Persistent, s.PersistMask = time.Hour, 24 })
	t := tableOf(
		ipvs.Service{Key: ipvs.MarkKey(7, ipvs.IPv6), Scheduler: "rr", Destinations: []ipvs.Destination{server("[fd00::99]:0", 1)}},
		ipvs.Service{Key: ipvs.MarkKey(7, ipvs.IPv4), Scheduler: "rr"},
		ipvs.Service{Key: ipvs.AddrKey(ipvs.SCTP, netip.MustParseAddrPort("10.0.0.1:99")), Scheduler: "rr"},
		six, sip, all, web, udp("10.0.0.1:53", "sh", ipvs.OnePacket|ipvs.Sched1|ipvs.Sched2), udp("10.0.0.1:55", "wrr", ipvs.Sched3),
	)
	st := ipvs.Stats{
		web.Key: {
			Counters: ipvs.Counters{
				Connections: 99999999, PacketsIn: 100000000, PacketsOut: 999999999, BytesIn: 1000000000, BytesOut: 99999999999,
				CPS: 1, PPSIn: 12, PPSOut: 123, BPSIn: 12345678, BPSOut: 123456789,
			},
			Destinations: map[netip.AddrPort]ipvs.DestinationStats{
				nat.Addr: {Counters: ipvs.Counters{BytesIn: 100000000000, BytesOut: 100000000000000}, Active: 12, Inactive: 1234567890},
			},
		},
	}
	return t, st
}

func TestFormat(t *testing.T) {
	tab, st := listed()
	info := ipvs.Info{Version: "1.2.1", Size: 4096}
	tests := []struct {
		name string
		o    ipvs.FormatOptions
	}{
		{"listing", ipvs.FormatOptions{Info: info}},
		{"listing-without-info", ipvs.FormatOptions{}},
		{"totals", ipvs.FormatOptions{Info: info, View: ipvs.Totals}},
		{"totals-exact", ipvs.FormatOptions{Info: info, View: ipvs.Totals, Exact: true}},
		{"rate", ipvs.FormatOptions{Info: info, View: ipvs.RateView}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got strings.Builder
			if err := ipvs.Format(&got, tab, st, tt.o); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "format-"+tt.name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestFormatReportsTheWriter(t *testing.T) {
	tab, st := listed()
	if err := ipvs.Format(full{}, tab, st, ipvs.FormatOptions{}); !errors.Is(err, errFull) {
		t.Errorf("%v, want the writer's error", err)
	}
}
