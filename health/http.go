package health

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"polso/config"
)

// maxBody is how much of an answer's body is looked at.
const maxBody = 64 << 10

// askHTTP sends a request, whose answer must have a status in the check's ranges and the body that the check wants. A redirect
// is an answer, unless the check follows some: then only to the same server, which is the one that is asked about.
func askHTTP(ctx context.Context, p prober, t Target) answer {
	wants, err := p.wanted(t.Check)
	if err != nil {
		return answer{Err: err}
	}
	req, err := request(ctx, t)
	if err != nil {
		return answer{Err: err}
	}
	body := func(status int) bool { return len(wants) > 0 && accepts(t.Check.Status, status) }
	for followed := 0; ; followed++ {
		got, shown, err := p.exchange(ctx, t, req, body)
		if err != nil {
			return shown.on(answer{Err: httpFault(err)})
		}
		next, note := redirect(t, req, got, followed)
		if next == nil {
			a := shown.on(judge(t.Check, got, wants))
			if a.Note == "" {
				a.Note = note
			}
			return a
		}
		req = next
	}
}

// response is what is looked at of an answer.
type response struct {
	status   int
	location string
	body     []byte // at most maxBody
	cut      bool   // there was more
	broken   error  // the body did not come to its end
}

// judge holds an answer against the check.
func judge(c config.Check, got response, wants []want) answer {
	a := answer{Words: strconv.Itoa(got.status)}
	switch {
	case !accepts(c.Status, got.status):
		return a
	case got.broken != nil && timedOut(got.broken):
		a.Words += ", but the body did not end"
		return a
	case got.broken != nil:
		a.Words += ", but the body broke off: " + cause(got.broken)
		return a
	}
	if got.cut {
		a.Note = fmt.Sprintf("only the first %d KiB of the body were looked at", maxBody>>10)
	}
	for _, holds := range wants {
		if lack := holds(got); lack != "" {
			a.Words += ", but " + lack
			return a
		}
	}
	a.OK = true
	return a
}

// redirect returns the request that follows got, or nil if got is the answer, with what is to be said of a redirect that a check
// which follows some does not follow.
func redirect(t Target, req *http.Request, got response, followed int) (next *http.Request, note string) {
	switch got.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, ""
	}
	if t.Check.Redirects == 0 || got.location == "" {
		return nil, ""
	}
	if followed == t.Check.Redirects {
		return nil, fmt.Sprintf("%d redirects were followed", followed)
	}
	to, err := req.URL.Parse(got.location)
	switch {
	case err != nil:
		return nil, fmt.Sprintf("redirect to %q, which is no address", short(got.location))
	case to.Scheme != req.URL.Scheme || to.Host != t.Addr.String() && to.Host != req.Host:
		return nil, fmt.Sprintf("redirect to %s, another server", short(to.Redacted()))
	}
	to.Host = req.URL.Host
	next = req.Clone(req.Context())
	next.URL = to
	if kept := got.status == http.StatusTemporaryRedirect || got.status == http.StatusPermanentRedirect; !kept && req.Method != http.MethodHead {
		next.Method = http.MethodGet
	}
	return next, ""
}

func request(ctx context.Context, t Target) (*http.Request, error) {
	c := &t.Check
	path := c.Path
	if path == "" {
		path = "/"
	}
	u, err := url.Parse(t.scheme() + "://" + t.Addr.String() + path)
	if err != nil {
		return nil, err
	}
	req := &http.Request{
		Method: c.Method, URL: u, Host: c.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": {"polso-check"}}, Close: true,
	}
	if c.Method == "" {
		req.Method = http.MethodGet
	}
	if c.Host == "" {
		req.Host = u.Host
	}
	for name, value := range c.Headers {
		req.Header.Set(name, value)
	}
	return req.WithContext(ctx), nil
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
