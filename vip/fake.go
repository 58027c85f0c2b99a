package vip

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A Fake is an Edge with the kernel's manners in memory: what is added twice is EEXIST, what is removed twice
// EADDRNOTAVAIL, and what nobody renews expires on its clock. It keeps a diary in the words of ip(8). The product runs on
// it where the kernel is simulated. Every method may be called from any goroutine.
type Fake struct {
	clock Clock

	mu        sync.Mutex // guards below; not held while Before runs
	before    func(Call) error
	links     map[int]Link
	addrs     map[fakePlace]fakeAddr
	diary     []string
	announced []Announcement
	renewals  int
	listeners map[*listener]bool
	claims    map[*hearer]bool
}

type fakePlace struct {
	addr netip.Addr
	bits int
	link int
}

type fakeAddr struct {
	ours bool
	end  Instant // 0: none
}

// listener is one subscription.
type listener struct {
	tell   func(Event)
	broken chan struct{}
}

// hearer is one who hears claims.
type hearer struct{ tell func(Claim) }

// diaryLength bounds the diary and the list of announcements: the oldest entries go.
const diaryLength = 10_000

// NewFake returns a Fake with these links. A link's Prefixes become permanent addresses: the first host of each, or the
// address itself if it is a host prefix. Indexes that are zero are given out from 2.
func NewFake(clock Clock, links ...Link) *Fake {
	f := &Fake{
		clock: clock, links: make(map[int]Link), addrs: make(map[fakePlace]fakeAddr), listeners: make(map[*listener]bool),
		claims: make(map[*hearer]bool),
	}
	for i, link := range links {
		link.Index = cmp.Or(link.Index, i+2)
		if link.MAC == nil {
			link.MAC = []byte{0x02, 0, 0, 0, 0, byte(link.Index)}
		}
		for _, p := range link.Prefixes {
			addr := p.Masked().Addr()
			if !p.IsSingleIP() {
				addr = addr.Next()
			}
			f.addrs[fakePlace{addr, p.Bits(), link.Index}] = fakeAddr{}
		}
		link.Own, link.Prefixes = nil, nil
		f.links[link.Index] = link
	}
	return f
}

// enter consults Before.
func (f *Fake) enter(method string, addr netip.Addr, link int) error {
	f.mu.Lock()
	check, name := f.before, f.links[link].Name
	f.mu.Unlock()
	if check == nil {
		return nil
	}
	return check(Call{method, addr, name})
}

// Links implements Edge.
func (f *Fake) Links() (Links, error) {
	if err := f.enter("Links", netip.Addr{}, 0); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.SortedFunc(maps.Values(f.links), func(a, b Link) int { return cmp.Compare(a.Index, b.Index) }), nil
}

// Placed implements Edge.
func (f *Fake) Placed() ([]Placed, error) {
	if err := f.enter("Placed", netip.Addr{}, 0); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	out := make([]Placed, 0, len(f.addrs))
	for p, a := range f.addrs {
		out = append(out, Placed{
			Addr: p.addr, Bits: p.bits, Index: p.link, Link: f.links[p.link].Name, Ours: a.ours, Permanent: a.end == 0,
		})
	}
	slices.SortFunc(out, func(a, b Placed) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), a.Addr.Compare(b.Addr), cmp.Compare(a.Bits, b.Bits))
	})
	return out, nil
}

// Add implements Edge.
func (f *Fake) Add(addr netip.Addr, link int, valid time.Duration) error {
	if err := f.enter("Add", addr, link); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	p := fakePlace{addr, addr.BitLen(), link}
	if _, ok := f.links[link]; !ok {
		return syscall.ENODEV
	}
	if _, ok := f.addrs[p]; ok {
		return syscall.EEXIST
	}
	f.put(p, fakeAddr{ours: true, end: f.clock() + Instant(valid)})
	f.write("ip addr add %s", f.words(p))
	return nil
}

// Renew implements Edge. The diary says it only when it brings back what was gone.
func (f *Fake) Renew(list []Site, valid time.Duration) []error {
	errs := make([]error, len(list))
	for i, s := range list {
		errs[i] = f.renew(s.Addr, s.Link, valid)
	}
	return errs
}

