package agent

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/api"
	"polso/consensus/trust"
)

// visitor asks a router's door without saying who it is.
type visitor struct {
	t *testing.T
	*http.Client
	at string
}

// visit makes one that believes whatever r shows, and one after the other all that ca issued.
func visit(t *testing.T, r *router, roots *x509.CertPool) visitor {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, InsecureSkipVerify: roots == nil}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	dontFollow := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return visitor{t, &http.Client{Transport: transport, Timeout: patience, CheckRedirect: dontFollow}, "https://" + r.api}
}

// ask is the answer's status and body.
func (v visitor) ask(method, path string, headers ...string) (int, string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.at+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := v.Do(req)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, string(text)
}

// The door is there before there is a cluster, through entering and leaving one, and shows strangers a page that says how things are.
func TestDoorThroughBodies(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 1)
	r := w.nodes[0]
	r.api = freePort(t)
	r.start()
	v := visit(t, r, nil)
	outside := func(when string) {
		t.Helper()
		if code, text := v.ask("GET", "/"); code != http.StatusServiceUnavailable || !strings.Contains(text, "belongs to no cluster") || !strings.Contains(text, "polso init") {
			t.Errorf("%s: the page is %d:\n%s", when, code, text)
		}
		code, text := v.ask("GET", "/v1/status")
		var e api.Error
		if err := json.Unmarshal([]byte(text), &e); err != nil || e.Code != api.CodeNotFormed || code != e.Status {
			t.Errorf("%s: /v1 says %d %s", when, code, text)
		}
		if code, _ := v.ask("GET", "/livez"); code != http.StatusOK {
			t.Errorf("%s: not alive: %d", when, code)
		}
		if code, _ := v.ask("GET", "/readyz"); code != http.StatusServiceUnavailable {
			t.Errorf("%s: ready: %d", when, code)
		}
		if code, text := v.ask("GET", "/static/polso.css"); code != http.StatusOK || !strings.Contains(text, "{") {
			t.Errorf("%s: the style is %d %q", when, code, text)
		}
	}
	outside("before init")
	if _, err := r.client.Init(t.Context(), api.InitRequest{Advertise: []string{r.listen}, Profile: testProfile}); err != nil {
		t.Fatal(err)
	}
	if code, _ := v.ask("GET", "/"); code != http.StatusSeeOther {
		t.Errorf("after init: the page is %d, want the way to sign in", code)
	}
	w.eventually("ready", func() error {
		if code, text := v.ask("GET", "/readyz"); code != http.StatusOK {
			return errors.New(text)
		}
		return nil
	})
	if _, err := r.client.Leave(t.Context(), api.LeaveRequest{Force: true}); err != nil {
		t.Fatal(err)
	}
	outside("after leaving")
}

// Who has not said who they are sees the sign-in page and whether the router is alive and ready, and nothing else.
func TestDoorIsShut(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 1)
	r := w.nodes[0]
	r.api = freePort(t)
	w.gather(testProfile)
	v := visit(t, r, nil)
	for _, ask := range []string{
		"GET /v1/status", "GET /v1/status?local=true", "GET /v1/document", "POST /v1/document", "GET /v1/snapshot", "POST /v1/transfer", "POST /v1/tokens", "POST /v1/cluster/leave",
		"GET /v1/certificates", "DELETE /v1/tokens/x", "GET /v1/version", "GET /v1/nowhere",
	} {
		method, path, _ := strings.Cut(ask, " ")
		if code, text := v.ask(method, path); code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", ask, code, text)
		}
	}
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/sign-in": 200, "/static/polso.js": 200, "/": 303, "/monitoring": 303, "/account/users": 303, "/live": 303} {
		if code, text := v.ask("GET", path); code != want {
			t.Errorf("%s: %d, want %d\n%s", path, code, want, text)
		}
	}
	for site, want := range map[string]int{"https://evil.example": http.StatusForbidden, v.at: http.StatusUnauthorized} {
		if code, text := v.ask("POST", "/v1/transfer", "Origin", site); code != want {
			t.Errorf("a request of a page of %s: %d %s, want %d", site, code, text, want)
		}
	}
	if resp, err := http.Get(strings.Replace(v.at, "https:", "http:", 1)); err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS: %s", resp.Status)
		}
	}
	if version := handshake(t, r, &tls.Config{MaxVersion: tls.VersionTLS11}); version != nil {
		t.Error("TLS 1.1 is spoken")
	}
	if s := handshake(t, r, &tls.Config{NextProtos: []string{"h2"}}); s == nil || s.Version != tls.VersionTLS13 || s.NegotiatedProtocol != "h2" {
		t.Errorf("it speaks %+v, want HTTP/2 over TLS 1.3", s)
	}
}

