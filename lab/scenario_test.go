package lab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// profile is the timing that the scenarios run with, and its lease.
func profile(t *testing.T) (name string, lease time.Duration) {
	t.Helper()
	name = DefaultProfile()
	lease, ok := Profiles()[name]
	if !ok {
		t.Fatalf("there is no profile %q", name)
	}
	return name, lease
}

// The virtual servers of most scenarios: direct routing and masquerading, both families.
var (
	web  = Virtual{Name: "web", Address: WebVIP, Port: httpPort, Protocol: "tcp", Servers: []string{"a", "b", "c"}}
	web6 = Virtual{Name: "web6", Address: WebVIP6, Port: httpPort, Protocol: "tcp", Servers: []string{"a", "b", "c"}}
	nat  = Virtual{Name: "nat", Address: NATVIP, Port: httpPort, Protocol: "tcp", Servers: []string{"na", "nb"}}
	nat6 = Virtual{Name: "nat6", Address: NATVIP6, Port: httpPort, Protocol: "tcp", Servers: []string{"na", "nb"}}
	echo = Virtual{Name: "echo", Address: WebVIP, Port: echoPort, Protocol: "tcp", Servers: []string{"a", "b", "c"}}
	dns  = Virtual{Name: "dns", Address: WebVIP, Port: echoPort, Protocol: "udp", Servers: []string{"a", "b", "c"}}
)

// tableLines is how many lines `ipvsadm -S` has for virtual servers whose servers are all up.
func tableLines(virtuals ...Virtual) int {
	n := 0
	for _, v := range virtuals {
		n += 1 + len(v.Servers)
	}
	return n
}

// form makes a cluster of three routers that runs the virtual servers.
func form(t *testing.T, virtuals ...Virtual) (context.Context, *Lab) {
	t.Helper()
	return formOf(t, Options{}, virtuals...)
}

// formOf makes the cluster of a laboratory that is built as o says.
func formOf(t *testing.T, o Options, virtuals ...Virtual) (context.Context, *Lab) {
	t.Helper()
	o.Binary = product(t)
	ctx, l := build(t, o)
	needIPVS(t)
	for _, r := range l.Routers {
		must(t, r.Start(ctx))
	}
	timing, _ := profile(t)
	must(t, l.Form(ctx, "--profile", timing))
	if len(virtuals) > 0 {
		must(t, l.Apply(ctx, l.Routers[0], l.Document(virtuals...)))
		_, err := l.SameTable(ctx, tableLines(virtuals...))
		must(t, err)
	}
	return ctx, l
}

// wantStatus checks what the command line says of a cluster that has just formed.
func wantStatus(t *testing.T, ctx context.Context, l *Lab) {
	t.Helper()
	for _, r := range l.Routers {
		for _, args := range [][]string{{"status", "-o", "json"}, {"status", "-o", "json", "--local"}} {
			text, err := r.Polso(ctx, args...)
			must(t, err)
			s, err := parseStatus([]byte(text))
			must(t, err)
			if s.Leader == "" || s.Cluster == "" {
				t.Errorf("%s: polso %v: no leader or no name in %s", r.Name, args, text)
			}
		}
	}
}

// product is the polso binary under test: $POLSO_BINARY, or what `make build` makes.
func product(t *testing.T) string {
	t.Helper()
	if os.Getenv("POLSO_LAB") == "" {
		return ""
	}
	path := os.Getenv("POLSO_BINARY")
	if path == "" {
		path = "../bin/polso"
	}
	path, err := filepath.Abs(path)
	must(t, err)
	if _, err := os.Stat(path); err != nil {
		skip(t, "no polso binary: make build, or set POLSO_BINARY: "+err.Error())
	}
	return path
}

func show(t *testing.T, ctx context.Context, r *Router) string {
	t.Helper()
	text, err := r.Polso(ctx, "show")
	must(t, err)
	return text
}

// source is what show is, without a process, which under emulation takes longer to start than to answer.
func source(t *testing.T, ctx context.Context, r *Router) string {
	t.Helper()
	var running struct {
		Source string `json:"source"`
	}
	must(t, r.Ask(ctx, http.MethodGet, "/v1/document", nil, &running))
	return running.Source
}

