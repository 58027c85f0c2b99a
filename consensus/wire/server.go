package wire

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"polso/consensus/trust"
)

// Receiver is what members ask of each other; the consensus is one.
type Receiver interface {
	// Receive proposes data, as the leader only.
	Receive(ctx context.Context, data []byte) ([]byte, error)
	// ArmFor readies this node to take over from the node from in term.
	ArmFor(from string, term uint64) error
}

// PeerServerOptions completes a PeerServer.
type PeerServerOptions struct {
	Receiver Receiver           // required
	Extra    http.Handler       // every other path; nil: not found. PeerFrom tells who asks
	Encode   func(error) string // the code of one of the Receiver's errors; "" leaves it to codes for this package's errors
	Log      *slog.Logger       // nil: silence
}

// PeerServer answers the other members' Clients.
type PeerServer struct {
	options PeerServerOptions
	mux     *http.ServeMux
}

// NewPeerServer builds a PeerServer.
func NewPeerServer(o PeerServerOptions) *PeerServer {
	s := &PeerServer{options: o, mux: http.NewServeMux()}
	s.mux.HandleFunc("POST "+pathForward, s.forward)
	s.mux.HandleFunc("POST "+pathArm, s.arm)
	if o.Extra != nil {
		s.mux.Handle("/", o.Extra)
	}
	return s
}

// Run serves the connections of ln (Listener.Peer) until ctx ends, then gives requests under way a second and returns
// nil.
func (s *PeerServer) Run(ctx context.Context, ln net.Listener) error {
	return serve(ctx, ln, &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute, // longer than the Client's, so that the end that knows closes
	}, s.options.Log)
}

// ServeHTTP implements http.Handler. A request that did not come over a member's connection is refused.
func (s *PeerServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, ok := PeerFrom(r.Context()); !ok {
		http.Error(w, "members only", http.StatusForbidden)
		return
	}
	if c, ok := r.Context().Value(connKey{}).(*conn); ok && c.outdated() {
		w.Header().Set("Connection", "close") // the next request comes over a new one
	}
	s.mux.ServeHTTP(w, r)
}

func (s *PeerServer) forward(w http.ResponseWriter, r *http.Request) {
	data, ok := readBody(w, r, maxMessage)
	if !ok {
		return
	}
	answer, err := s.options.Receiver.Receive(r.Context(), data)
	if err != nil {
		writeError(w, codeOf(err, s.options.Encode), err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(answer) // the client notices an answer cut short by its length
}

func (s *PeerServer) arm(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r, 1<<10)
	if !ok {
		return
	}
	var request armRequest
	if err := json.Unmarshal(body, &request); err != nil {
		writeError(w, CodeRefused, "arm: "+err.Error())
		return
	}
	from, _ := PeerFrom(r.Context()) // ServeHTTP has looked
	if err := s.options.Receiver.ArmFor(from.Node, request.Term); err != nil {
		writeError(w, codeOf(err, s.options.Encode), err.Error())
		return
	}
	w.WriteHeader(http.StatusOK)
}

// readBody reads a request's body whole, within a time limit of its own: the reader of a stream may take longer.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, bool) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		writeError(w, CodeError, err.Error())
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		writeError(w, CodeRefused, "request: "+err.Error())
		return nil, false
	}
	if err := control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		writeError(w, CodeError, err.Error())
		return nil, false
	}
	return body, true
}

type (
	peerKey struct{}
	connKey struct{}
)

// PeerFrom tells which member sent the request of this context.
func PeerFrom(ctx context.Context) (trust.Identity, bool) {
	id, ok := ctx.Value(peerKey{}).(trust.Identity)
	return id, ok
}

// serve runs an HTTP server on connections of the cluster's port until ctx ends.
func serve(ctx context.Context, ln net.Listener, server *http.Server, log *slog.Logger) error {
	server.MaxHeaderBytes = 64 << 10
	server.ErrorLog = slog.NewLogLogger(logger(log).Handler(), slog.LevelWarn)
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if id, ok := PeerOf(c); ok {
			return context.WithValue(context.WithValue(ctx, peerKey{}, id), connKey{}, c)
		}
		return ctx
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	select {
	case err := <-ended:
		if errors.Is(err, net.ErrClosed) {
			err = nil // the port was closed; connections go with it
		}
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if server.Shutdown(grace) != nil {
		server.Close() // cuts what did not end in time
	}
	<-ended
	return nil
}
