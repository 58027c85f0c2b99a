package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"polso/config"
)

// mail sends one mail about events, encrypted where the server offers that. A refusal with a code of 500 and above is fatal
// (RFC 5321, section 4.2.1).
func mail(ctx context.Context, n config.Notify, events []Event) (Answer, error) {
	host, _, err := net.SplitHostPort(n.SMTP)
	if err != nil {
		return Answer{}, fatal{err}
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", n.SMTP)
	if err != nil {
		return Answer{}, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return Answer{}, refusal(err)
	}
	if offered, _ := c.Extension("STARTTLS"); offered {
		// A mail server in front of a farm seldom has a certificate that anybody would know; without it the mail would go in
		// the clear, which is worse.
		if err := c.StartTLS(&tls.Config{ServerName: host, InsecureSkipVerify: true}); err != nil {
			return Answer{}, refusal(err)
		}
	}
	if err := c.Mail(n.From); err != nil {
		return Answer{}, refusal(err)
	}
	for _, to := range n.Mail {
		if err := c.Rcpt(to); err != nil {
			return Answer{}, refusal(err)
		}
	}
	said, err := deliver(c.Text, message(n, events, time.Now()))
	if err != nil {
		return Answer{}, refusal(err)
	}
	_ = c.Quit() // it is delivered
	return Answer{Status: said}, nil
}

// deliver hands a mail over and returns what the server says to it, which smtp.Client keeps for itself.
func deliver(c *textproto.Conn, mail []byte) (string, error) {
	if err := c.PrintfLine("DATA"); err != nil {
		return "", err
	}
	if _, _, err := c.ReadResponse(354); err != nil {
		return "", err
	}
	w := c.DotWriter()
	if _, err := w.Write(mail); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	code, text, err := c.ReadResponse(250)
	return fmt.Sprintf("%d %s", code, text), err
}

func refusal(err error) error {
	if e, ok := errors.AsType[*textproto.Error](err); ok && e.Code >= 500 {
		return fatal{err}
	}
	return err
}

// message is the mail (RFC 5322).
func message(n config.Notify, events []Event, at time.Time) []byte {
	subject := fmt.Sprintf("[polso %s] %s", events[0].Cluster, events[0])
	if more := len(events) - 1; more > 0 {
		subject += fmt.Sprintf(" and %d more", more)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s@polso>\r\n", n.From, strings.Join(n.Mail, ", "),
		mime.QEncoding.Encode("utf-8", subject), at.Format(time.RFC1123Z), rand.Text())
	b.WriteString("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(&b)
	for _, e := range events {
		if e.Dropped > 0 {
			fmt.Fprintf(w, "(%d events before this one were too many to tell)\r\n", e.Dropped)
		}
		fmt.Fprintf(w, "%s  %s  told by %s\r\n", e.At.UTC().Format(time.RFC3339), e, e.Router)
	}
	_ = w.Close() // into a buffer
	return b.Bytes()
}
