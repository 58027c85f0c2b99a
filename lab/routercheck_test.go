package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What routers ask of themselves moves the lead: a command that fails on the director, and back to it when it passes and a file is
// missing on the next, and away again when the gateway answers it no more. Each change of the lead is told to a webhook, which refuses
// each message once, and to a command on the router that it is about, though another webhook never answers.
func routerChecks(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l)
	s := sceneOf(t, ctx, l)
	first, err := l.Active(ctx)
	must(t, err)
	dir, gateway := s.flags(), l.Client
	against := filepath.Join(dir, "against")
	fine := func(r *Router) string { return filepath.Join(dir, r.Name) }
	heard := s.listen(dir)

	document := s.echo("", timed(`check "http"`, s.every, "port = 80"), "a", "b") + "}\n" + heard.blocks()
	ask := func(name string, every time.Duration, lines ...string) {
		document += fmt.Sprintf("router_check %q {\n  every = %q\n  timeout = %q\n  rise = 1\n  fall = 2\n  %s\n}\n", name, every, every, strings.Join(lines, "\n  "))
	}
	on := func(r *Router) string { return fmt.Sprintf("routers = [%q]", r.Name) }
	ask("command", 2*s.every, fmt.Sprintf("command = [\"/bin/sh\", \"-c\", \"test ! -e %s\"]", against), on(first)) // programs take their time
	ask("gateway", s.every, fmt.Sprintf("ping = %q", gateway.Addr(Outside)), "penalty = 10")
	for _, r := range l.Routers {
		must(t, os.WriteFile(fine(r), []byte("all is fine\n"), 0o644))
		ask("file-"+r.Name, s.every, fmt.Sprintf("file = %q", fine(r)), "contains = \"fine\"", on(r))
	}
	s.apply(strings.Replace(document, "cluster {\n", "cluster {\n  prefer = [\""+first.Name+"\"]\n", 1))
	s.within(startupTimeout, "router checks", "a 1", "b 1")
	if now, err := l.Active(ctx); err != nil || now != first {
		t.Fatalf("%s directed, and now (%v) another does, before anything has failed", first.Name, err)
	}

	must(t, os.WriteFile(against, nil, 0o644))
	second := s.moved(first, "its command fails", heard)
	must(t, os.Remove(against))
	must(t, eventuallyFit(ctx, second, first))
	must(t, os.WriteFile(fine(second), []byte("on fire\n"), 0o644))
	if back := s.moved(second, "its file says something else", heard); back != first {
		t.Errorf("%s directs, want %s, which is preferred and fit again", back.Name, first.Name)
	}
	must(t, gateway.Batch(ctx, "route add blackhole "+first.Addr4()+"/32"))
	third := s.moved(first, "the gateway does not answer it", heard)
	if third == second {
		t.Errorf("%s directs, whose file says something else", second.Name)
	}

	// All that has been while the other webhook kept each of them waiting.
	if n := heard.kept.Load(); n < 3 {
		t.Errorf("the webhook that hangs was asked %d times, want by each of three directors", n)
	}
	l.Servers["a"].Down()
	s.within(s.dead, "a's process gone", "b 1")
	must(t, l.Servers["a"].Up())
	must(t, gateway.Batch(ctx, "route del blackhole "+first.Addr4()+"/32"))
	must(t, os.WriteFile(fine(second), []byte("fine\n"), 0o644))
	must(t, eventuallyFit(ctx, third, l.Routers...))
}

// moved waits until another router directs than old, and for all who are told of it.
func (s scene) moved(old *Router, why string, heard *receiver) *Router {
	s.t.Helper()
	began := time.Now()
	next, err := s.l.Successor(s.ctx, old, WebVIP)
	if err != nil {
		s.t.Fatalf("%s on %s: %v", why, old.Name, err)
	}
	took := time.Since(began)
	heard.wants("inactive", old)
	heard.wants("active", next)
	s.t.Logf("%s, %s: %s directs after %v, and all were told after %v", old.Name, why, next.Name, took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	return next
}

// eventuallyFit waits until the director has heard that no check of these routers fails.
func eventuallyFit(ctx context.Context, director *Router, routers ...*Router) error {
	return Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		st, err := director.Status(ctx, ClusterBrief)
		for _, m := range st.Members {
			for _, r := range routers {
				if m.Name == r.Name && (len(m.Unfit) > 0 || m.Penalty > 0) {
					err = errors.Join(err, fmt.Errorf("%s: unfit %v, penalty %d", m.Name, m.Unfit, m.Penalty))
				}
			}
		}
		return err
	})
}
