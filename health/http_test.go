package health

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"polso/config"
)

// serveWith answers HTTP of the versions on loopback: by TLS with settings, or in clear.
func serveWith(t testing.TB, settings *tls.Config, versions func(*http.Protocols), h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	versions(s.Config.Protocols)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of handshakes that are refused on purpose
	if s.TLS = settings; settings != nil {
		s.EnableHTTP2 = s.Config.Protocols.HTTP2()
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

func one(p *http.Protocols)  { p.SetHTTP1(true) }
func two(p *http.Protocols)  { p.SetHTTP2(true); p.SetUnencryptedHTTP2(true) }
func both(p *http.Protocols) { one(p); two(p) }

// proto answers with the version of HTTP and the scheme that it was asked by.
func proto(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, " ", r.TLS != nil) }

func TestHTTPRequest(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %s %s %v", r.Method, r.RequestURI, r.Host, r.Header["X-A"], r.UserAgent(), r.Close)
	})
	host := at.String()
	for name, tt := range map[string]struct {
		check config.Check
		want  string
	}{
		"defaults":          {config.Check{}, "GET / " + host + " [] polso-check true"},
		"method":            {config.Check{Method: "OPTIONS", Path: "/a?b=c"}, "OPTIONS /a?b=c " + host + " [] polso-check true"},
		"headers and host":  {config.Check{Host: "www.example:81", Headers: map[string]string{"x-a": "1 2"}}, "GET / www.example:81 [1 2] polso-check true"},
		"another of itself": {config.Check{Headers: map[string]string{"User-Agent": "mine"}}, "GET / " + host + " [] mine true"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.check.Kind, tt.check.Contains = config.CheckHTTP, tt.want
			says(t, at, tt.check, true, `http: 200 after \S+ ms`)
		})
	}
}

func TestHTTPBody(t *testing.T) {
	const body = `{"state":"up","queue":7}`
	at := serveWith(t, nil, both, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/none":
			_, _ = io.WriteString(w, "no ")
		case "/chunks":
			w.(http.Flusher).Flush()
		case "/long":
			_, _ = io.WriteString(w, strings.Repeat(" ", maxBody-len(body)))
		case "/longer":
			_, _ = io.WriteString(w, strings.Repeat(" ", maxBody-len(body)+1))
		}
		_, _ = io.WriteString(w, body)
	})
	for name, tt := range map[string]struct {
		check config.Check
		ok    bool
		want  string
	}{
		"contains":               {config.Check{Contains: `"up"`}, true, `200 after \S+ ms`},
		"does not":               {config.Check{Contains: "down\n"}, false, `200, but the body does not contain "down\\n" after \S+ ms`},
		"matches":                {config.Check{Matches: `"queue":\d`}, true, `200 after \S+ ms`},
		"does not match":         {config.Check{Matches: `"queue":\d\d`}, false, `200, but the body does not match "\\"queue\\":\\\\d\\\\d" after \S+ ms`},
		"both":                   {config.Check{Contains: "up", Matches: "^{"}, true, `200 after \S+ ms`},
		"the first, and not":     {config.Check{Contains: "up", Matches: "^}"}, false, `200, but the body does not match "\^}" after \S+ ms`},
		"json":                   {config.Check{JSON: `status == 200 && body.queue < 10`}, true, `200 after \S+ ms`},
		"json, and not true":     {config.Check{JSON: `body.queue < 7`}, false, `200, but body\.queue < 7 is not true after \S+ ms`},
		"json of what is not":    {config.Check{JSON: `body.length < 7`}, false, `200, but unsupported attribute: .*"length" after \S+ ms`},
		"no json":                {config.Check{Path: "/none", JSON: `body.queue < 7`}, false, `200, but the body is no JSON after \S+ ms`},
		"no condition":           {config.Check{JSON: `body.queue <`}, false, `missing expression: .* after \S+ ms`},
		"json that is too long":  {config.Check{Path: "/longer", JSON: `body.queue == 7`}, false, `200, but the body is no JSON after \S+ ms; only the first 64 KiB .*`},
		"no expression":          {config.Check{Matches: "("}, false, "error parsing regexp: .* after \\S+ ms"},
		"status first":           {config.Check{Path: "/down", Contains: "up"}, false, `503 after \S+ ms`},
		"another status":         {config.Check{Path: "/down", Contains: "up", Status: []config.StatusRange{{From: 503, To: 503}}}, true, `503 after \S+ ms`},
		"chunks":                 {config.Check{Path: "/chunks", Contains: "up"}, true, `200 after \S+ ms`},
		"as long as it may be":   {config.Check{Path: "/long", Contains: "7}"}, true, `200 after \S+ ms`},
		"longer":                 {config.Check{Path: "/longer", Contains: "7"}, true, `200 after \S+ ms; only the first 64 KiB of the body were looked at`},
		"longer, and not in it":  {config.Check{Path: "/longer", Contains: "7}"}, false, `200, but the body does not contain "7}" after \S+ ms; only the first 64 KiB .*`},
		"HEAD has no body":       {config.Check{Method: "HEAD"}, true, `200 after \S+ ms`},
		"longer, and not wanted": {config.Check{Path: "/longer"}, true, `200 after \S+ ms`},
	} {
		t.Run(name, func(t *testing.T) {
			tt.check.Kind = config.CheckHTTP
			says(t, at, tt.check, tt.ok, "http: "+tt.want)
			tt.check.Version = "2"
			says(t, at, tt.check, tt.ok, "http: "+tt.want)
		})
	}
}

