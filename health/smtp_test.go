package health

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"polso/config"
)

// mailer is an SMTP server that answers each verb with what is written, and speaks TLS after STARTTLS if it can.
type mailer struct {
	banner  string
	answers map[string]string
	cert    *tls.Certificate
	heard   chan string // nil: nobody listens
}

func (m mailer) serve(c net.Conn) {
	_, _ = io.WriteString(c, m.banner)
	for s := bufio.NewScanner(c); s.Scan(); {
		if m.heard != nil {
			m.heard <- s.Text()
		}
		verb, _, _ := strings.Cut(s.Text(), " ")
		answer, known := m.answers[verb]
		if !known {
			hangs(c)
			return
		}
		_, _ = io.WriteString(c, answer)
		if verb == "STARTTLS" && m.cert != nil {
			c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*m.cert}})
			s = bufio.NewScanner(c)
		}
	}
}

func TestSMTP(t *testing.T) {
	ca := newAuthority(t, "test")
	cert := ca.sign(t, -time.Hour, time.Hour, "127.0.0.1")
	const banner, bye = "220 mx.example.org ESMTP\r\n", "221 bye\r\n"
	good := map[string]string{"EHLO": "250-mx\r\n250-STARTTLS\r\n250 SIZE\r\n", "STARTTLS": "220 go\r\n", "QUIT": bye}
	with := func(verb, answer string) map[string]string {
		other := map[string]string{verb: answer}
		for k, v := range good {
			if k != verb {
				other[k] = v
			}
		}
		return other
	}
	at := func(m mailer) func(net.Conn) { return m.serve }
	smtp := config.Check{Kind: config.CheckSMTP}
	hurried := config.Check{Kind: config.CheckSMTP, Timeout: hasty}
	secure := config.Check{Kind: config.CheckSMTP, TLS: true, CA: ca.pem}
	stranger := config.Check{Kind: config.CheckSMTP, TLS: true, CA: newAuthority(t, "other").pem}
	for _, tt := range []struct {
		name  string
		serve func(net.Conn)
		check config.Check
		ok    bool
		want  string
	}{
		{"up", at(mailer{banner, good, nil, nil}), smtp, true, `smtp: answered "mx.example.org ESMTP"` + inTime},
		{"banner of several lines", at(mailer{"220-a\r\n220 b\r\n", good, nil, nil}), smtp, true, `smtp: answered "a"` + inTime},
		{"no QUIT", at(mailer{banner, with("QUIT", "500 what?\r\n"), nil, nil}), smtp, true, `smtp: answered .*`},
		{"busy", greets("421 too many connections\r\n"), smtp, false, `smtp: banner: answered "421 too many connections"` + inTime},
		{"no EHLO", at(mailer{banner, with("EHLO", "502 no\r\n"), nil, nil}), smtp, false, `smtp: EHLO: answered "502 no"` + inTime},
		{"hangs", hangs, hurried, false, `smtp: no answer within 250ms`},
		{"hangs after the banner", at(mailer{banner, nil, nil, nil}), hurried, false, `smtp: no answer within 250ms`},
		{"closes", func(net.Conn) {}, smtp, false, `smtp: banner: closed without an answer` + inTime},
		{"garbage", greets("\x00\xff\r\n"), smtp, false, `smtp: banner: the answer is not SMTP: .*`},
		{"for ever", floods("220-spam\r\n"), smtp, false, `smtp: banner: .*` + inTime},
		{"STARTTLS", at(mailer{banner, good, &cert, nil}), secure, true, `smtp: answered .*`},
		{"STARTTLS of a stranger", at(mailer{banner, good, &cert, nil}), stranger, false, `smtp: certificate of an unknown authority.*`},
		{"STARTTLS not offered", at(mailer{banner, with("EHLO", "250 mx\r\n"), nil, nil}), secure, false, `smtp: the server offers no STARTTLS` + inTime},
		{"STARTTLS refused", at(mailer{banner, with("STARTTLS", "454 not now\r\n"), nil, nil}), secure, false, `smtp: STARTTLS: answered "454 not now"` + inTime},
		{"goes on in clear", at(mailer{banner, with("STARTTLS", "220 go\r\n250 mx\r\n"), nil, nil}), secure, false, `smtp: the server goes on in clear after STARTTLS` + inTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked{addr: answering(t, tt.serve), check: tt.check, ok: tt.ok, want: tt.want}.ask(t)
		})
	}
	asked{addr: closed(t), check: smtp, want: `smtp: connection refused` + inTime}.ask(t)
}

// We say who we are, and goodbye.
func TestSMTPSays(t *testing.T) {
	heard := make(chan string, 9)
	m := mailer{"220 mx\r\n", map[string]string{"EHLO": "250 mx\r\n", "QUIT": "221 bye\r\n"}, nil, heard}
	asked{addr: answering(t, m.serve), check: config.Check{Kind: config.CheckSMTP}, ok: true, want: `smtp: .*`}.ask(t)
	if a, b := <-heard, <-heard; a != "EHLO [127.0.0.1]" || b != "QUIT" {
		t.Errorf("said %q, then %q", a, b)
	}
}
