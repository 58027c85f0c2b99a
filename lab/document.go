package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Virtual is a virtual server of the laboratory's documents.
type Virtual struct {
	Name      string
	Address   netip.Addr
	Port      int
	Protocol  string         // tcp or udp
	Scheduler string         // default rr
	Servers   []string       // real servers by name; those beside are reached by dr, those behind by nat
	Weights   map[string]int // 1 unless said otherwise
}

// Document writes a document in the operator's words. Checks are quick, so that a scenario is: twice a second, down after
// two failures, up after one success.
func (l *Lab) Document(virtuals ...Virtual) string {
	var b strings.Builder
	behind, behind6 := false, false
	for _, v := range virtuals {
		forward, segment := "dr", Outside
		if slices.Contains(l.options.Behind, v.Servers[0]) {
			forward, segment = "nat", Inside
			behind, behind6 = behind || v.Address.Is4(), behind6 || v.Address.Is6()
		}
		scheduler := v.Scheduler
		if scheduler == "" {
			scheduler = "rr"
		}
		fmt.Fprintf(&b, "virtual %q {\n  address   = %q\n  interface = \"outside\"\n  port      = %d\n  protocol  = %q\n", v.Name, v.Address, v.Port, v.Protocol)
		fmt.Fprintf(&b, "  scheduler = %q\n  forward   = %q\n", scheduler, forward)
		switch {
		case v.Port == httpPort:
			b.WriteString("  check \"http\" {\n    path    = \"/\"\n    status  = \"200\"\n")
		default:
			// The UDP echo is asked over TCP, which tells the same process.
			fmt.Fprintf(&b, "  check \"tcp\" {\n    port    = %d\n", echoPort)
		}
		fmt.Fprintf(&b, "    every   = %q\n    timeout = %q\n    rise    = 1\n    fall    = 2\n  }\n", CheckEvery(), CheckEvery())
		for _, name := range v.Servers {
			server := l.Servers[name]
			addr := server.Addr(segment)
			if v.Address.Is6() {
				addr = server.Addr6(segment)
			}
			weight, ok := v.Weights[name]
			if !ok {
				weight = 1
			}
			fmt.Fprintf(&b, "  server %q {\n    address = %q\n    weight  = %d\n  }\n", name, addr, weight)
		}
		b.WriteString("}\n\n")
	}
	if behind {
		fmt.Fprintf(&b, "vip \"gateway\" {\n  address   = \"%s/24\"\n  interface = \"inside\"\n}\n\n", Gateway)
	}
	if behind6 {
		fmt.Fprintf(&b, "vip \"gateway6\" {\n  address   = \"%s/64\"\n  interface = \"inside\"\n}\n\n", Gateway6)
	}
	return b.String()
}

// CheckEvery is how often a server is checked, and how long it may take to answer: longer under emulation, where a hundred
// answers a second are all the machine can give.
func CheckEvery() string {
	if os.Getenv("POLSO_LAB_EMULATED") != "" {
		return "1s"
	}
	return "500ms"
}

// Apply applies a document on one router and waits until every router's kernel follows it.
func (l *Lab) Apply(ctx context.Context, on *Router, document string, flags ...string) error {
	path := filepath.Join(l.dir, "document.hcl")
	if err := os.WriteFile(path, []byte(document), 0o644); err != nil {
		return err
	}
	_, err := on.Polso(ctx, append([]string{"apply", "-f", path, "--yes", "--wait", "15s"}, flags...)...)
	return err
}

// Table is the router's kernel table as `ipvsadm -S -n` prints it, lines sorted so that two can be compared.
func (r *Router) Table(ctx context.Context) (string, error) {
	text, err := r.Run(ctx, "ipvsadm", "-S", "-n")
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

// TableOf is the table of these virtual servers when every one of their servers is up, in the form of Router.Table.
func (l *Lab) TableOf(virtuals ...Virtual) string {
	var lines []string
	for _, v := range virtuals {
		scheduler, forward, segment := v.Scheduler, "g", Outside
		if scheduler == "" {
			scheduler = "rr"
		}
		if slices.Contains(l.options.Behind, v.Servers[0]) {
			forward, segment = "m", Inside
		}
		service := fmt.Sprintf("-%s %s", v.Protocol[:1], netip.AddrPortFrom(v.Address, uint16(v.Port)))
		lines = append(lines, fmt.Sprintf("-A %s -s %s", service, scheduler))
		for _, name := range v.Servers {
			addr := l.Servers[name].Addr(segment)
			if v.Address.Is6() {
				addr = l.Servers[name].Addr6(segment)
			}
			weight, ok := v.Weights[name]
			if !ok {
				weight = 1
			}
			lines = append(lines, fmt.Sprintf("-a %s -r %s -%s -w %d", service, netip.AddrPortFrom(addr, uint16(v.Port)), forward, weight))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// SameTable waits until every running router's kernel has the same table, with as many lines as wanted, and returns it.
func (l *Lab) SameTable(ctx context.Context, lines int) (table string, err error) {
	err = Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		table = ""
		for _, r := range l.Routers {
			if !r.Running() {
				continue
			}
			got, err := r.Table(ctx)
			if err != nil {
				return err
			}
			if n := strings.Count(got, "\n") + 1; n != lines {
				return fmt.Errorf("%s's table has %d lines, want %d:\n%s", r.Name, n, lines, got)
			}
			if table != "" && got != table {
				return fmt.Errorf("%s has\n%s\nothers have\n%s", r.Name, got, table)
			}
			table = got
		}
		return nil
	})
	return table, err
}
