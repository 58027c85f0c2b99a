package health

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
)

// askSMTP waits for a banner, says EHLO and QUIT. With TLS it asks for STARTTLS between the two, verifies as the check says, and
// says EHLO again. Each answer has to be one of success.
func askSMTP(ctx context.Context, p prober, t Target) answer {
	c, err := p.dial(ctx, "tcp", t.Addr)
	if err != nil {
		return answer{Err: err}
	}
	defer func() { _ = c.Close() }() // c changes
	m := mail(c)
	banner, err := m.response(220)
	if err != nil {
		return answer{Err: fmt.Errorf("banner: %w", err)}
	}
	offers, err := m.hello(c.LocalAddr())
	if err != nil {
		return answer{Err: err}
	}
	var s shown
	if t.Check.TLS {
		if !strings.Contains("\n"+strings.ToUpper(offers)+"\n", "\nSTARTTLS\n") {
			return answer{Err: errors.New("the server offers no STARTTLS")}
		}
		if _, err := m.command(220, "STARTTLS"); err != nil {
			return answer{Err: err}
		}
		if m.reader.Buffered() > 0 { // what was said in clear must not pass for said under TLS (CVE-2011-0411)
			return answer{Err: errors.New("the server goes on in clear after STARTTLS")}
		}
		session, s2, err := p.secure(c, t)
		s = s2
		if err != nil {
			return s.on(answer{Err: err})
		}
		c, m = session, mail(session)
		if _, err := m.hello(c.LocalAddr()); err != nil {
			return s.on(answer{Err: err})
		}
	}
	_, _ = m.command(221, "QUIT") // so that the server logs no broken connection; it has answered
	greeting, _, _ := strings.Cut(banner, "\n")
	return s.on(answer{OK: true, Words: "answered " + said([]byte(greeting))})
}

// session speaks SMTP.
type session struct {
	reader *bufio.Reader
	text   *textproto.Reader
	to     io.Writer
}

func mail(c io.ReadWriter) session {
	r := bufio.NewReader(io.LimitReader(c, maxAnswer))
	return session{r, textproto.NewReader(r), c}
}

// hello introduces us by our address, as RFC 5321, section 4.1.3, has it for hosts without a name, and returns what is offered.
func (s session) hello(from net.Addr) (string, error) {
	name := "[127.0.0.1]"
	if tcp, ok := from.(*net.TCPAddr); ok {
		switch addr := tcp.AddrPort().Addr().Unmap().WithZone(""); {
		case addr.Is4():
			name = "[" + addr.String() + "]"
		default:
			name = "[IPv6:" + addr.String() + "]"
		}
	}
	return s.command(250, "EHLO "+name)
}

func (s session) command(want int, line string) (string, error) {
	verb, _, _ := strings.Cut(line, " ")
	if _, err := io.WriteString(s.to, line+"\r\n"); err != nil {
		return "", fmt.Errorf("%s: %w", verb, err)
	}
	text, err := s.response(want)
	if err != nil {
		return "", fmt.Errorf("%s: %w", verb, err)
	}
	return text, nil
}

// response reads an answer that has to be of code want.
func (s session) response(want int) (string, error) {
	_, text, err := s.text.ReadResponse(want)
	switch e := (*textproto.Error)(nil); {
	case errors.As(err, &e):
		return "", errors.New("answered " + said(fmt.Appendf(nil, "%d %s", e.Code, e.Msg)))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "", errors.New("closed without an answer")
	}
	if wrong, ok := errors.AsType[textproto.ProtocolError](err); ok {
		return "", errors.New("the answer is not SMTP: " + said([]byte(wrong)))
	}
	return text, err
}