func TestHTTPServers(t *testing.T) {
	say := func(text string) netip.AddrPort {
		return talk(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, text)
		})
	}
	stall := func(text string) netip.AddrPort {
		return talk(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, text)
			_, _ = io.Copy(io.Discard, c)
		})
	}
	const short, some = 100 * time.Millisecond, 2 * time.Second // some: within it a busy machine has said the header
	for _, tt := range []struct {
		name  string
		at    netip.AddrPort
		check config.Check
		ok    bool
		want  string
	}{
		{"interim answers", say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), config.Check{}, true, `200 after \S+ ms`},
		{"HTTP/1.0", say("HTTP/1.0 200 OK\r\n\r\nhello"), config.Check{Contains: "hello"}, true, `200 after \S+ ms`},
		{"a protocol that is not asked for", say("HTTP/1.1 101 Switching Protocols\r\n\r\n"), config.Check{}, false, `101 after \S+ ms`},
		{"closes", say(""), config.Check{}, false, `the server closed before it had answered after \S+ ms`},
		{"closes at once", talk(t, func(net.Conn) {}), config.Check{}, false, `(the server closed before it had answered|connection reset by peer) after \S+ ms`},
		{"closes within the header", say("HTTP/1.1 200 OK\r\nA: b"), config.Check{}, false, `the server closed before it had answered after \S+ ms`},
		{"closes within the body", say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), config.Check{Contains: "ok"}, false, `200, but the body broke off: unexpected EOF after \S+ ms`},
		{"answers before it is asked", talk(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 503 Full\r\n\r\n")
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		}), config.Check{}, false, `503 after \S+ ms`},
		{"garbage", say("220 mail.example ESMTP\r\n"), config.Check{}, false, `malformed HTTP status code "mail\.example" after \S+ ms`},
		{"a header without end", say("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", maxHeader)), config.Check{}, false, `the header of the answer is longer than 64 KiB after \S+ ms`},
		{"interim answers without end", say(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxHeader/20)), config.Check{}, false, `the header of the answer is longer than 64 KiB after \S+ ms`},
		{"hangs", stall(""), config.Check{Timeout: short}, false, `no answer within 100ms`},
		{"hangs within the header", stall("HTTP/1.1 200 OK\r\n"), config.Check{Timeout: short}, false, `no answer within 100ms`},
		{"hangs within the body", stall("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), config.Check{Contains: "ok", Timeout: some}, false, `200, but the body did not end after \d+ ms`},
		{"a body that is not wanted is not waited for", stall("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), config.Check{}, true, `200 after \S+ ms`},
		{"a body that cannot help is not waited for", stall("HTTP/1.1 503 Full\r\nContent-Length: 9\r\n\r\nok"), config.Check{Contains: "ok"}, false, `503 after \S+ ms`},
		{"a body in chunks of one byte", say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", maxBody) + "1\r\ny\r\n0\r\n\r\n"), config.Check{Contains: "xx"}, true, `200 after \S+ ms; only the first 64 KiB .*`},
		{"slow", serve(t, func(http.ResponseWriter, *http.Request) { time.Sleep(short) }), config.Check{}, true, `200 after \d{3,} ms`},

		{"2: refuses", closed(t), config.Check{Version: "2"}, false, `connection refused after \S+ ms`},
		{"2: closes", say(""), config.Check{Version: "2"}, false, `(the server closed before it had answered|connection reset by peer) after \S+ ms`},
		{"2: hangs", stall(""), config.Check{Version: "2", Timeout: short}, false, `no answer within 100ms`},
		{"2: garbage", say("220 mail.example ESMTP\r\n"), config.Check{Version: "2"}, false, `.* after \S+ ms`},
		{"2: speaks HTTP/1.1", serveWith(t, nil, one, proto), config.Check{Version: "2"}, false, `the server speaks HTTP/1\.1, not HTTP/2 after \S+ ms`},
		{"2: hangs within the body", serveWith(t, nil, two, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "ok")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), config.Check{Version: "2", Contains: "ok", Timeout: some}, false, `200, but the body did not end after \d+ ms`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.check.Kind = config.CheckHTTP
			says(t, tt.at, tt.check, tt.ok, "http: "+tt.want)
		})
	}
}

func TestHTTPVersions(t *testing.T) {
	ca := newAuthority(t, "CA")
	cert := ca.sign(t, -time.Hour, 30*time.Hour, "127.0.0.1")
	for _, tt := range []struct {
		name     string
		speaks   func(*http.Protocols)
		tls      bool
		version  string
		contains string
		ok       bool
		want     string
	}{
		{"clear", both, false, "", "HTTP/1.1 false", true, `200`},
		{"clear 1.1", both, false, "1.1", "HTTP/1.1 false", true, `200`},
		{"clear 2", both, false, "2", "HTTP/2.0 false", true, `200`},
		{"tls of both", both, true, "", "HTTP/2.0 true", true, `200`},
		{"tls of one", one, true, "", "HTTP/1.1 true", true, `200`},
		{"tls 1.1", both, true, "1.1", "HTTP/1.1 true", true, `200`},
		{"tls 2", both, true, "2", "HTTP/2.0 true", true, `200`},
		{"tls 2 of one", one, true, "2", "", false, `(the server refused the TLS handshake: no application protocol|the server does not offer HTTP/2)`},
		{"tls, and no 1.1", two, true, "1.1", "", false, `the server closed before it had answered`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check, scheme := config.Check{Kind: config.CheckHTTP, Version: tt.version, Contains: tt.contains}, "http: "
			var settings *tls.Config
			note := ""
			if tt.tls {
				check.TLS, check.CA, check.ExpiryWarn, scheme, settings = true, ca.pem, 48*time.Hour, "https: ", shows(cert)
				if tt.ok {
					note = "; certificate ends in 29 h"
				}
			}
			got := says(t, serveWith(t, settings, tt.speaks, proto), check, tt.ok, scheme+tt.want+` after \S+ ms`+note)
			if tt.ok && tt.tls != !got.Expires.IsZero() {
				t.Errorf("expires %s", got.Expires)
			}
		})
	}
}

