package vip

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// heard lists when addr was announced, in seconds after from.
func (b *bench) heard(addr netip.Addr, from Instant) []string {
	b.t.Helper()
	var out []string
	for _, a := range b.fake.Announcements() {
		if a.Addr == addr && a.At >= from {
			out = append(out, fmt.Sprintf("%.1f", time.Duration(a.At-from).Seconds()))
		}
	}
	return out
}

func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		from := b.clock()
		h := b.held(ten, 1, time.Hour)
		b.hold(h)
		b.sleep(130 * time.Second)
		b.hold(h) // the same epoch: nothing new
		want := []string{"0.0", "0.1", "1.2", "2.4", "5.0", "65.0", "125.0"}
		if diff := cmp.Diff(want, b.heard(ten, from)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAnnouncedAgain(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(b *bench)
		want []string
	}{
		{"in a new epoch", func(b *bench) { b.hold(b.held(ten, 2, time.Hour)) }, []string{"0.0", "0.1", "1.2", "2.4", "5.0"}},
		{"on an operator's word", func(b *bench) { b.k.Announce(ten) }, []string{"0.0", "0.1", "1.2", "2.4", "5.0"}},
		{"with all the others", func(b *bench) { b.k.Announce() }, []string{"0.0", "0.1", "1.2", "2.4", "5.0"}},
		{"not with another", func(b *bench) { b.k.Announce(eleven) }, nil},
		{"not when nothing is new", func(b *bench) { b.hold(b.held(ten, 1, 2*time.Hour)) }, nil},
		{"when its link is up again", func(b *bench) {
			b.fake.SetLink(Link{Name: "eth0", Index: 2, MAC: []byte{2, 0, 0, 0, 0, 2}})
			b.fake.SetLink(Link{Name: "eth0", Index: 2, MAC: []byte{2, 0, 0, 0, 0, 2}, Up: true})
		}, []string{"0.0", "0.1", "1.2", "2.4", "5.0"}},
		{"when its link has another hardware address", func(b *bench) {
			b.fake.SetLink(Link{Name: "eth0", Index: 2, MAC: []byte{2, 0, 0, 0, 0, 9}, Up: true})
		}, []string{"0.0", "0.1", "1.2", "2.4", "5.0"}},
		{"not when another link changes", func(b *bench) {
			b.fake.SetLink(Link{Name: "eth1", Index: 3, MAC: []byte{2, 0, 0, 0, 0, 9}, Up: true})
		}, nil},
		{"let go and held again", func(b *bench) {
			if err := b.k.LetGo(nil); err != nil {
				b.t.Error(err)
			}
			b.hold(b.held(ten, 1, time.Hour))
		}, []string{"0.0", "0.1", "1.2", "2.4", "5.0"}},
		{"not once let go", func(b *bench) {
			b.k.Announce(ten)
			if err := b.k.LetGo(nil); err != nil {
				b.t.Error(err)
			}
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go b.k.Watch(ctx, func() {}) //nolint:errcheck // nil after cancel
				b.hold(b.held(ten, 1, time.Hour))
				b.sleep(30 * time.Second)
				from := b.clock()
				tt.do(b)
				b.sleep(30 * time.Second)
				if diff := cmp.Diff(tt.want, b.heard(ten, from)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWatchThatBeginsLaterAnnouncesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, time.Hour))
		b.sleep(30 * time.Second)
		from := b.clock()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go b.k.Watch(ctx, func() {}) //nolint:errcheck // nil after cancel
		b.sleep(10 * time.Second)
		if got := b.heard(ten, from); len(got) > 0 {
			t.Errorf("announced at %v", got)
		}
	})
}

