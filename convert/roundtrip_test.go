package convert_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"polso/config"
	"polso/convert"
	"polso/director"
	"polso/ipvs"
)

// A router whose kernel balances already goes on as it was: what `ipvsadm -S -n` prints of a table becomes a document that wants
// exactly that table, so that the director has no step to do.
func TestImportedTableIsTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := anyTable(t)
		r, err := convert.IPVSAdm(convert.File{Name: "table", Text: []byte(table.String())})
		if err != nil {
			t.Fatalf("%v\n%s", err, table)
		}
		if lost := r.Lost(); len(lost) > 0 {
			t.Fatalf("lost %+v\n%s", lost, table)
		}
		doc, err := config.Load(config.File{Name: "imported", Text: r.HCL()})
		if err != nil {
			t.Fatalf("%v\n%s", err, r.HCL())
		}
		want := director.Decide(director.Inputs{State: director.State{Known: true, Revision: 1, Document: doc}, Observed: &table})
		if steps := ipvs.Plan(want.Table, table); len(steps) > 0 {
			t.Fatalf("steps %v\ntable\n%s\ndocument\n%s", steps, table, r.HCL())
		}
		exported, _ := convert.ToIPVSAdm(doc)
		if got, want := sortedLines(string(exported)), sortedLines(table.String()); got != want {
			t.Fatalf("exported\n%s\nwant\n%s", got, want)
		}
	})
}

func sortedLines(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}

// anyTable draws tables of what a document can say.
func anyTable(t *rapid.T) ipvs.Table {
	var table ipvs.Table
	for _, k := range rapid.SliceOfDistinct(rapid.SampledFrom([]ipvs.Key{
		ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.10:80")), ipvs.AddrKey(ipvs.UDP, netip.MustParseAddrPort("192.0.2.10:80")),
		ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("[2001:db8::10]:443")), ipvs.AddrKey(ipvs.TCP, netip.MustParseAddrPort("192.0.2.11:0")),
		ipvs.AddrKey(ipvs.SCTP, netip.MustParseAddrPort("192.0.2.10:80")), ipvs.MarkKey(7, ipvs.IPv4), ipvs.MarkKey(7, ipvs.IPv6),
	}), rapid.ID[ipvs.Key]).Draw(t, "services") {
		s := ipvs.Service{Key: k, Scheduler: rapid.SampledFrom([]string{"rr", "wlc", "mh"}).Draw(t, "scheduler")}
		if s.Scheduler == "mh" {
			s.Flags = rapid.SampledFrom([]ipvs.Flags{0, ipvs.Sched1, ipvs.Sched2, ipvs.Sched1 | ipvs.Sched2, ipvs.Sched3}).Draw(t, "flags")
		}
		addressed := k.FWMark == 0
		switch {
		case addressed && k.Port == 0 || rapid.Bool().Draw(t, "persistent"):
			s.Persistent = time.Duration(rapid.IntRange(1, 100_000).Draw(t, "seconds")) * time.Second
			s.PersistMask = rapid.SampledFrom([]int{0, 8, 24}).Draw(t, "mask")
			if k.Protocol == ipvs.UDP || !addressed {
				s.PE = rapid.SampledFrom([]string{"", "sip"}).Draw(t, "engine")
			}
		}
		if k.Protocol == ipvs.UDP {
			s.Flags |= rapid.SampledFrom([]ipvs.Flags{0, ipvs.OnePacket}).Draw(t, "one packet")
		}
		for _, n := range rapid.SliceOfDistinct(rapid.IntRange(1, 5), rapid.ID[int]).Draw(t, "servers") {
			d := ipvs.Destination{
				Weight:  rapid.SampledFrom([]int{0, 1, 65535}).Draw(t, "weight"),
				Forward: rapid.SampledFrom([]ipvs.Forward{ipvs.NAT, ipvs.Tun, ipvs.Direct, ipvs.Local}).Draw(t, "forward"),
				Upper:   rapid.Uint32Range(0, 100).Draw(t, "upper"),
			}
			d.Lower = rapid.Uint32Range(0, d.Upper).Draw(t, "lower")
			addr, port := netip.AddrFrom4([4]byte{10, 0, 0, byte(n/2 + 1)}), k.Port // two on one host
			six := k.Family == ipvs.IPv6
			if d.Forward == ipvs.Tun {
				d.Tunnel = rapid.SampledFrom([]ipvs.Tunnel{
					{}, {Type: ipvs.GUE, Port: 6080}, {Type: ipvs.GUE, Port: 1, Flags: ipvs.Remcsum}, {Type: ipvs.GRE}, {Type: ipvs.GRE, Flags: ipvs.Csum},
				}).Draw(t, "tunnel")
				six = rapid.Bool().Draw(t, "ipv6")
			}
			switch {
			case d.Forward == ipvs.Local && six:
				addr = netip.IPv6Loopback()
			case d.Forward == ipvs.Local:
				addr = netip.AddrFrom4([4]byte{127, 0, 0, byte(n/2 + 1)})
			case six:
				addr = netip.AddrFrom16([16]byte{0xfd, 15: byte(n/2 + 1)})
			}
			if addr.IsLoopback() && six && slices.ContainsFunc(s.Destinations, func(d ipvs.Destination) bool { return d.Addr.Addr() == addr }) {
				continue
			}
			if d.Forward == ipvs.NAT && k.Port != 0 {
				port = uint16(8000 + n)
			} else if n%2 == 1 {
				continue // the kernel has an address and port once
			}
			d.Addr = netip.AddrPortFrom(addr, port)
			s.Destinations = append(s.Destinations, d)
		}
		table.Services = append(table.Services, s)
	}
	if err := table.Check(); err != nil {
		t.Fatalf("drew a wrong table: %v", err)
	}
	return table
}
