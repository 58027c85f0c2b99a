package vip

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatchRings(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(b *bench)
		want int
	}{
		{"nothing", func(*bench) {}, 0},
		{"renewals", func(b *bench) { b.sleep(10 * time.Second) }, 0},
		{"an address taken up", func(b *bench) { b.hold(b.held(eleven, 1, time.Hour)) }, 0},
		{"ours taken away", func(b *bench) { _ = b.fake.Take(hostPrefix(ten), "eth0") }, 1},
		{"somebody's address", func(b *bench) { _ = b.fake.Put(hostPrefix(eleven), "eth0") }, 1},
		{"our address on another link", func(b *bench) { _ = b.fake.Put(hostPrefix(ten), "eth1") }, 1},
		{"a link goes down", func(b *bench) {
			b.fake.SetLink(Link{Name: "eth1", Index: 3, MAC: []byte{2, 0, 0, 0, 0, 3}})
		}, 1},
		{"a link as it was", func(b *bench) {
			b.fake.SetLink(Link{Name: "eth1", Index: 3, MAC: []byte{2, 0, 0, 0, 0, 3}, Up: true})
		}, 0},
		{"a new link", func(b *bench) { b.fake.SetLink(Link{Name: "eth2", Index: 4, Up: true}) }, 1},
		{"changes missed", func(b *bench) { b.fake.Break(); b.sleep(resubscribe) }, 1},
		{"changes after some were missed", func(b *bench) {
			b.fake.Break()
			b.sleep(resubscribe)
			_ = b.fake.Put(hostPrefix(eleven), "eth0")
		}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				rings := 0
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- b.k.Watch(ctx, func() { rings++ }) }()
				b.hold(b.held(ten, 1, time.Hour))
				if rings != 1 {
					t.Errorf("rang %d times at the start, want once", rings)
				}
				rings = 0
				tt.do(b)
				synctest.Wait()
				if rings != tt.want {
					t.Errorf("rang %d times, want %d", rings, tt.want)
				}
				cancel()
				if err := <-done; err != nil {
					t.Errorf("Watch: %v", err)
				}
			})
		})
	}
}
