package health

import (
	"context"
	"errors"
	"io"

	"polso/config"
)

// turn is one exchange of a dialogue: what is said, and what has to be answered.
type turn struct {
	send   string // bytes, without escapes; "": nothing
	expect string // as of a check; "": no answer is waited for
}

// askSend says what the check says over TCP, encrypted if it wants that, and reads until the answer is as expected, cannot be
// any more, or is longer than maxAnswer. Without an expectation a connection that takes what is sent is enough.
func askSend(ctx context.Context, p prober, t Target) answer {
	text, _ := config.Unescape(t.Check.Send) // the document refuses others
	return converse(ctx, p, t, turn{text, t.Check.Expect})
}

// converse takes its turns with a server over TCP.
func converse(ctx context.Context, p prober, t Target, turns ...turn) answer {
	c, s, err := p.connect(ctx, t)
	if err != nil {
		return s.on(answer{Err: err})
	}
	defer c.Close()
	a := answer{OK: true, Words: "connected"}
	for _, next := range turns {
		if a = p.take(c, next, a); !a.OK {
			break
		}
	}
	return s.on(a)
}

// take takes a turn. The answer before stands if none is waited for.
func (p prober) take(c io.ReadWriter, next turn, before answer) answer {
	if next.send != "" {
		if _, err := io.WriteString(c, next.send); err != nil {
			return answer{Err: err}
		}
	}
	if next.expect == "" {
		return before
	}
	want, err := p.expect(next.expect)
	if err != nil {
		return answer{Err: err}
	}
	return listenFor(c, want)
}

// listenFor reads until what has arrived is as expected, or cannot be any more.
func listenFor(r io.Reader, want expectation) answer {
	var got []byte
	for part := make([]byte, 4096); ; {
		n, err := r.Read(part[:min(len(part), maxAnswer-len(got))])
		got = append(got, part[:n]...)
		switch {
		case want.met(got):
			return answer{OK: true, Words: "answered " + said(got)}
		case want.hopeless(got):
			return answer{Words: "unexpected answer " + said(got)}
		case len(got) == maxAnswer:
			return answer{Words: "unexpected answer of 64 KiB and more, " + said(got)}
		case errors.Is(err, io.EOF) && len(got) == 0:
			return answer{Err: errors.New("closed without an answer")}
		case errors.Is(err, io.EOF):
			return answer{Words: "unexpected answer " + said(got) + ", then closed"}
		case timedOut(err) && len(got) > 0:
			return answer{Words: "unexpected answer " + said(got) + ", then silence"}
		case err != nil:
			return answer{Err: err}
		}
	}
}
