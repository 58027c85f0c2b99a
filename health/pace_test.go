package health

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"polso/config"
)

// TestPace: a question is put again no later than every after the last one, unless that took longer, and never while it is under
// way; a change under way has it asked at the short gap; and without one, it is back at its turns soon.
func TestPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		every := time.Duration(rapid.IntRange(100, 60000).Draw(t, "every")) * time.Millisecond
		p := pace{every, time.Duration(rapid.Int64Range(0, int64(every)-1).Draw(t, "phase"))}
		gap := every / time.Duration(rapid.IntRange(1, 10).Draw(t, "short"))
		asked := time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "from"))
		for i := range rapid.IntRange(1, 30).Draw(t, "rounds") {
			takes := time.Duration(rapid.Int64Range(0, int64(every)).Draw(t, "takes"))
			g := rapid.SampledFrom([]time.Duration{gap, every}).Draw(t, "gap")
			next := p.next(asked, asked+takes, g)
			switch between := next - asked; {
			case between > every:
				t.Fatalf("round %d: %s between two questions, every %s", i, between, every)
			case next < asked+takes:
				t.Fatalf("round %d: asked again after %s, the answer took %s", i, between, takes)
			case g < every && takes <= g && between != g:
				t.Fatalf("round %d: %s between two questions, want %s", i, between, g)
			case between < min(gap, every/4):
				t.Fatalf("round %d: %s between two questions, gap %s, every %s", i, between, gap, every)
			}
			asked = next
		}
		for range 2 {
			asked = p.next(asked, asked, every)
		}
		if asked != p.turn(asked-1) {
			t.Fatalf("two questions later not back at its turns: %s is not phase %s of %s", asked, p.phase, every)
		}
	})
}

// TestMoments: the moments of a turn are all within it, evenly apart, and few enough that questions share them.
func TestMoments(t *testing.T) {
	for every, want := range map[time.Duration]int{leastEvery: 20, 100 * time.Millisecond: 20, 2 * time.Second: 40, 1234 * time.Millisecond: 24, time.Hour: 72000} {
		moments := make(map[time.Duration]bool)
		for random := range uint64(100000) {
			moments[moment(random, every)] = true
		}
		all := slices.Sorted(maps.Keys(moments))
		if len(all) != want || all[0] != 0 || all[1] != min(grain, every/20) || all[len(all)-1] != all[1]*time.Duration(want-1) || all[len(all)-1] >= every {
			t.Errorf("every %v: %d moments from %v, %v to %v; want %d", every, len(all), all[0], all[1], all[len(all)-1], want)
		}
	}
}

// crowd notes when questions are put, in milliseconds of virtual time, and can fail for all at once.
type crowd struct {
	begin time.Time
	dead  atomic.Bool
	takes atomic.Int64 // a dead server's silence

	mu    sync.Mutex
	times []int
	under map[netip.AddrPort]bool
	twice bool // two questions to one server at once
}

func (c *crowd) probe(ctx context.Context, t Target) Result {
	c.mu.Lock()
	c.times = append(c.times, int(time.Since(c.begin)/time.Millisecond))
	c.twice = c.twice || c.under[t.Addr]
	c.under[t.Addr] = true
	c.mu.Unlock()
	ok := !c.dead.Load()
	if d := c.takes.Load(); !ok && d > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(d)):
		}
	}
	c.mu.Lock()
	c.under[t.Addr] = false
	c.mu.Unlock()
	return Result{OK: ok}
}

// most returns the most questions that fell within 100 ms since the last call.
func (c *crowd) most() (most, all int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.times)
	first := 0
	for i, t := range c.times {
		for c.times[first] <= t-100 {
			first++
		}
		most = max(most, i-first+1)
	}
	all = len(c.times)
	c.times = c.times[:0]
	return most, all
}