// handshake is how a handshake with r's door ended, nil if it did not end well.
func handshake(t *testing.T, r *router, c *tls.Config) *tls.ConnectionState {
	t.Helper()
	c.InsecureSkipVerify = true
	conn, err := tls.Dial("tcp", r.api, c)
	if err != nil {
		return nil
	}
	defer conn.Close()
	return new(conn.ConnectionState())
}

// A taken port is told before anything is begun, with what to do.
func TestDoorPortIsTaken(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 2)
	w.nodes[0].api = freePort(t)
	w.nodes[0].start()
	r := w.nodes[1]
	r.api = w.nodes[0].api
	err := Run(t.Context(), r.options())
	refused(t, "a taken port", err, api.CodeRefused, "already in use", "ss -ltnp", "--api none")
}

// webCA is what a browser is told to trust: the cluster's CA for browsers, as r would print it.
func webCA(t *testing.T, r *router) *x509.CertPool {
	t.Helper()
	ca, _, err := r.agent.Load().door.shown.make(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.CertPEM())
	return pool
}

// Every router shows a certificate of the same CA for browsers. What changes its names or that CA changes it, without a restart, and a restart
// does not.
func TestDoorCertificate(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	for _, r := range w.nodes {
		r.api = freePort(t)
	}
	r1, r2, r3 := w.nodes[0], w.nodes[1], w.nodes[2]
	w.gather("vm")
	ctx := t.Context()
	shown := func(r *router, roots *x509.CertPool, name string) *x509.Certificate {
		t.Helper()
		conn, err := tls.Dial("tcp", r.api, &tls.Config{RootCAs: roots, ServerName: name})
		if err != nil {
			t.Fatalf("%s, asked for %s: %v", r.name, name, err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0]
	}
	roots := webCA(t, r1)
	before := shown(r3, roots, "127.0.0.1")
	for _, r := range w.nodes {
		for _, name := range []string{r.name, "localhost"} {
			shown(r, roots, name)
		}
	}
	if err := shown(r2, roots, "r2").VerifyHostname("192.0.2.10"); err == nil {
		t.Error("it is good for an address that is in no document")
	}
	if _, err := r1.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}}); err != nil {
		t.Fatal(err)
	}
	vip := webVIP.String()
	w.eventually("all are good for the document's address", func() error {
		return errors.Join(shown(r1, roots, "r1").VerifyHostname(vip), shown(r2, roots, "r2").VerifyHostname(vip), shown(r3, roots, "r3").VerifyHostname(vip))
	})
	now := shown(r3, roots, vip)
	if now.Equal(before) {
		t.Error("other names, the same certificate")
	}
	r1.status("three voters", settled(3, 2))
	r3.halt()
	r3.start()
	w.eventually("the certificate after a restart", func() error {
		if again := shown(r3, roots, "r3"); !again.Equal(now) {
			return fmt.Errorf("it is another: for %v", again.IPAddresses)
		}
		return nil
	})
	r1.status("three again", settled(3, 2))
	if _, err := r1.client.RotateCertificates(ctx, api.RotateRequest{CA: true}); err != nil {
		t.Fatal(err)
	}
	w.eventually("another CA on all", func() error {
		next := webCA(t, r2)
		for _, r := range w.nodes {
			conn, err := tls.Dial("tcp", r.api, &tls.Config{RootCAs: next, ServerName: vip})
			if err != nil {
				return err
			}
			conn.Close()
		}
		if next.Equal(roots) {
			return errors.New("the CA is the same")
		}
		return nil
	})
}