// What is written on one router is read on another, balanced by every one's kernel and served.
func formAndReplicate(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	active, err := l.Active(ctx)
	must(t, err)
	var writer, reader *Router
	for _, r := range l.Routers {
		switch {
		case r == active:
		case writer == nil:
			writer = r
		default:
			reader = r
		}
	}
	document := l.Document(web, web6, nat, nat6)
	must(t, l.Apply(ctx, writer, document))
	if got := show(t, ctx, reader); got != document {
		t.Errorf("written on %s, read on %s:\n%s\nwant:\n%s", writer.Name, reader.Name, got, document)
	}
	table, err := l.SameTable(ctx, tableLines(web, web6, nat, nat6))
	must(t, err)
	t.Logf("the table on all three:\n%s", table)
	for _, v := range []Virtual{web, web6, nat, nat6} {
		t.Run(v.Name, func(t *testing.T) { traffic(t, ctx, l, v, len(v.Servers)) })
	}
	t.Run("server down and back", func(t *testing.T) {
		l.Servers["b"].Down()
		_, err := l.SameTable(ctx, tableLines(web, web6, nat, nat6)-2)
		must(t, err)
		traffic(t, ctx, l, web, 2)
		must(t, l.Servers["b"].Up())
		_, err = l.SameTable(ctx, tableLines(web, web6, nat, nat6))
		must(t, err)
		traffic(t, ctx, l, web, 3)
	})
}

// traffic asks for a page so often that each server has its turn, and wants every one answered, by that many servers. How fast is
// nothing to hold a busy machine to.
func traffic(t *testing.T, ctx context.Context, l *Lab, v Virtual, servers int) {
	t.Helper()
	to := netip.AddrPortFrom(v.Address, uint16(v.Port))
	answers := make(map[string]int)
	for range 8 * servers {
		server, err := Fetch(ctx, l.Client, to, 10*time.Second)
		must(t, err)
		answers[server]++
	}
	if len(answers) != servers {
		t.Errorf("%s: answered by %v, want answers from %d servers", v.Name, answers, servers)
	}
}

// The heart of the matter: whatever happens to the director, another one serves, never beside it once the bound has
// passed, and nothing is forgotten.
func directorLost(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l, web, web6, dns)
	rounds := 2
	if os.Getenv("POLSO_LAB_LONG") != "" {
		rounds = 10
	}
	for _, f := range []Fault{CutOff, Killed, Terminated, Frozen} {
		for i := range rounds {
			ok := t.Run(fmt.Sprintf("%v %d", f, i+1), func(t *testing.T) { loseDirector(t, ctx, l, f, l.SameTable) })
			if !ok {
				t.Fatalf("the cluster is not as the next round expects it")
			}
		}
	}
}

