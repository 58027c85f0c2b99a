package health

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"polso/config"
)

// after a first read the server answers each text in its turn.
func turns(greeting string, answers ...string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, greeting)
		b := make([]byte, 4096)
		for _, answer := range answers {
			if _, err := c.Read(b); err != nil {
				return
			}
			_, _ = io.WriteString(c, answer)
		}
		hangs(c)
	}
}

const (
	mysqlGreeting = "\x4a\x00\x00\x00\x0a5.5.5-10.11.6-MariaDB\x00\x01\x00\x00\x00abcdefgh\x00"
	mysqlOK       = "\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"
	mysqlDenied   = "\x40\x00\x00\x02\xff\x15\x04#28000Access denied for user 'polso'"
	mysqlOldAuth  = "\x40\x00\x00\x02\xff\xe3\x04#08004Client does not support authentication protocol"
	mysqlBlocked  = "\x40\x00\x00\x00\xff\x69\x04Host '192.0.2.1' is blocked"
	postgresTrust = "R\x00\x00\x00\x08\x00\x00\x00\x00" // somebody that it may not know
	postgresReady = postgresTrust + "S\x00\x00\x00\x19client_encoding\x00UTF8\x00"
	postgresSCRAM = "R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"
	ldapBound     = "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"
)

func postgresError(code, text string) string {
	fields := "SFATAL\x00VFATAL\x00C" + code + "\x00M" + text + "\x00\x00"
	return fmt.Sprintf("E\x00\x00\x00%c%s", len(fields)+4, fields)
}

func TestPresets(t *testing.T) {
	ok := func(kind config.CheckKind) config.Check { return config.Check{Kind: kind} }
	as := func(kind config.CheckKind) config.Check { return config.Check{Kind: kind, User: "health"} }
	for _, tt := range []asked{
		{"redis", answering(t, turns("", "+PONG\r\n")), ok(config.CheckRedis), true, `redis: answered "\+PONG.*`},
		{"redis with a password", answering(t, turns("", "-NOAUTH Authentication required.\r\n")), ok(config.CheckRedis), true, `redis: answered "-NOAUTH.*`},
		{"redis that loads", answering(t, turns("", "-LOADING Redis is loading\r\n")), config.Check{Kind: config.CheckRedis, Timeout: brief}, false, `redis: unexpected answer "-LOADING Redis is loading\\r\\n", then silence.*`},
		{"mysql", answering(t, turns(mysqlGreeting, mysqlOK)), ok(config.CheckMySQL), true, `mysql: answered .*`},
		{"mysql denies a stranger", answering(t, turns(mysqlGreeting, mysqlDenied)), ok(config.CheckMySQL), true, `mysql: answered .*denied.*`},
		{"mysql knows other ways", answering(t, turns(mysqlGreeting, mysqlOldAuth)), ok(config.CheckMySQL), true, `mysql: answered .*`},
		{"mysql lets the user in", answering(t, turns(mysqlGreeting, mysqlOK)), as(config.CheckMySQL), true, `mysql: answered .*`},
		{"mysql denies the user", answering(t, turns(mysqlGreeting, mysqlDenied)), config.Check{Kind: config.CheckMySQL, User: "health", Timeout: brief}, false, `mysql: unexpected answer .*denied.*`},
		{"mysql has shut us out", answering(t, greets(mysqlBlocked)), config.Check{Kind: config.CheckMySQL, Timeout: brief}, false, `mysql: unexpected answer .*is blocked.*`},
		{"postgresql lets in", answering(t, turns("", postgresReady)), ok(config.CheckPostgreSQL), true, `postgresql: answered .*`},
		{"postgresql wants a password", answering(t, turns("", postgresSCRAM)), ok(config.CheckPostgreSQL), true, `postgresql: answered .*`},
		{"postgresql wants one of the user", answering(t, turns("", postgresSCRAM)), config.Check{Kind: config.CheckPostgreSQL, User: "health", Timeout: brief}, false, `postgresql: unexpected answer .*`},
		{"postgresql lets the user in", answering(t, turns("", postgresReady)), as(config.CheckPostgreSQL), true, `postgresql: answered .*`},
		{"postgresql knows no such role", answering(t, turns("", postgresError("28000", "role does not exist"))), ok(config.CheckPostgreSQL), true, `postgresql: answered .*`},
		{"postgresql trusts, and knows no such role", answering(t, turns("", postgresTrust+postgresError("28000", "role does not exist"))), ok(config.CheckPostgreSQL), true, `postgresql: answered .*`},
		{"postgresql trusts, and does not know the user", answering(t, turns("", postgresTrust+postgresError("28000", "role does not exist"))), config.Check{Kind: config.CheckPostgreSQL, User: "health", Timeout: brief}, false, `postgresql: unexpected answer .*`},
		{"postgresql trusts, and is full", answering(t, turns("", postgresTrust+postgresError("53300", "remaining connection slots are reserved"))), config.Check{Kind: config.CheckPostgreSQL, Timeout: brief}, false, `postgresql: unexpected answer .*`},
		{"postgresql starts", answering(t, turns("", postgresError("57P03", "the database system is starting up"))), config.Check{Kind: config.CheckPostgreSQL, Timeout: brief}, false, `postgresql: unexpected answer .*starting up.*`},
		{"ldap", answering(t, turns("", ldapBound)), ok(config.CheckLDAP), true, `ldap: answered .*`},
		{"ldap with long lengths", answering(t, turns("", "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x61\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00")), ok(config.CheckLDAP), true, `ldap: answered .*`},
		{"ldap wants no strangers", answering(t, turns("", strings.Replace(ldapBound, "\x0a\x01\x00", "\x0a\x01\x30", 1))), ok(config.CheckLDAP), true, `ldap: answered .*`},
		{"ldap is busy", answering(t, turns("", strings.Replace(ldapBound, "\x0a\x01\x00", "\x0a\x01\x33", 1))), config.Check{Kind: config.CheckLDAP, Timeout: brief}, false, `ldap: unexpected answer .*`},
		{"sip over tcp", answering(t, turns("", "SIP/2.0 200 OK\r\n\r\n")), ok(config.CheckSIPTCP), true, `sip-tcp: answered "SIP/2.0 200 OK.*`},
		{"sip over tcp is overloaded", answering(t, turns("", "SIP/2.0 503 Service Unavailable\r\n\r\n")), config.Check{Kind: config.CheckSIPTCP, Timeout: brief}, false, `sip-tcp: unexpected answer "SIP/2.0 503.*`},
		{"ftp", answering(t, greets("220-Hello\r\n")), ok(config.CheckFTP), true, `ftp: answered "220-Hello.*`},
		{"ftp is full", answering(t, greets("421 Too many\r\n")), ok(config.CheckFTP), false, `ftp: unexpected answer "421 Too many.*`},
		{"imap", answering(t, greets("* OK IMAP4rev1\r\n")), ok(config.CheckIMAP), true, `imap: answered .*`},
		{"imap says goodbye", answering(t, greets("* BYE\r\n")), ok(config.CheckIMAP), false, `imap: unexpected answer .*`},
		{"pop3", answering(t, greets("+OK\r\n")), ok(config.CheckPOP3), true, `pop3: answered .*`},
		{"pop3 is sorry", answering(t, greets("-ERR\r\n")), ok(config.CheckPOP3), false, `pop3: unexpected answer .*`},
	} {
		t.Run(tt.name, func(t *testing.T) { t.Parallel(); tt.ask(t) })
	}
}

