package lab

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// releases are the two builds of a rolling upgrade. The later one is the laboratory's, which takes hysteresis for something of
// command level 2; built without that, as it is shipped, it is of the first level and knows of levels.
type releases struct{ before, now, shipped string }

// builds finds them. A clone without the commit that the release before was made of has no build of it: who asked for the test is
// told so by its failure.
func builds(t *testing.T) releases {
	t.Helper()
	if os.Getenv("POLSO_LAB_LONG") == "" && os.Getenv("POLSO_LAB_SCENARIO") == "" {
		t.Skip("it takes minutes: make lab-all, or make scenario RUN=TestRollingUpgrade")
	}
	r := releases{"../.lab/bin/polso-previous", "../.lab/bin/polso", product(t)}
	for _, path := range []*string{&r.before, &r.now} {
		var err error
		*path, err = filepath.Abs(*path)
		must(t, err)
	}
	if _, err := os.Stat(r.before); err != nil && os.Getenv("POLSO_LAB") != "" {
		t.Fatal("no build of the release before: make previous says why; ", err)
	}
	return r
}

// upgradeStatus is what `polso upgrade status -o json` promises, as far as this test looks at it.
type upgradeStatus struct {
	InUse   int    `json:"level_in_use"`
	Lowest  int    `json:"lowest_level"`
	Mixed   bool   `json:"mixed"`
	Next    string `json:"next"`
	Safe    bool   `json:"safe"`
	Members []struct {
		Name    string `json:"name"`
		Role    string `json:"role"`
		Version string `json:"version"`
		Level   int    `json:"level"`
		Done    bool   `json:"done"`
	} `json:"members"`
}