// loseDirector lets the fault happen to the director of web, web6 and dns. The table is where it should be when tables comes back
// without an error.
func loseDirector(t *testing.T, ctx context.Context, l *Lab, f Fault, tables func(context.Context, int) (string, error)) {
	must(t, l.WaitWhole(ctx))
	table, err := tables(ctx, tableLines(web, web6, dns))
	must(t, err)
	old, err := l.Active(ctx)
	must(t, err)
	document := source(t, ctx, old)

	w, err := l.StartWatch(WebVIP, WebVIP6)
	must(t, err)
	defer w.Stop()
	// Gently: under emulation the traffic itself takes a good part of the machine, and the routers' time with it.
	udp, err := StartProber(l.Client, Traffic{Network: "udp", To: netip.AddrPortFrom(WebVIP, echoPort), Every: 10 * time.Millisecond})
	must(t, err)
	defer udp.Stop()
	tcp, err := StartProber(l.Client, Traffic{Network: "tcp", To: netip.AddrPortFrom(WebVIP6, httpPort), Every: 100 * time.Millisecond, Timeout: 400 * time.Millisecond})
	must(t, err)
	defer tcp.Stop()
	for _, p := range []*Prober{udp, tcp} {
		must(t, p.WaitAnswer(ctx, time.Now(), 5*time.Second))
	}

	began, done, err := l.Strike(ctx, f, old)
	must(t, err)
	next, err := l.Successor(ctx, old, WebVIP)
	must(t, err)
	taken := time.Now()
	for _, p := range []*Prober{udp, tcp} {
		must(t, p.WaitAnswer(ctx, taken, 10*time.Second))
	}
	wantNeighbour(t, ctx, l, old)
	_, lease := profile(t)
	bound := done.Add(f.Bound(lease, kernelsBound(t, ctx, next)))
	must(t, udp.WaitAnswer(ctx, bound.Add(500*time.Millisecond), 10*time.Second))
	quiet := time.Now()
	for _, vip := range []netip.Addr{WebVIP, WebVIP6} {
		if n := len(w.Announcements(vip, began, quiet)); n == 0 {
			t.Errorf("%v: nobody announced it", vip)
		}
		for _, s := range w.sightings(vip, bound, quiet, func(ClaimKind) bool { return true }) {
			if s.Node == old.Name && f != Terminated { // who is told to end does so when it comes to it
				t.Errorf("%v: %s %v spoke for it %v after the bound", vip, old.Name, f, s.At.Sub(bound))
				break
			}
		}
		// Who took over may have lost the lead to the third since: that is for elections to say. One router answers.
		must(t, eventually(ctx, often, 10*time.Second, func(context.Context) error {
			now := time.Now()
			if got := w.Holders(vip, now.Add(-400*time.Millisecond), now); len(got) != 1 || got[0] == old.Name {
				return fmt.Errorf("%v is held by %v after %s was %v", vip, got, old.Name, f)
			}
			return nil
		}))
	}

	must(t, l.Repair(ctx, f, old))
	must(t, l.WaitWhole(ctx))
	after, err := tables(ctx, tableLines(web, web6, dns))
	must(t, err)
	if after != table {
		t.Errorf("the table is\n%s\nwas\n%s", after, table)
	}
	for _, r := range l.Routers {
		if got := source(t, ctx, r); got != document {
			t.Errorf("%s has another document:\n%s", r.Name, got)
		}
	}
	for _, vip := range []netip.Addr{WebVIP, WebVIP6} {
		if got := w.Overlaps(vip, bound, time.Time{}); len(got) > 0 {
			t.Errorf("%v had two holders after the bound (%s after the fault): %v", vip, bound.Sub(done), got)
		}
	}
	t.Logf("%s %v, %s took over; udp: %v; tcp over IPv6: %v", old.Name, f, next.Name,
		udp.Between(began.Add(-100*time.Millisecond), quiet), tcp.Between(began.Add(-100*time.Millisecond), quiet))
}

// kernelsBound is what a router says takes its addresses down when its process cannot. The laboratory's kernel has nftables:
// the fence must be up.
func kernelsBound(t *testing.T, ctx context.Context, r *Router) time.Duration {
	t.Helper()
	s, err := r.Status(ctx, Own)
	must(t, err)
	if s.Fence != "nftables" {
		t.Errorf("%s: fence %q, want nftables", r.Name, s.Fence)
		return DeadMan
	}
	return Fenced
}

