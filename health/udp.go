package health

import (
	"context"
	"errors"
	"syscall"

	"polso/config"
)

// askUDP sends a datagram, and judges by the first that comes back. Without an expectation any is an answer and, as with
// keepalived's UDP_CHECK, silence to the end of the timeout is up: it means no more than that nobody said the port was
// unreachable, which a host that is off does not say either.
func askUDP(ctx context.Context, p prober, t Target) answer {
	text, _ := config.Unescape(t.Check.Send) // the document refuses others
	want, err := p.expect(t.Check.Expect)
	if err != nil {
		return answer{Err: err}
	}
	c, err := p.dial(ctx, "udp", t.Addr)
	if err != nil {
		return answer{Err: err}
	}
	defer c.Close()
	if _, err := c.Write([]byte(text)); err != nil {
		return answer{Err: unreachable(err)}
	}
	got := make([]byte, maxAnswer)
	n, err := c.Read(got)
	got = got[:n]
	switch {
	case timedOut(err) && t.Check.Expect == "" && ctx.Err() == context.DeadlineExceeded:
		return answer{OK: true, Words: "silence, and no refusal"}
	case err != nil:
		return answer{Err: unreachable(err)}
	case t.Check.Expect == "" || want.met(got):
		return answer{OK: true, Words: "answered " + said(got)}
	default:
		return answer{Words: "unexpected answer " + said(got)}
	}
}

// unreachable puts ICMP's word for it where the kernel has TCP's.
func unreachable(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return errors.New("port unreachable")
	}
	return err
}