// TestRollingUpgrade: three routers go from the release before to this one, under traffic and writes, those that stand by first and the
// director last, which hands over as it ends, as the packages have it. Nothing that was acknowledged is lost; what the later release
// has brought is refused until the last one has it; and who goes back is told what it would take.
func TestRollingUpgrade(t *testing.T) {
	b := builds(t)
	ctx, l := build(t, Options{Binary: b.before})
	needIPVS(t)
	for _, r := range l.Routers {
		must(t, r.Start(ctx))
	}
	timing, _ := profile(t)
	must(t, l.Form(ctx, "--profile", timing))
	must(t, l.Apply(ctx, l.Routers[0], l.Document(web, dns)))
	_, err := l.SameTable(ctx, tableLines(web, dns))
	must(t, err)
	must(t, l.WaitWhole(ctx))
	later := strings.Replace(l.Document(web, dns), "  server ", "  hysteresis = 1\n  server ", 1)

	// Gently: under emulation the traffic itself takes a good part of the machine.
	udp, err := StartProber(l.Client, Traffic{Network: "udp", To: netip.AddrPortFrom(WebVIP, echoPort), Every: 20 * time.Millisecond})
	must(t, err)
	defer udp.Stop()
	tcp, err := StartProber(l.Client, Traffic{Network: "tcp", To: netip.AddrPortFrom(WebVIP, httpPort), Every: 200 * time.Millisecond, Timeout: 400 * time.Millisecond})
	must(t, err)
	defer tcp.Stop()
	for _, p := range []*Prober{udp, tcp} {
		must(t, p.WaitAnswer(ctx, time.Now(), 5*time.Second))
	}
	active, err := l.Active(ctx)
	must(t, err)
	order := append(slices.DeleteFunc(slices.Clone(l.Routers), func(r *Router) bool { return r == active }), active)
	w := startWriter(ctx, l.Routers)
	defer w.stop()

	for i, r := range order {
		if i > 0 { // a router of the later release tells where the cluster is
			wantUpgrade(t, ctx, order[0], func(u upgradeStatus) error {
				if !u.Mixed || !u.Safe || u.Next != r.Name || u.Lowest != 1 || u.InUse != 1 {
					return fmt.Errorf("after %d steps: %+v, want %s next", i, u, r.Name)
				}
				for _, m := range u.Members {
					done := slices.ContainsFunc(order[:i], func(r *Router) bool { return r.Name == m.Name })
					if m.Done != done || done != (m.Level == 2) || (m.Role == "director") != (m.Name == active.Name) {
						return fmt.Errorf("after %d steps %s is %+v", i, m.Name, m)
					}
				}
				return nil
			})
			wantRefused(t, ctx, l, order[0], later, "virtual.hysteresis needs command level 2", "the router that leads does not know it")
		}
		w.spare(r)
		udpBefore := udp.Between(time.Now().Add(-time.Second), time.Now())
		began := time.Now()
		must(t, r.Term())
		must(t, r.Wait(ctx))
		if r == active { // one of the later release leads, and this one is of the earlier as far as anybody knows
			_, err := l.Successor(ctx, r, WebVIP)
			must(t, err)
			wantRefused(t, ctx, l, order[0], later, "virtual.hysteresis needs command level 2", "not every member knows it", r.Name)
		}
		r.Binary = b.now
		must(t, startSlowly(ctx, r))
		must(t, l.WaitWhole(ctx))
		back := time.Now()
		must(t, udp.WaitAnswer(ctx, back, 10*time.Second))
		must(t, tcp.WaitAnswer(ctx, back, 10*time.Second))
		role := "stood by"
		if r == active {
			role = "directed"
		}
		t.Logf("step %d, %s, which %s: whole again after %v; udp: %v (before: %d ms); tcp: %v", i+1, r.Name, role,
			back.Sub(began).Round(10*time.Millisecond), udp.Between(began, back), udpBefore.Gap.Milliseconds(), tcp.Between(began, back))
	}
	w.stop() // a router that is being written to is, for the moment of each write, not as the document wants it
	wantUpgrade(t, ctx, active, func(u upgradeStatus) error {
		if u.Mixed || !u.Safe || u.Lowest != 2 || u.InUse != 1 {
			return fmt.Errorf("at the end: %+v", u)
		}
		return nil
	})
	must(t, l.Apply(ctx, active, later))
	wantUpgrade(t, ctx, order[1], func(u upgradeStatus) error {
		if u.InUse != 2 {
			return fmt.Errorf("level %d is in use once a document needs 2", u.InUse)
		}
		return nil
	})
	w.check(t, ctx, order[0])
	text, err := order[0].Polso(ctx, "upgrade", "status")
	must(t, err)
	t.Logf("polso upgrade status:\n%s", text)

	// Back to a release that does not know level 2: one that knows of levels says what it wants, one from before there were any stops at
	// what it cannot read.
	back := order[0]
	if holder, err := l.Active(ctx); err == nil && holder == back {
		back = order[1]
	}
	must(t, back.Term())
	must(t, back.Wait(ctx))
	back.Binary = b.shipped
	must(t, back.Start(ctx))
	// It answers before it has heard from the leader what it cannot read.
	must(t, Eventually(ctx, 20*time.Second, func(ctx context.Context) error { return saysTooOld(ctx, back) }))
	must(t, back.Term())
	must(t, back.Wait(ctx))
	back.Binary = b.before
	_ = back.Start(ctx) // it may end before it answers
	must(t, Eventually(ctx, 20*time.Second, func(ctx context.Context) error {
		if back.Running() {
			return saysTooOld(ctx, back)
		}
		if !strings.Contains(back.LogTail(40), "written by a newer release") {
			return errors.New("it has not stopped at the entry that it cannot read:\n" + back.LogTail(5))
		}
		return nil
	}))
	if back.Running() {
		must(t, back.Term())
		must(t, back.Wait(ctx))
	}
	back.Binary = b.now
	must(t, back.Start(ctx))
	must(t, l.WaitWhole(ctx))
}

// saysTooOld is an error unless a router that runs says of itself that its release is too old for its cluster.
func saysTooOld(ctx context.Context, r *Router) error {
	text, err := r.Polso(ctx, "status", "--local")
	if !strings.Contains(text, "is too old for cluster") || ExitStatus(err) == 0 {
		return fmt.Errorf("%s has gone back to a release that is too old, and says (%v)\n%s\n%s", r.Name, err, text, r.LogTail(5))
	}
	return nil
}