// wantNeighbour waits until the client's kernel sends what is for the addresses to the router that has them, which is not
// the old one.
func wantNeighbour(t *testing.T, ctx context.Context, l *Lab, old *Router) {
	t.Helper()
	for _, vip := range []netip.Addr{WebVIP, WebVIP6} {
		err := eventually(ctx, seldom, 10*time.Second, func(ctx context.Context) error {
			r, err := l.Successor(ctx, old, vip)
			if err != nil {
				return err
			}
			got, err := l.Client.Neighbour(ctx, vip.String())
			if err == nil && got != r.MAC(Outside).String() {
				err = fmt.Errorf("the client sends %v to %s, want %s (%s)", vip, got, r.MAC(Outside), r.Name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func allRestartedAtOnce(t *testing.T, ctx context.Context, l *Lab) {
	for _, f := range []Fault{Killed, Terminated} {
		t.Run(f.String(), func(t *testing.T) {
			have(t, ctx, l, web, nat)
			document := show(t, ctx, l.Routers[0])
			for _, r := range l.Routers {
				_, _, err := l.Strike(ctx, f, r)
				must(t, err)
			}
			for _, r := range l.Routers {
				must(t, l.Repair(ctx, f, r))
			}
			must(t, l.WaitWhole(ctx))
			_, err := l.Active(ctx)
			must(t, err)
			for _, r := range l.Routers {
				if got := show(t, ctx, r); got != document {
					t.Errorf("%s has another document:\n%s", r.Name, got)
				}
			}
			_, err = l.SameTable(ctx, tableLines(web, nat))
			must(t, err)
			traffic(t, ctx, l, web, 3)
			traffic(t, ctx, l, nat, 2)
		})
	}
}

func routerThatLostItsData(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l, web)
	active, err := l.Active(ctx)
	must(t, err)
	lost := l.Routers[0]
	if lost == active {
		lost = l.Routers[1]
	}
	must(t, lost.Kill())
	must(t, lost.Wipe())
	must(t, lost.Start(ctx))
	must(t, l.Join(ctx, active, lost, "--replace", lost.Name))
	must(t, l.WaitWhole(ctx))
	s, err := active.Status(ctx, Cluster)
	must(t, err)
	names := make(map[string]int)
	for _, m := range s.Members {
		names[m.Name]++
	}
	if len(s.Members) != 3 || names[lost.Name] != 1 {
		t.Errorf("members %v, want three with one %s", names, lost.Name)
	}
	if a, b := show(t, ctx, lost), show(t, ctx, active); a != b {
		t.Errorf("%s has another document:\n%s\nwant:\n%s", lost.Name, a, b)
	}
	_, err = l.SameTable(ctx, tableLines(web))
	must(t, err)
}

func changeCutsNoConnection(t *testing.T, ctx context.Context, l *Lab) {
	hashed := echo
	hashed.Scheduler = "mh"
	have(t, ctx, l, hashed)
	// Until the routers tell each other of connections, one that takes over learns of them from their packets, if the
	// administrator lets it, and finds the server again by its hash.
	for _, r := range l.Routers {
		must(t, r.sysctl("net/ipv4/vs/sloppy_tcp", "1"))
	}
	active, err := l.Active(ctx)
	must(t, err)
	f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(WebVIP, echoPort), 20*time.Millisecond)
	must(t, err)
	with := func(change func(*Virtual)) string {
		v := hashed
		change(&v)
		return l.Document(v)
	}
	other := "a"
	if f.Server == other {
		other = "b"
	}
	var rest []string // all but other
	for _, s := range hashed.Servers {
		if s != other {
			rest = append(rest, s)
		}
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"another scheduler", func() error {
			return l.Apply(ctx, active, with(func(v *Virtual) { v.Scheduler = "wlc" }))
		}},
		{"another weight", func() error {
			return l.Apply(ctx, active, with(func(v *Virtual) { v.Weights = map[string]int{f.Server: 5} }))
		}},
		{"a server removed beside it", func() error {
			return l.Apply(ctx, active, with(func(v *Virtual) { v.Servers = rest }))
		}},
		{"a server added beside it", func() error {
			return l.Apply(ctx, active, with(func(*Virtual) {}))
		}},
		{"the director's process restarted", func() error {
			if _, _, err := l.Strike(ctx, Terminated, active); err != nil {
				return err
			}
			if err := l.Repair(ctx, Terminated, active); err != nil {
				return err
			}
			return l.WaitWhole(ctx)
		}},
	} {
		must(t, step.do())
		changed := time.Now()
		err := Eventually(ctx, 10*time.Second, func(context.Context) error {
			if err := f.Alive(); err != nil {
				return err
			}
			if time.Since(changed) < time.Second {
				return errors.New("too early to say")
			}
			return nil
		})
		if err != nil {
			t.Fatalf("after %s: %v", step.name, err)
		}
		t.Logf("%s: the connection to %s lives", step.name, f.Server)
	}
	echoes, gap, err := f.Stop()
	must(t, err)
	t.Logf("%d echoes, longest silence %v", echoes, gap.Round(time.Millisecond))
}

// handOver has r hand the lead over, with further words of the command. To whom does not matter: on a slow machine another than the one
// that was chosen may stand first.
func handOver(ctx context.Context, r *Router, words ...string) error {
	_, err := r.Polso(ctx, append([]string{"transfer", "--yes"}, words...)...)
	if err != nil && strings.Contains(err.Error(), "was elected instead") {
		return nil
	}
	return err
}
