package health

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"

	"polso/config"
)

// Preset is a dialogue that is known by the name of its protocol. What it says and expects is data; only user and addresses are
// put into it.
type Preset struct {
	Kind     config.CheckKind
	Network  string                   // tcp or udp
	Port     uint16                   // the protocol's own
	TLSPort  uint16                   // the protocol's own where it is encrypted; 0: it never is
	StartTLS string                   // what is said in clear for the server to begin TLS; "": it begins TLS of its own accord
	Started  string                   // what it has to answer to that, as Check.Expect
	Greeting string                   // what the server says of its own accord, as Check.Expect; "": nothing
	Send     func(words Words) string // nil: nothing is sent
	Expect   string                   // what it has to answer to that, as Check.Expect
	Accepted string                   // instead of Expect where the check names a user, who has to be let in; "": Expect
	Bye      string                   // sent at the end; "": nothing
}

// Words are what a preset puts into what it sends.
type Words struct {
	User          string // the check's; "polso" if it names none
	Local, Remote string // host:port
	Nonce         string // differs from probe to probe
}

// Presets returns all of them, in the order of the manual. The result is the caller's own.
func Presets() []Preset {
	return []Preset{
		// A server that wants a password first works, too.
		{Kind: config.CheckRedis, Network: "tcp", Port: 6379, TLSPort: 6379, Send: constant("PING\r\n"), Expect: `~^(\+PONG|-NOAUTH)`, Bye: "QUIT\r\n"},
		// Protocol 10. A client that goes after the greeting counts as a failed connection, and so many of them as
		// max_connect_errors shut its address out; hence a login. To be denied it is an answer (28000, or 08004 where
		// the server knows only newer ways to sign in).
		{
			Kind: config.CheckMySQL, Network: "tcp", Port: 3306, Greeting: `~(?s)^...\x00\x0a`,
			Send: mysqlLogin, Expect: `~(?s)^...\x02(\x00|...#(28000|08004))`, Accepted: `~(?s)^...\x02\x00`,
			Bye: "\x01\x00\x00\x00\x01",
		},
		// A request for authentication, or a refusal that says that the server works: class 28 is about who asks, 3D000 a
		// database that is not there. While it starts, stops or is full it says 57P03 or 53300.
		{
			Kind: config.CheckPostgreSQL, Network: "tcp", Port: 5432, TLSPort: 5432, Send: postgresStartup,
			StartTLS: "\x00\x00\x00\x08\x04\xd2\x16\x2f", Started: "S", // SSLRequest
			Expect:   `~(?s)^(R....\x00\x00\x00[^\x00]|R\x00\x00\x00\x08\x00\x00\x00\x00[^E]|(R\x00\x00\x00\x08\x00\x00\x00\x00)?E.*\x00C(28|3D000))`,
			Accepted: `~^R\x00\x00\x00\x08\x00\x00\x00\x00[^E]`,
		},
		// An anonymous bind, which succeeds or is not wanted (48, or 8: sign in better); then unbind. Lengths are in
		// one byte or, as Active Directory has it, in five.
		{
			Kind: config.CheckLDAP, Network: "tcp", Port: 389, TLSPort: 636,
			Send:   constant("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"),
			Expect: `~(?s)^0(.|.....)\x02\x01\x01a(.|.....)\x0a\x01[\x00\x08\x30]`,
			Bye:    "\x30\x05\x02\x01\x02\x42\x00",
		},
		// Whatever the answer is, but for a server's own failure (5xx) and what is for others (6xx).
		{Kind: config.CheckSIP, Network: "udp", Port: 5060, Send: sipOptions("UDP"), Expect: `~^SIP/2\.0 [1-4]`},
		{Kind: config.CheckSIPTCP, Network: "tcp", Port: 5060, TLSPort: 5061, Send: sipOptions("TCP"), Expect: `~^SIP/2\.0 [1-4]`},
		{Kind: config.CheckFTP, Network: "tcp", Port: 21, TLSPort: 990, Greeting: "220", Bye: "QUIT\r\n"},
		{Kind: config.CheckIMAP, Network: "tcp", Port: 143, TLSPort: 993, Greeting: "* OK", Bye: "a LOGOUT\r\n"},
		{Kind: config.CheckPOP3, Network: "tcp", Port: 110, TLSPort: 995, Greeting: "+OK", Bye: "QUIT\r\n"},
	}
}