// The two ports have nothing to do with each other: the members' takes no certificate for browsers, and a member's opens nothing at the door.
func TestDoorAndMembersAreApart(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 1)
	r := w.nodes[0]
	r.api = freePort(t)
	w.gather(testProfile)
	_, forBrowsers, err := r.agent.Load().door.shown.make(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	mine := credentialsOf(t, r)
	member, err := tls.X509KeyPair(mine.Cert, mine.Key)
	if err != nil {
		t.Fatal(err)
	}
	at := func(addr string, c tls.Certificate, protocol string) error {
		conn, err := tls.Dial("tcp", addr, &tls.Config{
			InsecureSkipVerify: true, NextProtos: []string{protocol},
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil },
		})
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: r1\r\n\r\n", pathLocal); err != nil {
			return err
		}
		_, err = conn.Read(make([]byte, 1))
		return err
	}
	if err := at(r.listen, member, string(trust.Peer)); err != nil {
		t.Errorf("a member is refused where members meet: %v", err)
	}
	for _, p := range []trust.Protocol{trust.Peer, trust.Raft} {
		if at(r.listen, *forBrowsers, string(p)) == nil {
			t.Errorf("a certificate for browsers opens the members' port for %s", p)
		}
		if at(r.api, member, string(p)) == nil {
			t.Errorf("the door speaks %s", p)
		}
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{member}}}
	defer transport.CloseIdleConnections()
	v := visitor{t, &http.Client{Transport: transport}, "https://" + r.api}
	for _, path := range []string{"/v1/status", pathLocal, pathStatus} {
		if code, text := v.ask("GET", path); code == http.StatusOK && strings.Contains(text, "schema") {
			t.Errorf("a member's certificate gets %s: %s", path, text)
		}
	}
	if code, _ := v.ask("GET", "/v1/status"); code != http.StatusUnauthorized {
		t.Errorf("a member's certificate gets %d", code)
	}
}

// The operator's certificate is shown, read again when its files change, and kept where they are broken, which is told.
func TestDoorOperatorsCertificate(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 1)
	r := w.nodes[0]
	r.api, r.web = freePort(t), filepath.Join(w.dir, "web")
	ca, err := trust.NewWebAuthority("the company's")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, at time.Time) (fingerprint string) {
		t.Helper()
		c, err := ca.Issue(name, trust.Names{Hosts: []string{name}}, at)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		for end, b := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, ".key": {Type: "PRIVATE KEY", Bytes: der}} {
			if err := os.WriteFile(r.web+end, pem.EncodeToMemory(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		sum := sha256.Sum256(c.Certificate[0])
		return hex.EncodeToString(sum[:])
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.CertPEM())
	shows := func(name string) {
		t.Helper()
		w.eventually("it shows the one for "+name, func() error {
			conn, err := tls.Dial("tcp", r.api, &tls.Config{RootCAs: roots, ServerName: name})
			if err != nil {
				return err
			}
			return conn.Close()
		})
	}
	finding := func(level, words string) {
		t.Helper()
		f, err := r.client.Doctor(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(f.Findings, func(f api.Finding) bool {
			return f.Level == level && strings.Contains(f.Name+": "+f.Detail, words)
		}) {
			t.Errorf("doctor says no %q (%s): %+v", words, level, f.Findings)
		}
	}
	first := write("web.example", time.Now())
	w.gather(testProfile)
	shows("web.example")
	c, err := r.client.Certificates(t.Context())
	if err != nil || c.Web == nil || c.Web.Source != "operator" || c.Web.Fingerprint != first || !slices.Equal(c.Web.Names, []string{"web.example"}) {
		t.Errorf("it tells %+v, %v", c.Web, err)
	}
	finding("ok", "certificate for browsers: yours, until")
	finding("ok", "https: answers at "+r.api)
	finding("warn", "users: there are none")
	if err := os.WriteFile(r.web+".key", []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.eventually("a broken pair is told", func() error {
		c, err := r.client.Certificates(t.Context())
		if err == nil && c.Web.Trouble == "" {
			err = errors.New("no trouble")
		}
		return err
	})
	shows("web.example")
	finding("fail", "certificate for browsers: "+r.web+".pem and "+r.web+".key: ")
	write("other.example", time.Now().Add(-2*trust.WebPeriod))
	shows("other.example")
	finding("warn", "certificate for browsers: yours ends at ")
}

// The door can be switched off, and what is at its place then is found.
func TestDoctorOfTheDoor(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 1)
	w.nodes[0].start()
	d := w.nodes[0].agent.Load().door
	if got := d.examine(t.Context(), time.Now()); len(got) != 1 || got[0].Level != "ok" || !strings.Contains(got[0].Detail, "switched off") {
		t.Errorf("switched off: %+v", got)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	deaf := &door{a: d.a, sockets: []net.Listener{l}, shown: shown{a: d.a}}
	l.Close()
	if got := deaf.examine(t.Context(), time.Now()); len(got) == 0 || got[0].Level != "fail" || !strings.Contains(got[0].Detail, "connection refused") {
		t.Errorf("closed: %+v", got)
	}
	other := httptest.NewTLSServer(http.NotFoundHandler())
	defer other.Close()
	stranger := &door{a: d.a, sockets: []net.Listener{other.Listener}, shown: shown{a: d.a}}
	if got := stranger.examine(t.Context(), time.Now()); len(got) == 0 || got[0].Level != "fail" || !strings.Contains(got[0].Detail, "somebody else answers there") {
		t.Errorf("somebody else's: %+v", got)
	}
}
