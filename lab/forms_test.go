package lab

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestForms: every way of forwarding passes traffic, what a virtual server has beside it does to traffic what the document says, every
// scheduler is taken, and a hundred virtual servers of every form there is are in the kernel what the document says, by our own reading and
// by ipvsadm's.
func TestForms(t *testing.T) {
	ctx, l := formOf(t, Options{Routers: 1, Beside: []string{"a", "b"}, Behind: []string{"na", "nb"}})
	active, err := l.Active(ctx)
	must(t, err)
	must(t, unwrap(ctx, l.Servers["a"]))
	must(t, unwrap(ctx, l.Servers["b"]))

	ways, seats := everyWay(), everySeat()
	var document strings.Builder
	fmt.Fprintf(&document, "vip \"gateway\" {\n  address   = \"%s/24\"\n  interface = \"inside\"\n}\n\nvip \"gateway6\" {\n  address   = \"%s/64\"\n  interface = \"inside\"\n}\n\n", Gateway, Gateway6)
	for _, w := range ways {
		n, at := w.server(l, active)
		answer(t, n, w.protocol, w.bound(at))
		document.WriteString(w.hcl(l, active))
	}
	seated(t, ctx, l, active, seats)
	for _, s := range seats {
		document.WriteString(s.hcl(l))
	}
	asWritten(t, ctx, l, active, document.String())
	patient, cancel := context.WithTimeout(ctx, 3*answered) // all together, when one after the other fails
	defer cancel()
	t.Run("ways", func(t *testing.T) {
		for _, w := range ways {
			t.Run(w.String(), func(t *testing.T) {
				t.Parallel()
				must(t, w.try(patient, l, active))
			})
		}
	})
	t.Run("traits", func(t *testing.T) {
		for _, s := range seats {
			t.Run(s.String(), func(t *testing.T) {
				t.Parallel()
				must(t, s.try(visitor{s, patient, l, active}))
			})
		}
	})
	t.Logf("%d ways from a client to a server, %d virtual servers with something beside", len(ways), len(seats))
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
