package ipvs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Kernel is the virtual server table of one network namespace. Open returns one, Run owns it; the other methods may be
// called by any goroutine and are answered one at a time.
type Kernel struct {
	timeout  time.Duration
	netns    string // as Options have it
	modprobe Modprobe
	log      *slog.Logger
	calls    chan func()   // unbuffered: what Run has not taken is never done
	closed   chan struct{} // closed by Close
	ended    chan struct{} // closed when nothing uses the sockets any more

	mu      sync.Mutex // guards below
	running bool
	stopped bool

	sockets *sockets        // work's alone, Close's where there was no Run
	loaded  map[string]bool // modules; work's alone
}

// Open checks that the kernel has IPVS, loading its module if need be, and opens the sockets of o's network namespace.
// Calls wait for Run. The error is ErrNoIPVS where there is no IPVS, with the next step in its text.
func Open(o Options) (*Kernel, error) {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Modprobe == nil {
		o.Modprobe = modprobe
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := openSockets(o)
	if err != nil {
		return nil, fmt.Errorf("ipvs: %w", err)
	}
	return &Kernel{
		timeout:  o.Timeout,
		netns:    o.NetNS,
		modprobe: o.Modprobe,
		log:      o.Log,
		calls:    make(chan func()),
		closed:   make(chan struct{}),
		ended:    make(chan struct{}),
		sockets:  s,
		loaded:   make(map[string]bool),
	}, nil
}

// Run answers calls until ctx ends or Close is called, then closes the Kernel. It is called once. Its ctx should outlive
// the last call that is to be answered, such as a director's last pass. The error is ErrClosed if the Kernel was closed
// before or has a Run already, and os.ErrDeadlineExceeded if a call is stuck in the kernel and had to be left behind.
func (k *Kernel) Run(ctx context.Context) error {
	k.mu.Lock()
	if k.running || k.stopped {
		k.mu.Unlock()
		return ErrClosed
	}
	k.running = true
	k.mu.Unlock()
	go k.work()
	select {
	case <-ctx.Done():
	case <-k.closed:
	}
	k.stop()
	return k.wait()
}

// work is the one goroutine that uses the sockets. It is not Run's own because a system call that the kernel does not
// finish cannot be cut short: seen on 6.12, where a deadlock around the table's lock held the caller for ever.
func (k *Kernel) work() {
	defer close(k.ended)
	defer k.sockets.close()
	for {
		select {
		case <-k.closed:
			return
		case call := <-k.calls:
			call()
		}
	}
}

// Close makes Run return, waits for the call in hand, and closes the sockets. Calls from then on are ErrClosed. It may be
// called twice; the error is as Run's.
func (k *Kernel) Close() error {
	if k.stop() == unowned {
		k.sockets.close()
		close(k.ended)
	}
	return k.wait()
}

// wait waits for the last call, at most as long as a call may take.
func (k *Kernel) wait() error {
	timer := time.NewTimer(k.patience())
	defer timer.Stop()
	select {
	case <-k.ended:
		return nil
	case <-timer.C:
		return fmt.Errorf("ipvs: close: a call is stuck in the kernel: %w", os.ErrDeadlineExceeded)
	}
}

// patience is how long a call may take once it is taken: two modules to load, sockets to open, one exchange.
func (k *Kernel) patience() time.Duration { return 4 * k.timeout }

// ownership tells who has to close the sockets.
type ownership uint8

const (
	owned   ownership = iota // work does, or has
	unowned                  // there was no Run and will not be one
)

// stop makes further calls fail.
func (k *Kernel) stop() ownership {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped {
		return owned
	}
	k.stopped = true
	close(k.closed)
	if k.running {
		return owned
	}
	return unowned
}

// Table reads the whole table, in canonical form, with its counters, which has an entry for each service and
// destination of the table. A persistence mask that is no prefix is -1. A large one is read in portions, each a call to itself:
// others have their turn in between, and what they change there may be in one portion and not in another.
func (k *Kernel) Table() (Table, Stats, error) { return inPortions(k.Overview, k.fill) }

// fill reads the destinations of services.
func (k *Kernel) fill(services []Service) (Table, Stats, error) {
	return k.read(func(r reader) (Table, Stats, error) { return r.fill(services) })
}

// Overview reads what Table does, without the destinations and their counters: one dump, however many there are.
func (k *Kernel) Overview() (Table, Stats, error) { return k.read(reader.overview) }

// Services reads what Table does of those services that are there, without the timeouts.
func (k *Kernel) Services(keys []Key) (Table, Stats, error) {
	return k.read(func(r reader) (Table, Stats, error) { return r.some(keys) })
}

// read has the owner of the sockets read a table.
func (k *Kernel) read(fn func(reader) (Table, Stats, error)) (Table, Stats, error) {
	type answer struct {
		t  Table
		st Stats
	}
	a, err := ask(k, func() (a answer, err error) {
		err = k.sockets.read(k.timeout, func(r reader) error {
			a.t, a.st, err = fn(r)
			return err
		})
		return a, err
	})
	if err != nil {
		return Table{}, nil, readError(err)
	}
	return a.t, a.st, nil
}

// Daemons lists the synchronisation daemons that run, at most one of each role, as the kernel runs them: nothing of them is zero.
func (k *Kernel) Daemons() ([]Daemon, error) {
	list, err := ask(k, func() (list []Daemon, err error) {
		err = k.sockets.read(k.timeout, func(r reader) error {
			list, err = r.daemons()
			return err
		})
		return list, err
	})
	if err != nil {
		return nil, readError(err)
	}
	return list, nil
}

// Info returns the version of the kernel's IPVS and the size of its connection table.
func (k *Kernel) Info() (Info, error) {
	i, err := ask(k, func() (i Info, err error) {
		err = k.sockets.read(k.timeout, func(r reader) error {
			i, err = r.info()
			return err
		})
		return i, err
	})
	if err != nil {
		return Info{}, readError(err)
	}
	return i, nil
}

// readError adds what an administrator has to do.
func readError(err error) error {
	switch {
	case errors.Is(err, ErrClosed):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("ipvs: it takes root or CAP_NET_ADMIN: %w", err)
	default:
		return fmt.Errorf("ipvs: %w", err)
	}
}

// Do does one step. What no kernel would take is refused before it is asked (Op.Check); what the kernel refuses is an
// *OpError. The scheduler's module is loaded first.
//
// After os.ErrDeadlineExceeded the step may or may not have been done: read the table.
func (k *Kernel) Do(o Op) error {
	if err := o.Check(); err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	_, err := ask(k, func() (struct{}, error) { return struct{}{}, k.do(o) })
	return err
}

// do does a step that Check has passed, on the goroutine that owns the sockets.
func (k *Kernel) do(o Op) error {
	k.prepare(o)
	err := k.sockets.write(k.timeout, o)
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &errno):
		return refused(o, errno)
	default:
		return fmt.Errorf("%s: %w", o, err)
	}
}