// TestThousandsAreSpread: whatever happens to all of them at once, no 100 ms have many more questions than the mean of those
// that the document asks for.
func TestThousandsAreSpread(t *testing.T) {
	const n = crowdSize
	many := func(check func(*config.Check)) []Target {
		out := make([]Target, n)
		for i := range out {
			out[i] = with(target(fmt.Sprintf("10.0.%d.%d:80", i/250, i%250)), check)
		}
		return out
	}
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{begin: time.Now(), under: make(map[netip.AddrPort]bool)}
		stall := make(chan time.Duration, 1)
		s := start(t, Options{Probe: c.probe, Ring: func() {
			select {
			case d := <-stall:
				time.Sleep(d) // Run's own goroutine stands still
			default:
			}
		}})
		// per is the time within which everybody is asked once.
		during := func(what string, d, per time.Duration) {
			t.Helper()
			wait(d)
			mean := float64(n) * float64(100*time.Millisecond) / float64(per)
			most, all := c.most()
			if factor := float64(most) / mean; factor > crowdFactor {
				t.Errorf("%s: %d of %d questions within 100 ms, %.2f times as many as the mean", what, most, all, factor)
			} else {
				t.Logf("%s: %d questions, at most %.2f times the mean in 100 ms", what, all, factor)
			}
		}
		plain := many(func(c *config.Check) {})
		s.Set(plain)
		during("the beginning", 4*time.Second, min(n*time.Second/haste, 2*time.Second))
		during("at rest", 2*time.Second, 2*time.Second)
		c.dead.Store(true)
		during("all fail at once", 2*time.Second, 2*time.Second)

		s.Set(many(func(c *config.Check) { c.Fast = 500 * time.Millisecond }))
		c.takes.Store(int64(time.Second))
		during("all are silent, longer than the fast interval", 2*time.Second, time.Second)
		c.takes.Store(0)
		during("and refuse at once", time.Second, 500*time.Millisecond)
		c.dead.Store(false)
		during("and recover", 3*time.Second, 500*time.Millisecond)

		s.Set(many(func(c *config.Check) { c.Every = 4 * time.Second }))
		during("another pace for all", 4*time.Second, 4*time.Second)
		stall <- 3 * time.Second
		c.dead.Store(true) // somebody goes down, which rings
		// Those of the three seconds come beside those of the next three.
		during("standing still, and afterwards", 20*time.Second, 2*time.Second)
		if c.twice {
			t.Error("two questions to one server at once")
		}
	})
}

// TestTheFastIntervalHoldsWhileAChangeIsUnderWay: and no longer.
func TestTheFastIntervalHoldsWhileAChangeIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		s := start(t, Options{Probe: f.probe})
		quick := with(target("10.0.0.1:80"), func(c *config.Check) { c.Every, c.Fast = 10*time.Second, 200*time.Millisecond })
		s.Set([]Target{quick})
		wait(time.Minute)
		before := f.times("10.0.0.1:80")
		wait(time.Minute)
		if got := f.times("10.0.0.1:80") - before; got != 6 {
			t.Errorf("asked %d times in a minute at rest, want every 10 s", got)
		}
		f.kill("10.0.0.1:80")
		wait(10*time.Second + 400*time.Millisecond + tick)
		if got := s.View()[quick.Key()]; got.State != Down {
			t.Errorf("one turn and two fast ones after its death: %+v", got)
		}
		wait(20 * time.Second)
		before = f.times("10.0.0.1:80")
		wait(time.Minute)
		if got := f.times("10.0.0.1:80") - before; got != 6 {
			t.Errorf("asked %d times in a minute while it stays down, want every 10 s", got)
		}
	})
}

// TestASlowOneDelaysNobody: most servers are silent until the timeout, the others are asked at their turns.
func TestASlowOneDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked := make(map[netip.AddrPort][]time.Time)
		s := start(t, Options{Probe: func(ctx context.Context, t Target) Result {
			mu.Lock()
			asked[t.Addr] = append(asked[t.Addr], time.Now())
			mu.Unlock()
			if t.Addr.Port() == 81 {
				time.Sleep(t.Check.Timeout)
				return Result{}
			}
			return Result{OK: true}
		}})
		var all []Target
		for i := range 200 {
			all = append(all, with(target(fmt.Sprintf("10.0.0.%d:%d", i, 80+min(i%10, 1))), func(c *config.Check) { c.Timeout = c.Every }))
		}
		s.Set(all)
		wait(time.Minute)
		for addr, times := range asked {
			for i, at := range times[min(len(times), 5):] {
				if gap := at.Sub(times[i+4]); gap > 2*time.Second+tick || addr.Port() == 80 && gap != 2*time.Second {
					t.Fatalf("%s: %s between two questions", addr, gap)
				}
			}
		}
	})
}
