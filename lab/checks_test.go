package lab

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The checks of this scenario: down after checkFall, up after checkRise.
const (
	checkRise, checkFall = 2, 3

	// pace is a pass of the director, what the emulator adds, and a look at the table.
	pace = 3 * time.Second
	// leaves is how soon a sorry server goes that has no connection: its connections are counted a pass after it got weight 0.
	leaves = 5 * time.Second
)

// checks is what follows of verdicts, with real probers and real tables.
func checks(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	s := sceneOf(t, ctx, l)
	http := timed(`check "http"`, s.every, "port = 80")
	a, b, c := "a 1", "b 1", "c 1"

	s.apply(s.echo("", http, "a", "b") + "  sorry_server \"c\" {\n    address = \"" + l.Servers["c"].Addr(Outside).String() + "\"\n  }\n}\n")
	s.within(startupTimeout, "at first", a, b)
	l.Servers["a"].Down()
	s.within(s.dead, "a's process gone", b)
	l.Servers["b"].Slow(time.Hour) // connections are taken, and nothing comes: as of a stopped process
	s.within(s.hung, "b hangs too", c)
	sorry := s.flow()
	if sorry.Server != "c" {
		t.Fatalf("a connection came to %s, want c, the sorry server", sorry.Server)
	}
	l.Servers["b"].Slow(0)
	director, err := l.Active(ctx)
	must(t, err)
	counts := s.at(director) // it sees the connection to the sorry server; for the others it may go at once
	counts.within(s.back, "b is back", b, "c 0")
	must(t, l.Servers["a"].Up())
	counts.within(s.back, "a is back", a, b, "c 0")
	must(t, sorry.Alive())
	_, _, err = sorry.Stop()
	must(t, err)
	s.within(2*leaves, "the last connection to the sorry server ended", a, b)

	s.apply(s.echo("  min_servers = 2\n", http, "a", "b") + "  sorry_server = \"" + l.Servers["c"].Addr(Outside).String() + "\"\n}\n")
	l.Servers["a"].Down()
	s.within(s.dead, "one of the two that are needed", "b 0", c)
	must(t, l.Servers["a"].Up())
	s.within(s.back+leaves, "both of the two that are needed", a, b)

	s.compound()
}

// scene is the scenario under way, with what a verdict may take.
type scene struct {
	t                *testing.T
	ctx              context.Context
	l                *Lab
	on               []*Router // whose tables are looked at
	every            time.Duration
	dead, hung, back time.Duration
	flag, tunnel     string // ipvsadm's for the forwarding, "" is -g, and what it says of a tunnel
}

// sceneOf is the scene of every router, at the laboratory's pace.
func sceneOf(t *testing.T, ctx context.Context, l *Lab) scene {
	t.Helper()
	every, err := time.ParseDuration(CheckEvery())
	must(t, err)
	return scene{t: t, ctx: ctx, l: l, on: l.Routers, every: every}.paced(every)
}

// paced is the scene where checks come so often, and have as long for an answer.
func (s scene) paced(every time.Duration) scene {
	s.dead, s.hung, s.back = checkFall*every, checkFall*every+every, checkRise*every
	return s
}

// timed is a check with the scenario's timing.
func timed(head string, every time.Duration, lines ...string) string {
	all := append([]string{
		fmt.Sprintf("every = %q", every), fmt.Sprintf("timeout = %q", every),
		fmt.Sprintf("rise = %d", checkRise), fmt.Sprintf("fall = %d", checkFall),
	}, lines...)
	return head + " {\n    " + strings.Join(all, "\n    ") + "\n  }\n"
}

// echo is the virtual of that name but for its closing brace.
func (s scene) echo(more, check string, servers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%svirtual \"echo\" {\n  address = %q\n  interface = \"outside\"\n  port = %d\n  scheduler = \"rr\"\n%s  %s", closing, WebVIP, echoPort, more, check)
	for _, name := range servers {
		fmt.Fprintf(&b, "  server %q {\n    address = %q\n  }\n", name, s.l.Servers[name].Addr(Outside))
	}
	return b.String()
}