func (f *Fake) renew(addr netip.Addr, link int, valid time.Duration) error {
	if err := f.enter("Renew", addr, link); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	p := fakePlace{addr, addr.BitLen(), link}
	if _, ok := f.links[link]; !ok {
		return syscall.ENODEV
	}
	if _, ok := f.addrs[p]; !ok {
		f.write("ip addr replace %s", f.words(p))
	}
	f.renewals++
	f.put(p, fakeAddr{ours: true, end: f.clock() + Instant(valid)})
	return nil
}

// Remove implements Edge.
func (f *Fake) Remove(addr netip.Addr, bits, link int) error {
	if err := f.enter("Remove", addr, link); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	if _, ok := f.links[link]; !ok {
		return syscall.ENODEV
	}
	return f.take(fakePlace{addr, bits, link}, "ip addr del %s")
}

// Announce implements Edge. It is in the diary too.
func (f *Fake) Announce(addr netip.Addr, link int, still func() bool) error {
	if err := f.enter("Announce", addr, link); err != nil {
		return err
	}
	if !still() {
		return ErrExpired
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.links[link]
	if !ok {
		return syscall.ENODEV
	}
	if !l.Up {
		return syscall.ENETDOWN
	}
	f.announced = append(f.announced, Announcement{f.clock(), addr, l.Name})
	if len(f.announced) > diaryLength {
		f.announced = slices.Delete(f.announced, 0, len(f.announced)-diaryLength)
	}
	f.write("announce %s dev %s", addr, l.Name)
	return nil
}

// Claims implements Edge.
func (f *Fake) Claims(ctx context.Context, tell func(Claim)) error {
	h := &hearer{tell}
	f.mu.Lock()
	f.claims[h] = true
	f.mu.Unlock()
	<-ctx.Done()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.claims, h)
	return nil
}

// Subscribe implements Edge.
func (f *Fake) Subscribe(ctx context.Context, tell func(Event)) error {
	l := &listener{tell: tell, broken: make(chan struct{})}
	f.mu.Lock()
	f.listeners[l] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners, l)
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-l.broken:
		return syscall.ENOBUFS
	}
}

func (f *Fake) index(link string) (int, error) {
	for i, l := range f.links {
		if l.Name == link {
			return i, nil
		}
	}
	return 0, syscall.ENODEV
}

func (f *Fake) words(p fakePlace) string {
	return fmt.Sprintf("%s/%d dev %s", p.addr, p.bits, f.links[p.link].Name)
}

func (f *Fake) put(p fakePlace, a fakeAddr) {
	f.addrs[p] = a
	f.tell(Event{Kind: AddrAdded, Addr: p.addr, Bits: p.bits, Index: p.link})
}

func (f *Fake) take(p fakePlace, how string) error {
	if _, ok := f.addrs[p]; !ok {
		return syscall.EADDRNOTAVAIL
	}
	delete(f.addrs, p)
	f.write(how, f.words(p))
	f.tell(Event{Kind: AddrRemoved, Addr: p.addr, Bits: p.bits, Index: p.link})
	return nil
}

// expire lets go of what nobody renewed. It is called before whatever depends on it.
func (f *Fake) expire() {
	now := f.clock()
	var over []fakePlace
	for p, a := range f.addrs {
		if a.end != 0 && now >= a.end {
			over = append(over, p)
		}
	}
	slices.SortFunc(over, func(a, b fakePlace) int {
		return cmp.Or(cmp.Compare(f.addrs[a].end, f.addrs[b].end), a.addr.Compare(b.addr), cmp.Compare(a.link, b.link))
	})
	for _, p := range over {
		_ = f.take(p, "# expired: %s") // it is there
	}
}

func (f *Fake) write(format string, args ...any) {
	f.diary = append(f.diary, fmt.Sprintf(format, args...))
	if len(f.diary) > diaryLength {
		f.diary = slices.Delete(f.diary, 0, len(f.diary)-diaryLength)
	}
}

// tell is called under the lock, and listeners take the keeper's: the keeper never calls a Fake with its own lock held.
func (f *Fake) tell(e Event) {
	for l := range f.listeners {
		l.tell(e)
	}
}
