package vip

import (
	"cmp"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The reasons for which an address is not taken up.
var (
	// ErrForeign means that an identical address that is not Polso's is on this node: nothing was changed.
	ErrForeign = errors.New("the same address is there and is not Polso's")
	// ErrExpired means that the end is past, or too near for the write to be over by then.
	ErrExpired = errors.New("its lease has ended")
	// ErrStale means that the epoch is over: a newer one is known, or Drop has closed it.
	ErrStale = errors.New("its epoch is over")
	// ErrLate means that the kernel took longer over the write than the margin allows; the write was undone.
	ErrLate = errors.New("the kernel was too slow, undone")
	// ErrNotRunning means that Run is not under way, so that nobody would take the address down at its end.
	ErrNotRunning = errors.New("the keeper is not running")
	// ErrLeaving means that the address is being let go of; it can be held again once it is gone.
	ErrLeaving = errors.New("still letting go of it")
	// ErrNotGone means that an address could not be taken down in time. The kernel lets go of it by itself, as nobody
	// renews it.
	ErrNotGone = errors.New("not gone yet")
)

// Options is what a Keeper needs.
type Options struct {
	Edge      Edge          // required
	Fence     Fence         // nil: none
	Clock     Clock         // required
	Margin    time.Duration // of the lease, a tenth of its length; half of it is how long a write may take. Default 40 ms
	Lifetime  time.Duration // how long the kernel keeps an address that nobody renews, whole seconds. Default 2 s
	StateFile string        // see stateFile; "" for none. On a file system that cannot stall, such as /run
	Log       *slog.Logger  // nil: silence
}

// A Keeper holds addresses until their ends. Hold, LetGo and Links are the pass's, called by one goroutine; every other
// method may be called by any. Run must be under way for anything to be held.
//
// Addresses are added as host addresses that are deprecated as a source (which IPv4 ignores), carry a mark by which a later process knows
// them, and live in the kernel for Lifetime only: Run renews them.
type Keeper struct {
	edge      Edge
	clock     Clock
	margin    time.Duration
	lifetime  time.Duration
	file      stateFile
	log       *slog.Logger
	announcer *announcer
	gate      gate
	bell      chan struct{} // the keeper's own goroutine looks again
	placed    chan struct{} // there is one more to renew
	words     chan words    // for the log

	turns atomic.Uint64 // of the loop that takes addresses down

	mu      sync.Mutex // guards below; never held across a kernel call
	entries map[place]*entry
	running bool
	newest  uint64          // one more than the highest epoch heard of; 0: none
	floor   uint64          // the lowest epoch that may still be held
	ring    func()          // of the Watch under way; nil: none
	macs    map[string]bool // of this node's links, as last observed
}

// place is where an address is: the device's name is what the caller said, it may have been renamed since.
type place struct {
	addr netip.Addr
	link string
}

// entry is one address that is held, was lost, or is being let go of.
type entry struct {
	addr  netip.Addr // these three never change
	link  string
	index int

	until     Instant
	epoch     uint64
	phase     phase
	renewed   Instant       // the clock as read before the last write that gave it its lifetime
	attempt   Instant       // renewing or removing failed: not again before
	writing   chan struct{} // closed when the add or renewal in flight has ended; nil: none
	loss      string        // why it is lost, for people
	announced time.Time
	up        Instant // since when it is there in this epoch
	told      Instant // when it was first announced in this epoch; 0: not yet
	silent    string  // why the last announcement did not leave; "": it did

	conflict             Conflict // in this holding
	defended, complained Instant
}

type phase int

const (
	placing phase = iota // its add is in flight, it has not been there yet
	there
	lost    // gone although its end has not come; the next Hold may add it again
	undone  // must go, and is lost then
	leaving // must go, and is forgotten then
)

// Report is one address as the keeper knows it.
type Report struct {
	Held
	Present   bool      // in the kernel, as of the last write or renewal
	Announced time.Time // the last announcement that left; zero: none yet
	Up        Instant   // since when it is there in this epoch; zero: it has not been
	Told      Instant   // when it was first announced in this epoch; zero: not yet
	Silent    string    // why the last announcement did not leave; "" if it did, or none was due
	Loss      string    // why it is not present although it should be; "" otherwise
	Conflict  Conflict  // who else claims it
}

// New builds a Keeper that holds nothing. Its Run must be called.
func New(o Options) *Keeper {
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	k := &Keeper{
		edge: o.Edge, clock: o.Clock, log: o.Log,
		margin:   cmp.Or(o.Margin, 40*time.Millisecond),
		lifetime: max(cmp.Or(o.Lifetime, 2*time.Second), time.Second).Truncate(time.Second),
		file:     stateFile{path: o.StateFile},
		bell:     make(chan struct{}, 1),
		placed:   make(chan struct{}, 1),
		words:    make(chan words, 256),
		entries:  make(map[place]*entry),
		gate:     gate{fence: o.Fence, moved: make(chan struct{}, 1), changing: make(chan struct{}, 1)},
	}
	k.announcer = newAnnouncer(k)
	return k
}

// guard is how long before its end an address is taken down, so that the kernel has let go of it by then, and of the
// others that end with it: a removal costs the kernel about 0.1 ms. The caller holds the lock.
func (k *Keeper) guard() Instant {
	const each = Instant(100 * time.Microsecond)
	return min(Instant(k.margin/4)+Instant(len(k.entries))*each, Instant(4*k.margin))
}

// ended says whether e's end has come, as seen at now. The caller holds the lock.
func (k *Keeper) ended(e *entry, now Instant) bool { return now >= e.until-k.guard() }

// tooLong says whether a write that began at the one instant and ended at the other took too long to be trusted.
func (k *Keeper) tooLong(began, ended Instant) bool { return ended-began > Instant(k.margin/2) }

// Links returns a snapshot of the node's links, with the prefixes of their own addresses.
func (k *Keeper) Links() (Links, error) {
	links, have, err := k.observe()
	if err != nil {
		return nil, err
	}
	return withPrefixes(links, have), nil
}

// Extend moves the end of every address held in that epoch to until. It never blocks, never moves an end back, and never
// revives an address whose end has passed. Word of an epoch older than one already heard of is ignored; word of a new one
// closes those before it to Hold.
func (k *Keeper) Extend(epoch uint64, until Instant) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if epoch+1 < k.newest {
		return
	}
	k.newest = epoch + 1
	// Read after the lock, so that waiting for it cannot make an end look as if it were still to come.
	now := k.clock()
	for _, e := range k.entries {
		if e.epoch != epoch || e.phase == leaving || e.phase == undone {
			continue
		}
		if k.ended(e, now) {
			k.wake() // the keeper is late: it has woken from a suspend perhaps
			continue
		}
		e.until = max(e.until, until)
	}
	k.ringGate()
}

