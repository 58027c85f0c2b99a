package health

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"polso/config"
)

func target(addr string) Target {
	return Target{Addr: netip.MustParseAddrPort(addr), Check: config.Check{
		Kind: config.CheckTCP, Every: 2 * time.Second, Timeout: time.Second, Rise: 2, Fall: 3,
	}}
}

// farm is a fake network: servers answer unless they are listed as dead, and every question is noted.
type farm struct {
	mu    sync.Mutex
	dead  map[netip.AddrPort]bool
	asked map[netip.AddrPort][]time.Time
	takes time.Duration
	alive int // probes under way
	most  int // the most that were under way at once
}

func newFarm() *farm {
	return &farm{dead: map[netip.AddrPort]bool{}, asked: map[netip.AddrPort][]time.Time{}}
}

func (f *farm) kill(addr string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead[netip.MustParseAddrPort(addr)] = true
}

func (f *farm) revive(addr string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.dead, netip.MustParseAddrPort(addr))
}

// times is how often addr was asked.
func (f *farm) times(addr string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked[netip.MustParseAddrPort(addr)])
}

func (f *farm) probe(ctx context.Context, t Target) Result {
	f.mu.Lock()
	f.asked[t.Addr] = append(f.asked[t.Addr], time.Now())
	f.alive++
	f.most = max(f.most, f.alive)
	dead, takes := f.dead[t.Addr], f.takes
	f.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-time.After(takes):
	}
	f.mu.Lock()
	f.alive--
	f.mu.Unlock()
	if dead {
		return Result{Took: takes, Reason: "tcp: connection refused after 0 ms"}
	}
	return Result{OK: true, Took: takes, Reason: "tcp: connected after 0 ms"}
}

// start runs a Set in the bubble; its end is part of the test.
func start(t *testing.T, o Options) *Set {
	t.Helper()
	s := New(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return s
}

// states prints a view: "10.0.0.1:80 up".
func states(v View) string {
	var lines []string
	for k, s := range v {
		lines = append(lines, strings.Fields(string(k))[1]+" "+s.State.String())
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestSetFollowsItsTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.kill("10.0.0.2:80")
		var rings atomic.Int64
		var log strings.Builder
		s := start(t, Options{Probe: f.probe, Ring: func() { rings.Add(1) }, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: timeless}))})
		slow := with(target("10.0.0.2:80"), func(c *config.Check) { c.Fall = 4 })
		s.Set([]Target{target("10.0.0.1:80"), slow})
		step := func(d time.Duration, want string, wantRings int64) {
			t.Helper()
			wait(d)
			if got := states(s.View()); got != want || rings.Load() != wantRings {
				t.Errorf("after %s: got %q and %d rings\nwant %q and %d", d, got, rings.Load(), want, wantRings)
			}
		}
		step(0, "10.0.0.1:80 unknown, 10.0.0.2:80 unknown", 0)
		// Staggered within the first half second, asked every half second, decided after rise (2) and fall (4) of them.
		step(time.Second+tick, "10.0.0.1:80 up, 10.0.0.2:80 unknown", 1)
		step(time.Second, "10.0.0.1:80 up, 10.0.0.2:80 down", 2)
		step(time.Hour, "10.0.0.1:80 up, 10.0.0.2:80 down", 2)
		counted := Answers{OK: uint64(f.times("10.0.0.1:80")), Failed: uint64(f.times("10.0.0.2:80"))}
		if got := s.Answers(); len(got) != 1 || got[config.CheckTCP] != counted {
			t.Errorf("%v is counted, want %v", got, counted)
		}

		f.revive("10.0.0.2:80")
		f.kill("10.0.0.1:80")
		step(4*time.Second, "10.0.0.1:80 up, 10.0.0.2:80 up", 3)
		step(2*time.Second+tick, "10.0.0.1:80 down, 10.0.0.2:80 up", 4)

		// A kept target keeps its state, a new one begins, a gone one is forgotten and no longer asked.
		s.Set([]Target{slow, target("10.0.0.3:80")})
		step(0, "10.0.0.2:80 up, 10.0.0.3:80 unknown", 4)
		gone := f.times("10.0.0.1:80")
		step(time.Minute, "10.0.0.2:80 up, 10.0.0.3:80 up", 5)
		if got := f.times("10.0.0.1:80"); got != gone {
			t.Errorf("a target that is gone was asked %d times more", got-gone)
		}
		s.Set(nil)
		step(0, "", 5)
		want := `level=INFO msg="server changed state" server=10.0.0.1:80 from=unknown to=up reason="tcp: connected after 0 ms"
level=INFO msg="server changed state" server=10.0.0.2:80 from=unknown to=down reason="tcp: connection refused after 0 ms"
level=INFO msg="server changed state" server=10.0.0.2:80 from=down to=up reason="tcp: connected after 0 ms"
level=INFO msg="server changed state" server=10.0.0.1:80 from=up to=down reason="tcp: connection refused after 0 ms"
level=INFO msg="server changed state" server=10.0.0.3:80 from=unknown to=up reason="tcp: connected after 0 ms"
`
		if log.String() != want {
			t.Errorf("log:\n%s\nwant:\n%s", log.String(), want)
		}
	})
}

