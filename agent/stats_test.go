package agent

import (
	"fmt"
	"net/netip"
	"testing"

	"polso/api"
	"polso/ipvs"
)

// The counters of a router are shown whole, by the names of the document; what it does not name goes by its address.
func TestStats(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	r1, r2 := w.nodes[0], w.nodes[1]
	r1.status("settled", settled(3, 2))
	const large = 1<<63 + 1
	key := ipvs.AddrKey(ipvs.TCP, netip.AddrPortFrom(webVIP, 80))
	a, sorry := netip.MustParseAddrPort("10.9.0.21:80"), netip.MustParseAddrPort("10.9.0.99:80")
	if err := r2.table.Foreign(ipvs.Op{Verb: ipvs.AddDestination, Service: ipvs.Service{Key: key}, Destination: ipvs.Destination{Addr: sorry, Forward: ipvs.Direct}}); err != nil {
		t.Fatal(err)
	}
	r2.table.SetStats(ipvs.Stats{key: {
		Counters: ipvs.Counters{Connections: large, PacketsIn: 2, PacketsOut: 3, BytesIn: large, BytesOut: 5, CPS: 6, PPSIn: 7, PPSOut: 8, BPSIn: 9, BPSOut: 10},
		Destinations: map[netip.AddrPort]ipvs.DestinationStats{
			a: {Counters: ipvs.Counters{Connections: 4}, Active: 1, Inactive: 2, Persistent: 3},
		},
	}})
	got, err := r1.client.Stats(t.Context(), api.StatsRequest{On: "r2", Virtual: "web"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Node != "r2" || got.At.IsZero() || len(got.Virtuals) != 1 {
		t.Fatalf("got %+v", got)
	}
	v := got.Virtuals[0]
	if v.Name != "web" || v.Totals != (api.Totals{Connections: large, PacketsIn: 2, PacketsOut: 3, BytesIn: large, BytesOut: 5}) ||
		v.Rates != (api.Rates{Connections: 6, PacketsIn: 7, PacketsOut: 8, BytesIn: 9, BytesOut: 10}) {
		t.Errorf("got %+v", v)
	}
	if want := (api.ServerStats{Name: "a", Address: "10.9.0.21:80", Active: 1, Inactive: 2, Persistent: 3, Totals: api.Totals{Connections: 4}}); v.Servers[0] != want {
		t.Errorf("got %+v, want %+v", v.Servers[0], want)
	}
	// The director takes the foreign one out sooner or later.
	if s := v.Servers; len(s) < 2 || s[1].Name != "b" || len(s) == 3 && (s[2] != api.ServerStats{Address: "10.9.0.99:80"}) || len(s) > 3 {
		t.Errorf("servers %+v", s)
	}
	if _, err := r1.client.Stats(t.Context(), api.StatsRequest{Virtual: "nobody"}); api.CodeOf(err) != api.CodeNotFound {
		t.Errorf("of a virtual that is not there: %v", err)
	}

	r2.table.SetCPUStats(ipvs.CPUStats{CPUs: []ipvs.CPU{{Number: 0, Counters: ipvs.Counters{Connections: 1}}, {Number: 3, Counters: ipvs.Counters{BytesIn: large}}},
		Total: ipvs.Counters{Connections: 1, BytesIn: large, CPS: 2}})
	cpus, err := r1.client.CPUStats(t.Context(), "r2")
	if err != nil {
		t.Fatal(err)
	}
	want := api.CPUStats{Schema: api.Schema, Node: "r2", CPUs: []api.CPU{{Number: 0, Totals: api.Totals{Connections: 1}}, {Number: 3, Totals: api.Totals{BytesIn: large}}},
		Totals: api.Totals{Connections: 1, BytesIn: large}, Rates: api.Rates{Connections: 2}}
	if fmt.Sprint(cpus) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", cpus, want)
	}
}
