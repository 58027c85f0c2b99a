package health

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
)

// maxHeader is how many bytes an answer's header may have.
const maxHeader = 64 << 10

// exchange sends req over a connection of its own and returns the answer, with its body if that is wanted of one with such a
// status.
func (p prober) exchange(ctx context.Context, t Target, req *http.Request, body func(status int) bool) (response, shown, error) {
	c, s, err := p.connect(ctx, t, offered(t.Check.Version)...)
	if err != nil {
		return response{}, s, err
	}
	if s.NegotiatedProtocol == "h2" || t.Check.Version == "2" {
		got, err := p.exchange2(c, req, body)
		return got, s, err
	}
	got, err := exchange1(c, req, body)
	return got, s, err
}

// offered are the protocols to offer in a TLS handshake for a version of HTTP.
func offered(version string) []string {
	switch version {
	case "1.1":
		return []string{"http/1.1"}
	case "2":
		return []string{"h2"}
	default:
		return []string{"h2", "http/1.1"}
	}
}

// exchange1 speaks HTTP/1.1 through c, and closes it.
func exchange1(c *conn, req *http.Request, body func(status int) bool) (response, error) {
	defer func() { _ = c.Close() }()
	var out bytes.Buffer
	if err := req.Write(&out); err != nil {
		return response{}, err
	}
	// A server that does not read may have answered all the same.
	_, unsent := c.Write(out.Bytes())
	limit := &io.LimitedReader{R: c, N: maxHeader}
	in := bufio.NewReaderSize(limit, 2<<10)
	res, err := http.ReadResponse(in, req)
	for err == nil && res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
		res, err = http.ReadResponse(in, req) // an interim answer
	}
	switch {
	case err == nil:
		limit.N = 16 * maxBody // with what the smallest of chunks add
		return read(res, body), nil
	case limit.N <= 0:
		return response{}, fmt.Errorf("the header of the answer is longer than %d KiB", maxHeader>>10)
	case unsent != nil:
		return response{}, unsent
	default:
		return response{}, err
	}
}

// read takes from an answer what is looked at. A body that is not wanted is not waited for.
func read(res *http.Response, body func(status int) bool) response {
	got := response{status: res.StatusCode, location: res.Header.Get("Location")}
	if body(got.status) {
		got.body, got.broken = io.ReadAll(io.LimitReader(res.Body, maxBody+1))
		if got.cut = len(got.body) > maxBody; got.cut {
			got.body = got.body[:maxBody]
		}
	}
	return got
}

// httpFault says in an operator's words why there was no answer.
func httpFault(err error) error {
	if alert, ok := refusal(err); ok { // TLS 1.3 refuses a client's certificate after the handshake
		return errors.New("the server refused the TLS handshake: " + alert)
	}
	// net/http has no name for a connection of HTTP/2 that ended before its first request.
	early := strings.Contains(err.Error(), "http2: client conn could not be established")
	if early || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) {
		return errors.New("the server closed before it had answered")
	}
	return err
}
