package health

import (
	"context"
	"hash/maphash"
	"log/slog"
	"maps"
	"sync"
	"time"

	"polso/config"
)

// Options are what a Set is built from.
type Options struct {
	Probe Prober       // nil: the package's Probe
	Ring  func()       // called after a target's state or advice changed, from any goroutine; must not block; nil: nobody listens
	Log   *slog.Logger // nil: silence
}

// Set probes a changing set of targets and publishes what is known of them.
type Set struct {
	probe Prober
	ring  func()
	log   *slog.Logger
	bell  chan struct{} // capacity 1: look at want
	seed  maphash.Seed  // of the phases: others in every process
	epoch time.Time     // what the phases count from

	mu      sync.Mutex // guards below
	want    map[Key]*Target
	nodes   map[Key]*node
	view    View // nil: to be made when somebody looks; with ten thousand targets that takes a millisecond
	answers map[config.CheckKind]Answers
}

// Answers counts what came of the questions of one kind of check, whoever was asked.
type Answers struct {
	OK     uint64
	Failed uint64 // no answer in time is one of them
}

// New returns a Set without targets. Nothing is probed before Run.
func New(o Options) *Set {
	s := &Set{
		probe: o.Probe, ring: o.Ring, log: o.Log, bell: make(chan struct{}, 1), seed: maphash.MakeSeed(), epoch: time.Now(),
		answers: make(map[config.CheckKind]Answers),
	}
	if s.probe == nil {
		s.probe = Probe
	}
	if s.ring == nil {
		s.ring = func() {}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Set replaces the whole list of targets: one that is in both keeps its state; a new one has that of another which asks the same
// of the same server at another pace or with another judgement, or else starts Unknown; one that is gone is forgotten. It may be
// called from any goroutine and before Run, and keeps nothing of the slice itself.
func (s *Set) Set(targets []Target) {
	where := make(map[Key]int, len(targets))
	for i, t := range targets {
		where[t.Key()] = i
	}
	s.mu.Lock()
	same := maps.EqualFunc(s.want, where, func(*Target, int) bool { return true })
	if !same {
		s.want = make(map[Key]*Target, len(where))
		for key, i := range where {
			s.want[key] = new(targets[i])
		}
	}
	s.mu.Unlock()
	if same {
		return
	}
	select {
	case s.bell <- struct{}{}:
	default: // already ringing
	}
}

// View returns what is known now. Nobody waits for a probe in it; the result is shared and must not be modified.
func (s *Set) View() View {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.view == nil {
		s.view = make(View, len(s.nodes))
		for key, n := range s.nodes {
			s.view[key] = n.verdict.Status
		}
	}
	return s.view
}

// Answers returns, of every kind of check that was asked since New, what came of it. A question that several judge is one.
func (s *Set) Answers() map[config.CheckKind]Answers {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.answers)
}

// Run probes until ctx ends, then returns nil once every probe has stopped. It may be called once. There are as many probes under
// way at once as there are questions whose server has not answered yet: none waits for another's.
func (s *Set) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	r := &runner{Set: s, work: make(chan *watch, spare), watches: make(map[Key]*watch), due: time.NewTimer(0)}
	defer r.probes.Wait()
	defer close(r.work)
	defer cancel()
	defer r.due.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.bell:
			if r.reconcile(ctx) {
				s.ring()
			}
		case <-r.due.C:
		}
		r.ask()
	}
}

// runner is what Run's goroutine shares with those that probe. An answer is entered by who got it: to hand it over would wake
// another goroutine for each.
type runner struct {
	*Set
	probes sync.WaitGroup
	work   chan *watch // to those that wait for one; room for all of them

	turns   sync.Mutex // guards below, and the nodes; who has it may take mu, not the other way round
	watches map[Key]*watch
	queue   queue // those that are not being asked
	due     *time.Timer
	armed   time.Duration // when due fires, since the epoch; 0: it does not
	idle    int           // goroutines that wait for work, and have not been sent any
}
