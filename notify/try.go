package notify

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"syscall"
	"time"

	"polso/config"
)

// Test is the kind of event that a Try tells of. No document names it: nothing happened.
const Test config.EventKind = "test"

// Trial is what came of a Try.
type Trial struct {
	Told   bool
	Took   time.Duration
	Answer string // who was told in its own words, as Answer.Status; or why it was not
	Output string // as Answer.Output
	Hint   string // of a block that was not told: an operator's next step
}

// Try tells a block of one event, once and now, past its queue and its limit, within its Timeout.
func Try(ctx context.Context, n config.Notify, e Event) Trial {
	began := time.Now()
	timed, cancel := context.WithTimeout(ctx, n.Timeout)
	defer cancel()
	got, err := tell(timed, n, []Event{e})
	t := Trial{Told: err == nil, Took: time.Since(began), Answer: got.Status, Output: got.Output}
	switch {
	case err == nil:
	case timed.Err() == nil:
		t.Answer = cmp.Or(t.Answer, why(err))
		t.Hint = hint(n, got, err)
	case len(n.Command) > 0:
		t.Answer = fmt.Sprintf("killed after %v", n.Timeout)
		t.Hint = longer(n)
	default:
		t.Answer = fmt.Sprintf("no answer within %v", n.Timeout)
		t.Hint = longer(n) + "; or does a firewall drop what this router sends there?"
	}
	return t
}

func longer(n config.Notify) string {
	return fmt.Sprintf("if it needs longer: polso set notify %s timeout=%s", n.Name, config.Brief(2*n.Timeout))
}

// why is what an operator needs of err: the kernel's own words where it spoke, without what the block says anyway.
func why(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrPermission) {
		return errno.Error()
	}
	if said, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Sprintf("%d %s", said.Code, said.Msg)
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return lookup.Name + ": " + lookup.Err
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return err.Error()
}

// hint is the next step when n was not told for err, or answered a.
func hint(n config.Notify, a Answer, err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	_, unknown := errors.AsType[*net.DNSError](err)
	switch {
	case len(n.Command) > 0 && a.Status != "":
		return fmt.Sprintf("run it by hand as %s: it gets nothing of the router's environment, and POLSO_EVENT=%s", n.User, Test)
	case len(n.Command) > 0:
		return fmt.Sprintf("the program has to be on this router too, and user %s has to be there and may run it", n.User)
	case unknown:
		return "this router has to find the name: /etc/resolv.conf, or write an address"
	case errors.Is(err, syscall.ECONNREFUSED) && len(n.Mail) > 0:
		return fmt.Sprintf("nobody listens at %s: is the mail server running, and is smtp right?", n.SMTP)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there: is it running, and is the port right?"
	case errors.As(err, &authority):
		return "this router's system has to know who signed the receiver's certificate (on Debian: update-ca-certificates)"
	case errors.As(err, &host):
		return "the URL has to have a name that the receiver's certificate has"
	case len(n.Mail) > 0 && isFatal(err):
		return "the mail server does not want this sender or receiver; its own log says more"
	case len(n.Mail) > 0:
		return fmt.Sprintf("smtp says which mail server is asked: %s", n.SMTP)
	case a.Status == "" && n.SecretFile != "" && (errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission)):
		return "put the secret into that file on this router too"
	case a.Status == "":
		return "is the URL right, and can this router reach it?"
	case isFatal(err):
		return fmt.Sprintf("the receiver does not want it: is the URL right? polso set notify %s webhook=URL", n.Name)
	default:
		return "the receiver is in trouble; what happens meanwhile is tried again for ten minutes"
	}
}
