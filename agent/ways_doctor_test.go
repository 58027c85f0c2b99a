package agent

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/director"
	"polso/vip"
)

// A link that drops the answers to checks through tunnels is found, whether it has the server's subnet or the route to it.
func TestExamineWays(t *testing.T) {
	doc := parse(t, `virtual "web" {
  address = "192.0.2.10"
  port    = 80
  forward = "tun"
  check "tcp" {
    through = "virtual"
  }
  server "near" {
    address = "10.1.0.5"
  }
  server "far" {
    address = "10.7.0.5"
  }
  server "beside" {
    address = "10.1.0.6"
    forward = "dr"
  }
}
`)
	own := func(p string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(p)} }
	status := &director.Status{
		Held:  []director.HeldStatus{{Held: vip.Held{Addr: netip.MustParseAddr("192.0.2.10"), Link: "eth0"}, Present: true}},
		Links: vip.Links{{Name: "eth0", Own: own("192.0.2.1/24"), Prefixes: own("192.0.2.0/24")}, {Name: "eth1.5", Own: own("10.1.0.1/24"), Prefixes: own("10.1.0.0/24")}},
	}
	const name = "checks through tunnels"
	dropped := func(link, whom, setting string) api.Finding {
		return warn(name, "the kernel filters strictly on "+link+" and drops the answers of "+whom+", which come without the tunnel: they are down to this router's checks",
			"sysctl -w "+setting+"=2, and in the configuration that survives a boot")
	}
	near := dropped("eth1.5", "web/near", "net.ipv4.conf.eth1/5.rp_filter")
	for _, tt := range []struct {
		name, all, eth0, eth1 string
		from                  string // what the kernel chooses towards the far one
		want                  []api.Finding
	}{
		{"strict nowhere", "0", "0", "2", "192.0.2.1", []api.Finding{ok(name, "their answers come in")}},
		{"strict on the link", "0", "0", "1", "192.0.2.1", []api.Finding{near}},
		{"strict on all, and the link is loose", "1", "2", "2", "192.0.2.1", []api.Finding{ok(name, "their answers come in")}},
		{"strict on all", "1", "0", "0", "192.0.2.1", []api.Finding{dropped("eth0", "web/far", "net.ipv4.conf.eth0.rp_filter"), near}},
		{"on the link of the far one, from the virtual address", "0", "1", "0", "192.0.2.10", []api.Finding{dropped("eth0", "web/far", "net.ipv4.conf.eth0.rp_filter")}},
		{"no way to the far one", "0", "1", "0", "", []api.Finding{ok(name, "their answers come in")}},
	} {
		sys := memSys{map[string]string{"net/ipv4/conf/all/rp_filter": tt.all, "net/ipv4/conf/eth0/rp_filter": tt.eth0, "net/ipv4/conf/eth1.5/rp_filter": tt.eth1}}
		chosen := func(netip.Addr) netip.Addr {
			if tt.from == "" {
				return netip.Addr{}
			}
			return netip.MustParseAddr(tt.from)
		}
		if diff := cmp.Diff(tt.want, examineWays(doc, status, sys, chosen)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := examineWays(parse(t, twoHCL), status, memSys{}, nil); got != nil {
		t.Errorf("no check goes through a tunnel, and it says %+v", got)
	}
	if got := few(strings.Fields("a b c d e f g")); got != "a, b, c, d, e and 2 more" {
		t.Errorf("few: %q", got)
	}
}
