package health

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"polso/config"
)

// BenchmarkChecks has a Set ask so many servers every two seconds that it is 200, 1,000 and 5,000 checks a second, for ten seconds (one
// operation): how late the questions are (p50-ms, p99-ms), what a check costs of processor time (cpu-µs/check; the servers are
// another process), and what a target costs of memory (B/target: heap and stacks, as much as is in use after a collection). The
// checks of kind none ask nobody: what they cost is the Set's own.
func BenchmarkChecks(b *testing.B) {
	at, _ := servers(b)
	for _, bench := range []struct {
		kind config.CheckKind
		at   netip.AddrPort
	}{{"none", netip.AddrPort{}}, {config.CheckTCP, at[0]}, {config.CheckHTTP, at[1]}} {
		for _, rate := range []int{200, 1000, 5000} {
			b.Run(fmt.Sprintf("%s/%d", bench.kind, rate), func(b *testing.B) {
				l := load{at: bench.at}
				for range b.N {
					l.run(b, bench.kind, rate)
				}
			})
		}
	}
}

// load is one benchmark's prober, and what it sees.
type load struct {
	at    netip.AddrPort // whom to ask, whoever is meant; invalid: nobody
	set   *Set
	phase map[netip.AddrPort]time.Duration
	ask   Prober

	mu     sync.Mutex
	counts bool
	late   []time.Duration
	failed string
}

func (l *load) probe(ctx context.Context, t Target) Result {
	late := (time.Since(l.set.epoch) - l.phase[t.Addr]) % t.Check.Every
	r := Result{OK: true}
	if l.at.IsValid() {
		t.Addr = l.at
		r = l.ask(ctx, t)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts {
		l.late = append(l.late, late)
	}
	if !r.OK && ctx.Err() == nil {
		l.failed = r.Reason
	}
	return r
}

func (l *load) run(b *testing.B, kind config.CheckKind, rate int) {
	const every, lasts = 2 * time.Second, 10 * time.Second
	n := rate * int(every/time.Second)
	l.phase, l.late, l.counts = make(map[netip.AddrPort]time.Duration, n), make([]time.Duration, 0, 2*rate*int(lasts/time.Second)), false
	used := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapInuse + m.StackInuse)
	}
	targets := make([]Target, n)
	for i := range targets {
		targets[i] = Target{Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80), Check: config.Check{
			Kind: kind, Every: every, Timeout: time.Second, Rise: 2, Fall: 3, Host: "www.example.org", Path: "/",
		}}
	}
	// From many addresses, as ports that were just used are not used again soon.
	l.ask = ProbeFrom(func(netip.Addr) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 1, byte(time.Now().UnixMicro())}) }, nil)
	l.set = New(Options{Probe: l.probe})
	for _, t := range targets {
		l.phase[t.Addr] = l.set.phase(t)
	}
	before := used()
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	l.set.Set(targets)
	go func() { done <- l.set.Run(ctx) }()
	time.Sleep(4 * every) // all have decided and are back at their turns
	l.count(true)
	spent := cpu(b)
	time.Sleep(lasts)
	spent = cpu(b) - spent
	l.count(false)
	b.ReportMetric(float64(used()-before)/float64(n), "B/target")
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
	if l.failed != "" {
		b.Errorf("a check failed: %s", l.failed)
	}
	// Lateness is told within a turn: what is later than that shows in how many there were.
	if due := rate * int(lasts/time.Second); len(l.late) < due*98/100 {
		b.Errorf("%d questions were put, of %d", len(l.late), due)
	}
	slices.Sort(l.late)
	millis := func(quantile float64) float64 {
		return float64(l.late[int(quantile*float64(len(l.late)-1))]) / float64(time.Millisecond)
	}
	b.ReportMetric(millis(0.50), "p50-ms")
	b.ReportMetric(millis(0.99), "p99-ms")
	b.ReportMetric(float64(spent)/float64(time.Microsecond)/float64(len(l.late)), "cpu-µs/check")
	b.ReportMetric(float64(len(l.late))/lasts.Seconds(), "checks/s")
	b.ReportMetric(0, "ns/op")
}

func (l *load) count(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts = on
}
