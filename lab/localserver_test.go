package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// serve makes a router a real server too, as an operator does: the virtual address on lo, and a service that listens everywhere.
// Polso sees to it that nobody is answered for the address before it is held.
func (l *Lab) serve(ctx context.Context, r *Router) error {
	if err := r.Batch(ctx, "addr add "+WebVIP.String()+"/32 dev lo"); err != nil {
		return err
	}
	s := &Server{Node: r.Node, locals: []netip.Addr{r.Addr(Outside)}}
	l.Servers[r.Name] = s
	return s.Up()
}

// countLoops begins to count, on every router, the packets for the virtual address that have been passed on more than once: a
// client sends them with 64 left to live, and each passage takes one.
func (l *Lab) countLoops(ctx context.Context) error {
	for _, r := range l.Routers {
		cmd := exec.CommandContext(ctx, "nft", "-f", "-")
		cmd.Stdin = strings.NewReader(fmt.Sprintf(`table ip loops
delete table ip loops
table ip loops {
  chain in {
    type filter hook prerouting priority -400;
    ip daddr %s ip ttl < 63 counter
  }
}
`, WebVIP))
		if _, err := r.run(cmd); err != nil {
			return err
		}
	}
	return nil
}

var counterLine = regexp.MustCompile(`counter packets (\d+)`)

// loops is how many there were since.
func (l *Lab) loops(ctx context.Context) (n int, err error) {
	for _, r := range l.Routers {
		text, err := r.Run(ctx, "nft", "list", "table", "ip", "loops")
		if err != nil {
			return 0, err
		}
		m := counterLine.FindStringSubmatch(text)
		if m == nil {
			return 0, fmt.Errorf("%s: no counter in %s", r.Name, text)
		}
		here, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, err
		}
		n += here
	}
	return n, nil
}

// routersThatServe: two of three routers are real servers of a virtual, by direct routing. Whoever directs, all answer, nobody
// else is taken for the director, and no packet is balanced twice: without the sync daemon, and with it.
func routersThatServe(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	serving := map[string]bool{}
	for _, r := range l.Routers[:2] {
		must(t, l.serve(ctx, r))
		serving[r.Name] = true
	}
	v := web
	v.Servers = []string{"a", l.Routers[0].Name, l.Routers[1].Name}
	must(t, l.Apply(ctx, l.Routers[0], l.Document(v)))
	must(t, l.countLoops(ctx))
	// passed sends traffic through a director.
	passed := func(t *testing.T, director *Router) {
		t.Helper()
		must(t, l.countLoops(ctx)) // what came before is told by itself
		traffic(t, ctx, l, v, len(v.Servers))
		if mac, err := l.Client.Neighbour(ctx, WebVIP.String()); err != nil || mac != director.MAC(Outside).String() {
			t.Errorf("the client sends to %s, %v; want %s, which directs", mac, err, director.Name)
		}
		if n, err := l.loops(ctx); err != nil || n != 0 {
			t.Errorf("%s directs: %d packets were passed on more than once, %v", director.Name, n, err)
		}
	}
	check := func(t *testing.T, director *Router) {
		t.Helper()
		passed(t, director)
		for _, r := range l.Routers {
			table, err := r.Table(ctx)
			must(t, err)
			if has, want := table != "", r == director || !serving[r.Name]; has != want {
				t.Errorf("%s directs, and %s has the table\n%s\nwant one: %v", director.Name, r.Name, table, want)
			}
		}
	}
	for _, next := range l.Routers {
		t.Run("directed by "+next.Name, func(t *testing.T) {
			must(t, l.WaitWhole(ctx))
			active, err := l.Active(ctx)
			must(t, err)
			if active != next {
				_, err = active.Polso(ctx, "transfer", next.Name, "--yes")
				must(t, err)
			}
			must(t, l.WaitWhole(ctx))
			n, err := l.loops(ctx)
			must(t, err)
			t.Logf("%d packets were passed on more than once meanwhile", n)
			check(t, next)
		})
	}
	t.Run("a director that serves is killed", func(t *testing.T) {
		active, err := l.Active(ctx)
		must(t, err)
		old := l.Routers[0]
		if active != old {
			_, err = active.Polso(ctx, "transfer", old.Name, "--yes")
			must(t, err)
			must(t, l.WaitWhole(ctx))
		}
		p, err := StartProber(l.Client, Traffic{Network: "tcp", To: netip.AddrPortFrom(WebVIP, httpPort), Every: 50 * time.Millisecond, Timeout: 400 * time.Millisecond})
		must(t, err)
		defer p.Stop()
		must(t, l.countLoops(ctx))
		must(t, old.Kill())
		next, err := l.Active(ctx)
		must(t, err)
		must(t, p.WaitAnswer(ctx, time.Now(), 10*time.Second))
		n, err := l.loops(ctx)
		must(t, err)
		if n != 0 {
			t.Errorf("%d packets were passed on more than once, with %s dead and its table full", n, old.Name)
		}
		must(t, old.Start(ctx))
		must(t, l.WaitWhole(ctx))
		if n, err = l.loops(ctx); err != nil || n != 0 {
			t.Errorf("%d packets were passed on more than once while %s started, %v", n, old.Name, err)
		}
		p.Stop() // an emulated machine has enough to do with the requests of check
		check(t, next)
	})
	// With the daemons the tables stay where they are, and the kernels of those who stand by balance nothing.
	must(t, l.Apply(ctx, l.Routers[2], SharedConnections+l.Document(v)))
	for _, next := range l.Routers[:2] {
		t.Run("shared, handed to "+next.Name, func(t *testing.T) {
			active, err := l.Active(ctx)
			must(t, err)
			if active != next { // by force: it has not listened for long
				must(t, handOver(ctx, active, next.Name, "--force"))
			}
			must(t, l.WaitWhole(ctx))
			_, err = l.SameTable(ctx, tableLines(v))
			must(t, err)
			must(t, backupOnly(ctx, l))
			active, err = l.Active(ctx)
			must(t, err)
			passed(t, active)
		})
	}
}
