package fsm

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// Options are what an FSM is built from.
type Options struct {
	// Ring is called after each publication, from raft's goroutine: it must not block. Optional.
	Ring func()
	// Fatal is called once, from raft's goroutine, when an entry cannot be read: damaged, or of a newer release. The process
	// must end, with the error's text for the operator: skipping an entry would make this node's state another one than its
	// peers', silently. Until it has ended the state stands still, no snapshot is taken and every write is answered
	// ErrStopped. It must not block. Without it Apply panics with the error.
	Fatal func(error)
	Log   *slog.Logger // nil: silence
	// Levels is what can be read; nil is ThisBuild. Every replica of a build has the same.
	Levels *Levels
}

// FSM is the replicated state. raft calls Apply, StoreConfiguration, Snapshot and Restore, one at a time; Load and Hear are
// for everyone, at any time.
type FSM struct {
	options Options
	log     *slog.Logger
	levels  Levels
	current atomic.Pointer[Snapshot] // written with mu held

	mu      sync.Mutex // guards below
	heard   struct{ term, commit uint64 }
	stopped error
}

var _ raft.ConfigurationStore = (*FSM)(nil)

// New returns an FSM with nothing in it.
func New(o Options) *FSM {
	f := &FSM{options: o, log: o.Log, levels: ThisBuild()}
	if o.Levels != nil {
		f.levels = *o.Levels
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.current.Store(new(Snapshot))
	return f
}

// Load returns the current version, never nil. It never blocks; the result is shared and must not be modified.
func (f *FSM) Load() *Snapshot { return f.current.Load() }

// Hear tells that the leader of term says that everything up to commit is committed. The first word of the newest term
// counts; once it is in the state, with a command of that term or a later one, Snapshot.Known is true and stays so. That
// comes about because a leader commits TakeLead before anything else: its own term in the state is what tells a new
// leader's old idea of what is committed from the whole of it. A leader itself calls it with the index of its TakeLead.
// Entries that raft keeps to itself (barriers) are not seen here: commit should not count on them as the last ones.
func (f *FSM) Hear(term, commit uint64) {
	if f.Load().Known {
		return
	}
	f.mu.Lock()
	if term > f.heard.term {
		f.heard.term, f.heard.commit = term, commit
	}
	f.mu.Unlock()
	f.publish(nil)
}

// publish makes next the current version, or with nil looks again whether the current one is known, and rings when there
// is a new one. next is nobody else's yet.
func (f *FSM) publish(next *Snapshot) {
	f.mu.Lock()
	was := f.current.Load()
	news := next != nil
	if next == nil {
		again := *was
		next = &again
	}
	next.Known = was.Known || f.heard.term != 0 && next.Index >= f.heard.commit && next.Term >= f.heard.term
	news = news || next.Known != was.Known
	if news {
		f.current.Store(next)
	}
	f.mu.Unlock()
	if next.Known && !was.Known {
		f.log.Info("state is known", "index", next.Index, "term", next.Term, "rev", next.Revision)
	}
	if news && f.options.Ring != nil {
		f.options.Ring()
	}
}

// FatalError is an entry that cannot be read.
type FatalError struct {
	Index uint64
	Err   error // ErrCorrupt or ErrUnknown
}

// Error says what, where, why and what next.
func (e *FatalError) Error() string {
	return fmt.Sprintf("log entry %d cannot be applied: %v; this router stops rather than go on with another state than its peers "+
		"(damaged: remove it and join it again with an empty data directory; written by a newer release: install that release)", e.Index, e.Err)
}

// Unwrap returns Err.
func (e *FatalError) Unwrap() error { return e.Err }

// Apply returns a Result as JSON ([]byte), for refusals too.
func (f *FSM) Apply(l *raft.Log) any {
	if stopped := f.standsStill(); stopped != nil {
		return f.still(stopped)
	}
	// No lock while it works, so that Hear does not wait for it: what Hear publishes meanwhile differs in Known alone, and
	// publish carries that over.
	next, result, err := f.Load().advance(f.levels, l.Index, l.Term, l.Data)
	if err != nil {
		stopped := &FatalError{Index: l.Index, Err: err}
		f.mu.Lock()
		f.stopped = stopped
		f.mu.Unlock()
		if f.options.Fatal == nil {
			panic(stopped)
		}
		f.options.Fatal(stopped)
		return f.still(stopped)
	}
	f.publish(next)
	return result.encode()
}

// StoreConfiguration notes that a membership change is part of the state's log, so that Index covers it.
func (f *FSM) StoreConfiguration(index uint64, _ raft.Configuration) {
	if f.standsStill() != nil {
		return
	}
	next := *f.Load()
	next.Index = index
	f.publish(&next)
}

func (f *FSM) standsStill() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopped
}

// still is the answer of a state that stands still.
func (f *FSM) still(stopped error) []byte {
	s := f.Load()
	return Result{Index: s.Index, Revision: s.Revision, Refusal: refuse(CodeStopped, "ask another router; this one's log says what to do",
		"%v: %v", ErrStopped, stopped)}.encode()
}
