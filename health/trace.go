package health

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// Step is one thing that happened during a probe.
type Step struct {
	At    time.Duration // since the probe began
	What  string        // "connected A to B", "handshake ...", "sent", "received", "closed by the server", "closed"
	Bytes []byte        // what was sent or received, in clear where the connection is encrypted; HTTP/2 as the text it stands for
}

// Traced returns a Prober that asks as ProbeFrom(source, detour) does and tells note of each step as it happens, one at a time. What note
// is handed is its own to keep; while it runs, the probe waits and its time goes on.
func Traced(source Source, detour Detour, note func(Step)) Prober {
	var mu sync.Mutex
	return prober{source: source, detour: detour, memory: newMemory(), note: func(s Step) {
		mu.Lock()
		defer mu.Unlock()
		note(s)
	}}.probe
}

// step tells of what happened just now.
func (p prober) step(what string, b []byte) {
	if p.note != nil {
		p.note(Step{At: time.Since(p.start), What: what, Bytes: bytes.Clone(b)})
	}
}

// conn is a connection to a target.
type conn struct {
	net.Conn
	p     prober
	quiet bool        // what passes, and its end, is noted by what speaks through it
	stop  func() bool // of what ends it with its context
}

// Read is as of net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.quiet {
		c.p.step("received", b[:n])
	}
	if err == io.EOF && !c.quiet {
		c.p.step("closed by the server", nil)
	}
	return n, err
}

// Write is as of net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if n > 0 && !c.quiet {
		c.p.step("sent", b[:n])
	}
	return n, err
}

// Close is as of net.Conn.
func (c *conn) Close() error {
	c.stop()
	if !c.quiet {
		c.p.step("closed", nil)
	}
	return c.Conn.Close()
}
