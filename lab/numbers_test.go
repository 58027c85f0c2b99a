package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// totals are the kernel's counters as `polso stats -o json` has them.
type totals struct {
	Connections uint64 `json:"connections"`
	PacketsIn   uint64 `json:"packets_in"`
	PacketsOut  uint64 `json:"packets_out"`
	BytesIn     uint64 `json:"bytes_in"`
	BytesOut    uint64 `json:"bytes_out"`
}

// plus is the sum, number by number.
func (c totals) plus(o totals) totals {
	return totals{c.Connections + o.Connections, c.PacketsIn + o.PacketsIn, c.PacketsOut + o.PacketsOut, c.BytesIn + o.BytesIn, c.BytesOut + o.BytesOut}
}

// service is how ipvsadm names a virtual server: "TCP 10.9.0.50:80".
func service(v Virtual) string {
	return strings.ToUpper(v.Protocol) + " " + netip.AddrPortFrom(v.Address, uint16(v.Port)).String()
}

// counted are the counters of a router's virtual servers as Polso has them, in the words of ipvsadm's listing: by the service, and by
// "SERVICE -> ADDRESS".
func counted(ctx context.Context, r *Router, virtuals ...Virtual) (lines map[string]totals, err error) {
	text, err := r.Polso(ctx, "stats", "-o", "json")
	if err != nil {
		return nil, err
	}
	var st struct {
		Virtuals []struct {
			Name    string
			Totals  totals
			Servers []struct {
				Address string
				Totals  totals
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &st); err != nil {
		return nil, err
	}
	lines = make(map[string]totals)
	for _, got := range st.Virtuals {
		for _, v := range virtuals {
			if v.Name != got.Name {
				continue
			}
			lines[service(v)] = got.Totals
			for _, s := range got.Servers {
				lines[service(v)+" -> "+s.Address] = s.Totals
			}
		}
	}
	return lines, nil
}

// listed are the same as ipvsadm lists them.
func listed(ctx context.Context, r *Router) (lines map[string]totals, err error) {
	text, err := r.Run(ctx, "ipvsadm", "-Ln", "--stats", "--exact")
	if err != nil {
		return nil, err
	}
	lines = make(map[string]totals)
	of := ""
	for line := range strings.Lines(text) {
		var kind, address string
		var c totals
		if n, _ := fmt.Sscan(line, &kind, &address, &c.Connections, &c.PacketsIn, &c.PacketsOut, &c.BytesIn, &c.BytesOut); n != 7 {
			continue // a title
		}
		if kind == "->" {
			lines[of+" -> "+address] = c
			continue
		}
		of = kind + " " + address
		lines[of] = c
	}
	return lines, nil
}

// settle is how long the kernel may take to add up what has come, which it does every two seconds, on a slow machine.
const settle = 30 * time.Second

// within checks a number of n exchanges by what one takes.
func within(t *testing.T, what string, got, n, least, most uint64) {
	t.Helper()
	if got < n*least || got > n*most {
		t.Errorf("%s: %d in %d exchanges, want %d to %d in each", what, got, n, least, most)
	}
}

// What went through a virtual server is what Polso counts, and what ipvsadm does; a connection that is open is in the table, and
// the processors counted it all together.
func numbers(t *testing.T, ctx context.Context, l *Lab) {
	const n = 20
	have(t, ctx, l, web, nat, echo)
	director, err := l.Active(ctx)
	must(t, err)
	for range n {
		for _, v := range []Virtual{web, nat} {
			_, err := Fetch(ctx, l.Client, netip.AddrPortFrom(v.Address, httpPort), 5*time.Second)
			must(t, err)
		}
	}
	f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(WebVIP, echoPort), 200*time.Millisecond)
	must(t, err)
	wantConnection(t, ctx, l, director, f)
	wantCounts(t, ctx, director, n)
	_, _, err = f.Stop()
	must(t, err)

	var got map[string]totals
	must(t, Eventually(ctx, settle, func(ctx context.Context) error {
		want, err := listed(ctx, director)
		if err != nil {
			return err
		}
		if got, err = counted(ctx, director, web, nat, echo); err != nil {
			return err
		}
		if len(got) != tableLines(web, nat, echo) {
			return fmt.Errorf("%d lines, want %d", len(got), tableLines(web, nat, echo))
		}
		for name := range got {
			if got[name] != want[name] {
				return fmt.Errorf("%s: polso counts %+v, ipvsadm %+v", name, got[name], want[name])
			}
		}
		for name, conns := range map[string]uint64{service(web): n, service(nat): n, service(echo): 1} {
			if c := got[name]; c.Connections != conns {
				return fmt.Errorf("%s: %d connections, want %d", name, c.Connections, conns)
			}
		}
		return nil
	}))
	direct, masked := got[service(web)], got[service(nat)]
	for name, c := range map[string]totals{"web": direct, "nat": masked} {
		within(t, name+": packets in", c.PacketsIn, n, 4, 20)
		within(t, name+": bytes in", c.BytesIn, n, 180, 1500) // four packets at least, with 18 bytes of a request
	}
	if direct.PacketsOut != 0 || direct.BytesOut != 0 {
		t.Errorf("web: %+v: its servers answer past the director", direct)
	}
	within(t, "nat: packets out", masked.PacketsOut, n, 3, 20)
	within(t, "nat: bytes out", masked.BytesOut, n, 200, 2500)
	wantProcessors(t, ctx, director)
	t.Logf("%d exchanges by dr: %+v; by nat: %+v", n, direct, masked)
}

// wantConnection wants the flow in the director's table, and no other of its virtual, whoever is asked.
func wantConnection(t *testing.T, ctx context.Context, l *Lab, director *Router, f *Flow) {
	t.Helper()
	for _, r := range l.Routers {
		text, err := r.Polso(ctx, "connections", "echo", "--state", "established", "--client", l.Client.Addr(Outside).String(), "--on", director.Name, "-o", "json")
		must(t, err)
		var table struct {
			Node        string
			Connections []struct{ Protocol, Client, Service, Address, Virtual, Server, State, Origin string }
		}
		must(t, json.Unmarshal([]byte(text), &table))
		if len(table.Connections) != 1 {
			t.Errorf("%s: %s", r.Name, text)
			continue
		}
		c := table.Connections[0]
		at := netip.AddrPortFrom(l.Servers[f.Server].Addr(Outside), echoPort).String()
		if !strings.HasPrefix(c.Client, l.Client.Addr(Outside).String()+":") || c.Service != netip.AddrPortFrom(WebVIP, echoPort).String() || c.Address != at ||
			c.Virtual != "echo" || c.Server != f.Server || c.State != "ESTABLISHED" || c.Origin != "local" || table.Node != director.Name {
			t.Errorf("%s: %s, want the flow to %s", r.Name, text, f.Server)
		}
	}
	raw, err := director.Run(ctx, "head", "-n", "4", "/proc/net/ip_vs_conn", "/proc/net/ip_vs_conn_sync", "/proc/net/ip_vs_stats_percpu")
	must(t, err)
	t.Logf("the kernel's own words:\n%s", raw)
}

// wantCounts wants the ended connections counted, which the kernel keeps for two minutes, and as many as ipvsadm lists.
func wantCounts(t *testing.T, ctx context.Context, director *Router, n int) {
	t.Helper()
	text, err := director.Polso(ctx, "connections", "web", "--count", "-o", "json")
	must(t, err)
	var table struct {
		Total, Read int
		More        bool
	}
	must(t, json.Unmarshal([]byte(text), &table))
	list, err := director.Run(ctx, "ipvsadm", "-Lnc")
	must(t, err)
	if all := strings.Count(list, "\n") - 2; table.Total != n || table.More || table.Read != all {
		t.Errorf("%d of %d connections are web's (more: %t), want %d of %d:\n%s", table.Total, table.Read, table.More, n, all, list)
	}
}

// wantProcessors wants the processors' counters to be together what the kernel says they are, and what went through the services.
func wantProcessors(t *testing.T, ctx context.Context, r *Router) {
	t.Helper()
	must(t, Eventually(ctx, settle, func(ctx context.Context) error {
		text, err := r.Polso(ctx, "stats", "--cpu", "-o", "json")
		if err != nil {
			return err
		}
		var st struct {
			CPUs   []struct{ Totals totals }
			Totals totals
		}
		if err := json.Unmarshal([]byte(text), &st); err != nil {
			return err
		}
		var sum totals
		for _, c := range st.CPUs {
			sum = sum.plus(c.Totals)
		}
		lines, err := counted(ctx, r, web, nat, echo)
		if err != nil {
			return err
		}
		all := lines[service(web)].plus(lines[service(nat)]).plus(lines[service(echo)])
		if len(st.CPUs) == 0 || sum != st.Totals || sum != all {
			return fmt.Errorf("%d processors counted %+v together, the kernel says %+v, the services had %+v", len(st.CPUs), sum, st.Totals, all)
		}
		return nil
	}))
}
