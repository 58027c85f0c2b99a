// Package steward is what only the leader does, as the same kind of pass as the director's: it promotes learners, fires
// what is due, ends drains that have nothing left to wait for, reconciles the raft group with the node table, hands over when another router can do what this one cannot,
// and back to the one that the document prefers.
//
// Decide is a pure function of one set of inputs; Steward reads them, decides and acts, one action at a time.
package steward

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"polso/fsm"
)

// Options are what a Steward is built from; all but Log are required.
type Options struct {
	// Lead tells whether this node leads now. It is asked before every pass and before every action.
	Lead func() bool
	// Inputs reads what a decision depends on, all but what is said there to be the Steward's.
	Inputs func(ctx context.Context) Inputs
	// Act does one action and returns when its outcome is known, or when ctx ends. An action may come again although an
	// earlier try succeeded without saying so: it must be harmless then.
	Act func(ctx context.Context, a Action) error
	Log *slog.Logger // nil: silence
}

// Bounds of the loop.
const (
	tick      = time.Second
	patience  = 10 * time.Second // for one action
	firstWait = time.Second      // after the first failure of an action; doubled each time
	longWait  = 30 * time.Second
)

// Steward makes passes while this node leads.
type Steward struct {
	options Options
	log     *slog.Logger
	bell    chan struct{}
	failed  map[string]failure // by action; Run's goroutine only, like the next
	since   map[trouble]time.Time
	spells  map[string]spell     // by node ID
	gaps    map[string]gap       // by virtual
	idle    map[string]time.Time // by fsm.Leaving's ID: since when it has been without a connection
	// inherited are the IDs of those that were leaving when this node took the lead; nil: that is not known yet.
	inherited map[string]bool
	leads     time.Time // since when this node has led, as far as passes saw; zero: it does not
	// handedBack outlives a lead: who was handed the lead and soon lost it again is this process's to remember.
	handedBack map[string][]time.Time
}

type failure struct {
	wait  time.Duration
	until time.Time
}

// New returns a Steward; Run starts it.
func New(o Options) *Steward {
	s := &Steward{
		options: o, log: o.Log, bell: make(chan struct{}, 1), failed: make(map[string]failure), since: make(map[trouble]time.Time),
		spells: make(map[string]spell), handedBack: make(map[string][]time.Time),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Ring asks for a pass soon. Anyone may call it at any time; it never blocks.
func (s *Steward) Ring() {
	select {
	case s.bell <- struct{}{}:
	default: // already ringing
	}
}

// Run makes a pass at once, at every ring, every second and when trouble of this router has lasted long enough, until ctx
// ends. It returns nil. Call it once.
func (s *Steward) Run(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	ripe := time.NewTimer(tick)
	defer ripe.Stop()
	for {
		s.pass(ctx)
		ripe.Stop()
		if left := s.ripens(); left > 0 {
			ripe.Reset(left)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.bell:
		case <-ticker.C:
		case <-ripe.C:
		}
	}
}

func (s *Steward) pass(ctx context.Context) {
	if ctx.Err() != nil || !s.options.Lead() {
		clear(s.failed) // another leader's tries say nothing about the next term's
		clear(s.since)
		clear(s.spells)
		s.leads, s.idle, s.inherited, s.gaps = time.Time{}, nil, nil, nil
		return
	}
	if s.leads.IsZero() {
		s.leads = time.Now()
	}
	for key, f := range s.failed {
		if time.Since(f.until) > longWait { // not wanted any more, or it would have been tried
			delete(s.failed, key)
		}
	}
	in := s.options.Inputs(ctx)
	in.UnfitFor, in.FailingFor = s.lasting(in, unfit), s.lasting(in, failing)
	in.DimFor, in.BurdenFor = s.lasting(in, dim), s.lasting(in, burden)
	in.DiffersFor = s.differsFor(in)
	in.LedFor, in.IdleFor = time.Since(s.leads), s.idleFor(in)
	in.FitFor, in.HandedBack = s.fitFor(in), s.lately()
	in.Waiting = func(a Action) bool { return time.Now().Before(s.failed[a.String()].until) }
	for _, a := range Decide(in) {
		if ctx.Err() != nil || !s.options.Lead() {
			return
		}
		s.act(ctx, a)
	}
}

func (s *Steward) act(ctx context.Context, a Action) {
	if a.Kind == HandBack {
		s.handingBack(a.ID)
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	err := s.options.Act(bounded, a)
	cancel()
	key := a.String()
	switch {
	case err == nil:
		delete(s.failed, key)
		s.log.Info("done", "action", key, "reason", a.Reason)
	case ctx.Err() != nil: // the process ends; nothing failed
	case (a.Kind == Expire || a.Kind == EndLeaving || a.Kind == EndDrains) && errors.Is(err, fsm.ErrNotFound): // it ended or changed meanwhile: as good as done
		delete(s.failed, key)
	default:
		f := s.failed[key]
		f.wait = min(max(2*f.wait, firstWait), longWait)
		f.until = time.Now().Add(f.wait)
		s.failed[key] = f
		s.log.Warn("action failed", "action", key, "reason", a.Reason, "again_in", f.wait, "err", err)
	}
}
