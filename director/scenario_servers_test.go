package director

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"polso/health"
)

func TestServerFlaps(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.say("web/a up", "web/b down")
		w.expect("down", `
 0.000 ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.2:80
`)
		w.say("web/a up", "web/b up")
		w.expect("up", `
 0.000 ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 1
`)
		w.say("web/a down", "web/b down")
		w.expect("both down", `
 0.000 ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.1:80
 0.000 ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.2:80
`)
		w.check("nobody up", "converged rev 2")
	})
}

func TestRemovedServerDrainsThenGoes(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.change(func() {
			w.state.Revision, w.state.Document = 3, document(web("a"))
			w.state.Leaving = []Leaving{{Virtual: web("a", "b"), Server: web("a", "b").Servers[1]}}
		})
		w.expect("removed", `
 0.000 ipvsadm -e -t 192.0.2.10:80 -r 10.0.0.2:80 -g -w 0
`)
		w.check("draining", "converged rev 3")
		w.wait(time.Minute)
		w.expect("draining", ``)
		w.change(func() { w.state.Leaving = nil })
		w.expect("drained", `
 0.000 ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.2:80
`)
	})
}

// TestBootIsUndecided: a router that has just booted says so until its checks have decided, and only then.
func TestBootIsUndecided(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		w.know(2, document(web("a", "b")))
		if s := w.d.Status(); !s.Converged || !slices.Equal(s.Undecided, []string{"web"}) || len(s.Unfit) > 0 {
			t.Errorf("before any verdict: %+v", s)
		}
		w.say("web/a up")
		if s := w.d.Status(); len(s.Undecided) > 0 {
			t.Errorf("with a server up: undecided %v", s.Undecided)
		}
	})
}

// probing has the real health set ask by probe, in place of the scenario's words, until stop.
func (w *world) probing(t *testing.T, probe health.Prober) (stop func()) {
	checks := health.New(health.Options{Ring: func() { w.d.Ring() }, Probe: probe})
	w.checks = checks
	ctx, stop := context.WithCancel(t.Context())
	go func() { _ = checks.Run(ctx) }() // returns nil, always
	return stop
}

// TestProbesDriveTheTable: the real health set, asking a server that dies and comes back; nobody but the set rings.
func TestProbesDriveTheTable(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		var dead atomic.Bool
		defer w.probing(t, func(context.Context, health.Target) health.Result {
			return health.Result{OK: !dead.Load(), Reason: "tcp: said the test"}
		})()
		w.start()
		w.know(2, document(web("a")))
		w.lead(1)
		w.expect("nobody asked yet", `
 0.000 ipvsadm -A -t 192.0.2.10:80 -s wlc
 0.000 ip addr add 192.0.2.10 dev eth0
 0.000 announce 192.0.2.10 dev eth0
`)
		w.wait(4 * time.Second) // rise 2, every 2 s, staggered within the first 2 s
		if got := w.forget(); !strings.Contains(got, "ipvsadm -a -t 192.0.2.10:80 -r 10.0.0.1:80 -g -w 1") {
			t.Errorf("up after rise, done:\n%s", got)
		}
		dead.Store(true)
		w.wait(3900 * time.Millisecond) // two of three failures
		if got := w.forget(); strings.Contains(got, "ipvsadm -d") {
			t.Errorf("before fall, done:\n%s", got)
		}
		w.wait(2100 * time.Millisecond)
		if got := w.forget(); !strings.Contains(got, "ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.1:80") {
			t.Errorf("down after fall, done:\n%s", got)
		}
		asked, _ := TargetOf(web("a"), web("a").Servers[0])
		if s := w.d.Status().Health[asked.Key()]; s.State != health.Down || s.Reason != "tcp: said the test" {
			t.Errorf("status: %+v", s)
		}
	})
}

// TestHungServerLeavesInTime: a server that takes questions and answers no more leaves the table fall × every + timeout after its last answer,
// to the millisecond, wherever between two questions it begins to hang.
func TestHungServerLeavesInTime(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		var hangs atomic.Bool
		answered := make(chan struct{}, 1)
		defer w.probing(t, func(ctx context.Context, t health.Target) health.Result {
			if hangs.Load() {
				select {
				case <-ctx.Done():
				case <-time.After(t.Check.Timeout):
				}
				return health.Result{Reason: "tcp: no answer"}
			}
			select {
			case answered <- struct{}{}:
			default:
			}
			return health.Result{OK: true, Reason: "tcp: said the test"}
		})()
		w.start()
		w.know(2, document(web("a")))
		check := web("a").Check
		most := time.Duration(check.Fall)*check.Every + check.Timeout
		for _, after := range []time.Duration{0, time.Millisecond, check.Every / 3, check.Every - time.Millisecond} {
			w.wait(time.Duration(check.Rise+1) * check.Every) // up, and at its turns
			for len(answered) > 0 {
				<-answered
			}
			<-answered
			w.wait(after)
			hangs.Store(true)
			w.forget()
			w.wait(most)
			w.expect("hangs "+after.String()+" after its last answer", fmt.Sprintf("%6.3f ipvsadm -d -t 192.0.2.10:80 -r 10.0.0.1:80", (most-after).Seconds()))
			hangs.Store(false)
		}
	})
}
