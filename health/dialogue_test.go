package health

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"polso/config"
)

func TestSend(t *testing.T) {
	send := func(send, expect string) config.Check {
		return config.Check{Kind: config.CheckSend, Send: send, Expect: expect}
	}
	limit := func(c config.Check) config.Check { c.Timeout = hasty; return c }
	cut := func(c config.Check) config.Check { c.Timeout = brief; return c }
	pong := answering(t, echoes(func(line string) string { return "+" + line + "\r\n" }))
	mute := answering(t, hangs)
	closes := answering(t, func(net.Conn) {})
	for _, tt := range []asked{
		{"prefix", pong, send(`PING\r\n`, `+PING`), true, `send: answered "\+PING\\r\\n"` + inTime},
		{"prefix to the end", pong, send(`PING\n`, `+PING\r\n`), true, `send: answered .*`},
		{"escapes", pong, send(`a\\b\t\"\'\x41\n`, `+a\\b\t\"\'A`), true, `send: answered .*`},
		{"prefix in two pieces", answering(t, greets("22", "0 hello")), send("", "220"), true, `send: answered "220 hello"` + inTime},
		{"wrong", pong, send(`PING\r\n`, `+PONG`), false, `send: unexpected answer "\+PING\\r\\n"` + inTime},
		{"wrong from the first byte, and no more", answering(t, greets("5")), send("", "220"), false, `send: unexpected answer "5"` + inTime},
		{"too little, then silence", answering(t, greets("22")), cut(send("", "220")), false, `send: unexpected answer "22", then silence` + inTime},
		{"too little, then closed", answering(t, func(c net.Conn) { _, _ = io.WriteString(c, "22") }), send("", "220"), false, `send: unexpected answer "22", then closed` + inTime},
		{"star", answering(t, greets("\x00")), send("", "*"), true, `send: answered "\\x00"` + inTime},
		{"star and nothing", mute, limit(send("", "*")), false, `send: no answer within 250ms`},
		{"expression", answering(t, greets("hello\n", "status: 4", "2\n")), send("", `~(?m)^status: \d+$`), true, `send: answered .*`},
		{"expression without a match", answering(t, greets("hello\n")), cut(send("", `~bye`)), false, `send: unexpected answer "hello\\n", then silence` + inTime},
		{"no expression", mute, send("", `~(`), false, "send: error parsing regexp: .*"},
		{"nothing expected", mute, send(`x`, ``), true, `send: connected` + inTime},
		{"refused", closed(t), send(`x`, `y`), false, `send: connection refused` + inTime},
		{"hangs", mute, limit(send(`x`, `y`)), false, `send: no answer within 250ms`},
		{"closes", closes, send(``, `y`), false, `send: closed without an answer` + inTime},
		{"for ever", answering(t, floods("spam ")), send(``, `~ham`), false, `send: unexpected answer of 64 KiB and more, "spam .*"…` + inTime},
	} {
		t.Run(tt.name, func(t *testing.T) { t.Parallel(); tt.ask(t) })
	}
}

// A slow answer counts if it is there in time.
func TestSendSlow(t *testing.T) {
	slow := answering(t, func(c net.Conn) {
		time.Sleep(600 * time.Millisecond)
		_, _ = io.WriteString(c, "ready")
	})
	asked{addr: slow, check: config.Check{Kind: config.CheckSend, Expect: "ready"}, ok: true, want: `send: answered "ready" after \d{3,} ms`}.ask(t)
	asked{addr: slow, check: config.Check{Kind: config.CheckSend, Expect: "ready", Timeout: hasty}, want: `send: no answer within 250ms`}.ask(t)
}

// A dialogue leaves with its context, whatever the server does.
func TestSendEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	addr := answering(t, hangs)
	got := Probe(ctx, Target{Addr: addr, Check: config.Check{Kind: config.CheckSend, Expect: "*", Timeout: time.Minute}})
	if got.OK || got.Took > 10*time.Second || !strings.HasPrefix(got.Reason, "send: cancelled") {
		t.Errorf("%+v", got)
	}
}

func TestSendTLS(t *testing.T) {
	ca := newAuthority(t, "test")
	cert := ca.sign(t, -time.Hour, time.Hour, "127.0.0.1")
	at := answering(t, func(c net.Conn) {
		echoes(func(line string) string { return "+" + line })(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}))
	})
	check := config.Check{Kind: config.CheckSend, TLS: true, CA: ca.pem, Send: `PING\n`, Expect: "+PING"}
	if got := (asked{addr: at, check: check, ok: true, want: `send: answered "\+PING"` + inTime}).ask(t); got.Expires.IsZero() {
		t.Error("no end of the certificate")
	}
	check.CA = newAuthority(t, "other").pem
	asked{addr: at, check: check, want: `send: certificate of an unknown authority.*`}.ask(t)
	check.NoVerify = true
	asked{addr: at, check: check, ok: true, want: `send: answered "\+PING"` + inTime}.ask(t)
	asked{addr: answering(t, greets("hello")), check: check, want: `send: not TLS.*`}.ask(t)
}