// However busy the schedule, nothing is announced that is not held, and what is pending when a lease ends is not sent.
func TestStaleAnnouncementsAreNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		var want []Held
		for i := range 200 {
			addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 10)})
			want = append(want, b.held(addr, 1, 300*time.Millisecond))
		}
		end := want[0].Until
		b.hold(want...)
		b.sleep(10 * time.Second)
		all := b.fake.Announcements()
		// 20 at once and then 100 a second for less than 0.3 s.
		if len(all) < 40 || len(all) > 50 {
			t.Errorf("%d announcements", len(all))
		}
		for _, a := range all {
			if a.At >= end {
				t.Errorf("%s announced %v after its end", a.Addr, time.Duration(a.At-end))
			}
		}
	})
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		from := b.clock()
		var want []Held
		for i := range 100 {
			want = append(want, b.held(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 10)}), 1, time.Hour))
		}
		// Another link is not held up.
		other := Held{Addr: netip.MustParseAddr("198.51.100.9"), Link: "eth1", Epoch: 1, Until: b.in(time.Hour)}
		b.hold(append(want, other)...)
		b.sleep(20 * time.Second)
		all := b.fake.Announcements()
		for _, h := range want {
			// The repeat at 0.1 s may be overtaken by the pace; the others are not.
			if n := len(b.heard(h.Addr, from)); n < len(schedule)-1 || n > len(schedule) {
				t.Errorf("%s: %d announcements", h.Addr, n)
			}
		}
		var eth0 []Instant
		for _, a := range all {
			if a.Link == "eth0" {
				eth0 = append(eth0, a.At)
			}
		}
		for i := range eth0 {
			// In any second: the burst and a second's worth.
			if j := i + burst + int(pace); j < len(eth0) && eth0[j]-eth0[i] < Instant(time.Second) {
				t.Fatalf("%d announcements within %v", j-i, time.Duration(eth0[j]-eth0[i]))
			}
		}
		if got := b.heard(other.Addr, from); len(got) == 0 || got[0] != "0.0" {
			t.Errorf("the other link's address was announced at %v", got)
		}
	})
}

// Six hundred addresses on one link: each is announced once before any is repeated, and the whole at the link's pace.
func TestManyAddressesAreAnnouncedInTurn(t *testing.T) {
	const many = 600
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		from := b.clock()
		var want []Held
		for i := range many {
			want = append(want, b.held(netip.AddrFrom4([4]byte{192, 0, byte(2 + i/200), byte(i%200 + 10)}), 1, time.Hour))
		}
		b.hold(want...)
		b.sleep(time.Minute)
		heard := make(map[netip.Addr]int)
		for i, a := range b.fake.Announcements() {
			heard[a.Addr]++
			if i < many && heard[a.Addr] > 1 {
				t.Fatalf("%s is repeated after %v, when %d have not been announced", a.Addr, time.Duration(a.At-from), many-len(heard))
			}
			if last := Instant(float64(many-burst) / float64(pace) * float64(time.Second)); i == many-1 && a.At-from > last+Instant(50*time.Millisecond) {
				t.Errorf("the last is announced after %v, want %v", time.Duration(a.At-from), time.Duration(last))
			}
		}
		if len(heard) != many {
			t.Errorf("%d addresses announced, want %d", len(heard), many)
		}
	})
}

func TestAnnouncementThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.fake.Before(func(c Call) error {
			if c.Method == "Announce" {
				return syscall.ENOBUFS
			}
			return nil
		})
		from := b.clock()
		b.hold(b.held(ten, 1, time.Hour))
		b.sleep(900 * time.Millisecond)
		if r := b.k.Report()[0]; !r.Announced.IsZero() || r.Told != 0 || r.Up != from || r.Silent != syscall.ENOBUFS.Error() {
			t.Errorf("reported %+v, up at %v, while nothing can be sent", r, from)
		}
		b.fake.Before(nil)
		b.sleep(10 * time.Second)
		if diff := cmp.Diff([]string{"1.0", "1.2", "2.4", "5.0"}, b.heard(ten, from)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		r := b.k.Report()[0]
		if first := Instant(time.Second); r.Announced.IsZero() || r.Told != from+first || r.Silent != "" {
			t.Errorf("reported %+v, want it announced first after %v", r, time.Duration(first))
		}
		next := b.clock()
		b.hold(b.held(ten, 2, time.Hour)) // it stays, and belongs to another holding
		b.sleep(time.Second)
		if r := b.k.Report()[0]; r.Up != next || r.Told != next {
			t.Errorf("in the next epoch reported %+v, want it up and announced at %v", r, next)
		}
	})
}
