package lab

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// way is one from a client to a server: a virtual server of its own, at a port of its own.
type way struct {
	method   string // nat, dr, tun, local
	tunnel   string // its type, and a checksum perhaps
	protocol string
	client   string // the family of the virtual address: v4, v6
	over     string // that of the server's
	port     int
}

func (w way) String() string {
	over := ""
	if w.over != w.client {
		over = " over " + w.over
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s%s", w.method, w.tunnel, w.protocol, w.client, over)), " ")
}

// everyWay is the table: method × protocol × family.
func everyWay() (out []way) {
	add := func(method, tunnel, protocol, client, over string) {
		out = append(out, way{method, tunnel, protocol, client, over, 7100 + len(out)})
	}
	for _, protocol := range everyProtocol() {
		for _, family := range []string{"v4", "v6"} {
			for _, method := range []string{"nat", "dr", "local", "dr to itself"} {
				add(method, "", protocol, family, family)
			}
			for _, tunnel := range []string{"ipip", "gue", "gue csum", "gue remcsum", "gre", "gre csum"} {
				add("tun", tunnel, protocol, family, "v4")
				add("tun", tunnel, protocol, family, "v6")
			}
		}
	}
	return out
}

func everyProtocol() []string { return []string{"tcp", "udp", "sctp"} }

// vip is where clients begin.
func (w way) vip() netip.Addr {
	at := map[string]netip.Addr{"v4": WebVIP, "v6": WebVIP6}
	if w.method == "nat" {
		at = map[string]netip.Addr{"v4": NATVIP, "v6": NATVIP6}
	}
	return at[w.client]
}

// server is the real server's node and its address.
func (w way) server(l *Lab, director *Router) (n *Node, at netip.Addr) {
	n, segment := l.Servers["a"].Node, Outside
	switch {
	case w.method == "nat":
		n, segment = l.Servers["na"].Node, Inside
	case w.method == "local" && w.client == "v4":
		return director.Node, netip.MustParseAddr("127.0.0.1")
	case w.method == "local":
		return director.Node, netip.IPv6Loopback()
	case w.method == "dr to itself":
		n = director.Node
	case w.tunnel == "gre csum":
		return n, l.Servers["a"].unwrapping(w.over)
	}
	if w.over == "v6" {
		return n, n.Addr6(segment)
	}
	return n, n.Addr(segment)
}

// hcl is the way's virtual server.
func (w way) hcl(l *Lab, director *Router) string {
	method, _, _ := strings.Cut(w.method, " ")
	_, at := w.server(l, director)
	tunnel := ""
	if kind, sum, _ := strings.Cut(w.tunnel, " "); kind != "" {
		tunnel = fmt.Sprintf("  tunnel {\n    type = %q\n", kind)
		if sum != "" {
			tunnel += fmt.Sprintf("    checksum = %q\n", sum)
		}
		tunnel += "  }\n"
	}
	return fmt.Sprintf("virtual %q {\n  address   = %q\n  interface = \"outside\"\n  port      = %d\n  protocol  = %q\n  forward   = %q\n%s  server \"s\" {\n    address = %q\n  }\n}\n\n",
		strings.ReplaceAll(w.String(), " ", "-"), w.vip(), w.port, w.protocol, method, tunnel, at)
}

// bound is where the server's program listens: at the address that it was asked at, which its answer must come from.
func (w way) bound(at netip.Addr) netip.AddrPort {
	if w.method != "nat" {
		at = w.vip()
	}
	return netip.AddrPortFrom(at, uint16(w.port))
}

// try has the client answered by the server, which sees the client.
func (w way) try(ctx context.Context, l *Lab, director *Router) error {
	n, _ := w.server(l, director)
	q := inquiry{w.protocol, client(l, w.client, l.Client.Host), netip.AddrPortFrom(w.vip(), uint16(w.port)), "who", 3 * time.Second}
	return Eventually(ctx, answered, func(context.Context) error {
		got, err := asked(l.Client, q)
		if err == nil && got != (told{n.Name, q.from}) {
			err = fmt.Errorf("answered by %q, who sees %s; want %s and %s", got.server, got.client, n.Name, q.from)
		}
		return err
	})
}
