package director

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"polso/config"
	"polso/health"
	"polso/ipvs"
	"polso/vip"
)

// world is one router in a bubble of virtual time: a director over the fakes, with everything it does in one diary.
type world struct {
	t     *testing.T
	begin time.Time

	diary  *diary
	table  *kernel
	rules  *filter
	edge   *edge
	keeper *vip.Keeper
	sys    *proc
	record *page // nil: what is changed is recorded nowhere
	health *clinic
	checks Health // health, unless the test has its own
	d      *Director
	log    *bytes.Buffer
	passed atomic.Uint64 // passes that were told

	mu      sync.Mutex // guards below
	mandate Mandate
	state   State
	lease   time.Duration // what a mandate has left whenever it is read; 0: it stands as given

	broken bool         // the end is expected to fail
	deaf   bool         // no event is heard: Watch does not run
	end    func() error // ends director, then keeper, once
}

// diary is what was done to the kernel, in order, with the time since the last reading began.
type diary struct {
	mu    sync.Mutex
	since time.Time
	lines []string
}

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%6.3f ", time.Since(d.since).Seconds())+fmt.Sprintf(format, args...))
}

// kernel is the IPVS fake with its steps in the diary.
type kernel struct {
	*ipvs.Fake
	diary   *diary
	forgets bool          // takes every step and does none
	slow    time.Duration // what a dump takes
	pace    time.Duration // what a step takes
}

func (k *kernel) Table() (ipvs.Table, ipvs.Stats, error) {
	time.Sleep(k.slow)
	return k.Fake.Table()
}

func (k *kernel) Overview() (ipvs.Table, ipvs.Stats, error) {
	time.Sleep(k.slow)
	return k.Fake.Overview()
}

func (k *kernel) Batch(ops []ipvs.Op) []error { return ipvs.InTurn(ops, k.Do) }

func (k *kernel) Do(op ipvs.Op) error {
	if k.forgets {
		return nil
	}
	time.Sleep(k.pace)
	err := k.Fake.Do(op)
	if err != nil {
		k.diary.write("ipvsadm %s # fails", op)
		return err
	}
	k.diary.write("ipvsadm %s", op)
	return nil
}

// edge is the address fake with its changes in the diary.
type edge struct {
	*vip.Fake
	diary *diary
	turn  chan struct{} // capacity 1: nobody sees an address gone before the diary says so
}

func (e *edge) name(link int) string {
	links, _ := e.Fake.Links()
	for _, l := range links {
		if l.Index == link {
			return l.Name
		}
	}
	return "?"
}

func (e *edge) Placed() ([]vip.Placed, error) {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	return e.Fake.Placed()
}

func (e *edge) Add(addr netip.Addr, link int, valid time.Duration) error {
	err := e.Fake.Add(addr, link, valid)
	e.note("ip addr add %s dev %s", addr, link, err)
	return err
}

func (e *edge) Remove(addr netip.Addr, bits, link int) error {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	err := e.Fake.Remove(addr, bits, link)
	// The keeper's second try and the director's may come in the same instant: the later of them finds nothing to do.
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return err
	}
	e.note("ip addr del %s dev %s", addr, link, err)
	return err
}

func (e *edge) Announce(addr netip.Addr, link int, still func() bool) error {
	err := e.Fake.Announce(addr, link, still)
	e.note("announce %s dev %s", addr, link, err)
	return err
}

func (e *edge) note(format string, addr netip.Addr, link int, err error) {
	if err != nil {
		format += " # fails"
	}
	e.diary.write(format, addr, e.name(link))
}

// proc is /proc/sys in memory; what is not there cannot be read.
type proc struct {
	diary *diary

	mu     sync.Mutex
	values map[string]string
	locked bool          // a container's: nothing can be written
	slow   time.Duration // what reading one takes
}

func newProc(d *diary) *proc {
	p := &proc{diary: d, values: map[string]string{
		"net/ipv4/ip_forward": "0", "net/ipv4/vs/expire_nodest_conn": "1", "net/ipv4/vs/expire_quiescent_template": "1", "net/ipv4/vs/conn_reuse_mode": "1",
		"net/ipv4/vs/sloppy_tcp": "1", "net/ipv4/vs/schedule_icmp": "1",
	}}
	for _, link := range []string{"all", "eth0", "eth1"} {
		for name, value := range map[string]string{"send_redirects": "1", "accept_redirects": "1", "forwarding": "0", "rp_filter": "0", "arp_ignore": "1", "arp_announce": "2"} {
			p.values["net/ipv4/conf/"+link+"/"+name] = value
		}
	}
	return p
}

// slowly has each look at a setting take so long from now on.
func (p *proc) slowly(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow = d
}

func (p *proc) Read(path string) (string, error) {
	p.mu.Lock()
	slow := p.slow
	p.mu.Unlock()
	time.Sleep(slow)
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.values[path]
	if !ok {
		return "", &fs.PathError{Op: "open", Path: "/proc/sys/" + path, Err: fs.ErrNotExist}
	}
	return v + "\n", nil
}

func (p *proc) Write(path, value string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.locked {
		return &fs.PathError{Op: "open", Path: "/proc/sys/" + path, Err: fs.ErrPermission}
	}
	p.diary.write("sysctl -w %s=%s", path, value)
	p.values[path] = value
	return nil
}

func (p *proc) put(path, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[path] = value
}

// clinic is a Health whose verdicts the test speaks.
type clinic struct {
	mu      sync.Mutex
	view    health.View
	targets []health.Target
}

func (c *clinic) Set(targets []health.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.targets = targets
}

func (c *clinic) View() health.View {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.view
}

