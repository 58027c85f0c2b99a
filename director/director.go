package director

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// IPVS is the kernel's table: ipvs.Kernel or ipvs.Fake. Every method ends within a bounded time.
type IPVS interface {
	Table() (ipvs.Table, ipvs.Stats, error)
	Overview() (ipvs.Table, ipvs.Stats, error)
	Services(keys []ipvs.Key) (ipvs.Table, ipvs.Stats, error)
	Batch([]ipvs.Op) []error
	Do(ipvs.Op) error
	Daemons() ([]ipvs.Daemon, error)
}

// VIP is the node's links and the addresses on them: vip.Keeper. Every method ends within a bounded time.
type VIP interface {
	Links() (vip.Links, error)
	LetGo(keep []vip.Held) error
	Hold(want []vip.Held) error
	Report() []vip.Report
}

// ProcSys reads and writes kernel settings by path below /proc/sys.
type ProcSys interface {
	Read(path string) (string, error)
	Write(path, value string) error
}

// Health probes targets and says what is known of them: health.Set.
type Health interface {
	Set(targets []health.Target)
	View() health.View
}

// Options are what a Director is built from. All but Rules, Record, Troubles, Others, Interfaces, Passed and Log are required.
type Options struct {
	IPVS       IPVS
	Rules      Rules // nil: the kernel has no packet filter that Polso can use
	VIP        VIP
	Sysctls    ProcSys
	Record     Record // of the settings that were changed; nil: it ends with the process
	Health     Health
	Mandate    func() Mandate           // read when a pass begins, and again when it is about to hold; must not block
	State      func() State             // read once per pass; must not block
	Troubles   func() []Problem         // of what works beside the director, read once per pass; must not block; nil: none
	Others     func() Others            // what the other routers see, read once per pass; must not block; nil: nobody is heard
	Interfaces map[string]string        // logical name -> device, from this node's own settings
	Passed     func(took time.Duration) // called after every pass; must not block; nil: nobody wants to know
	Log        *slog.Logger             // nil: silence
}

const (
	// restful is the longest time between two passes: what no event tells of is found then.
	restful = 5 * time.Second
	// retryFirst is the time to the second attempt of a pass that failed; it doubles up to restful.
	retryFirst = 100 * time.Millisecond
	// breath separates passes that are rung for while passes fail, so that a failure that rings by itself cannot make the
	// loop spin; a takeover waits no longer than this for it.
	breath = 20 * time.Millisecond
	// together is the least time between two passes for the sake of weights that change by themselves, however many do.
	together = 100 * time.Millisecond
)

// Director makes this node's kernel follow the document, as far as its mandate goes.
type Director struct {
	o      Options
	log    *slog.Logger
	bell   chan struct{} // capacity 1: look
	status atomic.Pointer[Status]

	mu      sync.Mutex // guards below
	waiting []chan error
	idle    bool  // the last pass that began had no mandate, and has let go of every address
	ended   bool  // Run is over
	last    error // what its last pass could not let go

	// What one pass hands to the next, and when the first began; only Run's goroutine touches them.
	memory memory
	began  time.Time
}

// New returns a Director that has not begun. Status is empty, not nil, from now on.
func New(o Options) *Director {
	d := &Director{o: o, log: o.Log, bell: make(chan struct{}, 1)}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.o.Others == nil {
		d.o.Others = func() Others { return Others{} }
	}
	if d.o.Troubles == nil {
		d.o.Troubles = func() []Problem { return nil }
	}
	if d.o.Passed == nil {
		d.o.Passed = func(time.Duration) {}
	}
	d.memory.sysctls = make(map[string]string)
	d.status.Store(&Status{})
	return d
}

// Ring asks for a pass soon: something that it reads may have changed. It never blocks and may be called from anywhere.
func (d *Director) Ring() {
	select {
	case d.bell <- struct{}{}:
	default: // already ringing
	}
}

// Status returns what the last pass saw and did. It never blocks and is never nil; the result is shared and must not be
// modified.
func (d *Director) Status() *Status { return d.status.Load() }

// Run makes passes until ctx ends, then a last one that lets go of every address and leaves the table, whose connections
// live on. It returns an error if that last pass could not let go. It may be called once.
func (d *Director) Run(ctx context.Context) error {
	d.began = time.Now()
	for {
		d.round(d.o.Mandate, d.o.State)
		if err := d.rest(ctx); err != nil {
			return d.finish()
		}
	}
}

// rest returns nil when the next pass is due and ctx's error when there is to be none.
func (d *Director) rest(ctx context.Context) error {
	failing := d.Status().Failing
	after := pause(failing)
	if again := d.memory.again; again > 0 && failing == 0 {
		after = min(after, max(again, together))
	}
	if d.memory.lapsed {
		after = breath
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	case <-d.bell:
	}
	if failing == 0 {
		return ctx.Err()
	}
	timer.Reset(breath)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// pause is the time to the next pass after so many failing ones in a row.
func pause(failing int) time.Duration {
	if failing == 0 {
		return restful
	}
	// Seven doublings reach the longest pause; more would only overflow.
	return min(retryFirst<<min(failing-1, 7), restful)
}

// ErrMandated means that a pass found a mandate where the caller of Released expected none.
var ErrMandated = errors.New("a mandate still stands")

// Released returns nil once every address has been let go of and no pass that is under way can hold one again: the last
// that began found no mandate, or else one that begins after the call, for which it rings. Who has withdrawn the mandate
// calls it before saying so to anyone. The error is ErrMandated, the reason why an address could not be let go, or ctx's.
func (d *Director) Released(ctx context.Context) error {
	done := make(chan error, 1)
	d.mu.Lock()
	if d.ended {
		defer d.mu.Unlock()
		return d.last
	}
	if d.idle {
		d.mu.Unlock()
		return nil
	}
	d.waiting = append(d.waiting, done)
	d.mu.Unlock()
	d.Ring()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// round is one pass, and an answer to those who wait for one that begins now.
func (d *Director) round(mandate func() Mandate, state func() State) {
	d.mu.Lock()
	waiting := d.waiting
	d.waiting, d.idle = nil, false
	d.mu.Unlock()

	m, s := mandate(), state() // once, and after it was settled who waits for this pass
	_ = d.pass(Inputs{Mandate: m, State: s, Running: time.Since(d.began)}, func(err error) {
		d.mu.Lock()
		if len(m.Groups) > 0 {
			err = ErrMandated
		} else {
			// Who has come meanwhile need not wait for another pass: without a mandate this one brings nothing back.
			waiting, d.waiting, d.idle = append(waiting, d.waiting...), nil, err == nil
		}
		d.mu.Unlock()
		for _, done := range waiting {
			done <- err
		}
	})
}

// finish is the last pass. Whoever waits, or asks from now on, gets its answer.
func (d *Director) finish() error {
	d.memory.last = true
	err := d.pass(Inputs{}, func(error) {})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended, d.last = true, err
	for _, done := range d.waiting {
		done <- err // has room for the one answer it gets
	}
	d.waiting = nil
	return err
}
