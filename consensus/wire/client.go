package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"polso/consensus/trust"
)

// maxMessage bounds what is forwarded and what is answered: a document has at most 1 MiB compressed, its text beside it.
const maxMessage = 8 << 20

const (
	pathForward = "/wire/1/forward"
	pathArm     = "/wire/1/arm"
)

// ClientOptions completes a Client.
type ClientOptions struct {
	Dialer  *Dialer                  // required
	Timeout time.Duration            // for Forward and Arm where ctx has no end of its own; default 10 s
	Decode  func(*RemoteError) error // translates an answered error into the caller's own; nil, or a nil answer: the RemoteError
}

// Client asks other members things. It is safe for concurrent use and keeps a few idle connections to each.
type Client struct {
	options   ClientOptions
	transport *http.Transport
}

// NewClient builds a Client.
func NewClient(o ClientOptions) *Client {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	return &Client{
		options: o,
		transport: &http.Transport{
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				id, _, err := net.SplitHostPort(address) // net/http has added a port to the ID
				if err != nil {
					return nil, err
				}
				return o.Dialer.Dial(ctx, id, trust.Peer)
			},
			DisableCompression:  true,
			MaxIdleConnsPerHost: 4,
			// A connection that has lain idle for longer may lead over a path that was cut meanwhile; a new one
			// costs a handshake and finds a path that lives. Who is asked every second keeps its own.
			IdleConnTimeout:        3 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// Forward hands data to the node's Receive and returns its answer. It is ErrUnreachable when nothing was sent,
// ErrUnknownOutcome when it was and no answer came; else a RemoteError, translated by Decode.
func (c *Client) Forward(ctx context.Context, id string, data []byte) ([]byte, error) {
	if len(data) > maxMessage {
		return nil, fmt.Errorf("node %s: %w", id, Refused{fmt.Sprintf("%d bytes are too many to forward, at most %d", len(data), maxMessage)})
	}
	return c.post(ctx, id, pathForward, data)
}

// Arm asks the node to take over from this one in term. Errors are Forward's.
func (c *Client) Arm(ctx context.Context, id string, term uint64) error {
	body, err := json.Marshal(armRequest{Term: term})
	if err != nil {
		return err
	}
	_, err = c.post(ctx, id, pathArm, body)
	return err
}

type armRequest struct {
	Term uint64 `json:"term"`
}

func (c *Client) post(ctx context.Context, id, path string, body []byte) ([]byte, error) {
	if _, ends := ctx.Deadline(); !ends {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.options.Timeout)
		defer cancel()
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	target := url.URL{Scheme: "http", Host: id, Path: path}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		if connected.Load() {
			return nil, fmt.Errorf("node %s: %w: %w", id, ErrUnknownOutcome, err)
		}
		if !errors.Is(err, ErrUnreachable) { // ctx ended while waiting for a connection
			err = fmt.Errorf("node %s: %w: %w", id, ErrUnreachable, err)
		}
		return nil, err
	}
	defer response.Body.Close()
	answer, err := readAnswer(id, response, maxMessage)
	var remote *RemoteError
	if errors.As(err, &remote) && c.options.Decode != nil {
		if own := c.options.Decode(remote); own != nil {
			return nil, own
		}
	}
	return answer, err
}

// HTTP returns a client whose every request goes to the node, whatever host its URL names; write http://<id>/path. It
// follows no redirect and has no time limit of its own. Connections are shared with the Client's other uses.
func (c *Client) HTTP(id string) *http.Client {
	return &http.Client{
		Transport:     toNode{id: id, next: c.transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close drops the idle connections; the Client can be used further.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// toNode sends every request to one node.
type toNode struct {
	id   string
	next http.RoundTripper
}

func (t toNode) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", t.id // TLS is in the connection
	return t.next.RoundTrip(r)
}
