package lab

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// TestPathCutBetweenRouters: the routers are each other's peers on both segments. Whichever of the two they lose, nobody else
// directs, no client notices, and what is written arrives.
func TestPathCutBetweenRouters(t *testing.T) {
	ctx, l := formOf(t, Options{TwoPaths: true}, web, dns)
	active, err := l.Active(ctx)
	must(t, err)
	var other *Router
	for _, r := range l.Routers {
		if r != active {
			other = r
		}
	}
	before, err := active.Status(ctx, Cluster)
	must(t, err)
	w, err := l.StartWatch(WebVIP)
	must(t, err)
	defer w.Stop()
	p, err := StartProber(l.Client, Traffic{Network: "udp", To: netip.AddrPortFrom(WebVIP, echoPort), Every: 25 * time.Millisecond})
	must(t, err)
	defer p.Stop()
	must(t, p.WaitAnswer(ctx, time.Now(), 5*time.Second))
	_, lease := profile(t)
	calmly := time.Now()
	must(t, p.WaitAnswer(ctx, calmly.Add(4*lease), 10*time.Second+4*lease))
	calm := p.Between(calmly, time.Time{}) // how this machine does without a cut
	began := time.Now()
	for i, s := range []Segment{Outside, Inside} {
		must(t, wantPaths(ctx, active, len(l.Routers)-1, [2]string{"up", "up"}))
		must(t, l.CutPath(ctx, s))
		cut := time.Now()
		// At first a write of the director's own, then one that has to be handed on.
		for j, r := range []*Router{active, other} {
			v := web
			v.Weights = map[string]int{"a": 2 + 2*i + j}
			must(t, r.Ask(ctx, http.MethodPost, "/v1/document", map[string]any{
				"files": []map[string]string{{"name": "edge.hcl", "text": l.Document(v, dns)}},
			}, nil))
		}
		t.Logf("the path %s cut: two writes took %v", []string{"outside", "inside"}[s], time.Since(cut).Round(time.Millisecond))
		want := [2]string{"up", "up"}
		want[s] = "down"
		must(t, wantPaths(ctx, active, len(l.Routers)-1, want))
		must(t, p.WaitAnswer(ctx, cut.Add(4*lease), 10*time.Second+4*lease))
		must(t, l.HealPath(ctx))
	}
	must(t, wantPaths(ctx, active, len(l.Routers)-1, [2]string{"up", "up"}))
	must(t, l.WaitWhole(ctx))

	after, err := active.Status(ctx, Cluster)
	must(t, err)
	if after.Term != before.Term || after.Active != before.Active || after.Leader != before.Leader {
		t.Errorf("term %d, leader %s, active %s; was term %d, leader %s, active %s",
			after.Term, after.Leader, after.Active, before.Term, before.Leader, before.Active)
	}
	if got := w.Holders(WebVIP, began, time.Time{}); len(got) != 1 || got[0] != active.Name {
		t.Errorf("%v answered for %v, want %s alone", got, WebVIP, active.Name)
	}
	got := p.Between(began, time.Time{})
	if got.Gap >= max(lease/2, 3*calm.Gap) {
		t.Errorf("a client was not answered for %v, without a cut for %v; H is %v", got.Gap, calm.Gap, lease)
	}
	t.Logf("H %v; udp: %v; before: %v", lease, got, calm)
}

// wantPaths waits until the leader hears all the others as the states say, outside and inside.
func wantPaths(ctx context.Context, leader *Router, others int, states [2]string) error {
	return Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		s, err := leader.Status(ctx, Cluster)
		if err != nil {
			return err
		}
		n := 0
		for _, m := range s.Members {
			if m.Name == leader.Name {
				continue
			}
			if len(m.Paths) != 2 || m.Paths[Outside].State != states[Outside] || m.Paths[Inside].State != states[Inside] {
				return fmt.Errorf("%s is heard at %v, want %v", m.Name, m.Paths, states)
			}
			n++
		}
		if n != others {
			return fmt.Errorf("%d other members, want %d", n, others)
		}
		return nil
	})
}
