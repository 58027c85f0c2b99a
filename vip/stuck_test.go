package vip

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// slow has the calls that match take a while, before they have their effect.
func slow(method string, d time.Duration) func(Call) error {
	return func(c Call) error {
		if c.Method == method {
			time.Sleep(d)
		}
		return nil
	}
}

func TestSlowAddIsUndone(t *testing.T) {
	for _, tt := range []struct {
		name string
		took time.Duration
		want string
	}{
		{"within half the margin", 20 * time.Millisecond, "192.0.2.10/32 dev eth0\n"},
		{"longer", 21 * time.Millisecond, ""},
		{"beyond its end", 2 * time.Second, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.fake.Before(slow("Add", tt.took))
				err := b.k.Hold([]Held{b.held(ten, 1, time.Second)})
				if got := errors.Is(err, ErrLate); got != (tt.want == "") {
					t.Errorf("Hold: %v", err)
				}
				b.present(tt.want)
				if tt.want == "" && len(b.fake.Announcements()) > 0 {
					t.Error("announced")
				}
			})
		})
	}
}

func TestDropWaitsForAnAddInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.fake.Before(slow("Add", 15*time.Millisecond))
		result := make(chan error, 1)
		h := b.held(ten, 1, time.Second)
		go func() { result <- b.k.Hold([]Held{h}) }()
		b.sleep(5 * time.Millisecond)
		if err := b.k.Drop(); err != nil {
			t.Fatal(err)
		}
		b.present("")
		if err := <-result; !errors.Is(err, ErrLate) {
			t.Errorf("Hold: %v", err)
		}
		b.sleep(time.Second)
		b.diary("ip addr add 192.0.2.10/32 dev eth0", "ip addr del 192.0.2.10/32 dev eth0")
	})
}

func TestDropWaitsForARenewalInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, time.Hour))
		b.fake.Before(slow("Renew", 15*time.Millisecond))
		b.sleep(605 * time.Millisecond)
		if err := b.k.Drop(); err != nil {
			t.Fatal(err)
		}
		b.sleep(time.Second)
		b.diary("ip addr add 192.0.2.10/32 dev eth0", "announce 192.0.2.10 dev eth0", "announce 192.0.2.10 dev eth0",
			"ip addr del 192.0.2.10/32 dev eth0") // and not: brought back by the renewal
	})
}

func TestDropWaitsForAnAnnouncementInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.fake.Before(slow("Announce", 50*time.Millisecond))
		b.hold(b.held(ten, 1, time.Hour))
		began := b.clock()
		if err := b.k.Drop(); err != nil {
			t.Fatal(err)
		}
		if took := b.clock() - began; took < Instant(50*time.Millisecond) {
			t.Errorf("Drop took %v: it did not wait for the send", time.Duration(took))
		}
		b.sleep(time.Second)
		// The one that had begun let no frame out any more.
		b.diary("ip addr add 192.0.2.10/32 dev eth0", "ip addr del 192.0.2.10/32 dev eth0")
	})
}

func TestDropTellsOfAnAnnouncementThatIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.fake.Before(slow("Announce", 5*time.Second))
		b.hold(b.held(ten, 1, time.Hour))
		if err := b.k.Drop(); !errors.Is(err, ErrNotGone) || !strings.Contains(err.Error(), "announcement is stuck") {
			t.Errorf("Drop: %v", err)
		}
		b.present("")
		b.sleep(5 * time.Second)
		if err := b.k.Drop(); err != nil {
			t.Errorf("Drop, once it is over: %v", err)
		}
	})
}

// Opening the sockets can take long, or the process is stopped meanwhile: the end comes before the first frame.
func TestSlowAnnouncementLetsNothingOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.fake.Before(slow("Announce", 400*time.Millisecond))
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		b.sleep(time.Second)
		b.diary("ip addr add 192.0.2.10/32 dev eth0", "ip addr del 192.0.2.10/32 dev eth0")
	})
}

// Somebody takes the address away while its renewal is stuck in the kernel, and then its end comes: the keeper waits for that
// without spinning. In virtual time a loop that spins never ends.
func TestEndOfWhatWasLostWhileItIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, 700*time.Millisecond))
		b.fake.Before(slow("Renew", 300*time.Millisecond))
		b.sleep(620 * time.Millisecond)
		if err := b.fake.Take(hostPrefix(ten), "eth0"); err != nil {
			t.Fatal(err)
		}
		if err := b.k.Hold([]Held{b.held(ten, 1, 100*time.Millisecond)}); !errors.Is(err, ErrLeaving) {
			t.Errorf("Hold: %v", err)
		}
		b.sleep(time.Second)
		b.present("")
		if r := b.k.Report(); len(r) != 0 {
			t.Errorf("reported: %+v", r)
		}
	})
}

// After a stop the goroutine that renews may be the first to run.
func TestNoRenewalBeyondTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jumped atomic.Int64
		b := newBench(t, func(o *Options) {
			plain := o.Clock
			o.Clock = func() Instant { return plain() + Instant(jumped.Load()) }
		})
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		jumped.Store(int64(time.Second))
		b.k.renew(1)
		if n := b.fake.Renewals(); n > 0 {
			t.Errorf("%d renewals of an address whose lease has ended", n)
		}
		b.sleep(40 * time.Millisecond) // the keeper looks at least that often
		b.present("")
	})
}

