package director

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// words prints a want as an operator would do it by hand, sorted within each kind.
func (w Want) words() string {
	var b strings.Builder
	if w.KeepTable {
		b.WriteString("# the table stays as it is\n")
	}
	if t := w.Table.Timeouts; t.String() != "0 0 0" {
		fmt.Fprintf(&b, "--set %s\n", t)
	}
	b.WriteString(w.Table.String())
	for _, op := range ipvs.PlanRules(w.Rules, ipvs.Rules{}) {
		fmt.Fprintf(&b, "nft %s\n", op)
	}
	for _, h := range w.Held {
		fmt.Fprintf(&b, "ip addr add %s dev %s # until %s epoch %d\n", h.Addr, h.Link, time.Duration(h.Until), h.Epoch)
	}
	for _, path := range slices.Sorted(maps.Keys(w.Sysctls)) {
		if w.Sysctls[path].Instead != nil || w.Sysctls[path].Kept {
			continue // nearly every want has them: TestSysctls is about them
		}
		fmt.Fprintf(&b, "sysctl -w %s=%s\n", path, w.Sysctls[path].Value)
	}
	for _, p := range w.Problems {
		fmt.Fprintf(&b, "! %s: %s; %s\n", p.What, p.Why, p.Fix)
	}
	for _, why := range w.Unfit {
		fmt.Fprintf(&b, "unfit: %s\n", why)
	}
	return b.String()
}

// checkText compares texts of several lines and prints the lines that differ.
func checkText(t *testing.T, got, want string) {
	t.Helper()
	want = strings.TrimPrefix(want, "\n")
	if got == want {
		return
	}
	t.Errorf("got:\n%s\nwant:\n%s", got, want)
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Logf("first difference, line %d:\n got %q\nwant %q", i+1, a, b)
			return
		}
	}
}

// web is a virtual at 192.0.2.10:80 by direct routing, checked, with servers 10.0.0.1:80, 10.0.0.2:80, ... of weight 1.
func web(servers ...string) config.Virtual {
	v := config.Virtual{
		Name: "web", Address: netip.MustParseAddr("192.0.2.10"), Ports: []uint16{80}, Protocol: config.TCP, Family: config.IPv4,
		Scheduler: "wlc", Forward: config.DR, MinServers: 1, OnFailure: config.Remove,
		Check: &config.Check{Kind: config.CheckTCP, Every: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3},
	}
	for i, name := range servers {
		v.Servers = append(v.Servers, config.Server{
			Name: name, Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 80), Forward: v.Forward, Weight: 1,
		})
	}
	return v
}

// with returns v as change left it; the servers are its own.
func with(v config.Virtual, change func(*config.Virtual)) config.Virtual {
	v.Servers = slices.Clone(v.Servers)
	change(&v)
	return v
}

// by sets the forward method of a virtual and its servers.
func by(f config.Forward) func(*config.Virtual) {
	return func(v *config.Virtual) {
		v.Forward = f
		for i := range v.Servers {
			v.Servers[i].Forward = f
		}
	}
}

func document(virtuals ...config.Virtual) config.Document {
	return config.Document{Cluster: config.Cluster{Standby: config.Warm}, Virtuals: virtuals}
}

// verdicts makes a view of a document from words: "web/a up", "web/b down". What is not named is unknown.
func verdicts(doc config.Document, words ...string) health.View {
	out := make(health.View)
	for _, w := range words {
		name, state, _ := strings.Cut(w, " ")
		for _, v := range doc.Virtuals {
			for i, s := range everyone(v) {
				if v.Name+"/"+s.Name != name {
					continue
				}
				of := v
				if i >= len(v.Servers) {
					of = Apart(v)
				}
				target, _ := TargetOf(of, s)
				out[target.Key()] = health.Status{
					State:   map[string]health.State{"up": health.Up, "down": health.Down, "assumed": health.Down}[state],
					Assumed: state == "assumed", // down, by initial
				}
			}
		}
	}
	return out
}

func links() vip.Links {
	return vip.Links{
		{Name: "eth0", Index: 2, Up: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/64")}},
		{Name: "eth1", Index: 3, Up: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}},
	}
}

func mandate(epoch uint64, until time.Duration) Mandate {
	return Mandate{Epoch: epoch, Groups: map[Group]vip.Instant{DefaultGroup: vip.Instant(until)}}
}
