package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// Two routers and a witness that has neither IPVS nor privileges: the director is cut off and the other takes over; the witness is
// elected, because the router that is left has missed what was written, and hands over to it as soon as it has caught up; without a
// quorum nobody holds.
func TestTwoRoutersAndAWitness(t *testing.T) {
	ctx, l := build(t, Options{Routers: 2, Witnesses: 1, Binary: product(t)})
	needIPVS(t)
	w := l.Witnesses[0]
	for _, r := range l.members() {
		must(t, r.Start(ctx))
	}
	timing, _ := profile(t)
	must(t, l.Form(ctx, "--profile", timing))
	must(t, l.Apply(ctx, w, l.Document(web))) // a witness takes commands too
	_, err := l.SameTable(ctx, tableLines(web))
	must(t, err)
	text, err := w.Polso(ctx, "members", "--no-headers")
	must(t, err)
	if !strings.Contains(text, "w1  "+w.Addr4()+":5390  witness") {
		t.Errorf("members:\n%s", text)
	}

	watch, err := l.StartWatch(WebVIP)
	must(t, err)
	defer watch.Stop()
	p, err := StartProber(l.Client, Traffic{Network: "udp", To: netip.AddrPortFrom(WebVIP, echoPort), Every: 10 * time.Millisecond})
	must(t, err)
	defer p.Stop()
	must(t, l.Apply(ctx, w, l.Document(web, dns)))
	must(t, p.WaitAnswer(ctx, time.Now(), 10*time.Second))
	served := func(since time.Time) Report {
		t.Helper()
		must(t, p.WaitAnswer(ctx, time.Now(), 20*time.Second))
		return p.Between(since.Add(-100*time.Millisecond), time.Time{})
	}

	// The director is cut off.
	old, err := l.Active(ctx)
	must(t, err)
	began := time.Now()
	must(t, l.Cut(ctx, old.Node))
	other, err := l.Successor(ctx, old, WebVIP)
	must(t, err)
	t.Logf("%s cut off, %s took over: %v", old.Name, other.Name, served(began))
	must(t, l.Heal(ctx, old.Node))
	must(t, l.WaitWhole(ctx))

	// The one that stands by misses a change; then the director is lost, and what is left is a witness that knows the change and a
	// router that does not.
	director, err := l.Active(ctx)
	must(t, err)
	standby := l.Routers[0]
	if standby == director {
		standby = l.Routers[1]
	}
	must(t, l.Cut(ctx, standby.Node))
	heavy := web
	heavy.Weights = map[string]int{"a": 7}
	document := l.Document(heavy, dns)
	must(t, l.Apply(ctx, w, document)) // one router and the witness are a majority
	served(time.Now())
	elected := took(t, w)
	began = time.Now()
	must(t, l.Cut(ctx, director.Node))
	must(t, l.Heal(ctx, standby.Node))
	healed := time.Now()
	next, err := l.Successor(ctx, director, WebVIP)
	must(t, err)
	held := time.Since(healed)
	if n := took(t, w) - elected; n < 1 || next != standby {
		t.Errorf("the witness was elected %d times, and %s took over; want it to be %s after an election of the witness", n, next.Name, standby.Name)
	}
	must(t, Eventually(ctx, 10*time.Second, func(ctx context.Context) error {
		if got, err := standby.Polso(ctx, "show"); err != nil || got != document {
			return fmt.Errorf("%s shows\n%s\nwant\n%s (%v)", standby.Name, got, document, err)
		}
		return nil
	}))
	t.Logf("the witness was elected and handed over to %s, which held %v after it could be reached: %v", next.Name, held.Round(time.Millisecond), served(began))
	if has, err := w.Has(WebVIP); has || err != nil {
		t.Errorf("the witness has the address: %v, %v", has, err)
	}
	if tables, err := w.Run(ctx, "nft", "list", "tables"); err != nil || tables != "" {
		t.Errorf("the witness has nftables of somebody: %q, %v", tables, err)
	}
	must(t, l.Heal(ctx, director.Node))
	must(t, l.WaitWhole(ctx))
	_, err = l.SameTable(ctx, tableLines(web, dns))
	must(t, err)

	// Both routers are cut off, and the witness alone is no majority.
	for _, r := range l.Routers {
		must(t, l.Cut(ctx, r.Node))
	}
	must(t, Eventually(ctx, 10*time.Second, func(context.Context) error {
		for _, n := range l.members() {
			if has, err := n.Has(WebVIP); has || err != nil {
				return fmt.Errorf("%s has the address: %v, %v", n.Name, has, err)
			}
		}
		return nil
	}))
	for _, r := range l.Routers {
		must(t, l.Heal(ctx, r.Node))
	}
	must(t, l.WaitWhole(ctx))
	served(time.Now())
	if got := watch.Overlaps(WebVIP, began, time.Time{}); len(got) > 0 {
		t.Errorf("two holders: %v", got)
	}
}

// took counts how often a member's agent has taken the lead, by its log.
func took(t *testing.T, r *Router) int {
	t.Helper()
	text, err := os.ReadFile(r.logPath())
	must(t, err)
	return strings.Count(string(text), `msg="took the lead"`)
}
