package lab

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// The segments carry balanced traffic both ways when a router is set up by hand: a scenario that fails on the same
// topology has found something in the product.
func TestTopologyBalances(t *testing.T) {
	ctx, l := build(t, Options{Routers: 1})
	needIPVS(t)
	r := l.Routers[0]
	must(t, r.Batch(ctx,
		"addr add 10.9.0.50/32 dev eth0", "addr add 10.9.0.51/32 dev eth0", "addr add 10.9.1.1/32 dev eth1",
		"addr add fd09::50/128 dev eth0 nodad", "addr add fd09::51/128 dev eth0 nodad", "addr add fd09:1::1/128 dev eth1 nodad"))
	var table strings.Builder
	add := func(protocol string, vip netip.Addr, port int, method string, servers ...netip.Addr) {
		fmt.Fprintf(&table, "-A -%s %s -s rr\n", protocol, netip.AddrPortFrom(vip, uint16(port)))
		for _, s := range servers {
			fmt.Fprintf(&table, "-a -%s %s -r %s -%s -w 1\n", protocol, netip.AddrPortFrom(vip, uint16(port)), netip.AddrPortFrom(s, uint16(port)), method)
		}
	}
	var beside, beside6, behind, behind6 []netip.Addr
	for _, name := range []string{"a", "b", "c"} {
		beside, beside6 = append(beside, l.Servers[name].Addr(Outside)), append(beside6, l.Servers[name].Addr6(Outside))
	}
	for _, name := range []string{"na", "nb"} {
		behind, behind6 = append(behind, l.Servers[name].Addr(Inside)), append(behind6, l.Servers[name].Addr6(Inside))
	}
	for _, p := range []struct {
		protocol string
		port     int
	}{{"t", httpPort}, {"t", echoPort}, {"u", echoPort}} {
		add(p.protocol, WebVIP, p.port, "g", beside...)
		add(p.protocol, WebVIP6, p.port, "g", beside6...)
		add(p.protocol, NATVIP, p.port, "m", behind...)
		add(p.protocol, NATVIP6, p.port, "m", behind6...)
	}
	restore := []string{"-c", "ipvsadm -R <<'E'\n" + table.String() + "E"}
	if _, err := r.Run(ctx, "sh", restore...); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		vip     netip.Addr
		servers int
	}{
		{"direct routing IPv4", WebVIP, 3},
		{"direct routing IPv6", WebVIP6, 3},
		{"masquerading IPv4", NATVIP, 2},
		{"masquerading IPv6", NATVIP6, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, traffic := range []Traffic{
				{Network: "udp", To: netip.AddrPortFrom(tt.vip, echoPort)},
				{Network: "tcp", To: netip.AddrPortFrom(tt.vip, httpPort)},
			} {
				start := time.Now()
				p, err := StartProber(l.Client, traffic)
				must(t, err)
				defer p.Stop()
				must(t, p.WaitAnswer(ctx, start.Add(500*time.Millisecond), 3*time.Second))
				if got := p.Between(start, time.Time{}); len(got.Servers) != tt.servers {
					t.Errorf("%s: %v, want answers from %d servers", traffic.Network, got, tt.servers)
				}
				p.Stop()
			}
			f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(tt.vip, echoPort), 20*time.Millisecond)
			must(t, err)
			if _, _, err := f.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	// A server beside the routers keeps quiet about the address it has.
	w, err := l.StartWatch(WebVIP, WebVIP6)
	must(t, err)
	defer w.Stop()
	time.Sleep(300 * time.Millisecond)
	w.Stop()
	for _, vip := range []netip.Addr{WebVIP, WebVIP6} {
		if got := fmt.Sprint(w.Holders(vip, time.Time{}, time.Time{})); got != "[r1]" {
			t.Errorf("%v is answered for by %s, want [r1]", vip, got)
		}
	}
}
