package health

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"polso/config"
)

// TestThrough: a check through the virtual asks where its detour leads, for the virtual's address; without a detour it asks the
// server's own address and says so.
func TestThrough(t *testing.T) {
	var host string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { host = r.Host }))
	defer s.Close()
	at := s.Listener.Addr().(*net.TCPAddr).AddrPort()
	virtual := netip.AddrPortFrom(netip.MustParseAddr("192.0.2.10"), at.Port())
	leads := func(v, server netip.Addr, by config.Forward) (netip.Addr, error) {
		if v != virtual.Addr() || server != netip.MustParseAddr("127.0.0.99") || by != config.DR {
			t.Errorf("asked for %s at %s by %s", v, server, by)
		}
		return at.Addr(), nil
	}
	fails := func(netip.Addr, netip.Addr, config.Forward) (netip.Addr, error) {
		return netip.Addr{}, errors.New("operation not supported")
	}
	for _, tt := range []struct {
		name   string
		server string
		detour Detour
		kind   config.CheckKind
		want   string
		host   string
	}{
		{"tcp", "127.0.0.99", leads, config.CheckTCP, "tcp through 192.0.2.10: connected", ""},
		{"http", "127.0.0.99", leads, config.CheckHTTP, "http through 192.0.2.10: 200", virtual.String()},
		{"no way", "127.0.0.1", fails, config.CheckTCP, "; asked at its own address, not through the virtual: operation not supported", ""},
		{"none at all", "127.0.0.1", nil, config.CheckTCP, "; asked at its own address, not through the virtual: there is no way on this router", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host = ""
			target := Target{
				Addr: netip.AddrPortFrom(netip.MustParseAddr(tt.server), at.Port()), Way: Way{virtual, config.DR},
				Check: config.Check{Kind: tt.kind, Timeout: 20 * time.Second, Through: config.ThroughVirtual, Path: "/", Status: []config.StatusRange{{From: 200, To: 299}}},
			}
			got := ProbeFrom(nil, tt.detour)(t.Context(), target)
			if !got.OK || !strings.Contains(got.Reason, tt.want) || host != tt.host {
				t.Errorf("got %+v, host %q; want %q, host %q", got, host, tt.want, tt.host)
			}
		})
	}
}

// TestThroughKey: another way is another question; without through a way is none.
func TestThroughKey(t *testing.T) {
	target := Target{Addr: netip.MustParseAddrPort("10.0.0.1:80"), Check: config.Check{Kind: config.CheckTCP}}
	plain := target.Key()
	target.Way = Way{netip.MustParseAddrPort("192.0.2.10:80"), config.DR}
	if target.Key() != plain {
		t.Errorf("a way that is not gone makes %q of %q", target.Key(), plain)
	}
	target.Check.Through = config.ThroughVirtual
	first := target.Key()
	for _, w := range []Way{{netip.MustParseAddrPort("192.0.2.11:80"), config.DR}, {netip.MustParseAddrPort("192.0.2.10:80"), config.Tun}} {
		target.Way = w
		if target.Key() == first {
			t.Errorf("%+v has the key %q", w, first)
		}
	}
}

// TestThroughInside: of a compound's children those through the virtual ask for it, at their own port if they have one.
func TestThroughInside(t *testing.T) {
	target := Target{
		Addr: netip.MustParseAddrPort("10.0.0.1:80"), Way: Way{netip.MustParseAddrPort("192.0.2.10:80"), config.DR},
		Check: config.Check{Kind: config.CheckAll, Of: []config.Check{
			{Kind: config.CheckTCP}, {Kind: config.CheckTCP, Through: config.ThroughVirtual}, {Kind: config.CheckTCP, Through: config.ThroughVirtual, Port: 443},
		}},
	}
	for i, want := range []string{"10.0.0.1:80", "192.0.2.10:80", "192.0.2.10:443"} {
		if got := target.Children()[i].asked().String(); got != want {
			t.Errorf("child %d asks %s, want %s", i, got, want)
		}
		if got := target.unpaced().Children()[i].asked().String(); got != want {
			t.Errorf("unpaced, child %d asks %s, want %s", i, got, want)
		}
	}
}
