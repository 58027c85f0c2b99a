package lab

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
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
	for _, protocol := range []string{"tcp", "udp", "sctp"} {
		for _, family := range []string{"v4", "v6"} {
			add("nat", "", protocol, family, family)
			add("dr", "", protocol, family, family)
			for _, tunnel := range []string{"ipip", "gue", "gre"} {
				add("tun", tunnel, protocol, family, "v4")
				add("tun", tunnel, protocol, family, "v6")
			}
		}
	}
	for _, tunnel := range []string{"gue csum", "gue remcsum", "gre csum"} {
		add("tun", tunnel, "tcp", "v4", "v4")
	}
	for _, family := range []string{"v4", "v6"} {
		add("local", "", "tcp", family, family)
	}
	add("dr to itself", "", "tcp", "v4", "v4")
	return out
}

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
		return n, unwrapping
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
	switch {
	case w.method == "dr" || w.method == "tun":
		at = w.vip()
	case w.method == "nat":
	case w.client == "v4": // on a router that may not hold the address yet
		at = netip.IPv4Unspecified()
	default:
		at = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(at, uint16(w.port))
}

// TestForms: every way of forwarding passes traffic, every scheduler is taken, and a hundred virtual servers of every form there is are in
// the kernel what the document says, by our own reading and by ipvsadm's.
func TestForms(t *testing.T) {
	ctx, l := formOf(t, Options{Routers: 1, Beside: []string{"a"}, Behind: []string{"na"}})
	active, err := l.Active(ctx)
	must(t, err)
	must(t, unwrap(ctx, l.Servers["a"]))

	ways := everyWay()
	var document strings.Builder
	fmt.Fprintf(&document, "vip \"gateway\" {\n  address   = \"%s/24\"\n  interface = \"inside\"\n}\n\nvip \"gateway6\" {\n  address   = \"%s/64\"\n  interface = \"inside\"\n}\n\n", Gateway, Gateway6)
	for _, w := range ways {
		n, at := w.server(l, active)
		answer(t, n, w.protocol, w.bound(at))
		document.WriteString(w.hcl(l, active))
	}
	asWritten(t, ctx, l, active, document.String())
	failed := make([]error, len(ways))
	var all sync.WaitGroup
	for i, w := range ways {
		n, _ := w.server(l, active)
		all.Go(func() {
			failed[i] = Eventually(ctx, given, func(context.Context) error { // the first may still be looking for its neighbours
				got, err := asked(l.Client, w.protocol, netip.AddrPortFrom(w.vip(), uint16(w.port)))
				if err == nil && got != n.Name {
					err = fmt.Errorf("answered by %q, want %s", got, n.Name)
				}
				return err
			})
		})
	}
	all.Wait()
	for i, w := range ways {
		if failed[i] != nil {
			t.Errorf("%s: %v", w, failed[i])
		}
	}
	t.Logf("%d ways from a client to a server", len(ways))
	t.Run("schedulers", func(t *testing.T) { asWritten(t, ctx, l, active, everyScheduler()) })
	t.Run("a hundred", func(t *testing.T) { asWritten(t, ctx, l, active, hundred(rand.New(rand.NewPCG(1, 2)))) })
}

// everyScheduler has each with each of its flags.
func everyScheduler() string {
	var b strings.Builder
	port := 1000
	for _, s := range []string{"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos"} {
		flags := []string{""}
		if s == "sh" || s == "mh" {
			flags = append(flags, `"`+s+`-fallback"`, `"`+s+`-port"`, `"fallback", "port"`) // with them ipvsadm 1.31 forgets flag-3
		}
		for _, f := range flags {
			fmt.Fprintf(&b, "virtual \"v%d\" {\n  address   = \"10.9.2.1\"\n  interface = \"outside\"\n  port      = %d\n  scheduler = %q\n  flags     = [%s]\n  server \"a\" {\n    address = \"10.10.0.1\"\n  }\n}\n\n",
				port, port, s, f)
			port++
		}
	}
	return b.String()
}

