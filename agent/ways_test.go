package agent

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"polso/config"
	"polso/detour"
	"polso/health"
)

// TestWays: targets through virtuals have their ways made, and what hinders is a problem of this router.
func TestWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kernel := new(detour.Fake)
		w := newWays(kernel)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.run(ctx) }()
		virtual, server := netip.MustParseAddrPort("192.0.2.10:80"), netip.MustParseAddrPort("10.0.0.1:80")
		checks := leading{checks: health.New(health.Options{}), ways: w}
		checks.Set([]health.Target{{Addr: server}, {Addr: server, Way: health.Way{Virtual: virtual, Forward: config.Tun}}})
		synctest.Wait()
		s, _ := kernel.State()
		if got := s.Detours(); len(got) != 1 || got[0].String() != "192.0.2.10 by ipip to 10.0.0.1" {
			t.Errorf("made %v", got)
		}
		if at, err := w.detour(virtual.Addr(), server.Addr(), config.Tun); err != nil || at != s.Detours()[0].At {
			t.Errorf("leads to %s: %v", at, err)
		}
		if got := w.troubles(); len(got) > 0 {
			t.Errorf("troubles: %v", got)
		}
		kernel.Fail(errors.New("operation not supported"))
		checks.Set([]health.Target{{Addr: server, Way: health.Way{Virtual: virtual, Forward: config.DR}}})
		synctest.Wait()
		got := w.troubles()
		if len(got) != 1 || got[0].What != "check through 192.0.2.10 by dr to 10.0.0.1" || !strings.HasSuffix(got[0].Why, "asked at its own address: operation not supported") {
			t.Errorf("troubles: %v", got)
		}
		kernel.Fail(nil)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if s, _ := kernel.State(); s.Base || len(s.Routes) > 0 {
			t.Errorf("left: %+v", s)
		}
	})
}

// TestNoWays: without an edge nobody is led anywhere.
func TestNoWays(t *testing.T) {
	w := newWays(nil)
	w.set([]health.Target{{Way: health.Way{Virtual: netip.MustParseAddrPort("192.0.2.10:80")}}})
	if at, err := w.detour(netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("10.0.0.1"), config.DR); err == nil || len(w.troubles()) > 0 {
		t.Errorf("leads to %s; troubles %v", at, w.troubles())
	}
}
