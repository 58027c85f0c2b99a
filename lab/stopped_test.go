package lab

import (
	"bytes"
	"context"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The director's process stands still for ten seconds, longer than everything: with the fence nobody hears of the addresses
// from it any more 50 ms after the lease's end, without it 2.5 s after. When it goes on it knows nothing of that time, and must
// keep its hands off the addresses until it is elected.
func directorStoppedForTenSeconds(t *testing.T, ctx context.Context, l *Lab) {
	for _, tt := range []struct {
		name  string
		fence bool
		bound time.Duration // after the lease's end
	}{
		{"with the fence", true, Fenced},
		{"without the fence", false, DeadMan},
	} {
		t.Run(tt.name, func(t *testing.T) {
			have(t, ctx, l, web, web6)
			must(t, l.WaitWhole(ctx))
			old, err := l.Active(ctx)
			must(t, err)
			if kernelsBound(t, ctx, old) != Fenced {
				t.FailNow()
			}
			w, err := l.StartWatch(WebVIP, WebVIP6)
			must(t, err)
			defer w.Stop()

			must(t, old.Stop())
			stopped := time.Now()
			if !tt.fence {
				for _, family := range []string{"inet", "arp", "netdev"} {
					_, err := old.Run(ctx, "nft", "delete", "table", family, "polso_fence")
					must(t, err)
				}
			}
			_, err = l.Successor(ctx, old, WebVIP)
			must(t, err)
			must(t, Pause(ctx, time.Until(stopped.Add(10*time.Second))))
			changes, err := startMonitor(old.Node)
			must(t, err)
			must(t, old.Cont())
			woken := time.Now()
			must(t, Pause(ctx, 3*time.Second))
			log := changes.stop()
			until := time.Now()

			_, lease := profile(t)
			spoke := func(vip netip.Addr, from time.Time) (last time.Time) {
				for _, s := range w.sightings(vip, from, until, func(ClaimKind) bool { return true }) {
					if s.Node == old.Name {
						last = s.At
					}
				}
				return last
			}
			now, err := l.Active(ctx)
			must(t, err)
			for _, vip := range []netip.Addr{WebVIP, WebVIP6} {
				if last := spoke(vip, stopped); last.IsZero() {
					t.Errorf("%v: it did not speak for it even once after it was stopped: the test shows nothing", vip)
				} else {
					t.Logf("%v: last heard from %s %v after it was stopped", vip, old.Name, last.Sub(stopped).Round(time.Millisecond))
				}
				if now == old {
					continue // elected again
				}
				if last := spoke(vip, stopped.Add(lease+tt.bound)); !last.IsZero() {
					t.Errorf("%v: %s spoke for it %v after it was stopped, %v after it went on", vip, old.Name, last.Sub(stopped), last.Sub(woken))
				}
				if strings.Contains(log, vip.String()) {
					t.Errorf("%v: %s touched it after it went on:\n%s", vip, old.Name, log)
				}
				if has, err := old.Has(vip); err != nil || has {
					t.Errorf("%v: on %s: %t, %v", vip, old.Name, has, err)
				}
			}
			must(t, l.WaitWhole(ctx))
		})
	}
}

// monitor is what a node's kernel says of changes to its addresses.
type monitor struct {
	cmd *exec.Cmd
	out *bytes.Buffer
}

func startMonitor(n *Node) (*monitor, error) {
	m := &monitor{cmd: exec.Command("ip", "-o", "monitor", "address"), out: new(bytes.Buffer)}
	m.cmd.Stdout = m.out
	return m, n.Start(m.cmd)
}

// stop returns what was said.
func (m *monitor) stop() string {
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait() // killed
	return m.out.String()
}