// Announce tells the segment again, at once and then on the schedule, where the given addresses live: all that are held
// if none is given. Addresses that are not held are left out.
func (k *Keeper) Announce(addrs ...netip.Addr) {
	k.mu.Lock()
	var again []*entry
	for _, e := range k.entries {
		if e.phase == there && (len(addrs) == 0 || slices.Contains(addrs, e.addr)) {
			again = append(again, e)
		}
	}
	k.mu.Unlock()
	for _, e := range again {
		k.announcer.start(e)
	}
}

// Report lists what is held, was lost, or is being let go of, by address.
func (k *Keeper) Report() []Report {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]Report, 0, len(k.entries))
	for _, e := range k.entries {
		out = append(out, Report{
			Held:    Held{Addr: e.addr, Link: e.link, Until: e.until, Epoch: e.epoch},
			Present: e.phase == there || e.phase == leaving || e.phase == undone,
			Loss:    e.loss, Announced: e.announced, Up: e.up, Told: e.told, Silent: e.silent, Conflict: e.conflict,
		})
	}
	slices.SortFunc(out, func(a, b Report) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Link, b.Link))
	})
	return out
}

// Turns counts how often the loop that takes addresses down has looked; Look has it look once more soon. Whoever watches over
// the process sees so that it does.
func (k *Keeper) Turns() uint64 { return k.turns.Load() }

// Look has the loop look. It never blocks.
func (k *Keeper) Look() { k.wake() }

// wake has the keeper's goroutine look again.
func (k *Keeper) wake() {
	select {
	case k.bell <- struct{}{}:
	default: // already ringing
	}
}

// tell rings whoever watches.
func (k *Keeper) tell() {
	k.mu.Lock()
	ring := k.ring
	k.mu.Unlock()
	if ring != nil {
		ring()
	}
}

// owns says whether e is held in that epoch now, and may be announced.
func (k *Keeper) owns(e *entry, epoch uint64) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.running && e.phase == there && e.epoch == epoch && !k.ended(e, k.clock())
}

// epochOf returns the epoch in which e is held now.
func (k *Keeper) epochOf(e *entry) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return e.epoch
}

// sent notes that e was announced in that epoch.
func (k *Keeper) sent(e *entry, epoch uint64, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e.announced, e.silent = at, ""
	if e.epoch == epoch && e.told == 0 {
		e.told = k.clock()
	}
}

// unsent notes why e could not be announced.
func (k *Keeper) unsent(e *entry, why error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e.silent = why.Error()
}

// observe reads links and addresses, the latter with their links' names and with ours marked.
func (k *Keeper) observe() (Links, []Placed, error) {
	links, err := k.edge.Links()
	if err != nil {
		return nil, nil, err
	}
	have, err := k.edge.Placed()
	if err != nil {
		return nil, nil, err
	}
	names := make(map[int]string, len(links))
	for _, link := range links {
		names[link.Index] = link.Name
	}
	filed := k.file.read()
	k.mu.Lock()
	defer k.mu.Unlock()
	type at struct {
		addr  netip.Addr
		index int
	}
	k.macs = make(map[string]bool, len(links))
	for _, link := range links {
		k.macs[link.MAC.String()] = true
	}
	mine := make(map[at]bool, len(k.entries))
	for _, e := range k.entries {
		mine[at{e.addr, e.index}] = e.phase != lost && e.phase != placing
	}
	for i := range have {
		p := &have[i]
		p.Link = names[p.Index]
		if !p.Ours && p.host() && !p.Permanent {
			p.Ours = mine[at{p.Addr, p.Index}] || filed[place{p.Addr, p.Link}]
		}
	}
	return links, have, nil
}