// newWorld builds a router that knows nothing yet and has no mandate; begin starts it.
func newWorld(t *testing.T) *world {
	w := &world{t: t, begin: time.Now(), log: new(bytes.Buffer), health: &clinic{}}
	w.diary = &diary{since: w.begin}
	w.table = &kernel{Fake: new(ipvs.Fake), diary: w.diary}
	w.rules = &filter{diary: w.diary}
	w.checks = w.health
	w.edge = &edge{vip.NewFake(w.clock, links()...), w.diary, make(chan struct{}, 1)}
	// The fake gives a link the first address of its subnet, which is a server's here.
	if err := errors.Join(w.edge.Take(netip.MustParsePrefix("10.0.0.1/24"), "eth1"), w.edge.Put(netip.MustParsePrefix("10.0.0.100/24"), "eth1")); err != nil {
		t.Fatal(err)
	}
	w.sys = newProc(w.diary)
	return w
}

// clock is not zero when the bubble begins, so that an Instant of zero means nothing.
func (w *world) clock() vip.Instant { return vip.Instant(time.Since(w.begin) + time.Hour) }

// start runs keeper and director until the test or w.end ends them.
func (w *world) start() *world {
	w.keeper = vip.New(vip.Options{Edge: w.edge, Clock: w.clock, Margin: 40 * time.Millisecond})
	w.d = New(Options{
		IPVS: w.table, Rules: w.rules, VIP: w.keeper, Sysctls: w.sys, Health: w.checks,
		Mandate: w.read,
		State:   func() State { w.mu.Lock(); defer w.mu.Unlock(); return w.state },
		Log:     slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{ReplaceAttr: timeless})),
		Record:  w.recorder(),
		Passed:  func(time.Duration) { w.passed.Add(1) },
	})
	base, stop := context.WithCancel(context.Background())
	ctx, cancel := context.WithCancel(base)
	var keeping sync.WaitGroup
	var kept, watched error
	keeping.Go(func() { kept = w.keeper.Run(base) })
	if !w.deaf {
		keeping.Go(func() { watched = w.keeper.Watch(base, w.d.Ring) })
	}
	done := make(chan error, 1)
	synctest.Wait() // the keeper is under way before the first pass
	go func() { done <- w.d.Run(ctx) }()
	w.end = sync.OnceValue(func() error {
		cancel()
		err := <-done
		stop()
		keeping.Wait()
		return errors.Join(err, kept, watched)
	})
	w.t.Cleanup(func() {
		if err := w.end(); err != nil && !w.broken {
			w.t.Errorf("the end: %v", err)
		}
	})
	synctest.Wait()
	return w
}

func (w *world) recorder() Record {
	if w.record == nil {
		return nil
	}
	return w.record
}

// read is how the director reads its mandate.
func (w *world) read() Mandate {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lease > 0 && len(w.mandate.Groups) > 0 {
		return mandate(w.mandate.Epoch, time.Duration(w.clock())+w.lease)
	}
	return w.mandate
}

func timeless(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// know gives the router a document of that revision.
func (w *world) know(revision uint64, doc config.Document) {
	w.change(func() { w.state = State{Known: true, Revision: revision, Document: doc} })
}

// lead gives a mandate of that epoch for an hour; withdraw takes it.
func (w *world) lead(epoch uint64) { w.change(func() { w.mandate = w.forAnHour(epoch) }) }

func (w *world) withdraw() { w.change(func() { w.mandate = Mandate{} }) }

func (w *world) forAnHour(epoch uint64) Mandate {
	return mandate(epoch, time.Duration(w.clock())+time.Hour)
}

func (w *world) change(f func()) {
	w.mu.Lock()
	f()
	w.mu.Unlock()
	w.ring()
}

// say gives verdicts, in the words of verdicts, about the present document.
func (w *world) say(words ...string) {
	w.mu.Lock()
	doc := w.state.Document
	w.mu.Unlock()
	w.health.mu.Lock()
	w.health.view = verdicts(doc, words...)
	w.health.mu.Unlock()
	w.ring()
}

// ring has a pass made, if the director runs, and waits for it.
func (w *world) ring() {
	if w.d != nil {
		w.d.Ring()
		synctest.Wait()
	}
}

func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// forget returns what was done since the last reading, and begins the next.
func (w *world) forget() string {
	synctest.Wait()
	w.diary.mu.Lock()
	defer w.diary.mu.Unlock()
	lines := w.diary.lines
	w.diary.lines, w.diary.since = nil, time.Now()
	return strings.Join(lines, "\n")
}

// expect compares what was done since the last reading; times count from there.
func (w *world) expect(what, want string) {
	w.t.Helper()
	want = strings.Trim(want, "\n")
	if have := w.forget(); have != want {
		w.t.Errorf("%s: done\n%s\nwant\n%s", what, have, want)
	}
}

// check compares a few numbers of the status, as "converged rev 2 drift 1".
func (w *world) check(what, want string) {
	w.t.Helper()
	s := w.d.Status()
	var words []string
	if s.Converged {
		words = append(words, "converged")
	}
	words = append(words, fmt.Sprintf("rev %d", s.Revision))
	for _, h := range s.Held {
		state := "absent"
		if h.Present {
			state = "present"
		}
		words = append(words, fmt.Sprintf("%s %s %s", h.Name, h.Addr, state))
	}
	if s.Drift > 0 {
		words = append(words, fmt.Sprintf("drift %d", s.Drift))
	}
	if s.Failing > 0 {
		words = append(words, fmt.Sprintf("failing %d", s.Failing))
	}
	for _, f := range s.Failures {
		words = append(words, fmt.Sprintf("(%s: %s)", f.Step, f.Err))
	}
	if got := strings.Join(words, " "); got != want {
		w.t.Errorf("%s: status\n%s\nwant\n%s", what, got, want)
	}
}

// errBroken is what a broken kernel says.
var errBroken = errors.New("input/output error")