// hundred is a hundred virtual servers of every form there is.
func hundred(rnd *rand.Rand) string {
	var b strings.Builder
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	tunnel := func(indent string) string {
		kind := pick("ipip", "gue", "gre")
		lines := []string{fmt.Sprintf("type = %q", kind)}
		switch kind {
		case "gue":
			lines = append(lines, fmt.Sprintf("port = %d", 1+rnd.IntN(65535)), fmt.Sprintf("checksum = %q", pick("none", "csum", "remcsum")))
		case "gre":
			lines = append(lines, fmt.Sprintf("checksum = %q", pick("none", "csum")))
		}
		return fmt.Sprintf("%stunnel {\n%s  %s\n%s}\n", indent, indent, strings.Join(lines, "\n"+indent+"  "), indent)
	}
	for i := range 100 {
		family, protocol := pick("ipv4", "ipv6"), pick("tcp", "udp", "sctp")
		fmt.Fprintf(&b, "virtual \"v%d\" {\n", i)
		if marked := rnd.IntN(5) == 0; marked {
			fmt.Fprintf(&b, "  fwmark = %d\n  family = %q\n", 3000+i, family)
			protocol = ""
		} else {
			address := fmt.Sprintf("10.9.2.%d", 1+i%7)
			if family == "ipv6" {
				address = fmt.Sprintf("fd09::2:%d", 1+i%7)
			}
			fmt.Fprintf(&b, "  address = %q\n  interface = \"outside\"\n  port = %d\n  protocol = %q\n", address, 3000+i, protocol)
		}
		scheduler := pick("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq", "fo", "ovf", "twos")
		var flags []string
		if scheduler == "sh" || scheduler == "mh" {
			flags = append(flags, pick("fallback", "port", scheduler+"-port"))
		}
		if protocol == "udp" && rnd.IntN(2) == 0 {
			flags = append(flags, "ops")
		}
		forward := pick("nat", "dr", "tun", "local")
		fmt.Fprintf(&b, "  scheduler = %q\n  forward = %q\n", scheduler, forward)
		if len(flags) > 0 {
			fmt.Fprintf(&b, "  flags = [\"%s\"]\n", strings.Join(flags, `", "`))
		}
		if rnd.IntN(2) == 0 {
			fmt.Fprintf(&b, "  persistent {\n    timeout = \"%ds\"\n    netmask = %q\n", 1+rnd.IntN(1000), fmt.Sprintf("/%d", 1+rnd.IntN(map[string]int{"ipv4": 32, "ipv6": 128}[family])))
			if protocol == "udp" && rnd.IntN(2) == 0 {
				b.WriteString("    engine = \"sip\"\n")
			}
			b.WriteString("  }\n")
		}
		if forward == "tun" {
			b.WriteString(tunnel("  "))
		}
		for j := range 1 + rnd.IntN(4) {
			own := forward
			if forward != "local" && rnd.IntN(3) == 0 {
				own = pick("nat", "dr", "tun")
			}
			six := family == "ipv6"
			if own == "tun" && rnd.IntN(2) == 0 {
				six = !six
			}
			address := fmt.Sprintf("10.10.%d.%d", i, j+1)
			switch {
			case own == "local" && six && j > 0:
				continue // there is one address
			case own == "local" && six:
				address = "::1"
			case own == "local":
				address = fmt.Sprintf("127.0.0.%d", j+1)
			case six:
				address = fmt.Sprintf("fd0a::%d:%d", i, j+1)
			}
			fmt.Fprintf(&b, "  server \"s%d\" {\n    address = %q\n    forward = %q\n    weight = %d\n", j, address, own, rnd.IntN(65536))
			if upper := rnd.IntN(1000); rnd.IntN(2) == 0 {
				fmt.Fprintf(&b, "    upper = %d\n    lower = %d\n", upper, rnd.IntN(upper+1))
			}
			if own == "tun" && rnd.IntN(2) == 0 {
				b.WriteString(tunnel("    "))
			}
			b.WriteString("  }\n")
		}
		b.WriteString("}\n\n")
	}
	return b.String()
}

// thresholds are what ipvsadm 1.31 forgets to save.
var thresholds = regexp.MustCompile(` -x \d+ -y \d+`)

// asWritten applies a document and wants every router's kernel to have exactly that: by ipvsadm's reading, by our own, and so that there
// is nothing left to do.
func asWritten(t *testing.T, ctx context.Context, l *Lab, on *Router, document string) {
	t.Helper()
	var made struct {
		Revision uint64 `json:"revision"`
	}
	files := map[string]any{"files": []map[string]string{{"name": "edge.hcl", "text": document}}}
	must(t, on.Ask(ctx, http.MethodPost, "/v1/document", files, &made))
	exported, err := on.Polso(ctx, "export", "--format", "ipvsadm")
	must(t, err)
	want := sortedLines(strings.TrimSpace(exported))
	for _, r := range l.Routers {
		must(t, follows(ctx, r, made.Revision))
		saved, err := r.Polso(ctx, "ipvs", "--save")
		must(t, err)
		if got := sortedLines(strings.TrimSpace(saved)); got != want {
			t.Errorf("%s: we read\n%s\nwant\n%s", r.Name, got, want)
		}
		got, err := r.Table(ctx)
		must(t, err)
		if want := thresholds.ReplaceAllString(want, ""); got != want {
			t.Errorf("%s: ipvsadm reads\n%s\nwant\n%s", r.Name, different(got, want), different(want, got))
		}
	}
	var plan struct {
		Routers []struct {
			Name         string `json:"name"`
			Drift, Steps []string
		} `json:"routers"`
	}
	must(t, on.Ask(ctx, http.MethodPost, "/v1/document/plan", files, &plan))
	if len(plan.Routers) != len(l.Routers) {
		t.Errorf("a plan of %d routers", len(plan.Routers))
	}
	for _, r := range plan.Routers {
		if len(r.Drift)+len(r.Steps) > 0 {
			t.Errorf("%s has something left to do: %q %q", r.Name, r.Drift, r.Steps)
		}
	}
}

// different are the lines of a text that another has not.
func different(text, other string) string {
	others := strings.Split(other, "\n")
	return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(s string) bool { return slices.Contains(others, s) }), "\n")
}
