package ipvs_test

import (
	"net/netip"
	"testing"
	"time"

	"polso/ipvs"
)

// TestKernelNumbers has the kernel's two listings of connections and its counters by processor agree with the traffic that there was,
// in a namespace of their own; and a service that is made anew begin at 0, with its rates.
func TestKernelNumbers(t *testing.T) {
	requireIPVS(t)
	k := open(t)
	server := ipvs.Destination{Addr: netip.MustParseAddrPort("10.1.0.9:57"), Weight: 1, Forward: ipvs.Direct}
	service := ipvs.Service{Key: ipvs.AddrKey(ipvs.UDP, netip.MustParseAddrPort("10.0.0.1:57")), Scheduler: "rr"}
	do := func(verbs ...ipvs.Verb) {
		t.Helper()
		for _, v := range verbs {
			if err := k.Do(ipvs.Op{Verb: v, Service: service, Destination: server}); err != nil {
				t.Fatal(err)
			}
		}
	}
	do(ipvs.AddService, ipvs.AddDestination)
	traffic(t)
	_, st := counted(t, k, 5)
	if c := st[service.Key]; c.Connections != 5 || c.BytesIn != 5*(20+8+5) {
		t.Errorf("counted %+v of five datagrams", c)
	}
	for _, detail := range []ipvs.Detail{ipvs.Origins, ipvs.Engines} {
		n := 0
		for c, err := range k.Connections(t.Context(), detail) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			origin := ipvs.Here
			if detail == ipvs.Engines {
				origin = 0
			}
			if c.Protocol != ipvs.UDP || c.Client.Port() == 0 || c.Virtual != service.Key.AddrPort() || c.Server != server.Addr || c.State != "UDP" ||
				c.Expires <= 0 || c.Expires > 5*time.Minute || c.Origin != origin || c.PE != "" {
				t.Errorf("detail %d: %+v", detail, c)
			}
		}
		if n != 5 {
			t.Errorf("detail %d: %d connections, want 5", detail, n)
		}
	}
	cpus, err := k.CPUStats()
	if err != nil {
		t.Fatal(err)
	}
	var sum ipvs.Counters
	for _, c := range cpus.CPUs {
		sum.Connections, sum.PacketsIn, sum.BytesIn = sum.Connections+c.Connections, sum.PacketsIn+c.PacketsIn, sum.BytesIn+c.BytesIn
	}
	if len(cpus.CPUs) == 0 || sum.Connections != 5 || sum.PacketsIn != 5 || sum.BytesIn != st[service.Key].BytesIn {
		t.Errorf("the processors counted %+v: %+v", sum, cpus)
	}

	do(ipvs.DeleteService, ipvs.AddService, ipvs.AddDestination)
	_, st, err = k.Table()
	if err != nil {
		t.Fatal(err)
	}
	if c := st[service.Key]; c.Counters != (ipvs.Counters{}) || c.Destinations[server.Addr].Counters != (ipvs.Counters{}) {
		t.Errorf("made anew, it begins with %+v", c)
	}
}
