package lab

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// closing has the kernel forget an ended connection soon: the drain of its server waits for that.
const closing = "cluster {\n  timeouts {\n    tcp_fin = \"1s\"\n  }\n}\n\n"

// A removed server goes to weight 0 and keeps its connection; it goes when that has ended, or at its deadline if another router
// directs since.
func drain(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	t.Run("ends with its last connection", func(t *testing.T) {
		director, f, deadline := removeUnder(t, ctx, l, 2*time.Minute)
		wantElsewhere(t, ctx, l, f.Server)
		wantDraining(t, ctx, l, director, f.Server)
		_, _, err := f.Stop()
		must(t, err)
		closed := time.Now()
		wantGone(t, ctx, l, f.Server, closed.Add(30*time.Second))
		if !time.Now().Before(deadline) {
			t.Errorf("%s went at its deadline, not with its connection", f.Server)
		}
		t.Logf("%s went %v after its connection was closed", f.Server, time.Since(closed).Round(time.Millisecond))
	})
	t.Run("ends at its deadline after a transfer", func(t *testing.T) {
		director, f, deadline := removeUnder(t, ctx, l, 20*time.Second)
		defer f.Stop() // it need not outlive the transfer: the routers do not tell each other of connections here
		must(t, handOver(ctx, director))
		next, err := l.Successor(ctx, director, WebVIP)
		must(t, err)
		// Longer than a director that counted would wait: it sees no connection, and would end the drain.
		if left := time.Until(deadline); left < 8*time.Second {
			t.Fatalf("the transfer left %v of the drain: too short to say", left)
		}
		for time.Until(deadline) > 2*time.Second {
			wantDraining(t, ctx, l, next, f.Server)
			must(t, Pause(ctx, time.Second))
		}
		wantGone(t, ctx, l, f.Server, deadline.Add(10*time.Second))
		if early := time.Until(deadline); early > 0 {
			t.Errorf("%s went %v before its deadline", f.Server, early)
		}
		t.Logf("%s directed, %s took over; %s went within %v of its deadline", director.Name, next.Name, f.Server, time.Since(deadline).Round(time.Millisecond))
	})
}

// removeUnder opens a connection and removes the server that it came to; the drain has so long. It returns the director, the
// connection, and a time that the deadline does not come before.
func removeUnder(t *testing.T, ctx context.Context, l *Lab, drain time.Duration) (director *Router, f *Flow, deadline time.Time) {
	t.Helper()
	must(t, l.Apply(ctx, l.Routers[0], closing+l.Document(echo)))
	_, err := l.SameTable(ctx, tableLines(echo))
	must(t, err)
	director, err = l.Active(ctx)
	must(t, err)
	f, err = StartFlow(ctx, l.Client, netip.AddrPortFrom(WebVIP, echoPort), 200*time.Millisecond)
	must(t, err)
	rest := echo
	rest.Servers = nil
	for _, s := range echo.Servers {
		if s != f.Server {
			rest.Servers = append(rest.Servers, s)
		}
	}
	deadline = time.Now().Add(drain)
	must(t, l.Apply(ctx, director, closing+l.Document(rest), "--drain", drain.String()))
	wantDraining(t, ctx, l, director, f.Server)
	must(t, eventually(ctx, often, given, func(context.Context) error { return f.Alive() }))
	return director, f, deadline
}

// line is how Router.Table begins the line of a server of echo.
func line(l *Lab, server string) string {
	return fmt.Sprintf("-a -t %s -r %s ", netip.AddrPortFrom(echo.Address, echoPort), netip.AddrPortFrom(l.Servers[server].Addr(Outside), echoPort))
}

// wantDraining wants the server in a router's table, with weight 0.
func wantDraining(t *testing.T, ctx context.Context, l *Lab, r *Router, server string) {
	t.Helper()
	table, err := r.Table(ctx)
	must(t, err)
	if !strings.Contains(table, line(l, server)+"-g -w 0") {
		t.Fatalf("%s: %s does not drain:\n%s", r.Name, server, table)
	}
}

// wantElsewhere wants new connections at other servers.
func wantElsewhere(t *testing.T, ctx context.Context, l *Lab, server string) {
	t.Helper()
	for range 4 {
		f, err := StartFlow(ctx, l.Client, netip.AddrPortFrom(WebVIP, echoPort), 200*time.Millisecond)
		must(t, err)
		_, _, err = f.Stop()
		must(t, err)
		if f.Server == server {
			t.Fatalf("a new connection came to %s, which drains", server)
		}
	}
}

// wantGone waits until no router has the server any more.
func wantGone(t *testing.T, ctx context.Context, l *Lab, server string, until time.Time) {
	t.Helper()
	must(t, Eventually(ctx, time.Until(until), func(ctx context.Context) error {
		for _, r := range l.Routers {
			table, err := r.Table(ctx)
			if err != nil {
				return err
			}
			if strings.Contains(table, line(l, server)) {
				return fmt.Errorf("%s still has %s:\n%s", r.Name, server, table)
			}
		}
		return nil
	}))
}
