package health

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"polso/config"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t testing.TB, name string) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// sign returns a certificate for names and addresses that is valid from then until then.
func (a authority) sign(t testing.TB, from, until time.Duration, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// files writes the certificate and its key as PEM, and returns where.
func files(t testing.TB, c tls.Certificate) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return cert, key
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// talk does to each connection on loopback what do does; then it is closed.
func talk(t testing.TB, do func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				defer func() { _ = c.Close() }()
				do(c)
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// handshakes speaks TLS on loopback and then waits for the client to go.
func handshakes(t testing.TB, settings *tls.Config) netip.AddrPort {
	return talk(t, func(c net.Conn) {
		_, _ = io.Copy(io.Discard, tls.Server(c, settings))
	})
}

func shows(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }

// says asks, and wants an answer that begins with want (a regular expression; only times vary).
func says(t *testing.T, at netip.AddrPort, check config.Check, ok bool, want string) Result {
	t.Helper()
	if check.Timeout == 0 {
		check.Timeout = 20 * time.Second
	}
	got := ProbeFrom(nil, nil)(t.Context(), Target{Addr: at, Check: check})
	if got.OK != ok || !regexp.MustCompile("^(?:"+want+")$").MatchString(got.Reason) {
		t.Errorf("got %v %q\nwant %v %q", got.OK, got.Reason, ok, want)
	}
	return got
}

func TestTLS(t *testing.T) {
	const day = 24 * time.Hour
	ca, other := newAuthority(t, "Good CA"), newAuthority(t, "Other CA")
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	write(t, caFile, ca.pem)
	good := ca.sign(t, -day, 20*day+time.Hour, "web.example", "127.0.0.1")
	valid := handshakes(t, shows(good))
	ended := handshakes(t, shows(ca.sign(t, -9*day, -3*day-time.Hour, "127.0.0.1")))
	mute := listen(t, "tcp4", "127.0.0.1:0")
	cert, key := files(t, ca.sign(t, -day, day, "router"))
	strangers, strangersKey := files(t, other.sign(t, -day, day, "router"))
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	// TLS 1.2, in which a client's certificate is part of the handshake.
	wantsClient := handshakes(t, &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: tls.VersionTLS12})
	for _, tt := range []struct {
		name  string
		at    netip.AddrPort
		check config.Check
		ok    bool
		want  string
	}{
		{"by address", valid, config.Check{CA: ca.pem}, true, `TLS 1\.3 after \S+ ms`},
		{"authority in a file", valid, config.Check{CA: caFile}, true, `TLS 1\.3 after \S+ ms`},
		{"by name", valid, config.Check{CA: ca.pem, ServerName: "web.example"}, true, `TLS 1\.3 after \S+ ms`},
		{"by host", valid, config.Check{CA: ca.pem, Host: "web.example:8443"}, true, `TLS 1\.3 after \S+ ms`},
		{"by host, wrong", valid, config.Check{CA: ca.pem, Host: "www.example"}, false, `certificate is of web\.example, 127\.0\.0\.1, not of www\.example after \S+ ms`},
		{"of another name", valid, config.Check{CA: ca.pem, ServerName: "www.example"}, false, `certificate is of web\.example, 127\.0\.0\.1, not of www\.example after \S+ ms`},
		{"of another address", handshakes(t, shows(ca.sign(t, -day, day, "a.example", "b.example", "c.example", "d.example"))), config.Check{CA: ca.pem}, false,
			`certificate is of a\.example, b\.example, c\.example and 1 more, not of 127\.0\.0\.1; server_name says which to ask for after \S+ ms`},
		{"unknown authority", valid, config.Check{CA: other.pem}, false, `certificate of an unknown authority, "CN=Good CA" after \S+ ms`},
		{"unknown to the system", valid, config.Check{}, false, `certificate of an unknown authority, "CN=Good CA" after \S+ ms`},
		{"any certificate", valid, config.Check{NoVerify: true}, true, `TLS 1\.3 after \S+ ms`},
		{"ends soon", valid, config.Check{CA: ca.pem, ExpiryWarn: 30 * day}, true, `TLS 1\.3 after \S+ ms; certificate ends in 20 days`},
		{"ends not so soon", valid, config.Check{CA: ca.pem, ExpiryWarn: 19 * day}, true, `TLS 1\.3 after \S+ ms`},
		{"ended", ended, config.Check{CA: ca.pem}, false, `certificate ended 3 days ago after \S+ ms`},
		{"ended, and any will do", ended, config.Check{NoVerify: true}, true, `TLS 1\.3 after \S+ ms; certificate ended 3 days ago`},
		{"not yet", handshakes(t, shows(ca.sign(t, day, 2*day, "127.0.0.1"))), config.Check{CA: ca.pem}, false, `certificate is not valid before 20\S+Z after \S+ ms`},
		{"no certificate for that name", handshakes(t, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, os.ErrNotExist }}),
			config.Check{CA: ca.pem}, false, `the server refused the TLS handshake: internal error after \S+ ms`},
		{"too old a version", handshakes(t, &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}),
			config.Check{CA: ca.pem}, false, `the server refused the TLS handshake: protocol version not supported after \S+ ms`},
		{"client certificate", wantsClient, config.Check{CA: ca.pem, ClientCert: cert, ClientKey: key}, true, `TLS 1\.2 after \S+ ms`},
		{"no client certificate", wantsClient, config.Check{CA: ca.pem}, false, `the server refused the TLS handshake: (bad certificate|handshake failure|certificate required) after \S+ ms`},
		{"a stranger's client certificate", wantsClient, config.Check{CA: ca.pem, ClientCert: strangers, ClientKey: strangersKey}, false, `the server refused the TLS handshake: (bad certificate|unknown certificate authority|handshake failure) after \S+ ms`},
		{"no such file", valid, config.Check{CA: "/nonexistent/ca.pem"}, false, `on this router: stat /nonexistent/ca\.pem: no such file or directory after \S+ ms`},
		{"a file without certificates", valid, config.Check{CA: key}, false, `on this router: ca has no certificate in it after \S+ ms`},
		{"a key of another", valid, config.Check{CA: ca.pem, ClientCert: cert, ClientKey: strangersKey}, false, `on this router: client_cert or client_key: tls: private key does not match public key after \S+ ms`},
		{"hangs", mute, config.Check{CA: ca.pem, Timeout: 50 * time.Millisecond}, false, `no answer within 50ms`},
		{"refuses", closed(t), config.Check{CA: ca.pem}, false, `connection refused after \S+ ms`},
		{"closes", talk(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }), config.Check{CA: ca.pem}, false, `the server closed during the TLS handshake after \S+ ms`},
		{"resets", talk(t, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _, _ = c.Read(make([]byte, 1)) }), config.Check{CA: ca.pem}, false, `the server reset the connection during the TLS handshake after \S+ ms`},
		{"speaks http", serve(t, status(200)), config.Check{CA: ca.pem}, false, `not TLS: the server speaks HTTP in clear after \S+ ms`},
		{"garbage", talk(t, func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-OpenSSH\r\n")); _, _ = io.Copy(io.Discard, c) }), config.Check{CA: ca.pem}, false, `not TLS: the server answers in clear after \S+ ms`},
		{"slow", talk(t, func(c net.Conn) {
			time.Sleep(100 * time.Millisecond)
			_, _ = io.Copy(io.Discard, tls.Server(c, shows(good)))
		}), config.Check{CA: ca.pem}, true, `TLS 1\.3 after \d{3,} ms`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.check.Kind = config.CheckTLS
			says(t, tt.at, tt.check, tt.ok, "tls: "+tt.want)
		})
	}
}

