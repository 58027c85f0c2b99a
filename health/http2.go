package health

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// exchange2 speaks HTTP/2 through c, and closes it.
func (p prober) exchange2(c *conn, req *http.Request, body func(status int) bool) (response, error) {
	res, end, err := p.roundTrip2(c, req, nil)
	defer end()
	if err != nil {
		return response{}, err
	}
	got := read(res, body)
	p.steps2("received", res.Proto+" "+res.Status, res.Header, got.body)
	return got, nil
}

// roundTrip2 sends req, whose body is message, through c by HTTP/2. The caller calls end, error or not, once it has read the answer: that closes c.
func (p prober) roundTrip2(c *conn, req *http.Request, message []byte) (res *http.Response, end func(), err error) {
	// What passes is told as the text that it stands for.
	c.quiet = true
	end = func() {
		_ = c.Close()
		p.step("closed", nil)
	}
	if state, ok := c.Conn.(*tls.Conn); ok && state.ConnectionState().NegotiatedProtocol != "h2" {
		return nil, end, errors.New("the server does not offer HTTP/2")
	}
	transport, err := remember(p.memory, twoWays{}, transport2)
	if err != nil {
		return nil, end, err
	}
	// Encrypted or not, to the transport c is a connection in clear.
	heard := &firstWords{conn: c}
	session, err := transport.NewClientConn(context.WithValue(req.Context(), twoWays{}, heard), "http", req.URL.Host)
	if err != nil {
		return nil, end, err
	}
	end = func() {
		_ = session.Close()
		p.step("closed", nil)
	}
	if message != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(message)), int64(len(message))
	}
	p.steps2("sent", req.Method+" "+req.URL.RequestURI()+" HTTP/2.0\r\nHost: "+req.Host, req.Header, message)
	res, err = session.RoundTrip(req)
	if err != nil && heard.one.Load() {
		err = errors.New("the server speaks HTTP/1.1, not HTTP/2")
	}
	return res, end, err
}

// firstWords is a connection that remembers whether the first of what came is HTTP/1: net/http says so only if it has sent a
// request by then.
type firstWords struct {
	*conn
	begun bool        // Read's alone
	one   atomic.Bool // what came first is HTTP/1
}

// Read is as of net.Conn.
func (f *firstWords) Read(b []byte) (int, error) {
	n, err := f.conn.Read(b)
	if n > 0 && !f.begun {
		f.begun = true
		f.one.Store(bytes.HasPrefix(b[:n], []byte("HTTP/1.")))
	}
	return n, err
}

// steps2 tells of a message as HTTP/1.1 would write it.
func (p prober) steps2(what, first string, header http.Header, body []byte) {
	if p.note == nil {
		return
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s\r\n", first)
	_ = header.Write(&text) // a buffer takes everything
	text.WriteString("\r\n")
	text.Write(body)
	p.step(what, text.Bytes())
}

// twoWays is the key of the one Transport by which all probes speak HTTP/2, and in a context of the connection it is to use.
type twoWays struct{}

// transport2 returns a Transport that is given its connections, and keeps none.
func transport2(twoWays) (*http.Transport, error) {
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return ctx.Value(twoWays{}).(*firstWords), nil
		},
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetUnencryptedHTTP2(true)
	return t, nil
}