// Whatever the preset: a server that is not there, hangs, closes or talks nonsense is down, and the reason says so.
func TestPresetsDown(t *testing.T) {
	mute, closes := answering(t, hangs), answering(t, func(net.Conn) {})
	nonsense := answering(t, greets("\xff\x00\x80nonsense\r\n"))
	for _, x := range Presets() {
		if x.Network != "tcp" {
			continue
		}
		kind := string(x.Kind)
		for _, tt := range []asked{
			{"refused", closed(t), config.Check{Kind: x.Kind}, false, kind + `: connection refused` + inTime},
			{"hangs", mute, config.Check{Kind: x.Kind, Timeout: hasty}, false, kind + `: no answer within 250ms`},
			{"closes", closes, config.Check{Kind: x.Kind}, false, kind + `: (closed without an answer|connection reset by peer)` + inTime},
			{"nonsense", nonsense, config.Check{Kind: x.Kind, Timeout: brief}, false, kind + `: unexpected answer "\\xff\\x00\\x80nonsense.*`},
		} {
			t.Run(kind+" "+tt.name, func(t *testing.T) { t.Parallel(); tt.ask(t) })
		}
	}
}

// What is sent is well formed by the protocol's own measure.
func TestPresetsSay(t *testing.T) {
	w := Words{User: "polso", Local: "192.0.2.1:40000", Remote: "192.0.2.2:5060", Nonce: "0011223344556677"}
	if got, want := mysqlLogin(w), "\x27\x00\x00\x01\x00\x82\x00\x00\x00\x00\x01\x00\x21"+strings.Repeat("\x00", 23)+"polso\x00\x00"; got != want {
		t.Errorf("mysql says %q\nwant %q", got, want)
	}
	if got := postgresStartup(w); int(got[3]) != len(got) || !strings.HasPrefix(got[4:], "\x00\x03\x00\x00user\x00polso\x00") {
		t.Errorf("postgresql says %q", got)
	}
	if got := sipOptions("UDP")(w); !strings.HasPrefix(got, "OPTIONS sip:192.0.2.2:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:40000;branch=z9hG4bK0011223344556677;rport\r\n") {
		t.Errorf("sip says %s", got)
	}
}

func TestSIP(t *testing.T) {
	says := func(status string) netip.AddrPort {
		return datagrams(t, func(s string) [][]byte {
			if !strings.HasPrefix(s, "OPTIONS sip:127.0.0.1:") {
				return [][]byte{[]byte("what?")}
			}
			return [][]byte{[]byte("SIP/2.0 " + status + "\r\n\r\n")}
		})
	}
	sip := config.Check{Kind: config.CheckSIP}
	hurried := config.Check{Kind: config.CheckSIP, Timeout: hasty}
	cut := config.Check{Kind: config.CheckSIP, Timeout: brief}
	for _, tt := range []asked{
		{"up", says("200 OK"), sip, true, `sip: answered "SIP/2.0 200 OK.*`},
		{"not for us, but alive", says("404 Not Found"), sip, true, `sip: answered .*`},
		{"overloaded", says("503 Service Unavailable"), cut, false, `sip: unexpected answer .*`},
		{"nonsense", datagrams(t, func(string) [][]byte { return [][]byte{{0, 1, 2}} }), cut, false, `sip: unexpected answer .*`},
		{"silence", datagrams(t, func(string) [][]byte { return nil }), hurried, false, `sip: no answer within 250ms`},
		{"nobody there", nobody(t), sip, false, `sip: port unreachable` + inTime},
	} {
		t.Run(tt.name, func(t *testing.T) { t.Parallel(); tt.ask(t) })
	}
}