// preset returns the one of that kind; false: there is none.
func preset(kind config.CheckKind) (Preset, bool) {
	for _, x := range Presets() {
		if x.Kind == kind {
			return x, true
		}
	}
	return Preset{}, false
}

// ask asks as the preset does.
func (x Preset) ask(ctx context.Context, p prober, t Target) answer {
	c, err := p.dial(ctx, x.Network, t.Addr)
	if err != nil {
		return answer{Err: err}
	}
	a := answer{OK: true}
	var s shown
	if t.Check.TLS {
		// What is said in clear after Started is lost, and cannot pass for said under TLS.
		if a = p.take(c, turn{x.StartTLS, x.Started}, a); !a.OK {
			_ = c.Close()
			a.Words = "no TLS: " + a.Words
			return a
		}
		if c, s, err = p.secure(c, t); err != nil {
			return s.on(answer{Err: err})
		}
	}
	defer c.Close()
	if x.Greeting != "" {
		a = p.take(c, turn{expect: x.Greeting}, a)
	}
	if a.OK && x.Send != nil {
		next := turn{x.Send(wordsFor(c, t.Check.User)), x.Expect}
		if t.Check.User != "" && x.Accepted != "" {
			next.expect = x.Accepted
		}
		a = p.take(c, next, a)
	}
	if a.OK && x.Bye != "" {
		_, _ = io.WriteString(c, x.Bye) // out of politeness: the server has answered
	}
	if x.Network == "udp" {
		a.Err = unreachable(a.Err)
	}
	return s.on(a)
}

func wordsFor(c net.Conn, user string) Words {
	if user == "" {
		user = "polso"
	}
	return Words{User: user, Local: c.LocalAddr().String(), Remote: c.RemoteAddr().String(), Nonce: fmt.Sprintf("%016x", rand.Uint64())}
}

func constant(text string) func(Words) string { return func(Words) string { return text } }

// mysqlLogin is a HandshakeResponse41 without a password, which a length and the number 1 stand before.
func mysqlLogin(w Words) string {
	const protocol41, secureConnection = 0x200, 0x8000
	b := binary.LittleEndian.AppendUint32(make([]byte, 4, 64+len(w.User)), protocol41|secureConnection)
	b = binary.LittleEndian.AppendUint32(b, 1<<16) // the longest packet that we would take
	b = append(b, 33)                              // utf8_general_ci
	b = append(b, make([]byte, 23)...)
	b = append(append(b, w.User...), 0, 0)
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4)|1<<24)
	return string(b)
}

// postgresStartup is a StartupMessage of protocol 3.0, which its length stands before.
func postgresStartup(w Words) string {
	b := binary.BigEndian.AppendUint32(make([]byte, 4, 64+len(w.User)), 3<<16)
	b = append(b, "user\x00"+w.User+"\x00database\x00postgres\x00application_name\x00polso-check\x00\x00"...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return string(b)
}

// sipOptions is a request of RFC 3261, section 11, over that transport.
func sipOptions(transport string) func(Words) string {
	return func(w Words) string {
		return strings.NewReplacer("LOCAL", w.Local, "REMOTE", w.Remote, "NONCE", w.Nonce, "TRANSPORT", transport).Replace(
			"OPTIONS sip:REMOTE SIP/2.0\r\n" +
				"Via: SIP/2.0/TRANSPORT LOCAL;branch=z9hG4bKNONCE;rport\r\n" +
				"Max-Forwards: 70\r\n" +
				"From: <sip:polso@LOCAL>;tag=NONCE\r\n" +
				"To: <sip:REMOTE>\r\n" +
				"Call-ID: NONCE@polso\r\n" +
				"CSeq: 1 OPTIONS\r\n" +
				"User-Agent: polso-check\r\n" +
				"Accept: application/sdp\r\n" +
				"Content-Length: 0\r\n\r\n")
	}
}
