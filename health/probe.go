package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"polso/config"
)

// Prober asks a target once. It returns within the target's Check.Timeout, or soon after ctx ends.
type Prober func(ctx context.Context, t Target) Result

// Source tells from which of this node's addresses to ask a target; the zero Addr leaves it to the kernel. It must not block.
type Source func(target netip.Addr) netip.Addr

// Probe is the Prober that asks over the network, each kind of check in its own way. It keeps no connection and uses no
// proxy. The kernel chooses the source address.
func Probe(ctx context.Context, t Target) Result { return prober{}.probe(ctx, t) }

// ProbeFrom returns a Prober that asks as Probe does, from where source says (nil: the kernel's choice), through virtuals as detour
// says (nil: it cannot), and that keeps between probes what is costly to make from a check. An address that cannot be used as a
// source any more leaves it to the kernel. Where detour fails the server's own address is asked, and the reason says so: a router
// that lacks something must not find all servers down.
func ProbeFrom(source Source, detour Detour) Prober {
	return prober{source: source, detour: detour, memory: newMemory()}.probe
}

// prober is what a question is asked with.
type prober struct {
	source Source     // nil: the kernel's choice
	detour Detour     // nil: there is none
	memory *memory    // nil: nothing is kept
	note   func(Step) // nil: nobody wants to see the steps
	start  time.Time  // of this probe
	server netip.Addr // of this probe, if it is through the virtual
	at     netip.Addr // what stands for the virtual's address there
}

// question puts one kind of check to a target. Its time is ctx's: what p.dial returned gives up when ctx ends.
type question func(ctx context.Context, p prober, t Target) answer

// answer is what a question came to.
type answer struct {
	OK      bool
	Words   string    // what the server said: "connected", "503"; how long it took is put behind it
	Note    string    // what else is to be known: "certificate ends in 6 days"; behind the time
	Err     error     // there was no answer; Words then has no say
	Advice  Advice    // see Result
	Expires time.Time // see Result
}

// asks returns the question of a kind of check; nil: there is no such kind.
func asks(kind config.CheckKind) question {
	switch kind {
	case config.CheckTCP:
		return askTCP
	case config.CheckTLS:
		return askTLS
	case config.CheckHTTP:
		return askHTTP
	case config.CheckGRPC:
		return askGRPC
	case config.CheckSend:
		return askSend
	case config.CheckUDP:
		return askUDP
	case config.CheckDNS:
		return askDNS
	case config.CheckICMP:
		return askICMP
	case config.CheckSMTP:
		return askSMTP
	case config.CheckScript:
		return askScript
	case config.CheckAgent:
		return askAgent
	}
	if x, ok := preset(kind); ok {
		return x.ask
	}
	return nil
}

func (p prober) probe(ctx context.Context, t Target) Result {
	p.start = time.Now()
	ctx, cancel := context.WithTimeout(ctx, t.Check.Timeout)
	defer cancel()
	kind, direct := t.scheme(), ""
	if t.through() {
		var err error
		if p.at, err = p.around(t); err != nil {
			direct = "asked at its own address, not through the virtual: " + err.Error()
		} else {
			kind += " through " + t.Way.Virtual.Addr().String()
			p.server, t.Addr = t.Addr.Addr(), t.Way.Virtual
			p.step(p.at.String()+" leads to "+t.Way.Virtual.Addr().String()+" at "+p.server.String(), nil)
		}
	}
	var a answer
	if ask := asks(t.Check.Kind); ask != nil {
		a = ask(ctx, p, t)
	} else {
		a.Err = fmt.Errorf("unknown kind of check %q", t.Check.Kind)
	}
	took := time.Since(p.start)
	words := a.Words + " after " + millis(took)
	switch {
	case a.Err != nil && errors.Is(ctx.Err(), context.Canceled):
		words = "cancelled after " + millis(took)
	case timedOut(a.Err):
		words = "no answer within " + t.Check.Timeout.String()
	case a.Err != nil:
		words = cause(a.Err) + " after " + millis(took)
	}
	for _, note := range []string{a.Note, direct} {
		if note != "" {
			words += "; " + note
		}
	}
	return Result{OK: a.OK && a.Err == nil, Took: took, Reason: kind + ": " + words, Advice: a.Advice, Expires: a.Expires, Silent: silent(a.Err)}
}

// around asks for the address that leads to the virtual's at t's server.
func (p prober) around(t Target) (netip.Addr, error) {
	if p.detour == nil {
		return netip.Addr{}, errors.New("there is no way on this router")
	}
	return p.detour(t.Way.Virtual.Addr(), t.Addr.Addr(), t.Way.Forward)
}

// dial connects to at by tcp or udp. The connection ends with ctx, and tells p.note of what passes.
func (p prober) dial(ctx context.Context, network string, at netip.AddrPort) (*conn, error) {
	d := net.Dialer{KeepAlive: -1} // a probe is over before the first would be sent
	server := at.Addr()
	if p.at.IsValid() {
		server, at = p.server, netip.AddrPortFrom(p.at, at.Port())
	}
	var from netip.Addr
	if p.source != nil {
		from = p.source(server)
	}
	c, err := dialFrom(ctx, d, network, from, at)
	// The address is gone since, or has no port left: that says nothing about the server.
	if from.IsValid() && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EADDRINUSE)) {
		c, err = dialFrom(ctx, d, network, netip.Addr{}, at)
	}
	if err != nil {
		return nil, err
	}
	if p.note != nil {
		p.step("connected "+c.LocalAddr().String()+" to "+c.RemoteAddr().String(), nil)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // an error means that it is closed
	return &conn{Conn: c, p: p, stop: stop}, nil
}

// dialFrom connects from an address of this router; the zero Addr leaves it to the kernel.
func dialFrom(ctx context.Context, d net.Dialer, network string, from netip.Addr, at netip.AddrPort) (net.Conn, error) {
	if !from.IsValid() { // DialTCP and DialUDP would bind such a socket, which takes a port from all targets (see bindLate)
		return d.DialContext(ctx, network, at.String())
	}
	// In addresses rather than text, which package net would look up as if it were a name.
	d.Control = bindLate
	if network == "udp" {
		return asConn(d.DialUDP(ctx, network, netip.AddrPortFrom(from, 0), at))
	}
	return asConn(d.DialTCP(ctx, network, netip.AddrPortFrom(from, 0), at))
}

// asConn keeps a nil pointer from becoming a connection.
func asConn[C net.Conn](c C, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// silent tells whether nothing came back: what failed may be the way as well as the server. Who refuses is heard.
func silent(err error) bool {
	return timedOut(err) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTDOWN)
}

func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// cause is what an operator needs of err: the kernel's own words where it spoke, without addresses that status shows anyway.
func cause(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		err = op.Err
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return short(text)
}

// short keeps foreign text from filling a reason.
func short(text string) string {
	if len(text) > 120 {
		return strings.ToValidUTF8(text[:120], "") + "…"
	}
	return text
}

// millis prints d as probes are read: whole milliseconds, and tenths below ten.
func millis(d time.Duration) string {
	if d < 10*time.Millisecond {
		return strconv.FormatFloat(float64(d.Round(100*time.Microsecond))/float64(time.Millisecond), 'f', -1, 64) + " ms"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
}
