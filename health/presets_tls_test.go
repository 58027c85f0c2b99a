package health

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"polso/config"
)

// encrypted has serve speak TLS, which begins after what begin does in clear.
func encrypted(cert tls.Certificate, begin, serve func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		begin(c)
		session := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		if session.Handshake() == nil {
			serve(session)
		}
	}
}

func TestPresetsOverTLS(t *testing.T) {
	ca := newAuthority(t, "mail")
	good, ending := ca.sign(t, -time.Hour, 500*time.Hour, "127.0.0.1"), ca.sign(t, -time.Hour, 100*time.Hour+time.Minute, "127.0.0.1")
	atOnce := func(net.Conn) {}
	declining := func(answer string) func(net.Conn) {
		return func(c net.Conn) {
			b := make([]byte, 8)
			if _, err := io.ReadFull(c, b); err == nil && string(b) == "\x00\x00\x00\x08\x04\xd2\x16\x2f" {
				_, _ = io.WriteString(c, answer)
			}
		}
	}
	over := func(kind config.CheckKind) config.Check { return config.Check{Kind: kind, TLS: true, CA: ca.pem} }
	named, open, clear := over(config.CheckIMAP), over(config.CheckLDAP), config.Check{Kind: config.CheckIMAP, Timeout: hasty}
	named.ServerName, open.CA, open.NoVerify = "mail.example.org", "", true
	unknown, ends := over(config.CheckPOP3), over(config.CheckPOP3)
	unknown.CA, ends.ExpiryWarn = newAuthority(t, "another").pem, 200*time.Hour
	for _, tt := range []asked{
		{"redis", answering(t, encrypted(good, atOnce, turns("", "+PONG\r\n"))), over(config.CheckRedis), true, `redis: answered "\+PONG.*`},
		{"postgresql", answering(t, encrypted(good, declining("S"), turns("", postgresSCRAM))), over(config.CheckPostgreSQL), true, `postgresql: answered "R.*`},
		{"postgresql declines", answering(t, declining("N")), over(config.CheckPostgreSQL), false, `postgresql: no TLS: unexpected answer "N" after .*`},
		{"postgresql says more in clear", answering(t, encrypted(good, declining("S"+postgresSCRAM), turns("", "E"))), func() config.Check { c := over(config.CheckPostgreSQL); c.Timeout = hasty; return c }(), false, `postgresql: .*`},
		{"ldap, whoever it is", answering(t, encrypted(good, atOnce, turns("", ldapBound))), open, true, `ldap: answered .*`},
		{"sip", answering(t, encrypted(good, atOnce, turns("", "SIP/2.0 200 OK\r\n\r\n"))), over(config.CheckSIPTCP), true, `sip-tcp: answered "SIP/2.0 200 OK.*`},
		{"ftp", answering(t, encrypted(good, atOnce, greets("220 Hello\r\n"))), over(config.CheckFTP), true, `ftp: answered "220 Hello.*`},
		{"imap", answering(t, encrypted(good, atOnce, greets("* OK IMAP4rev1\r\n"))), over(config.CheckIMAP), true, `imap: answered "\* OK.*`},
		{"imap of another name", answering(t, encrypted(good, atOnce, greets("* OK\r\n"))), named, false, `imap: certificate is of 127.0.0.1, not of mail.example.org after .*`},
		{"imap that speaks in clear", answering(t, greets("* OK\r\n")), over(config.CheckIMAP), false, `imap: not TLS: the server answers in clear after .*`},
		{"imap over TLS, asked in clear", answering(t, encrypted(good, atOnce, greets("* OK\r\n"))), clear, false, `imap: no answer within 250ms`},
		{"imap is sorry", answering(t, encrypted(good, atOnce, greets("* BYE\r\n"))), over(config.CheckIMAP), false, `imap: unexpected answer "\* BYE.*`},
		{"pop3 of nobody that is known", answering(t, encrypted(good, atOnce, greets("+OK\r\n"))), unknown, false, `pop3: certificate of an unknown authority.*`},
		{"pop3 whose certificate ends", answering(t, encrypted(ending, atOnce, greets("+OK\r\n"))), ends, true, `pop3: answered "\+OK.*; certificate ends in 4 days`},
	} {
		t.Run(tt.name, func(t *testing.T) { t.Parallel(); tt.ask(t) })
	}
}

// The document takes tls of the presets that have a port for it, and of no other.
func TestPresetsThatHaveTLS(t *testing.T) {
	for _, x := range Presets() {
		_, err := config.Load(config.File{Name: "a", Text: []byte("virtual \"v\" {\n  address = \"192.0.2.10\"\n  port = 80\n  forward = \"nat\"\n  check \"" + string(x.Kind) + "\" {\n    tls = true\n    ca = \"/etc/ca\"\n  }\n" +
			"  server \"a\" {\n    address = \"192.0.2.20:80\"\n  }\n}\n")})
		if taken := err == nil; taken != (x.TLSPort != 0) {
			t.Errorf("%s: tls is taken: %v (%v), its port is %d", x.Kind, taken, err, x.TLSPort)
		}
		if err != nil && !slices.ContainsFunc([]string{"mysql", "sip"}, func(kind string) bool { return strings.Contains(err.Error(), kind+" check has no tls") }) {
			t.Error(err)
		}
	}
}
