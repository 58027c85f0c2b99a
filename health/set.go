package health

import (
	"context"
	"hash/maphash"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// leastEvery keeps a target that was never validated from being asked in a tight loop.
	leastEvery = 10 * time.Millisecond
	// publishEvery bounds how often probes without a transition make a new View: with a thousand targets each View is a
	// copy of a thousand entries.
	publishEvery = 100 * time.Millisecond
)

// Options are what a Set is built from.
type Options struct {
	Probe Prober       // nil: the package's Probe
	Ring  func()       // called after a transition was published; must not block; nil: nobody listens
	Log   *slog.Logger // nil: silence
}

// Set probes a changing set of targets and publishes what is known of them.
type Set struct {
	probe Prober
	ring  func()
	log   *slog.Logger
	bell  chan struct{} // capacity 1: look at want
	view  atomic.Pointer[View]
	seed  maphash.Seed // of the stagger: another in every process

	mu   sync.Mutex // guards want
	want map[Key]Target
}

// New returns a Set without targets. Nothing is probed before Run.
func New(o Options) *Set {
	s := &Set{probe: o.Probe, ring: o.Ring, log: o.Log, bell: make(chan struct{}, 1), seed: maphash.MakeSeed()}
	if s.probe == nil {
		s.probe = Probe
	}
	if s.ring == nil {
		s.ring = func() {}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.view.Store(&View{})
	return s
}

// Set replaces the whole list of targets: one that is in both keeps its state, a new one starts Unknown, one that is gone
// is forgotten. It never blocks, may be called from any goroutine and before Run; it keeps nothing of the slice itself.
func (s *Set) Set(targets []Target) {
	want := make(map[Key]Target, len(targets))
	for _, t := range targets {
		want[t.Key()] = t
	}
	s.mu.Lock()
	same := sameKeys(s.want, want)
	s.want = want
	s.mu.Unlock()
	if same {
		return
	}
	select {
	case s.bell <- struct{}{}:
	default: // already ringing
	}
}

// View returns what is known now. It never blocks; the result is shared and must not be modified.
func (s *Set) View() View { return *s.view.Load() }

// Run probes until ctx ends, then returns nil once every probe has stopped. It may be called once.
func (s *Set) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	r := &runner{Set: s, results: make(chan report), known: make(map[Key]*watched)}
	defer r.probes.Wait()
	defer cancel()

	publish := time.NewTimer(publishEvery)
	publish.Stop()
	dirty := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.bell:
			r.reconcile(ctx)
			r.publish()
			dirty = false
		case rep := <-r.results:
			switch r.note(rep) {
			case transition:
				r.publish()
				dirty = false
				s.ring()
			case routine:
				if !dirty {
					dirty = true
					publish.Reset(publishEvery)
				}
			case stale:
			}
		case <-publish.C:
			if dirty {
				r.publish()
				dirty = false
			}
		}
	}
}

// runner is what Run's goroutine owns.
type runner struct {
	*Set
	results chan report
	known   map[Key]*watched
	probes  sync.WaitGroup
}

// watched is one target under probe.
type watched struct {
	target Target
	tally  tally
	stop   context.CancelFunc
}

// report is a result on its way from a probing goroutine to Run.
type report struct {
	from *watched // tells a target from one of the same key that was dropped before
	key  Key
	Result
}

// news is what a report changed.
type news uint8

const (
	stale      news = iota // the target is gone
	routine                // numbers
	transition             // a state
)

// reconcile starts probes of new targets and stops those of targets that are gone.
func (r *runner) reconcile(ctx context.Context) {
	r.mu.Lock()
	want := r.want
	r.mu.Unlock()
	for key, w := range r.known {
		if _, ok := want[key]; !ok {
			w.stop()
			delete(r.known, key)
		}
	}
	now := time.Now()
	for key, t := range want {
		if _, ok := r.known[key]; ok {
			continue
		}
		probing, stop := context.WithCancel(ctx)
		w := &watched{target: t, tally: tally{Status: Status{Since: now}}, stop: stop}
		r.known[key] = w
		r.probes.Go(func() { r.watch(probing, key, w) })
	}
}

// watch asks one target again and again, the first times, until rise or fall can have decided, four times as often: a server
// that is new, or new to this process, is waited for. A probe that outlasts its turn delays the next, so that no two of a
// target overlap.
func (r *runner) watch(ctx context.Context, key Key, w *watched) {
	every := max(w.target.Check.Every, leastEvery)
	eager := max(every/4, leastEvery)
	// Staggered, so that a thousand targets of one document are not asked in the same millisecond for ever: at first within
	// the short turn, the rest is made up for when the pace slows.
	spread := time.Duration(maphash.String(r.seed, string(key)) % uint64(every))
	next := time.NewTimer(spread / 4)
	defer next.Stop()
	for asked := 1; ; asked++ {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		switch decided := max(w.target.Check.Rise, w.target.Check.Fall); {
		case asked < decided:
			next.Reset(eager)
		case asked == decided:
			next.Reset(every + spread - spread/4)
		default:
			next.Reset(every)
		}
		result := r.probe(ctx, w.target)
		if ctx.Err() != nil {
			return // cut short: that says nothing about the server
		}
		select {
		case <-ctx.Done():
			return
		case r.results <- report{w, key, result}:
		}
	}
}

// note enters a report into the tally of its target.
func (r *runner) note(rep report) news {
	if r.known[rep.key] != rep.from {
		return stale
	}
	before := rep.from.tally.State
	rep.from.tally = rep.from.tally.judge(rep.Result, rep.from.target.Check, time.Now())
	after := rep.from.tally.State
	if before == after {
		return routine
	}
	r.log.Info("server changed state", "server", rep.from.target.Addr.String(), "from", before.String(), "to", after.String(),
		"reason", rep.Reason)
	return transition
}

func (r *runner) publish() {
	view := make(View, len(r.known))
	for key, w := range r.known {
		view[key] = w.tally.Status
	}
	r.view.Store(&view)
}

func sameKeys(a, b map[Key]Target) bool {
	return maps.EqualFunc(a, b, func(Target, Target) bool { return true })
}