// The keeper itself is stuck in the kernel, over another address, when the end comes: what is on the schedule then is not
// sent.
func TestNoAnnouncementBeyondTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		from := b.clock()
		b.hold(b.held(ten, 1, time.Second), b.held(eleven, 1, 500*time.Millisecond))
		b.fake.Before(slow("Remove", 2*time.Second))
		b.sleep(10 * time.Second)
		if got := strings.Join(b.heard(ten, from), " "); got != "0.0 0.1" {
			t.Errorf("announced at %s", got)
		}
		b.present("")
	})
}

// Looking and renewing take their time; an end that comes meanwhile is not kept waiting.
func TestEndAmongRenewals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		var want []Held
		for i := range 30 {
			want = append(want, b.held(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 100)}), 1, time.Hour))
		}
		ending := b.held(ten, 1, 700*time.Millisecond)
		b.hold(append(want, ending)...)
		b.fake.Before(func(c Call) error {
			switch c.Method {
			case "Placed":
				time.Sleep(50 * time.Millisecond)
			case "Renew":
				time.Sleep(15 * time.Millisecond)
			}
			return nil
		})
		for b.clock() < ending.Until {
			b.sleep(time.Millisecond)
		}
		if strings.Contains(b.fake.String(), ten.String()+"/") {
			t.Error("still there at its end")
		}
	})
}

// The address is taken down at its end while a renewal is in flight, which brings it back.
func TestRenewalInFlightAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, 640*time.Millisecond))
		b.fake.Before(slow("Renew", 35*time.Millisecond))
		b.sleep(640 * time.Millisecond)
		b.diary("ip addr add 192.0.2.10/32 dev eth0", "announce 192.0.2.10 dev eth0", "announce 192.0.2.10 dev eth0",
			"ip addr del 192.0.2.10/32 dev eth0",
			"ip addr replace 192.0.2.10/32 dev eth0", "ip addr del 192.0.2.10/32 dev eth0")
		b.present("")
	})
}

// A slow renewal costs no address while the lease stands and the address cannot have expired; past either it does.
func TestSlowRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		h := b.held(ten, 1, time.Hour)
		b.hold(h)
		b.fake.Before(slow("Renew", 200*time.Millisecond))
		b.sleep(10 * time.Second)
		b.present("192.0.2.10/32 dev eth0\n")
		b.fake.Before(slow("Renew", 1500*time.Millisecond))
		b.sleep(3 * time.Second)
		b.fake.Before(nil)
		b.sleep(100 * time.Millisecond)
		b.present("")
		r := b.k.Report()
		if len(r) != 1 || r[0].Present || r[0].Loss != "the kernel was too slow over a renewal" {
			t.Errorf("reported: %+v", r)
		}
		b.hold(h) // the lease still stands
		b.present("192.0.2.10/32 dev eth0\n")
	})
}

// A renewal that the kernel carries out after the address has expired brings it back to life: it must go at once.
func TestRenewalThatRevivesIsUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, time.Hour))
		b.fake.Before(slow("Renew", 3*time.Second))
		b.sleep(600*time.Millisecond + 2900*time.Millisecond)
		b.present("") // expired meanwhile
		b.sleep(200 * time.Millisecond)
		b.present("")
		b.diary("ip addr add 192.0.2.10/32 dev eth0",
			"announce 192.0.2.10 dev eth0", "announce 192.0.2.10 dev eth0", "announce 192.0.2.10 dev eth0", "announce 192.0.2.10 dev eth0",
			"# expired: 192.0.2.10/32 dev eth0",
			"ip addr replace 192.0.2.10/32 dev eth0", "ip addr del 192.0.2.10/32 dev eth0")
	})
}

func TestFailedRenewalIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, time.Hour))
		fails := 3
		b.fake.Before(func(c Call) error {
			if c.Method == "Renew" && fails > 0 {
				fails--
				return syscall.ENOBUFS
			}
			return nil
		})
		b.sleep(10 * time.Second)
		b.present("192.0.2.10/32 dev eth0\n")
		if fails > 0 {
			t.Error("never tried")
		}
	})
}

// When neither look nor renewal succeeds for as long as the kernel keeps an address, nobody knows whether it is there.
func TestRenewalThatNeverSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, time.Hour))
		b.fake.Before(func(c Call) error {
			if c.Method == "Renew" || c.Method == "Placed" {
				return syscall.ENOBUFS
			}
			return nil
		})
		b.sleep(2500 * time.Millisecond)
		b.fake.Before(nil)
		b.present("")
		if r := b.k.Report(); len(r) != 1 || r[0].Present {
			t.Errorf("reported: %+v", r)
		}
	})
}

