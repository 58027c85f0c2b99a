package ipvs

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Fake is a virtual server table in memory with the kernel's manners: what exists cannot be added (fs.ErrExist), what
// is absent cannot be changed or removed (fs.ErrNotExist), and what Kernel would refuse it refuses in the same words.
// It is what `--kernel simulated` runs on, and what tests do.
//
// The zero value is an empty table with every scheduler, ready to use. All methods may be called by any goroutine.
type Fake struct {
	mu       sync.Mutex // guards below
	services []Service
	timeouts Timeouts // zero until set: the kernel's defaults
	daemons  []Daemon // those that run
	lacks    []string
	stats    Stats
	fail     func(Op) error
	failRead error
	diary    []string

	connections []Connection
	cpus        CPUStats
}

// diaryLength bounds the diary, since a simulated kernel may run for long with nobody reading.
const diaryLength = 1024

// Table returns a copy of the table, in canonical form, and the stats that SetStats gave, without those of entries that
// are gone and with zeroes for those that were not given.
func (f *Fake) Table() (Table, Stats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failRead != nil {
		return Table{}, nil, f.failRead
	}
	t := Table{Services: f.services, Timeouts: f.now()}.Canonical()
	return t, f.stats.of(t), nil
}

// Overview returns what Table does, without the destinations.
func (f *Fake) Overview() (Table, Stats, error) {
	t, _, err := f.Table()
	if err != nil {
		return Table{}, nil, err
	}
	for i := range t.Services {
		t.Services[i].Destinations = nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return t, f.stats.of(t), nil
}

// Services returns what Table does of those services that are there, without the timeouts.
func (f *Fake) Services(keys []Key) (Table, Stats, error) {
	t, _, err := f.Table()
	if err != nil {
		return Table{}, nil, err
	}
	t.Timeouts = Timeouts{}
	t.Services = slices.DeleteFunc(t.Services, func(s Service) bool { return !slices.Contains(keys, s.Key) })
	f.mu.Lock()
	defer f.mu.Unlock()
	return t, f.stats.of(t), nil
}

// Batch does steps as Kernel.Batch does, one after the other.
func (f *Fake) Batch(ops []Op) []error { return InTurn(ops, f.Do) }

// Do does one step or answers as Kernel.Do does. Whatever the answer, the step is in the diary.
func (f *Fake) Do(o Op) error {
	f.mu.Lock()
	fail := f.fail
	f.diary = append(f.diary[max(0, len(f.diary)-diaryLength+1):], o.String())
	f.mu.Unlock()
	if fail != nil {
		if err := fail(o); err != nil {
			return err
		}
	}
	return f.Foreign(o)
}

// Foreign does one step as another program would: past Fail and the diary.
func (f *Fake) Foreign(o Op) error {
	if err := o.Check(); err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if errno := f.do(o); errno != 0 {
		return refused(o, errno)
	}
	return nil
}

// do answers in the order in which the kernel looks: the service, then its scheduler or the destination.
func (f *Fake) do(o Op) syscall.Errno {
	if o.Verb == SetTimeouts {
		f.timeouts = o.Timeouts.canonical().orElse(f.now())
		return 0
	}
	if o.Verb == StartDaemon || o.Verb == StopDaemon {
		return f.doDaemon(o)
	}
	i := slices.IndexFunc(f.services, func(s Service) bool { return s.Key == o.Service.Key })
	if o.Verb == AddService {
		switch {
		case i >= 0:
			return syscall.EEXIST
		case slices.Contains(f.lacks, o.Service.Scheduler):
			return syscall.ENOENT
		}
		f.services = append(f.services, o.Service.alone().Canonical())
		return 0
	}
	if i < 0 {
		return syscall.ESRCH
	}
	switch o.Verb {
	case EditService:
		if slices.Contains(f.lacks, o.Service.Scheduler) {
			return syscall.ENOENT
		}
		dests := f.services[i].Destinations
		f.services[i] = o.Service.alone().Canonical()
		f.services[i].Destinations = dests
		return 0
	case DeleteService:
		f.services = slices.Delete(f.services, i, i+1)
		return 0
	case AddDestination, EditDestination, DeleteDestination:
		return f.services[i].do(o.Verb, o.Destination.canonical())
	default:
		panic("ipvs: unknown verb")
	}
}

func (s *Service) do(v Verb, d Destination) syscall.Errno {
	i := slices.IndexFunc(s.Destinations, func(h Destination) bool { return h.Addr == d.Addr })
	switch {
	case v == AddDestination && i >= 0:
		return syscall.EEXIST
	case v == AddDestination:
		s.Destinations = append(s.Destinations, d)
	case i < 0:
		return syscall.ENOENT
	case v == EditDestination:
		s.Destinations[i] = d
	case v == DeleteDestination:
		s.Destinations = slices.Delete(s.Destinations, i, i+1)
	}
	return 0
}

// Info returns the version and size that a Debian kernel reports.
func (f *Fake) Info() (Info, error) {
	return Info{Version: "1.2.1", Size: 4096}, nil
}

// String returns the table as `ipvsadm -S -n` prints it: see Table.String.
func (f *Fake) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Table{Services: f.services}.String()
}

// SetStats sets the counters that Table returns from now on.
func (f *Fake) SetStats(s Stats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats = s
}

// Fail has fn asked before each later Do; an error it returns is Do's answer, and nothing is done. Nil ends it.
func (f *Fake) Fail(fn func(Op) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fn
}

// FailTable makes later calls of Table return err; nil ends it.
func (f *Fake) FailTable(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failRead = err
}

// Lack makes the fake a kernel without these schedulers, and a node without these devices; it replaces what an earlier Lack said.
func (f *Fake) Lack(schedulers ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lacks = slices.Clone(schedulers)
}

// Diary returns the last steps (at most 1024) that Do was given since the diary was last read, in ipvsadm's words, in
// order, refused ones included.
func (f *Fake) Diary() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.diary
	f.diary = nil
	return d
}

// now returns the timeouts in force; f.mu is held.
func (f *Fake) now() Timeouts {
	return f.timeouts.orElse(KernelTimeouts())
}

// orElse returns t with other's values where t has none.
func (t Timeouts) orElse(other Timeouts) Timeouts {
	pick := func(a, b time.Duration) time.Duration {
		if a == 0 {
			return b
		}
		return a
	}
	return Timeouts{TCP: pick(t.TCP, other.TCP), TCPFin: pick(t.TCPFin, other.TCPFin), UDP: pick(t.UDP, other.UDP)}
}