func (s scene) apply(document string) {
	s.t.Helper()
	must(s.t, s.l.Apply(s.ctx, s.l.Routers[0], document))
}

// at is the scene where these routers' tables are looked at.
func (s scene) at(routers ...*Router) scene {
	s.on = routers
	return s
}

// within wants the routers' tables to have exactly these servers, each as NAME WEIGHT, after no more than that and pace.
func (s scene) within(limit time.Duration, what string, servers ...string) {
	s.t.Helper()
	began := time.Now()
	// Not with the context that ends with patience: what it cut short would say nothing.
	if err := Eventually(s.ctx, limit+pace, func(context.Context) error { return s.tables(servers...) }); err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	s.t.Logf("%s: %v after %v", what, servers, time.Since(began).Round(time.Millisecond))
}

// stays wants the tables like that now, and whenever they are looked at for a while.
func (s scene) stays(long time.Duration, what string, servers ...string) {
	s.t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end); {
		if err := s.tables(servers...); err != nil {
			s.t.Fatalf("%s: %v", what, err)
		}
		must(s.t, Pause(s.ctx, seldom))
	}
}

// tables says which table is another than that.
func (s scene) tables(servers ...string) error {
	want := []string{fmt.Sprintf("-A -t %s -s rr", netip.AddrPortFrom(WebVIP, echoPort))}
	for _, server := range servers {
		name, weight, _ := strings.Cut(server, " ")
		want = append(want, line(s.l, name)+cmp.Or(s.flag, "-g")+" -w "+weight+s.tunnel)
	}
	slices.Sort(want)
	for _, r := range s.on {
		if got, err := r.Table(s.ctx); err != nil || got != strings.Join(want, "\n") {
			return fmt.Errorf("%s (want %v) has (%v)\n%s", r.Name, servers, err, got)
		}
	}
	return nil
}

func (s scene) flow() *Flow {
	s.t.Helper()
	f, err := StartFlow(s.ctx, s.l.Client, netip.AddrPortFrom(WebVIP, echoPort), 200*time.Millisecond)
	must(s.t, err)
	return f
}

// flags is a folder in which programs of the routers, run as nobody, find files.
func (s scene) flags() string {
	s.t.Helper()
	dir, err := os.MkdirTemp("/tmp", "flags-")
	must(s.t, err)
	s.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(s.t, os.Chmod(dir, 0o755))
	return dir
}

// compound: all of http, icmp and a script have to be up; then the script is against a, and b answers no echo request.
func (s scene) compound() {
	every := 2 * s.every // programs take their time
	s = s.paced(every)
	dir := s.flags()
	inner := "check \"http\" {\n      port = 80\n    }\n    check \"icmp\" {\n    }\n" +
		"    check \"script\" {\n      command = [\"/bin/sh\", \"-c\", \"test ! -e " + dir + "/%h || exit 1\"]\n    }"
	s.apply(s.echo("", timed(`check "all"`, every, inner), "a", "b") + "}\n")
	s.within(startupTimeout, "all of http, icmp and script", "a 1", "b 1")
	against := filepath.Join(dir, s.l.Servers["a"].Addr(Outside).String())
	must(s.t, os.WriteFile(against, nil, 0o644))
	s.within(s.hung, "the script is against a", "b 1")
	must(s.t, os.Remove(against))
	s.within(s.back, "the script is for a", "a 1", "b 1")
	must(s.t, s.l.Servers["b"].sysctl("net/ipv4/icmp_echo_ignore_all", "1"))
	s.within(s.hung, "b answers no echo", "a 1")
	must(s.t, s.l.Servers["b"].sysctl("net/ipv4/icmp_echo_ignore_all", "0"))
	s.within(s.back, "b answers echoes", "a 1", "b 1")
}