// The pass hangs in the kernel; the ends come all the same.
func TestEndsWhileThePassIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		b.fake.Before(func(c Call) error {
			if c.Method == "Add" && c.Addr == eleven {
				time.Sleep(2 * time.Second)
			}
			return nil
		})
		result := make(chan error, 1)
		h := b.held(eleven, 1, 350*time.Millisecond)
		go func() { result <- b.k.Hold([]Held{h}) }()
		b.sleep(345 * time.Millisecond)
		b.present("")
		if r := b.k.Report(); len(r) != 1 || r[0].Addr != eleven {
			t.Errorf("reported: %+v; want the one whose write is in flight", r)
		}
		if err := <-result; !errors.Is(err, ErrLate) {
			t.Errorf("Hold: %v", err)
		}
		b.present("")
		if r := b.k.Report(); len(r) != 0 {
			t.Errorf("reported: %+v", r)
		}
	})
}

// Announcements hang in the driver, the log's reader has gone; the ends come all the same.
func TestEndsWhileAnnouncementsAreStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.fake.Before(slow("Announce", time.Minute))
		b.hold(b.held(ten, 1, 350*time.Millisecond))
		b.sleep(345 * time.Millisecond)
		b.present("")
	})
}

func TestRemovalIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, time.Hour))
		var healed atomic.Bool
		tried := 0
		b.fake.Before(func(c Call) error {
			if c.Method == "Remove" && !healed.Load() {
				tried++
				return syscall.ENOBUFS
			}
			return nil
		})
		err := b.k.Drop()
		if !errors.Is(err, ErrNotGone) || !errors.Is(err, syscall.ENOBUFS) {
			t.Errorf("Drop: %v", err)
		}
		if tried != 1 {
			t.Errorf("tried %d times", tried)
		}
		if r := b.k.Report(); len(r) != 1 || !r[0].Present {
			t.Errorf("reported: %+v", r)
		}
		healed.Store(true)
		b.sleep(101 * time.Millisecond)
		b.present("")
		if r := b.k.Report(); len(r) != 0 {
			t.Errorf("reported: %+v", r)
		}
	})
}

func TestDropIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, time.Hour), b.held(eleven, 1, time.Hour), b.held(six, 1, time.Hour))
		release := make(chan struct{})
		b.fake.Before(func(c Call) error {
			if c.Method == "Remove" {
				<-release
			}
			return nil
		})
		began := time.Now()
		err := b.k.Drop()
		if !errors.Is(err, ErrNotGone) {
			t.Errorf("Drop: %v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		close(release)
	})
}

// A clock that jumps, as over a suspend: everything goes before anything else is done.
func TestJumpDropsFirst(t *testing.T) {
	for _, tt := range []struct {
		name string
		jump time.Duration
		want string
	}{
		{"a little late", 20 * time.Millisecond, "192.0.2.10/32 dev eth0\n"},
		{"by more than a write may take, as over a short suspend", 21 * time.Millisecond, ""},
		{"by more than half of what is left", time.Minute, ""},
		{"backwards", -time.Minute, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var jumped atomic.Int64
				b := newBench(t, func(o *Options) {
					plain := o.Clock
					o.Clock = func() Instant { return plain() + Instant(jumped.Load()) }
				})
				b.hold(b.held(ten, 1, 100*time.Second))
				// Not enough for its end to have come, yet more than half of what was left.
				b.sleep(time.Second)
				jumped.Store(int64(tt.jump))
				b.fake.Before(func(c Call) error {
					if c.Method == "Remove" {
						return nil
					}
					if tt.want == "" && strings.Contains(b.k.Report()[0].Loss, " ") && b.k.Report()[0].Present {
						t.Errorf("%s before the address was gone", c.Method)
					}
					return nil
				})
				b.sleep(time.Second)
				b.fake.Before(nil)
				b.present(tt.want)
			})
		})
	}
}

func TestSomebodyTakesItAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		rings := 0
		ctx, cancel := context.WithCancel(t.Context())
		go b.k.Watch(ctx, func() { rings++ }) //nolint:errcheck // nil after cancel
		defer cancel()
		h := b.held(ten, 1, time.Hour)
		b.hold(h)
		b.sleep(10 * time.Second) // past the schedule
		b.hold(h)
		rings = 0
		announced := len(b.fake.Announcements())
		if err := b.fake.Take(hostPrefix(ten), "eth0"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if rings != 1 {
			t.Errorf("rang %d times", rings)
		}
		b.hold(h)
		b.present("192.0.2.10/32 dev eth0\n")
		b.sleep(10 * time.Second)
		if n := len(b.fake.Announcements()) - announced; n != len(schedule) {
			t.Errorf("announced %d times after the re-add, want the schedule's %d", n, len(schedule))
		}
	})
}

// Nobody rings, nobody passes: the keeper's own look must not bring back what somebody took away.
func TestKeeperDoesNotReviveWhatWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.hold(b.held(ten, 1, time.Hour))
		if err := b.fake.Take(hostPrefix(ten), "eth0"); err != nil {
			t.Fatal(err)
		}
		b.sleep(10 * time.Second)
		b.present("")
		r := b.k.Report()
		if len(r) != 1 || r[0].Present || r[0].Loss != "the kernel no longer has it" {
			t.Errorf("reported: %+v", r)
		}
	})
}