// startSlowly starts a router again and gives it more time to answer than the others have: it comes up beside traffic and writes.
func startSlowly(ctx context.Context, r *Router) error {
	err := r.Start(ctx)
	if err == nil || !r.Running() {
		return err
	}
	return Eventually(ctx, startupTimeout, func(ctx context.Context) error {
		_, err := r.Status(ctx, OwnBrief)
		return err
	})
}

func wantUpgrade(t *testing.T, ctx context.Context, at *Router, want func(upgradeStatus) error) {
	t.Helper()
	var last error // of an answer: that the time was up says less
	must(t, Eventually(ctx, 20*time.Second, func(ctx context.Context) error {
		text, err := at.Polso(ctx, "upgrade", "status", "-o", "json")
		if err != nil && ExitStatus(err) != 3 {
			return cmp.Or(last, err)
		}
		var u upgradeStatus
		if err := json.Unmarshal([]byte(text), &u); err != nil {
			return err
		}
		last = want(u)
		return last
	}))
}

// wantRefused applies a document that the cluster cannot take yet.
func wantRefused(t *testing.T, ctx context.Context, l *Lab, at *Router, document string, words ...string) {
	t.Helper()
	err := l.Apply(ctx, at, document)
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: a document that not every member can read: %v, want %q", at.Name, err, word)
		}
	}
}

// writer writes one number after the other, through any router that is not being restarted.
type writer struct {
	end   context.CancelFunc
	ended chan struct{}
	not   chan *Router

	acknowledged, refused, unknown []int // once ended is closed
}

func startWriter(ctx context.Context, routers []*Router) *writer {
	ctx, end := context.WithCancel(ctx)
	w := &writer{end: end, ended: make(chan struct{}), not: make(chan *Router)}
	go func() {
		defer close(w.ended)
		var not *Router
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return
			case not = <-w.not:
			case <-time.After(250 * time.Millisecond):
			}
			at := routers[n%len(routers)]
			if at == not {
				at = routers[(n+1)%len(routers)]
			}
			w.write(ctx, at, n)
		}
	}()
	return w
}

func (w *writer) write(ctx context.Context, at *Router, n int) {
	body := map[string]any{"target": "server/web/a", "kind": "weight", "weight": 1 + n%3, "reason": fmt.Sprintf("write %d.", n)}
	err := at.Ask(context.WithoutCancel(ctx), http.MethodPost, "/v1/overrides", body, nil)
	var refusal *Refusal
	switch {
	case err == nil:
		w.acknowledged = append(w.acknowledged, n)
	case errors.As(err, &refusal) && refusal.Code != "unknown" && refusal.Code != "timeout", errors.Is(err, ErrNotAsked):
		w.refused = append(w.refused, n)
	default:
		w.unknown = append(w.unknown, n)
	}
}

// spare has writes go to the other routers.
func (w *writer) spare(r *Router) {
	select {
	case w.not <- r:
	case <-w.ended:
	}
}

func (w *writer) stop() {
	w.end()
	<-w.ended
}

// check looks for every write that was acknowledged; stop comes first.
func (w *writer) check(t *testing.T, ctx context.Context, at *Router) {
	t.Helper()
	var audit []struct {
		Detail string `json:"detail"`
	}
	must(t, at.Ask(ctx, http.MethodGet, "/v1/audit?n=1000", nil, &audit))
	var lost []int
	for _, n := range w.acknowledged {
		if !slices.ContainsFunc(audit, func(e struct {
			Detail string `json:"detail"`
		}) bool {
			return strings.Contains(e.Detail, fmt.Sprintf("write %d.", n))
		}) {
			lost = append(lost, n)
		}
	}
	t.Logf("%d writes acknowledged, %d refused, %d of unknown outcome; lost: %d", len(w.acknowledged), len(w.refused), len(w.unknown), len(lost))
	if len(lost) > 0 || len(w.acknowledged) < 10 || len(w.acknowledged) > 900 {
		t.Errorf("of %d acknowledged writes these are lost: %v", len(w.acknowledged), lost)
	}
}
