package health

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"polso/config"
)

// answering takes connections on loopback and lets serve talk to each; it is closed then.
func answering(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { // until Close
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// hangs reads and says nothing.
func hangs(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// greets says the texts, a moment apart, and waits for the client to go.
func greets(texts ...string) func(net.Conn) {
	return func(c net.Conn) {
		for i, text := range texts {
			if i > 0 {
				time.Sleep(10 * time.Millisecond)
			}
			_, _ = io.WriteString(c, text)
		}
		hangs(c)
	}
}

// echoes answers a line with what say makes of it.
func echoes(say func(line string) string) func(net.Conn) {
	return func(c net.Conn) {
		for s := bufio.NewScanner(c); s.Scan(); {
			_, _ = io.WriteString(c, say(s.Text()))
		}
	}
}

// floods says the text for ever.
func floods(text string) func(net.Conn) {
	return func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, strings.Repeat(text, 100)); err != nil {
				return
			}
		}
	}
}

// asked is one case of a probe.
type asked struct {
	name  string
	addr  netip.AddrPort
	check config.Check
	ok    bool
	want  string // a regular expression that the reason matches as a whole
}

// ask runs the case with the time that check says, or 20 s.
func (x asked) ask(t *testing.T) Result {
	t.Helper()
	if x.check.Timeout == 0 {
		x.check.Timeout = 20 * time.Second
	}
	got := Probe(t.Context(), Target{Addr: x.addr, Check: x.check})
	if got.OK != x.ok || !regexp.MustCompile("^"+x.want+"$").MatchString(got.Reason) {
		t.Errorf("got  %v %s\nwant %v %s", got.OK, got.Reason, x.ok, x.want)
	}
	return got
}

const (
	inTime = ` after \S+ ms`
	hasty  = 250 * time.Millisecond // of what does not answer within it
	brief  = 2 * time.Second        // of what answers, and then not to the end
)
