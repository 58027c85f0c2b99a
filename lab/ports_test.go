package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// severalPorts is a virtual server of several ports each way, both persistent. The servers behind the routers do not have
// the director as their gateway.
const severalPorts = `virtual "near" {
  address   = "10.9.0.50"
  interface = "outside"
  ports     = [443, 7000, "8000-8002"]
  scheduler = "rr"
  forward   = "dr"
  persistent {
    timeout = "1m"
  }
  check "tcp" {
    port  = 7000
    every = "1s"
    rise  = 1
  }
  server "a" {
    address = "10.9.0.21"
  }
  server "b" {
    address = "10.9.0.22"
  }
}

virtual "far" {
  address    = "10.9.0.51"
  interface  = "outside"
  ports      = [443, 7000, "8000-8002"]
  scheduler  = "rr"
  forward    = "nat"
  masquerade = true
  persistent {
    timeout = "1m"
  }
  check "tcp" {
    port  = 7000
    every = "1s"
    rise  = 1
  }
  server "na" {
    address = "10.9.1.31"
  }
  server "nb" {
    address = "10.9.1.32"
  }
}

virtual "far6" {
  address    = "fd09::51"
  interface  = "outside"
  port       = 443
  scheduler  = "rr"
  forward    = "nat"
  masquerade = true
  server "na" {
    address = "SERVER6"
    weight  = 1
  }
}
`

// A virtual server of several ports passes traffic on each, a client comes to one server on all of them, ports come
// and go without a connection being cut, and servers that are masqueraded to need no gateway.
func ports(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	for name, s := range l.Servers {
		must(t, s.Do(func() error {
			for _, port := range []int{443, 444, 8000, 8001, 8002, 8003} {
				echo, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
				if err != nil {
					return err
				}
				s.keep(echo)
				go s.accept(echo)
			}
			return nil
		}))
		if strings.HasPrefix(name, "n") {
			must(t, s.Batch(ctx, "route del default", "route del ::/0"))
		}
	}
	active, err := l.Active(ctx)
	must(t, err)
	text := strings.ReplaceAll(severalPorts, "SERVER6", l.Servers["na"].Addr6(Inside).String())
	change(t, ctx, active, text)
	table, err := l.SameTable(ctx, 8)
	must(t, err)
	if strings.Count(table, "-A -f ") != 2 {
		t.Errorf("the table has not two services by mark:\n%s", table)
	}

	var flows []*Flow
	// flow opens a connection, which lives until the test has ended.
	flow := func(ctx context.Context, vip netip.Addr, port uint16) *Flow {
		t.Helper()
		f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(vip, port), 200*time.Millisecond)
		must(t, err)
		flows = append(flows, f)
		return f
	}
	defer func() {
		for _, f := range flows {
			f.Stop()
		}
	}()
	alive := func(after string) {
		t.Helper()
		must(t, Pause(ctx, 250*time.Millisecond))
		for _, f := range flows {
			if err := eventually(ctx, often, given, func(context.Context) error { return f.Alive() }); err != nil {
				t.Errorf("%s: %v", after, err)
			}
		}
	}
	refused := func(vip netip.Addr, port uint16) {
		t.Helper()
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		if f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(vip, port), time.Second); err == nil {
			f.Stop()
			t.Errorf("%s answers on port %d", vip, port)
		}
	}
	server := make(map[netip.Addr]string)
	for _, vip := range []netip.Addr{WebVIP, NATVIP} {
		server[vip] = flow(ctx, vip, 7000).Server
		for _, port := range []uint16{443, 8000, 8001, 8002, 7000} {
			if got := flow(ctx, vip, port).Server; got != server[vip] {
				t.Errorf("%s: port 7000 goes to %s and port %d to %s", vip, server[vip], port, got)
			}
		}
		refused(vip, 444)
		refused(vip, 8003)
	}
	if got := flow(ctx, NATVIP6, 443).Server; got != "na" {
		t.Errorf("IPv6 is answered by %q", got)
	}

	text = strings.ReplaceAll(text, `[443, 7000, "8000-8002"]`, `[443, 444, 7000, "8000-8003"]`)
	change(t, ctx, active, text)
	alive("ports added")
	for _, vip := range []netip.Addr{WebVIP, NATVIP} {
		for _, port := range []uint16{444, 8003} {
			if got := flow(ctx, vip, port).Server; got != server[vip] {
				t.Errorf("%s: port 7000 goes to %s and the new port %d to %s", vip, server[vip], port, got)
			}
		}
	}
	text = strings.ReplaceAll(text, `[443, 444, 7000, "8000-8003"]`, `[7000, "8000-8003"]`)
	change(t, ctx, active, text)
	alive("ports removed")
	refused(WebVIP, 443)

	// What somebody else takes away comes back.
	_, err = active.Run(ctx, "nft", "delete", "table", "inet", "polso_marks")
	must(t, err)
	must(t, eventually(ctx, often, 15*time.Second, func(ctx context.Context) error {
		_, err := active.Run(ctx, "nft", "list", "table", "inet", "polso_marks")
		return err
	}))
	alive("the rules taken away")
	flow(ctx, WebVIP, 8001)

	// Without masquerading there is no way back from servers that have no gateway.
	change(t, ctx, active, strings.ReplaceAll(text, "  masquerade = true\n", ""))
	refused(NATVIP, 8002)
	flow(ctx, WebVIP, 8002)
	change(t, ctx, active, text)
	flow(ctx, NATVIP, 8002)

	// The standby has the rules, and the same marks.
	must(t, handOver(ctx, active))
	next, err := l.Successor(ctx, active, WebVIP)
	must(t, err)
	for _, vip := range []netip.Addr{WebVIP, NATVIP} {
		for _, port := range []uint16{7000, 8000} {
			f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(vip, port), time.Second)
			if err != nil {
				t.Errorf("%s directs: %s port %d: %v", next.Name, vip, port, err)
				continue
			}
			f.Stop()
		}
	}
}
