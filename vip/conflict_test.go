package vip

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// listening is a bench whose Listen is under way, with ten held and announced.
func listening(t *testing.T) *bench {
	b := newBench(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.k.Listen(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Listen: %v", err)
		}
	})
	b.hold(b.held(ten, 1, time.Hour))
	b.sleep(10 * time.Second)
	return b
}

func (b *bench) claim(mac byte) {
	b.fake.Claim(Claim{Addr: ten, MAC: net.HardwareAddr{2, 0, 0, 0, 0, mac}, Index: 2})
}

// Ten claims a second are answered once a second, each answer on the usual schedule.
func TestConflictIsAnsweredAtAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := listening(t)
		from, heard := b.clock(), len(b.fake.Announcements())
		for range 30 {
			b.claim(0x99)
			b.sleep(100 * time.Millisecond)
		}
		if got := b.k.Report()[0].Conflict; got.Count != 30 || got.MAC.String() != "02:00:00:00:00:99" {
			t.Errorf("conflict: %+v", got)
		}
		if n := len(b.fake.Announcements()) - heard; n < 3 || n > 8 {
			t.Errorf("%d announcements in 3 s, at %v", n, b.heard(ten, from))
		}
		b.hold(b.held(ten, 2, time.Hour)) // another holding
		if got := b.k.Report()[0].Conflict; got.Count != 0 {
			t.Errorf("conflict in a new holding: %+v", got)
		}
	})
}

func TestClaimsThatAreNoConflict(t *testing.T) {
	for _, tt := range []struct {
		name  string
		claim Claim
	}{
		{"our own, brought back by the segment", Claim{Addr: ten, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, Index: 2}},
		{"an address that is not held", Claim{Addr: eleven, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 0x99}, Index: 2}},
		{"on another segment", Claim{Addr: ten, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 0x99}, Index: 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := listening(t)
				heard := len(b.fake.Announcements())
				b.fake.Claim(tt.claim)
				b.sleep(time.Second)
				if got := b.k.Report()[0].Conflict; got.Count != 0 || len(b.fake.Announcements()) != heard {
					t.Errorf("conflict: %+v, %d announcements", got, len(b.fake.Announcements())-heard)
				}
			})
		})
	}
}

// Who no longer holds the address does not fight for it.
func TestConflictAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := listening(t)
		if err := b.k.Drop(); err != nil {
			t.Fatal(err)
		}
		heard := len(b.fake.Announcements())
		b.claim(0x99)
		b.sleep(time.Second)
		if n := len(b.fake.Announcements()); n != heard {
			t.Errorf("%d announcements after Drop", n-heard)
		}
	})
}