func TestHTTPSVerifies(t *testing.T) {
	ca := newAuthority(t, "CA")
	at := serveWith(t, shows(ca.sign(t, -time.Hour, time.Hour, "web.example")), both, status(200))
	says(t, at, config.Check{Kind: config.CheckHTTP, TLS: true, CA: ca.pem, Host: "web.example"}, true, `https: 200 after \S+ ms`)
	says(t, at, config.Check{Kind: config.CheckHTTP, TLS: true, CA: ca.pem}, false, `https: certificate is of web\.example, not of 127\.0\.0\.1; .*`)
	says(t, at, config.Check{Kind: config.CheckHTTP, TLS: true, Host: "web.example"}, false, `https: certificate of an unknown authority.*`)
	says(t, at, config.Check{Kind: config.CheckHTTP, TLS: true, NoVerify: true}, true, `https: 200 after \S+ ms`)
}

// TestHTTPSWithoutClientCertificate: in TLS 1.3 the refusal comes after the handshake.
func TestHTTPSWithoutClientCertificate(t *testing.T) {
	ca := newAuthority(t, "CA")
	settings := shows(ca.sign(t, -time.Hour, time.Hour, "127.0.0.1"))
	settings.ClientAuth, settings.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	settings.ClientCAs.AddCert(ca.cert)
	cert, key := files(t, ca.sign(t, -time.Hour, time.Hour, "router"))
	for _, version := range []string{"1.1", "2"} {
		t.Run(version, func(t *testing.T) {
			at := serveWith(t, settings, both, status(200))
			check := config.Check{Kind: config.CheckHTTP, TLS: true, CA: ca.pem, Version: version}
			// HTTP/2 writes beside reading, and may find the connection closed before it finds out why.
			says(t, at, check, false, `https: (the server refused the TLS handshake: certificate required|the server closed before it had answered|connection reset by peer) after \S+ ms`)
			check.ClientCert, check.ClientKey = cert, key
			says(t, at, check, true, `https: 200 after \S+ ms`)
		})
	}
}

