package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"polso/config"
)

// askTLS asks for a handshake.
func askTLS(ctx context.Context, p prober, t Target) answer {
	c, err := p.dial(ctx, "tcp", t.Addr)
	if err != nil {
		return answer{Err: err}
	}
	c, shown, err := p.secure(c, t)
	if err != nil {
		return shown.on(answer{Err: err})
	}
	_ = c.Close()
	return shown.on(answer{OK: true, Words: tls.VersionName(shown.Version)})
}

// connect connects to the target by TCP, and speaks TLS, offering the protocols alpn, if its check says so.
func (p prober) connect(ctx context.Context, t Target, alpn ...string) (*conn, shown, error) {
	c, err := p.dial(ctx, "tcp", t.Addr)
	if err != nil || !t.Check.TLS {
		return c, shown{}, err
	}
	return p.secure(c, t, alpn...)
}

// secure speaks TLS through c as t's check wants it, offering the protocols alpn. It takes c over: what it returns is closed in
// its place, and notes in clear what passes; when it fails c is closed, and the error is one for an operator.
func (p prober) secure(c *conn, t Target, alpn ...string) (*conn, shown, error) {
	settings, err := p.settings(t.Check, strings.Join(alpn, " "))
	if err != nil {
		_ = c.Close()
		return nil, shown{}, err
	}
	settings = settings.Clone() // the name is the target's
	settings.ServerName = peerName(t)
	c.quiet = true
	session := tls.Client(c, settings)
	err = session.Handshake() // c ends with its context
	s := shown{ConnectionState: session.ConnectionState(), warn: t.Check.ExpiryWarn}
	if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		s.PeerCertificates = refused.UnverifiedCertificates
	}
	if err != nil {
		c.quiet = false
		p.step("no handshake", nil)
		_ = c.Close()
		return nil, s, handshakeFault(err, settings.ServerName, t.Check)
	}
	p.step("handshake: "+s.String(), nil)
	return &conn{Conn: session, p: p, stop: c.stop}, s, nil
}

// peerName is the name to ask for, and which the certificate must have.
func peerName(t Target) string {
	switch {
	case t.Check.ServerName != "":
		return t.Check.ServerName
	case t.Check.Host != "":
		if name, _, err := net.SplitHostPort(t.Check.Host); err == nil {
			return name
		}
		return t.Check.Host
	default:
		return t.Addr.Addr().Unmap().WithZone("").String()
	}
}

// shown is what a server showed of itself in a handshake, whether or not it was to our liking.
type shown struct {
	tls.ConnectionState
	warn time.Duration // so long before its end a certificate is worth a word
}

// on adds what is to be known of the certificate to a.
func (s shown) on(a answer) answer {
	if len(s.PeerCertificates) == 0 {
		return a
	}
	a.Expires = s.PeerCertificates[0].NotAfter
	left := time.Until(a.Expires)
	switch {
	case a.Err != nil: // says why
	case left <= 0:
		a.Note = "certificate ended " + days(-left) + " ago"
	case left <= s.warn:
		a.Note = "certificate ends in " + days(left)
	}
	return a
}

// String describes the handshake in a line: "TLS 1.3, TLS_AES_128_GCM_SHA256, h2, www.example.org, until 2027-01-31".
func (s shown) String() string {
	words := []string{tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite)}
	if s.NegotiatedProtocol != "" {
		words = append(words, s.NegotiatedProtocol)
	}
	if len(s.PeerCertificates) > 0 {
		leaf := s.PeerCertificates[0]
		words = append(words, "certificate of "+names(leaf), "until "+leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	return strings.Join(words, ", ")
}

// days prints d as certificates are counted: whole days, and hours below two.
func days(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// names lists whom a certificate is of, the first few.
func names(c *x509.Certificate) string {
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	switch n := len(all); {
	case n == 0:
		return "nobody"
	case n > 3:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:3], ", "), n-3)
	}
	return strings.Join(all, ", ")
}

// handshakeFault says in an operator's words why there was no handshake with the server of that name.
func handshakeFault(err error, name string, check config.Check) error {
	var (
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		record  tls.RecordHeaderError
	)
	switch {
	case timedOut(err):
		return err
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if now := time.Now(); now.Before(invalid.Cert.NotBefore) {
			return fmt.Errorf("certificate is not valid before %s", invalid.Cert.NotBefore.UTC().Format(time.RFC3339))
		}
		return fmt.Errorf("certificate ended %s ago", days(time.Since(invalid.Cert.NotAfter)))
	case errors.As(err, &host):
		hint := ""
		if check.ServerName == "" && check.Host == "" {
			hint = "; server_name says which to ask for"
		}
		return fmt.Errorf("certificate is of %s, not of %s%s", names(host.Certificate), name, hint)
	case errors.As(err, &unknown):
		if unknown.Cert == nil {
			return errors.New("certificate of an unknown authority")
		}
		return fmt.Errorf("certificate of an unknown authority, %q", short(unknown.Cert.Issuer.String()))
	case errors.As(err, &record):
		if string(record.RecordHeader[:]) == "HTTP/" {
			return errors.New("not TLS: the server speaks HTTP in clear")
		}
		return errors.New("not TLS: the server answers in clear")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed during the TLS handshake")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errors.New("the server reset the connection during the TLS handshake")
	}
	if alert, ok := refusal(err); ok {
		return errors.New("the server refused the TLS handshake: " + alert)
	}
	text := strings.TrimPrefix(cause(err), "tls: ")
	return errors.New("TLS handshake failed: " + strings.TrimPrefix(text, "failed to verify certificate: x509: "))
}

// refusal returns what a server's TLS alert says.
func refusal(err error) (string, bool) {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return strings.TrimPrefix(op.Err.Error(), "tls: "), true
	}
	return "", false
}

// identity is what TLS settings are made from: equal ones make equal settings.
type identity struct {
	ca, cert, key string // a file's name, or PEM
	stamps        [3]stamp
	unverified    bool
	alpn          string
}

// stamp tells one content of a file from the next.
type stamp struct {
	modified time.Time
	size     int64
}

// settings are those of a check, without a name. They are made again when one of the files has changed.
func (p prober) settings(c config.Check, alpn string) (*tls.Config, error) {
	id := identity{ca: c.CA, cert: c.ClientCert, key: c.ClientKey, unverified: c.NoVerify, alpn: alpn}
	for i, name := range []string{id.ca, id.cert, id.key} {
		if name == "" || config.IsPEM(name) {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return nil, here(err)
		}
		if !info.Mode().IsRegular() { // a pipe would be waited for
			return nil, here(fmt.Errorf("%s is not a file", name))
		}
		id.stamps[i] = stamp{info.ModTime(), info.Size()}
	}
	return remember(p.memory, id, makeSettings)
}

func makeSettings(id identity) (*tls.Config, error) {
	settings := &tls.Config{InsecureSkipVerify: id.unverified}
	if id.alpn != "" {
		settings.NextProtos = strings.Fields(id.alpn)
	}
	if id.ca != "" {
		pem := []byte(id.ca)
		if !config.IsPEM(id.ca) {
			var err error
			if pem, err = os.ReadFile(id.ca); err != nil {
				return nil, here(err)
			}
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("on this router: ca has no certificate in it")
		}
	}
	if id.cert != "" {
		pair, err := tls.LoadX509KeyPair(id.cert, id.key)
		if err != nil {
			return nil, here(fmt.Errorf("client_cert or client_key: %w", err))
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}

// here says that it is this router that lacks something, in words that no error number replaces.
func here(err error) error { return fmt.Errorf("on this router: %v", err) }
