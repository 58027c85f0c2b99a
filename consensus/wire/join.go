package wire

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"polso/consensus/trust"
)

const (
	pathJoin   = "/join/1"
	maxJoin    = 64 << 10 // a request: CSR, name, addresses
	maxWelcome = 4 << 20  // an answer: certificates, members
)

// joinTimeout bounds one attempt to join where ctx ends no earlier: the other side commits two or three entries.
const joinTimeout = 30 * time.Second

type joinRequest struct {
	Secret  string          `json:"secret"` // base64
	Request json.RawMessage `json:"request"`
}

// JoinClient asks a member at one of the addresses (WithPort completes them) to admit this node, and decodes what it
// answers into answer (JSON both ways). The secret leaves only for a router of the cluster that the token names: an
// impostor sees a broken handshake, a witness, which admits nobody, a request without it. Errors: trust.ErrToken for a mistyped token, trust.ErrPin for one of another
// cluster, ErrUnreachable, ErrUnknownOutcome, and what the cluster answered as RemoteError.
func JoinClient(ctx context.Context, addrs []string, token string, request, answer any) error {
	pin, secret, _, err := trust.ParseToken(token)
	if err != nil {
		return err
	}
	if len(addrs) == 0 {
		return errors.New("join: no address given")
	}
	full := make([]string, len(addrs))
	for i, a := range addrs {
		if full[i], err = WithPort(a); err != nil {
			return fmt.Errorf("join: %w", err)
		}
	}
	inner, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("join: request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()

	dialCtx, dialled := context.WithTimeout(ctx, joinTimeout/3)
	defer dialled()
	c, address, err := race(dialCtx, full, time.Second, trust.JoinTLS(pin))
	switch {
	case errors.Is(err, trust.ErrPin):
		return fmt.Errorf("join: %w; create one with `polso token create` in the cluster to join, or check the address", err)
	case err != nil:
		return fmt.Errorf("join: %w: %w; is `polso agent` of a member running there, and the port open?", ErrUnreachable, err)
	}
	if trust.KindOf(c.ConnectionState()) == trust.KindWitness {
		secret = nil // it is asked only so that it says whom to ask
	}
	body, err := json.Marshal(joinRequest{Secret: base64.StdEncoding.EncodeToString(secret), Request: inner})
	if err != nil {
		c.Close()
		return fmt.Errorf("join: request: %w", err)
	}
	reply, err := postOnce(ctx, c, address, body)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if err := json.Unmarshal(reply, answer); err != nil {
		return fmt.Errorf("join: %s: %w: answer: %w", address, ErrUnknownOutcome, err)
	}
	return nil
}

// postOnce sends one request over c and closes it.
func postOnce(ctx context.Context, c net.Conn, address string, body []byte) ([]byte, error) {
	transport := &http.Transport{
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return c, nil },
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	defer c.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://member"+pathJoin, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", address, ErrUnknownOutcome, err)
	}
	defer response.Body.Close()
	return readAnswer(address, response, maxWelcome)
}

// Applicant is a node that asks to be admitted. Nothing of it is proven; the token with this secret decides.
type Applicant struct {
	TokenID string // trust.TokenID of the secret
	Secret  []byte // proves the token, and is for who admits alone; its hash would not do, which every member knows
	Remote  netip.Addr
	Request json.RawMessage // what JoinClient was given
}

// JoinServerOptions completes a JoinServer.
type JoinServerOptions struct {
	// Admit decides about an applicant; the answer goes to it as JSON. A Refused and an error with a code are told to the
	// applicant with their text, any other is logged and told as an internal error. Required.
	Admit  func(context.Context, Applicant) (answer any, err error)
	Encode func(error) string // as PeerServerOptions.Encode
	Log    *slog.Logger       // nil: silence
}

// JoinServer answers JoinClient.
type JoinServer struct {
	options JoinServerOptions
	log     *slog.Logger
}

// NewJoinServer builds a JoinServer.
func NewJoinServer(o JoinServerOptions) *JoinServer {
	return &JoinServer{options: o, log: logger(o.Log)}
}

// Run serves the connections of ln (Listener.Join) until ctx ends and returns nil. Each carries one request.
func (s *JoinServer) Run(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      joinTimeout + 10*time.Second,
	}
	server.SetKeepAlivesEnabled(false)
	return serve(ctx, ln, server, s.options.Log)
}

// ServeHTTP implements http.Handler.
func (s *JoinServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != pathJoin {
		http.Error(w, "only "+pathJoin+" is answered here", http.StatusNotFound)
		return
	}
	body, ok := readBody(w, r, maxJoin)
	if !ok {
		return
	}
	var request joinRequest
	if err := json.Unmarshal(body, &request); err != nil {
		writeError(w, CodeRefused, "join: "+err.Error())
		return
	}
	secret, err := base64.StdEncoding.DecodeString(request.Secret)
	if err != nil {
		writeError(w, CodeRefused, "join: secret: "+err.Error())
		return
	}
	applicant := Applicant{TokenID: trust.TokenID(secret), Secret: secret, Request: request.Request}
	if remote, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		applicant.Remote = remote.Addr().Unmap()
	}
	answer, err := s.options.Admit(r.Context(), applicant)
	if err == nil {
		writeJSON(w, http.StatusOK, answer)
		return
	}
	code := codeOf(err, s.options.Encode)
	text := err.Error()
	if code == CodeError {
		// The applicant has proven nothing; what went wrong in here is not for it.
		text = "internal error; this node's log says more"
		s.log.Error("admission failed", "remote", applicant.Remote.String(), "token", applicant.TokenID, "err", err)
	} else {
		s.log.Warn("applicant refused", "remote", applicant.Remote.String(), "token", applicant.TokenID, "err", err)
	}
	writeError(w, code, text)
}
