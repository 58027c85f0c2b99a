package director

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"polso/config"
	"polso/ipvs"
	"polso/vip"
)

func TestReleased(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.lead(1)
		if err := w.d.Released(t.Context()); !errors.Is(err, ErrMandated) {
			t.Errorf("with a mandate: %v", err)
		}

		// A pass is under way with the old mandate, stuck in the kernel, when the mandate is withdrawn.
		stuck, freed := make(chan struct{}), make(chan struct{})
		w.table.Fail(func(ipvs.Op) error { close(stuck); <-freed; return nil })
		w.health.mu.Lock()
		w.health.view = verdicts(w.state.Document, "web/a up", "web/b down")
		w.health.mu.Unlock()
		w.d.Ring()
		<-stuck
		w.mu.Lock()
		w.mandate = Mandate{}
		w.mu.Unlock()
		answer := make(chan error, 1)
		go func() { answer <- w.d.Released(t.Context()) }()
		w.wait(time.Second)
		select {
		case err := <-answer:
			t.Fatalf("released while a pass holds the old mandate: %v", err)
		default:
		}
		w.table.Fail(nil)
		close(freed)
		if err := <-answer; err != nil {
			t.Errorf("released: %v", err)
		}
		if got := w.edge.String(); got != "" {
			t.Errorf("still there: %s", got)
		}

		if err := w.end(); err != nil {
			t.Errorf("run: %v", err)
		}
		if err := w.d.Released(t.Context()); err != nil {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestReleasedByAPassUnderWay: a pass that began without a mandate has let go and is still busy with the rest. Who asks then
// waits for no other.
func TestReleasedByAPassUnderWay(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.lead(1)
		w.wait(time.Second)
		w.sys.slowly(time.Second)
		w.withdraw() // its pass is under way for seconds
		before := w.d.Status().Passes
		began := time.Now()
		if err := w.d.Released(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v, want no time", took)
		}
		if n := w.d.Status().Passes; n != before {
			t.Errorf("%d passes ended meanwhile: the test shows nothing", n-before)
		}
		if got := w.edge.String(); got != "" {
			t.Errorf("still there: %s", got)
		}
	})
}

func TestReleasedWithoutRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := New(Options{}).Released(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestMandateReadTooLate: the end was too near when the pass came to hold, and is further away a moment later, in the same
// epoch. That is no failure, and must not wait for the next timer.
func TestMandateReadTooLate(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.change(func() { w.mandate = mandate(1, time.Duration(w.clock())+10*time.Millisecond) })
		w.check("too late", "converged rev 2 web 192.0.2.10 absent")
		w.mu.Lock()
		w.mandate = w.forAnHour(1)
		w.mu.Unlock()
		w.wait(100 * time.Millisecond)
		w.expect("taken up", `
 0.020 ip addr add 192.0.2.10 dev eth0
 0.020 announce 192.0.2.10 dev eth0
`)
		w.wait(10 * time.Second)
		if n := w.d.Status().Passes; n > 10 {
			t.Errorf("%d passes: they go on as if it were still too late", n)
		}
	})
}

// TestPassLongerThanALease: dumping the table takes longer than the lease runs. The ends that count are those of the moment
// of holding, or nothing could ever be held.
func TestPassLongerThanALease(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.table.slow = 400 * time.Millisecond
		w.change(func() { w.mandate, w.lease = mandate(1, 0), 300*time.Millisecond })
		w.wait(450 * time.Millisecond)
		w.expect("taking over", `
 0.400 ip addr add 192.0.2.10 dev eth0
 0.400 announce 192.0.2.10 dev eth0
`)
		w.check("directing", "converged rev 2 web 192.0.2.10 present")
		if got, want := w.d.Status().Held[0].Until, w.clock()+vip.Instant(250*time.Millisecond); got != want {
			t.Errorf("held until %v, want %v: 0.3 s from when it was held", got, want)
		}
	})
}

// TestMandateChangesDuringAPass: what was decided under one epoch is not done under another, nor without a mandate.
func TestMandateChangesDuringAPass(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   string
	}{
		{"the same epoch", func(w *world) { w.mandate = w.forAnHour(1) }, `
 0.400 ip addr add 192.0.2.10 dev eth0
 0.400 announce 192.0.2.10 dev eth0
 0.500 announce 192.0.2.10 dev eth0
`},
		{"another epoch: the next pass holds", func(w *world) { w.mandate = w.forAnHour(2) }, `
 0.820 ip addr add 192.0.2.10 dev eth0
 0.820 announce 192.0.2.10 dev eth0
`},
		{"over", func(w *world) { w.mandate = Mandate{} }, ``},
		{"over for the group", func(w *world) {
			w.mandate = Mandate{Epoch: 1, Groups: map[Group]vip.Instant{"blue": w.clock() + vip.Instant(time.Hour)}}
		}, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scenario(t, func(t *testing.T, w *world) {
				w.start()
				running(w)
				w.table.slow = 400 * time.Millisecond
				w.lead(1) // the pass is in the kernel now
				w.mu.Lock()
				tt.change(w)
				w.mu.Unlock()
				w.wait(850 * time.Millisecond)
				w.expect("held", tt.want)
				w.wait(2 * time.Second)
				if f := w.d.Status().Failures; len(f) > 0 {
					t.Errorf("failures: %v", f)
				}
			})
		})
	}
}

func TestLapse(t *testing.T) {
	late := fmt.Errorf("hold 192.0.2.10 on eth0: %w", vip.ErrExpired)
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"expired", late, true},
		{"joined", errors.Join(late, fmt.Errorf("hold 192.0.2.11 on eth0: %w", vip.ErrStale)), true},
		{"one of another kind", errors.Join(late, fmt.Errorf("hold 192.0.2.11 on eth0: %w", vip.ErrForeign)), false},
		{"of another kind", vip.ErrNotRunning, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lapse(tt.err); got != tt.want {
				t.Errorf("lapse(%v) = %t", tt.err, got)
			}
		})
	}
}

// crowd is web with so many servers and no check.
func crowd(servers int) config.Virtual {
	v := web()
	v.Check = nil
	for n := range servers {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(n / 250), byte(n%250 + 1)}), 80)
		v.Servers = append(v.Servers, config.Server{Name: fmt.Sprint(n), Address: at, Forward: v.Forward, Weight: 1})
	}
	return v
}

// TestReleasedAmidManySteps: a pass that fills a large table looks up now and then. Who has withdrawn the mandate does not wait
// for the rest of it, which is done afterwards.
func TestReleasedAmidManySteps(t *testing.T) {
	scenario(t, func(t *testing.T, w *world) {
		w.start()
		running(w)
		w.lead(1)
		w.forget()
		many := crowd(4*batch - 1)
		w.table.pace = time.Millisecond
		w.mu.Lock()
		w.state.Revision, w.state.Document = 3, document(many)
		w.mu.Unlock()
		w.d.Ring()
		w.wait(100 * time.Millisecond)
		w.mu.Lock()
		w.mandate = Mandate{}
		w.mu.Unlock()
		began := time.Now()
		if err := w.d.Released(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took, most := time.Since(began), batch*time.Millisecond; took > most {
			t.Errorf("it took %v, want %v at most", took, most)
		}
		if got := w.edge.String(); got != "" {
			t.Errorf("still there: %s", got)
		}
		w.wait(10 * time.Second)
		w.check("afterwards", "converged rev 3")
		if have, _, _ := w.table.Table(); entries(have) != 4*batch {
			t.Errorf("%d entries, want %d", entries(have), 4*batch)
		}
	})
}
