package lab

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// The director's link to its servers goes bad: the cable is in, and nothing comes through, while the other routers see every
// server. It hands over within seconds and says why, its pool is never empty, and traffic goes on. With the cable pulled it knows
// by itself.
func badLink(t *testing.T, ctx context.Context, l *Lab) {
	have(t, ctx, l, nat)
	lines := tableLines(nat)
	for _, fault := range []struct {
		name   string
		within time.Duration
		why    string
		strike func(*Router) error
	}{
		// fall × every + timeout, the reports of a second, the three seconds for which it has to last, and the emulator's own time.
		{"nothing comes through", 15 * time.Second, " sees 0 servers up, ", func(r *Router) error { return l.cutInside(ctx, r, "nomaster") }},
		{"the cable is pulled", 8 * time.Second, "this router cannot direct: link eth1", func(r *Router) error { return l.cutInside(ctx, r, "down") }},
	} {
		t.Run(fault.name, func(t *testing.T) {
			must(t, l.WaitWhole(ctx))
			_, err := l.SameTable(ctx, lines)
			must(t, err)
			old, err := l.Active(ctx)
			must(t, err)
			p, err := StartProber(l.Client, Traffic{Network: "tcp", To: netip.AddrPortFrom(NATVIP, httpPort), Every: 100 * time.Millisecond, Timeout: 400 * time.Millisecond})
			must(t, err)
			defer p.Stop()
			must(t, p.WaitAnswer(ctx, time.Now(), 10*time.Second))

			began := time.Now()
			must(t, fault.strike(old))
			next, empty := (*Router)(nil), 0
			must(t, eventually(ctx, often, startupTimeout, func(c context.Context) error {
				table, err := old.Table(c)
				if err != nil {
					return err
				}
				if !strings.Contains(table, "-a ") {
					empty++
				}
				for _, r := range l.Routers {
					if has, err := r.Has(NATVIP); err == nil && has && r != old {
						next = r
						return nil
					}
				}
				return errors.New("nobody has taken over")
			}))
			took := time.Since(began)
			must(t, p.WaitAnswer(ctx, time.Now(), 10*time.Second))
			if empty > 0 {
				t.Errorf("%s had an empty pool, %d times that it was looked at", old.Name, empty)
			}
			if took > fault.within {
				t.Errorf("the hand-over took %v, want %v at most", took, fault.within)
			}
			table, err := old.Table(ctx)
			must(t, err)
			if n := strings.Count(table, "\n") + 1; n != lines {
				t.Errorf("%s has %d lines in its table, want %d: the last weights stand\n%s", old.Name, n, lines, table)
			}
			var reason string
			must(t, Eventually(ctx, 10*time.Second, func(ctx context.Context) error {
				st, err := next.Status(ctx, Cluster)
				reason = st.LastFailover.Reason
				if err == nil && !strings.Contains(reason, fault.why) {
					err = errors.New("the reason is " + reason)
				}
				return err
			}))
			served := time.Now()
			must(t, p.WaitAnswer(ctx, served.Add(2*time.Second), 10*time.Second))
			quiet := p.Between(served, time.Time{})
			if len(quiet.Servers) != 2 {
				t.Errorf("afterwards: %v, want answers from 2 servers", quiet)
			}
			text, err := next.Polso(ctx, "describe", "virtual/nat")
			must(t, err)
			t.Logf("%s handed over to %s after %v (%s); clients: %v\n%s", old.Name, next.Name, took.Round(time.Millisecond), reason, p.Between(began, served), text)
			must(t, l.Heal(ctx, old.Node))
		})
	}
}

// cutInside does that to the inner of a router's plugs at the switch. Heal undoes it.
func (l *Lab) cutInside(ctx context.Context, r *Router, what string) error {
	for _, p := range r.ports {
		if p.segment() == Inside {
			return l.fabric.Batch(ctx, "link set "+p.device+" "+what)
		}
	}
	return errors.New(r.Name + " has no inner link")
}
