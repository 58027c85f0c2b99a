package vip

import (
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// Call is a call that a Fake is about to carry out.
type Call struct {
	Method string // "Add", "Renew", "Remove", "Announce", "Placed", "Links"
	Addr   netip.Addr
	Link   string
}

// Announcement is one announcement that a Fake has sent.
type Announcement struct {
	At   Instant
	Addr netip.Addr
	Link string
}

// Before has check called before each call, without a lock held: it may block, and an error from it is the call's
// instead of an effect. nil: nothing is checked.
func (f *Fake) Before(check func(Call) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = check
}

// Claim has a neighbour on that link claim an address.
func (f *Fake) Claim(c Claim) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for h := range f.claims {
		h.tell(c)
	}
}

// Break ends every subscription as an overrun does.
func (f *Fake) Break() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.listeners {
		close(l.broken)
		delete(f.listeners, l)
	}
}

// Put adds an address that is not Polso's, as an operator would: 192.0.2.2/24.
func (f *Fake) Put(addr netip.Prefix, link string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	i, err := f.index(link)
	if err != nil {
		return err
	}
	p := fakePlace{addr.Addr(), addr.Bits(), i}
	if _, ok := f.addrs[p]; ok {
		return syscall.EEXIST
	}
	f.put(p, fakeAddr{})
	f.write("# somebody: ip addr add %s", f.words(p))
	return nil
}

// Take removes an address, whoever put it there, as an operator would.
func (f *Fake) Take(addr netip.Prefix, link string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	i, err := f.index(link)
	if err != nil {
		return err
	}
	return f.take(fakePlace{addr.Addr(), addr.Bits(), i}, "# somebody: ip addr del %s")
}

// SetLink changes a link by its index, or adds it; Own and Prefixes do not count.
func (f *Fake) SetLink(link Link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	link.Own, link.Prefixes = nil, nil
	f.links[link.Index] = link
	f.tell(Event{Kind: LinkChanged, Index: link.Index, Link: link})
}

// Diary returns what was done so far, oldest first: "ip addr add 192.0.2.10/32 dev eth0", "ip addr del …",
// "announce 192.0.2.10 dev eth0", and as comments what others did and what expired. Renewals are left out.
func (f *Fake) Diary() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	return slices.Clone(f.diary)
}

// Announcements returns the announcements so far, oldest first.
func (f *Fake) Announcements() []Announcement {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.announced)
}

// Renewals returns how many renewals there were.
func (f *Fake) Renewals() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.renewals
}

// String lists the addresses that are Polso's, one a line: "192.0.2.10/32 dev eth0".
func (f *Fake) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	var lines []string
	for p, a := range f.addrs {
		if a.ours {
			lines = append(lines, f.words(p)+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// The rest is called under the lock.
