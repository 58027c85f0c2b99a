package vip

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// act is one thing that happens in a random run.
type act struct {
	what  string
	addr  int // of three
	epoch uint64
	ms    int
}

// However calls come, and however slow the kernel is within what the margin allows, no address is there at its end or
// beyond it, none is announced then, none is there after Drop or LetGo, and one whose lease stands is there.
func TestNeverBeyondItsEnd(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		acts := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) act {
			return act{
				what: rapid.SampledFrom([]string{"hold", "hold", "extend", "extend", "extend", "sleep", "sleep", "let go", "drop",
					"take", "slow write", "slow fence", "fence taken", "slow look", "slow announcement", "failing renewal", "quick"}).Draw(r, "what"),
				addr:  rapid.IntRange(0, 2).Draw(r, "addr"),
				epoch: rapid.Uint64Range(1, 4).Draw(r, "epoch"),
				ms:    rapid.IntRange(1, 900).Draw(r, "ms"),
			}
		}), 1, 40).Draw(r, "acts")
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = play(t, acts) })
		if wrong != "" {
			r.Fatal(wrong)
		}
	})
}

func guarded(f *FakeFence, addr netip.Addr) bool {
	return slices.ContainsFunc(f.Around(), func(g Guarded) bool { return g.Addr == addr })
}

// play returns what went wrong.
func play(t *testing.T, acts []act) (wrong string) {
	b, fence := fencedBench(t)
	addrs := []netip.Addr{ten, eleven, six}
	ends := make(map[netip.Addr]Instant)  // the latest that was granted
	epochs := make(map[netip.Addr]uint64) // in which
	var newest uint64
	var mu sync.Mutex // guards ends and late: announcements are sent by another goroutine
	var late string
	end := func(addr netip.Addr) Instant {
		mu.Lock()
		defer mu.Unlock()
		return ends[addr]
	}
	grant := func(addr netip.Addr, until Instant) {
		mu.Lock()
		defer mu.Unlock()
		ends[addr] = until
	}
	kernel := func(manner func(Call) error) {
		b.fake.Before(func(c Call) error {
			if now := b.clock(); c.Method == "Announce" && now >= end(c.Addr) {
				mu.Lock()
				late = fmt.Sprintf("%s announced %v after its end", c.Addr, time.Duration(now-ends[c.Addr]))
				mu.Unlock()
			}
			return manner(c)
		})
	}
	quick := func(Call) error { return nil }
	kernel(quick)
	watch := func(d time.Duration, when string) {
		for until := b.in(d); b.clock() < until && wrong == ""; {
			b.sleep(time.Millisecond)
			for line := range strings.Lines(b.fake.String()) {
				addr := netip.MustParsePrefix(strings.Fields(line)[0]).Addr()
				now := b.clock()
				if now >= end(addr) {
					wrong = fmt.Sprintf("%s: %s is there %v after its end", when, addr, time.Duration(now-end(addr)))
				}
				if fence.Raised() && !guarded(fence, addr) {
					wrong = fmt.Sprintf("%s: %s is there and behind no fence", when, addr)
				}
			}
		}
	}
	for i, a := range acts {
		when, addr := fmt.Sprintf("act %d (%s)", i, a.what), addrs[a.addr]
		ms := time.Duration(a.ms) * time.Millisecond
		switch a.what {
		case "hold":
			h := b.held(addr, a.epoch, ms)
			if a.epoch >= newest {
				newest = a.epoch
				// If it is refused, an address of an epoch before keeps its end.
				grant(addr, max(end(addr), h.Until))
				epochs[addr] = a.epoch
			}
			err := b.k.Hold([]Held{h})
			synctest.Wait()
			// A gate that has shut, a little before the end, is not opened for what is still up: it goes, and comes back.
			shut := slices.ContainsFunc(b.k.Report(), func(r Report) bool { return strings.Contains(r.Loss, "fence has closed") })
			if there := strings.Contains(b.fake.String(), addr.String()+"/"); err == nil && !there && !shut && b.clock() < h.Until-Instant(20*time.Millisecond) {
				wrong = when + ": held without an error, and not there"
			}
		case "extend":
			until := b.in(ms)
			for _, other := range addrs {
				if epochs[other] == a.epoch && a.epoch >= newest && b.clock() < end(other) {
					grant(other, max(end(other), until))
				}
			}
			newest = max(newest, a.epoch)
			b.k.Extend(a.epoch, until)
		case "sleep":
			watch(ms, when)
		case "let go", "drop":
			do := b.k.Drop
			if a.what == "let go" {
				do = func() error { return b.k.LetGo(nil) }
			}
			if err := do(); err != nil {
				wrong = fmt.Sprintf("%s: %v", when, err)
			}
			if left := b.fake.String(); left != "" {
				wrong = fmt.Sprintf("%s: left %s", when, left)
			}
			heard := len(b.fake.Announcements())
			watch(50*time.Millisecond, when)
			if b.fake.String() != "" || len(b.fake.Announcements()) != heard {
				wrong = when + ": back or announced after it was let go of"
			}
		case "take":
			_ = b.fake.Take(hostPrefix(addr), "eth0") // it may not be there
		case "slow write":
			d := ms % (20 * time.Millisecond)
			kernel(func(c Call) error {
				if c.Method == "Add" || c.Method == "Renew" {
					time.Sleep(d)
				}
				return nil
			})
		case "slow look":
			kernel(slow("Placed", ms/10))
		case "slow announcement":
			kernel(slow("Announce", ms))
		case "failing renewal":
			kernel(func(c Call) error {
				if c.Method == "Renew" {
					return syscall.ENOBUFS
				}
				return nil
			})
		case "slow fence":
			d := ms % (20 * time.Millisecond)
			fence.Before(func(string) error { time.Sleep(d); return nil })
		case "fence taken":
			_ = fence.Raze() // the next renewal notices
		case "quick":
			kernel(quick)
			fence.Before(nil)
		}
		if wrong != "" {
			break
		}
	}
	b.fake.Before(nil)
	fence.Before(nil)
	mu.Lock()
	if wrong == "" {
		wrong = late
	}
	mu.Unlock()
	if err := b.stop(); err != nil && wrong == "" {
		wrong = fmt.Sprintf("Run: %v", err)
	}
	return wrong
}
