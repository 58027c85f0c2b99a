package health

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"polso/config"
)

// serve answers HTTP on loopback and returns where.
func serve(t *testing.T, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

func serveTLS(t *testing.T, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

// listen takes connections on loopback and says nothing.
func listen(t *testing.T, network, at string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen(network, at)
	if err != nil {
		t.Skipf("listen on %s: %v", at, err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return netip.MustParseAddrPort(l.Addr().String())
}

// closed returns a port of loopback where nothing listens.
func closed(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestProbe(t *testing.T) {
	const enough = 20 * time.Second
	healthz := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/healthz?deep=1" || r.Host != "www.example.com" || r.UserAgent() != "polso-check" || !r.Close {
			http.Error(w, fmt.Sprint(r.URL, r.Host, r.UserAgent(), r.Close), http.StatusTeapot)
		}
	}
	mute := listen(t, "tcp4", "127.0.0.1:0")
	tests := []struct {
		name  string
		addr  netip.AddrPort
		check config.Check
		ok    bool
		want  string // a regular expression: only times vary
	}{
		{"tcp connects", mute, config.Check{Kind: config.CheckTCP, Timeout: enough}, true, `tcp: connected after \S+ ms`},
		{"tcp over IPv6", listen(t, "tcp6", "[::1]:0"), config.Check{Kind: config.CheckTCP, Timeout: enough}, true, `tcp: connected after \S+ ms`},
		{"tcp refused", closed(t), config.Check{Kind: config.CheckTCP, Timeout: enough}, false, `tcp: connection refused after \S+ ms`},
		{"http default status", serve(t, status(204)), config.Check{Kind: config.CheckHTTP, Timeout: enough}, true, `http: 204 after \S+ ms`},
		{"http bad status", serve(t, status(503)), config.Check{Kind: config.CheckHTTP, Timeout: enough}, false, `http: 503 after \S+ ms`},
		{"http chosen status", serve(t, status(401)), config.Check{Kind: config.CheckHTTP, Timeout: enough, Status: []config.StatusRange{{From: 200, To: 299}, {From: 401, To: 401}}}, true, `http: 401 after \S+ ms`},
		{"http outside the chosen", serve(t, status(204)), config.Check{Kind: config.CheckHTTP, Timeout: enough, Status: []config.StatusRange{{From: 200, To: 200}}}, false, `http: 204 after \S+ ms`},
		{"http redirect is not followed", serve(t, http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP), config.Check{Kind: config.CheckHTTP, Timeout: enough}, false, `http: 302 after \S+ ms`},
		{"http path, host and agent", serve(t, healthz), config.Check{Kind: config.CheckHTTP, Timeout: enough, Path: "/healthz?deep=1", Host: "www.example.com"}, true, `http: 200 after \S+ ms`},
		{"http says nothing", mute, config.Check{Kind: config.CheckHTTP, Timeout: 50 * time.Millisecond}, false, `http: no answer within 50ms`},
		{"http refused", closed(t), config.Check{Kind: config.CheckHTTP, Timeout: enough}, false, `http: connection refused after \S+ ms`},
		{"https of any certificate", serveTLS(t, status(200)), config.Check{Kind: config.CheckHTTP, Timeout: enough, TLS: true, NoVerify: true}, true, `https: 200 after \S+ ms`},
		{"https asked of http", serve(t, status(200)), config.Check{Kind: config.CheckHTTP, Timeout: enough, TLS: true}, false, `https: not TLS: the server speaks HTTP in clear after \S+ ms`},
		{"http path that is no path", mute, config.Check{Kind: config.CheckHTTP, Timeout: enough, Path: "/%zz"}, false, `http: .*invalid URL escape "%zz" after \S+ ms`},
		{"unknown kind", mute, config.Check{Kind: "gopher", Timeout: enough}, false, `gopher: unknown kind of check "gopher" after \S+ ms`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Probe(t.Context(), Target{Addr: tt.addr, Check: tt.check})
			if got.OK != tt.ok || !regexp.MustCompile("^"+tt.want+"$").MatchString(got.Reason) {
				t.Errorf("got %v %q\nwant %v %q", got.OK, got.Reason, tt.ok, tt.want)
			}
			if silent := strings.Contains(tt.want, "no answer"); got.Silent != silent {
				t.Errorf("silent: %v, want %v", got.Silent, silent)
			}
			if got.Took <= 0 || got.Took > tt.check.Timeout+enough {
				t.Errorf("took %s with a timeout of %s", got.Took, tt.check.Timeout)
			}
		})
	}
}

// TestProbeDoesNotWaitForABody: a server that streams for ever answered with its status line.
func TestProbeDoesNotWaitForABody(t *testing.T) {
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	got := Probe(t.Context(), Target{Addr: addr, Check: config.Check{Kind: config.CheckHTTP, Timeout: 20 * time.Second}})
	if !got.OK || got.Took > 10*time.Second {
		t.Errorf("got %+v", got)
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := Probe(ctx, Target{Addr: closed(t), Check: config.Check{Kind: config.CheckTCP, Timeout: time.Minute}})
	if got.OK || !strings.Contains(got.Reason, "cancelled") {
		t.Errorf("got %+v from a probe that was cancelled", got)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	got = Probe(ctx, Target{Addr: listen(t, "tcp4", "127.0.0.1:0"), Check: config.Check{Kind: config.CheckHTTP, Timeout: time.Minute}})
	if got.OK || got.Took > 10*time.Second || !strings.HasPrefix(got.Reason, "http: cancelled after") {
		t.Errorf("got %+v from a probe that was cancelled under way", got)
	}
}

func TestMillis(t *testing.T) {
	for d, want := range map[time.Duration]string{
		40 * time.Microsecond:    "0 ms",
		1240 * time.Microsecond:  "1.2 ms",
		3 * time.Millisecond:     "3 ms",
		15900 * time.Microsecond: "15 ms",
		2 * time.Second:          "2000 ms",
	} {
		if got := millis(d); got != want {
			t.Errorf("millis(%s) = %q, want %q", d, got, want)
		}
	}
}

// TestProbeFrom: both kinds of check come from where they are told to, and from somewhere if that is no address of this machine.
func TestProbeFrom(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127/8 on loopback")
	}
	seen := make(chan string, 1)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: status(200), ConnState: func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			seen <- host
		}
	}}
	go func() { _ = s.Serve(l) }() // until Close
	t.Cleanup(func() { _ = s.Close() })
	at := netip.MustParseAddrPort(l.Addr().String())
	for _, kind := range []config.CheckKind{config.CheckTCP, config.CheckHTTP} {
		for _, tt := range []struct {
			from netip.Addr
			want string
		}{
			{netip.Addr{}, "127.0.0.1"},
			{netip.MustParseAddr("127.0.0.2"), "127.0.0.2"},
			{netip.MustParseAddr("192.0.2.200"), "127.0.0.1"},
		} {
			t.Run(string(kind)+" "+tt.from.String(), func(t *testing.T) {
				ask := ProbeFrom(func(target netip.Addr) netip.Addr {
					if target != at.Addr() {
						t.Errorf("asked about %s, want %s", target, at.Addr())
					}
					return tt.from
				}, nil)
				result := ask(t.Context(), Target{Addr: at, Check: config.Check{Kind: kind, Timeout: 20 * time.Second}})
				if !result.OK {
					t.Fatalf("%+v", result)
				}
				if got := <-seen; got != tt.want {
					t.Errorf("came from %s, want %s", got, tt.want)
				}
			})
		}
	}
}