func TestTLSExpires(t *testing.T) {
	ca := newAuthority(t, "CA")
	for name, left := range map[string]time.Duration{"valid": 50 * time.Hour, "ended": -50 * time.Hour} {
		at := handshakes(t, shows(ca.sign(t, -90*time.Hour, left, "127.0.0.1")))
		got := Probe(t.Context(), Target{Addr: at, Check: config.Check{Kind: config.CheckTLS, Timeout: 10 * time.Second, CA: ca.pem}})
		if off := time.Until(got.Expires) - left; off < -time.Minute || off > time.Minute {
			t.Errorf("%s: %+v expires %s off", name, got, off)
		}
	}
}

// TestTLSReadsAChangedFileAgain: an authority that was replaced on this router counts from the next probe on.
func TestTLSReadsAChangedFileAgain(t *testing.T) {
	ca, other := newAuthority(t, "CA"), newAuthority(t, "Another CA")
	at := handshakes(t, shows(ca.sign(t, -time.Hour, time.Hour, "127.0.0.1")))
	name := filepath.Join(t.TempDir(), "ca.pem")
	ask := ProbeFrom(nil, nil)
	target := Target{Addr: at, Check: config.Check{Kind: config.CheckTLS, Timeout: 10 * time.Second, CA: name}}
	for i, step := range []struct {
		pem string
		ok  bool
	}{{other.pem, false}, {ca.pem, true}, {ca.pem, true}, {other.pem + "\n", false}} {
		write(t, name, step.pem)
		if err := os.Chtimes(name, time.Time{}, time.Now().Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
		if got := ask(t.Context(), target); got.OK != step.ok {
			t.Errorf("step %d: %+v", i, got)
		}
	}
}

// TestTLSIsNotResumed: each probe sees the certificate that a new client would see.
func TestTLSIsNotResumed(t *testing.T) {
	ca := newAuthority(t, "CA")
	settings := shows(ca.sign(t, -time.Hour, time.Hour, "127.0.0.1"))
	resumed := make(chan bool, 2)
	settings.VerifyConnection = func(s tls.ConnectionState) error {
		resumed <- s.DidResume
		return nil
	}
	at := handshakes(t, settings)
	ask := ProbeFrom(nil, nil)
	for range 2 {
		if got := ask(t.Context(), Target{Addr: at, Check: config.Check{Kind: config.CheckTLS, Timeout: 10 * time.Second, CA: ca.pem}}); !got.OK {
			t.Fatalf("%+v", got)
		}
		if <-resumed {
			t.Error("the session was resumed")
		}
	}
}

func TestTraceOfTLS(t *testing.T) {
	ca := newAuthority(t, "CA")
	at := handshakes(t, shows(ca.sign(t, -time.Hour, time.Hour, "web.example", "127.0.0.1")))
	_, steps := traced(t, at, config.Check{Kind: config.CheckTLS, CA: ca.pem})
	got := strings.Join(steps, "\n")
	want := `^connected\nhandshake: TLS 1\.3, TLS_\S+, certificate of web\.example, 127\.0\.0\.1, until 20\d\d-\d\d-\d\d\nclosed$`
	if !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	_, steps = traced(t, at, config.Check{Kind: config.CheckTLS})
	if got, want := strings.Join(steps, "\n"), "connected\nno handshake\nclosed"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