func TestHTTPRedirects(t *testing.T) {
	var at netip.AddrPort
	h := func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/one": "two", "/two": "/end?x=1", "/end": "", "/full": "http://" + at.String() + "/end", "/host": "http://www.example/end",
			"/away": "http://10.9.9.9/end", "/secure": "https://" + at.String() + "/end", "/loop": "/loop", "/bad": "http://[/", "/kept": "/method",
		}[r.URL.Path]
		code := http.StatusFound
		switch r.URL.Path {
		case "/kept":
			code = http.StatusPermanentRedirect
		case "/method":
			fmt.Fprint(w, r.Method)
			return
		case "/changed":
			to = "/method"
		case "/nowhere":
			w.WriteHeader(code)
			return
		}
		if to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(code)
			return
		}
		fmt.Fprint(w, r.Host, " ", r.URL)
	}
	for _, version := range []string{"1.1", "2"} {
		at = serveWith(t, nil, both, h)
		for _, tt := range []struct {
			path  string
			most  int
			check config.Check
			ok    bool
			want  string
		}{
			{"/one", 0, config.Check{}, false, `302 after \S+ ms`},
			{"/one", 2, config.Check{Contains: at.String() + " /end?x=1"}, true, `200 after \S+ ms`},
			{"/one", 1, config.Check{}, false, `302 after \S+ ms; 1 redirects? (was|were) followed`},
			{"/full", 1, config.Check{Contains: at.String() + " /end"}, true, `200 after \S+ ms`},
			{"/host", 1, config.Check{Host: "www.example", Contains: "www.example /end"}, true, `200 after \S+ ms`},
			{"/host", 1, config.Check{}, false, `302 after \S+ ms; redirect to http://www\.example/end, another server`},
			{"/away", 9, config.Check{}, false, `302 after \S+ ms; redirect to http://10\.9\.9\.9/end, another server`},
			{"/away", 9, config.Check{Status: []config.StatusRange{{From: 302, To: 302}}}, true, `302 after \S+ ms; redirect to http://10\.9\.9\.9/end, another server`},
			{"/secure", 9, config.Check{}, false, `302 after \S+ ms; redirect to https://127\.0\.0\.1:\d+/end, another server`},
			{"/loop", 10, config.Check{}, false, `302 after \S+ ms; 10 redirects were followed`},
			{"/bad", 1, config.Check{}, false, `302 after \S+ ms; redirect to "http://\[/", which is no address`},
			{"/nowhere", 1, config.Check{}, false, `302 after \S+ ms`},
			{"/kept", 1, config.Check{Method: "POST", Contains: "POST"}, true, `200 after \S+ ms`},
			{"/changed", 1, config.Check{Method: "POST", Contains: "GET"}, true, `200 after \S+ ms`},
		} {
			t.Run(fmt.Sprintf("%s %s %d", version, tt.path, tt.most), func(t *testing.T) {
				tt.check.Kind, tt.check.Version, tt.check.Path, tt.check.Redirects = config.CheckHTTP, version, tt.path, tt.most
				says(t, at, tt.check, tt.ok, "http: "+tt.want)
			})
		}
	}
}

func TestTraceOfHTTPS(t *testing.T) {
	ca := newAuthority(t, "CA")
	at := serveWith(t, shows(ca.sign(t, -time.Hour, time.Hour, "127.0.0.1")), both, proto)
	for version, wants := range map[string][]string{
		"1.1": {"connected\nhandshake: TLS 1.3, TLS_", "_SHA256, certificate of 127.0.0.1", `sent "GET / HTTP/1.1\r\nHost: `, `received "HTTP/1.1 200 OK\r\n`, "\nclosed"},
		"2":   {"connected\nhandshake: TLS 1.3, TLS_", ", h2, certificate of 127.0.0.1", `sent "GET / HTTP/2.0\r\nHost: ` + at.String() + `\r\n`, `received "HTTP/2.0 200 OK\r\n`, `HTTP/2.0 true"`, "\nclosed"},
	} {
		result, steps := traced(t, at, config.Check{Kind: config.CheckHTTP, TLS: true, CA: ca.pem, Version: version, Contains: "HTTP"})
		all := strings.Join(steps, "\n")
		for _, want := range wants {
			if !result.OK || !strings.Contains(all, want) {
				t.Errorf("%s: got %+v\n%s\nwhich lacks %s", version, result, all, want)
			}
		}
		if n := strings.Count(all, "closed"); n != 1 {
			t.Errorf("%s: closed %d times\n%s", version, n, all)
		}
	}
}