// Batch does steps as Do does each, many at a time, and returns what became of each. The steps of one service are done in
// their order, those of different services in any. A step on a service that could not be made is ErrSkipped.
func (k *Kernel) Batch(ops []Op) []error {
	if len(ops) == 1 {
		return []error{k.Do(ops[0])}
	}
	errs := make([]error, len(ops))
	var lost lost
	for _, wave := range waves(ops) {
		for part := range slices.Chunk(wave, window) {
			k.window(ops, part, lost, errs)
		}
		for _, i := range wave {
			lost.note(ops[i], errs[i])
		}
	}
	return errs
}

// window does the steps of a part of a wave, which is at most a window, and writes down what became of them.
func (k *Kernel) window(ops []Op, part []int, lost lost, errs []error) {
	var fit []Op
	var at []int
	for _, i := range part {
		switch err := ops[i].Check(); {
		case lost.without(ops[i]):
			errs[i] = ErrSkipped
		case err != nil:
			errs[i] = fmt.Errorf("%s: %w", ops[i], err)
		default:
			fit, at = append(fit, ops[i]), append(at, i)
		}
	}
	if len(fit) == 0 {
		return
	}
	errnos, err := ask(k, func() ([]syscall.Errno, error) {
		taken := time.Now()
		k.prepare(fit...)
		if time.Since(taken) > k.patience()-k.timeout {
			return nil, os.ErrDeadlineExceeded // whoever asked has given up by the end: nothing must come after that
		}
		return k.sockets.batch(k.timeout, fit)
	})
	for n, i := range at {
		switch {
		case n < len(errnos) && errnos[n] != 0:
			errs[i] = refused(ops[i], errnos[n])
		case err != nil:
			errs[i] = fmt.Errorf("%s: the kernel's answer was lost: %w", ops[i], err)
		}
	}
}

// prepare loads the modules that steps need, each once.
func (k *Kernel) prepare(ops ...Op) {
	var modules []string
	for _, o := range ops {
		if o.Verb != AddService && o.Verb != EditService {
			continue
		}
		modules = append(modules, "ip_vs_"+o.Service.Scheduler)
		if o.Service.PE != "" {
			modules = append(modules, "ip_vs_pe_"+o.Service.PE)
		}
	}
	slices.Sort(modules)
	for _, module := range slices.Compact(modules) {
		k.load(module)
	}
}

// load loads a module once. The kernel would load it itself, but with its table locked, which can end in a deadlock: seen
// on 6.12 with lblc, a scheduler that registers with every network namespace, while namespaces were being removed; from
// then on nobody could read or write a table. That a module cannot be loaded is no reason not to ask for the scheduler:
// it may be compiled in.
func (k *Kernel) load(module string) {
	if k.loaded[module] {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), k.timeout)
	defer cancel()
	if err := k.modprobe(ctx, module); err != nil {
		k.log.Debug("module not loaded", "module", module, "err", err)
		return
	}
	k.loaded[module] = true
}

// ask has the owner of the sockets do fn and waits for the answer: up to the call's time until it is taken, up to
// patience until it is answered, although fn bounds itself.
func ask[T any](k *Kernel, fn func() (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	var none T
	done := make(chan answer, 1) // so that nobody waits for a caller that has given up
	timer := time.NewTimer(k.timeout)
	defer timer.Stop()
	select {
	case <-k.closed:
		return none, ErrClosed
	case <-timer.C:
		return none, fmt.Errorf("nobody takes the call: %w", os.ErrDeadlineExceeded)
	case k.calls <- func() {
		v, err := fn()
		done <- answer{v, err}
	}:
	}
	timer.Reset(k.patience())
	select {
	case a := <-done:
		return a.v, a.err
	case <-timer.C:
		return none, fmt.Errorf("the kernel does not answer: %w", os.ErrDeadlineExceeded)
	}
}
