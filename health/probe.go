package health

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
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

// Probe is the Prober that asks over the network: a TCP connect, or an HTTP GET whose status must be in the check's
// ranges. It follows no redirect, keeps no connection, uses no proxy and accepts any certificate: it asks whether the
// server works, not who it is. The kernel chooses the source address.
func Probe(ctx context.Context, t Target) Result { return prober{}.probe(ctx, t) }

// ProbeFrom returns a Prober that asks as Probe does, from where source says. An address that cannot be used as a source any
// more leaves it to the kernel.
func ProbeFrom(source Source) Prober { return prober{source}.probe }

type prober struct{ source Source } // nil: the kernel's choice

func (p prober) probe(ctx context.Context, t Target) Result {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, t.Check.Timeout)
	defer cancel()
	var (
		answer string
		ok     bool
		err    error
	)
	switch t.Check.Kind {
	case config.CheckTCP:
		answer, ok, err = p.tcp(ctx, t)
	case config.CheckHTTP:
		answer, ok, err = p.http(ctx, t)
	default:
		err = fmt.Errorf("unknown kind of check %q", t.Check.Kind)
	}
	took := time.Since(start)
	switch {
	case err == nil:
		answer += " after " + millis(took)
	case timedOut(err):
		answer = "no answer within " + t.Check.Timeout.String()
	default:
		answer = cause(err) + " after " + millis(took)
	}
	return Result{OK: ok && err == nil, Took: took, Reason: t.scheme() + ": " + answer}
}

// dial connects to the target.
func (p prober) dial(ctx context.Context, t Target) (net.Conn, error) {
	var d net.Dialer
	if p.source != nil {
		if from := p.source(t.Addr.Addr()); from.IsValid() {
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		}
	}
	c, err := d.DialContext(ctx, "tcp", t.Addr.String())
	// The address is gone since, or has no port left: that says nothing about the server.
	if d.LocalAddr != nil && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EADDRINUSE)) {
		d.LocalAddr = nil
		return d.DialContext(ctx, "tcp", t.Addr.String())
	}
	return c, err
}

func (p prober) tcp(ctx context.Context, t Target) (answer string, ok bool, err error) {
	c, err := p.dial(ctx, t)
	if err != nil {
		return "", false, err
	}
	// The handshake was the answer; what closing says adds nothing.
	_ = c.Close()
	return "connected", true, nil
}

func (p prober) http(ctx context.Context, t Target) (answer string, ok bool, err error) {
	tr := &http.Transport{
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx, t) },
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: true, ServerName: serverName(t.Check.Host)},
	}
	defer tr.CloseIdleConnections()
	req, err := request(ctx, t)
	if err != nil {
		return "", false, err
	}
	res, err := tr.RoundTrip(req) // not a Client: a redirect is an answer
	if err != nil {
		return "", false, err
	}
	// The status line was the answer; a body is not waited for.
	_ = res.Body.Close()
	return strconv.Itoa(res.StatusCode), accepts(t.Check.Status, res.StatusCode), nil
}

func request(ctx context.Context, t Target) (*http.Request, error) {
	path := t.Check.Path
	if path == "" {
		path = "/"
	}
	u, err := url.Parse(t.scheme() + "://" + t.Addr.String() + path)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if t.Check.Host != "" {
		req.Host = t.Check.Host
	}
	req.Header.Set("User-Agent", "polso-check")
	return req, nil
}

// accepts tells whether code is in one of the ranges; without ranges every 2xx is.
func accepts(ranges []config.StatusRange, code int) bool {
	if len(ranges) == 0 {
		return code >= 200 && code <= 299
	}
	for _, r := range ranges {
		if code >= r.From && code <= r.To {
			return true
		}
	}
	return false
}

// serverName is the name to ask for in the TLS handshake: the host without a port.
func serverName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// cause is what an operator needs of err: the kernel's own words where it spoke, without addresses that status shows anyway.
func cause(err error) string {
	if errors.Is(err, context.Canceled) {
		return "cancelled"
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		err = op.Err
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	if len(text) > 120 {
		text = strings.ToValidUTF8(text[:120], "") + "…"
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