func timeless(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func TestTargetsAreAskedAtTheirPaceAndStaggered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		s := start(t, Options{Probe: f.probe})
		var targets []Target
		for i := range 100 {
			targets = append(targets, target(fmt.Sprintf("10.0.0.%d:80", i)))
		}
		s.Set(targets)
		s.Set(slices.Clone(targets)) // again: nothing restarts
		begin := time.Now()
		wait(2*time.Second*50 - time.Nanosecond)
		phases, quarters := map[time.Duration]bool{}, map[time.Duration]bool{}
		for addr, times := range f.asked {
			if decided := times[1].Sub(begin); decided > time.Second+tick {
				t.Errorf("%s was asked for the second time after %s, want a verdict sooner", addr, decided)
			}
			for n := 4; n < len(times); n++ {
				if gap := times[n].Sub(times[n-1]); gap != 2*time.Second {
					t.Errorf("%s: %s before question %d, want every 2 s", addr, gap, n)
				}
			}
			phase := times[len(times)-1].Sub(begin) % (2 * time.Second)
			phases[phase], quarters[phase/(500*time.Millisecond)] = true, true
		}
		if len(f.asked) != 100 || len(phases) < 25 || len(quarters) != 4 {
			t.Errorf("%d targets asked, in %d different moments of %d quarters of the turn", len(f.asked), len(phases), len(quarters))
		}
	})
}

func TestProbesOfOneTargetDoNotOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		f.takes = 5 * time.Second // longer than every
		s := start(t, Options{Probe: f.probe})
		s.Set([]Target{target("10.0.0.1:80")})
		wait(time.Minute)
		if asked := f.times("10.0.0.1:80"); f.most != 1 || asked < 11 {
			t.Errorf("%d at once, asked %d times in a minute", f.most, asked)
		}
	})
}

// TestAProbeCutShortSaysNothing: dropping a target or ending Run cancels its probe, which must not count as a failure.
func TestAProbeCutShortSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context, _ Target) Result {
			<-ctx.Done()
			return Result{Reason: "tcp: cancelled"}
		}
		var rings atomic.Int64
		s := start(t, Options{Probe: slow, Ring: func() { rings.Add(1) }})
		once := target("10.0.0.1:80")
		once.Check.Fall = 1
		s.Set([]Target{once})
		wait(3 * time.Second)
		s.Set(nil)
		wait(0)
		s.Set([]Target{once})
		wait(0)
		if got := states(s.View()); got != "10.0.0.1:80 unknown" || rings.Load() != 0 {
			t.Errorf("got %q and %d rings", got, rings.Load())
		}
	})
}

// TestTheEndOfRunSaysNothing: probes under way when Run ends fail, for want of time and not of servers. Which of two
// ready things Run's loop takes first is chance, hence the repetitions.
func TestTheEndOfRunSaysNothing(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			slow := func(ctx context.Context, _ Target) Result {
				<-ctx.Done()
				return Result{Reason: "tcp: cancelled"}
			}
			s := New(Options{Probe: slow, Ring: func() { t.Error("rang for a probe cut short") }})
			ctx, cancel := context.WithCancel(t.Context())
			once := target("10.0.0.1:80")
			once.Check.Fall = 1
			s.Set([]Target{once})
			go func() {
				time.Sleep(3 * time.Second)
				cancel()
			}()
			if err := s.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
}

func TestAViewNeverChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		s := start(t, Options{Probe: f.probe})
		s.Set([]Target{target("10.0.0.1:80")})
		wait(time.Second)
		early := s.View()
		kept := maps.Clone(early)
		f.kill("10.0.0.1:80")
		wait(time.Minute)
		if !maps.Equal(early, kept) {
			t.Errorf("a published view changed: %v, was %v", early, kept)
		}
		if got := s.View()[target("10.0.0.1:80").Key()]; got.State != Down || got.Last.Before(time.Now().Add(-3*time.Second)) {
			t.Errorf("the present view is old: %+v", got)
		}
	})
}
