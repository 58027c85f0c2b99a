package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"polso/consensus/trust"
)

// receiver answers with what a test wants.
type receiver struct {
	receive func(ctx context.Context, data []byte) ([]byte, error)
	arm     func(from string, term uint64) error
}

func (r receiver) Receive(ctx context.Context, data []byte) ([]byte, error) {
	return r.receive(ctx, data)
}
func (r receiver) ArmFor(from string, term uint64) error { return r.arm(from, term) }

func (n *node) servePeers(t *testing.T, o PeerServerOptions) (stop func()) {
	t.Helper()
	s := NewPeerServer(o)
	return background(t, func(ctx context.Context) error { return s.Run(ctx, n.Peer()) })
}

func (n *node) client(t *testing.T, decode func(*RemoteError) error) *Client {
	t.Helper()
	c := NewClient(ClientOptions{Dialer: n.Dialer, Decode: decode})
	t.Cleanup(c.Close)
	return c
}

func TestForward(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	r1.servePeers(t, PeerServerOptions{Receiver: receiver{receive: func(ctx context.Context, data []byte) ([]byte, error) {
		from, _ := PeerFrom(ctx)
		return append([]byte(from.Node+":"), data...), nil
	}}})
	c := r2.client(t, nil)
	big := bytes.Repeat([]byte{0, 1, 2, 255}, 1<<19)
	for _, data := range [][]byte{[]byte("x"), {}, big} {
		got, err := c.Forward(t.Context(), "r1", data)
		if err != nil || !bytes.Equal(got, append([]byte("r2:"), data...)) {
			t.Errorf("%d bytes came back as %d, %v", len(data), len(got), err)
		}
	}
	var refused Refused
	if _, err := c.Forward(t.Context(), "r1", make([]byte, maxMessage+1)); !errors.As(err, &refused) {
		t.Errorf("too much: %v", err)
	}
}

func TestForwardErrorsTravel(t *testing.T) {
	own := errors.New("own: busy")
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	var answer error
	r1.servePeers(t, PeerServerOptions{
		Receiver: receiver{receive: func(context.Context, []byte) ([]byte, error) { return nil, answer }},
		Encode: func(err error) string {
			if errors.Is(err, own) {
				return "busy"
			}
			return ""
		},
	})
	c := r2.client(t, func(e *RemoteError) error {
		if e.Code == "busy" {
			return fmt.Errorf("node %s: %w", e.Node, own)
		}
		return nil
	})
	for _, tt := range []struct {
		name   string
		answer error
		is     error
		text   string
	}{
		{"not leader", fmt.Errorf("propose: %w", ErrNotLeader), ErrNotLeader, "node r1: propose: not the leader"},
		{"no leader", ErrNoLeader, ErrNoLeader, "node r1: no leader"},
		{"unknown outcome", ErrUnknownOutcome, ErrUnknownOutcome, "node r1: unknown outcome"},
		{"own", fmt.Errorf("later: %w", own), own, "node r1: own: busy"},
		{"refused", fmt.Errorf("x: %w", Refused{"no such service"}), nil, "node r1: x: no such service"},
		{"anything else", errors.New("disk on fire"), nil, "node r1: disk on fire"},
		{"passed on once more", &RemoteError{Node: "r3", Code: CodeNoLeader, Text: "nobody"}, ErrNoLeader, "node r1: node r3: nobody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer = tt.answer
			_, err := c.Forward(t.Context(), "r1", []byte("x"))
			if err == nil || err.Error() != tt.text {
				t.Fatalf("got %v, want %s", err, tt.text)
			}
			for _, sentinel := range []error{ErrNotLeader, ErrNoLeader, ErrUnknownOutcome, ErrUnreachable, own} {
				if errors.Is(err, sentinel) != (sentinel == tt.is) {
					t.Errorf("is %v: %v", sentinel, errors.Is(err, sentinel))
				}
			}
			var refused Refused
			if errors.As(err, &refused) != (tt.name == "refused") {
				t.Errorf("refused: %+v", refused)
			}
		})
	}
}

func TestArm(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	r1.servePeers(t, PeerServerOptions{Receiver: receiver{arm: func(from string, term uint64) error {
		if from != "r2" || term != 1<<63+1 {
			return fmt.Errorf("from %s, term %d", from, term)
		}
		return nil
	}}})
	c := r2.client(t, nil)
	if err := c.Arm(t.Context(), "r1", 1<<63+1); err != nil {
		t.Error(err)
	}
	if err := c.Arm(t.Context(), "r1", 2); err == nil || !strings.Contains(err.Error(), "from r2, term 2") {
		t.Errorf("got %v", err)
	}
}

func TestForwardWithoutAnswer(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	entered, leave := make(chan struct{}, 10), make(chan struct{})
	stop := r1.servePeers(t, PeerServerOptions{Receiver: receiver{receive: func(ctx context.Context, _ []byte) ([]byte, error) {
		entered <- struct{}{}
		select {
		case <-leave:
		case <-ctx.Done(): // the asker has gone
		}
		return nil, ctx.Err()
	}}})
	defer stop()
	defer close(leave)
	c := r2.client(t, nil)

	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if _, err := c.Forward(ctx, "r1", []byte("x")); !errors.Is(err, ErrUnknownOutcome) || errors.Is(err, ErrUnreachable) {
		t.Errorf("given up by the asker: %v", err)
	}
	go func() { <-entered; r1.Listener.CloseNode("r2") }()
	if _, err := c.Forward(t.Context(), "r1", []byte("x")); !errors.Is(err, ErrUnknownOutcome) || errors.Is(err, ErrUnreachable) {
		t.Errorf("connection cut: %v", err)
	}
	g.place("r1")
	c.Close()
	if _, err := c.Forward(t.Context(), "r1", []byte("x")); !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("nowhere to go: %v", err)
	}
	mute := newSilent(t)
	g.place("r1", mute.Addr().String())
	ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.Forward(ctx, "r1", []byte("x")); !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("time ran out while dialling: %v", err)
	}
}

func TestForwardAfterThePeerRestarted(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	echo := PeerServerOptions{Receiver: receiver{receive: func(_ context.Context, data []byte) ([]byte, error) { return data, nil }}}
	r1.servePeers(t, echo)
	c := r2.client(t, nil)
	if _, err := c.Forward(t.Context(), "r1", []byte("x")); err != nil {
		t.Fatal(err)
	}
	r1.stop()
	again := g.node("r1")
	again.servePeers(t, echo)
	// The kept connection is known to be dead once its reader has met the end, which happens beside this.
	for range 100 {
		_, err := c.Forward(t.Context(), "r1", []byte("x"))
		if err == nil {
			return
		}
		if !errors.Is(err, ErrUnknownOutcome) {
			t.Fatal(err)
		}
	}
	t.Error("the client never finds the new process")
}

func TestHTTPToAPeer(t *testing.T) {
	g := newGroup(t)
	r1, r2 := g.node("r1"), g.node("r2")
	extra := http.NewServeMux()
	extra.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		id, _ := PeerFrom(r.Context())
		fmt.Fprintf(w, "%s asks %s", id.Node, r.Host)
	})
	extra.HandleFunc("GET /away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
	})
	r1.servePeers(t, PeerServerOptions{Receiver: receiver{}, Extra: extra})
	c := r2.client(t, nil).HTTP("r1")
	for _, tt := range []struct {
		url    string
		status int
		body   string
	}{
		{"http://r1/status", 200, "r2 asks r1"},
		{"https://elsewhere.example/status", 200, "r2 asks elsewhere.example"}, // still r1
		{"http://r1/nothing", 404, "404 page not found\n"},
		{"http://r1/away", 302, ""},
	} {
		r, err := c.Get(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != tt.status || tt.body != "" && string(body) != tt.body {
			t.Errorf("%s: %d %q, %v", tt.url, r.StatusCode, body, err)
		}
	}
}

func TestPeerServerWantsAMember(t *testing.T) {
	s := NewPeerServer(PeerServerOptions{Receiver: receiver{}, Extra: http.NotFoundHandler()})
	ln, err := net.Listen("tcp", "127.0.0.1:0") // served by mistake without TLS
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) error { return s.Run(ctx, ln) })
	transport := &http.Transport{DisableKeepAlives: true}
	r, err := (&http.Client{Transport: transport}).Post("http://"+ln.Addr().String()+pathForward, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", r.StatusCode)
	}
}

type question struct{ Name string }
type welcome struct{ ID string }

func TestJoin(t *testing.T) {
	g := newGroup(t)
	r1 := g.node("r1")
	token, err := trust.NewToken(g.pin())
	if err != nil {
		t.Fatal(err)
	}
	var logged lines
	s := NewJoinServer(JoinServerOptions{Log: logged.logger(), Admit: func(_ context.Context, a Applicant) (any, error) {
		var q question
		if err := json.Unmarshal(a.Request, &q); err != nil {
			return nil, err
		}
		if a.Remote.String() != "127.0.0.1" {
			return nil, fmt.Errorf("remote %s", a.Remote)
		}
		switch {
		case a.TokenID != token.ID || trust.HashSecret(a.Secret) != token.SecretHash:
			return nil, Refused{"the token is not known here"}
		case q.Name == "election":
			return nil, ErrNoLeader
		case q.Name == "broken":
			return nil, errors.New("secret detail")
		}
		return welcome{ID: "id of " + q.Name}, nil
	}})
	background(t, func(ctx context.Context) error { return s.Run(ctx, r1.Join()) })
	address := r1.Addrs()[0].String()

	var got welcome
	if err := JoinClient(t.Context(), []string{address}, token.Text, question{"r2"}, &got); err != nil || got.ID != "id of r2" {
		t.Fatalf("got %+v, %v", got, err)
	}
	dead := newSilent(t).Addr().String()
	if err := JoinClient(t.Context(), []string{dead, address}, token.Text, question{"r2"}, &got); err != nil {
		t.Errorf("dead first address: %v", err)
	}
	other, err := trust.NewToken(g.pin())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := trust.NewToken(newGroup(t).pin())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, token, node, want string
		is                      error
	}{
		{"mistyped", token.Text[:70], "r2", "last part has", trust.ErrToken},
		{"unknown token", other.Text, "r2", "node " + address + ": the token is not known here", nil},
		{"another cluster's", foreign.Text, "r2", "polso token create", trust.ErrPin},
		{"no leader just now", token.Text, "election", "no leader", ErrNoLeader},
		{"internal error", token.Text, "broken", "internal error", nil},
		{"too long", token.Text, strings.Repeat("x", maxJoin), "too large", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := JoinClient(t.Context(), []string{address}, tt.token, question{tt.node}, &got)
			if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret detail") {
				t.Error("an inner error reached a stranger")
			}
		})
	}
	if !strings.Contains(logged.String(), "secret detail") {
		t.Error("the inner error is not in the log")
	}
	r1.stop()
	err = JoinClient(t.Context(), []string{address}, token.Text, question{"r2"}, &got)
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "polso agent") {
		t.Errorf("nobody there: %v", err)
	}
}

// A witness admits nobody, so it is not given what admits: only that somebody asks.
func TestJoinTellsAWitnessNoSecret(t *testing.T) {
	g := newGroup(t)
	token, err := trust.NewToken(g.pin())
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _, err := trust.ParseToken(token.Text)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][]byte{"w1": nil, "r1": secret} {
		n := g.node(id)
		heard := make(chan Applicant, 1)
		s := NewJoinServer(JoinServerOptions{Admit: func(_ context.Context, a Applicant) (any, error) {
			heard <- a
			return nil, Refused{"ask r1"}
		}})
		background(t, func(ctx context.Context) error { return s.Run(ctx, n.Join()) })
		err = JoinClient(t.Context(), []string{n.Addrs()[0].String()}, token.Text, question{"r2"}, new(welcome))
		if remote, ok := errors.AsType[*RemoteError](err); !ok || remote.Text != "ask r1" {
			t.Errorf("%s: got %v, want its refusal", id, err)
		}
		if a := <-heard; !bytes.Equal(a.Secret, want) || !strings.Contains(string(a.Request), "r2") {
			t.Errorf("%s heard secret %x and %s, want %x", id, a.Secret, a.Request, want)
		}
	}
}

// Whoever answers at the address but is not of the token's cluster gets no byte of the request.
func TestJoinTellsAnImpostorNothing(t *testing.T) {
	token, err := trust.NewToken(newGroup(t).pin())
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _, err := trust.ParseToken(token.Text)
	if err != nil {
		t.Fatal(err)
	}
	impostor := newGroup(t).membership("r1").ServerTLS()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	heard := make(chan []byte, 1)
	go func() {
		raw, err := ln.Accept()
		if err != nil {
			heard <- []byte(err.Error())
			return
		}
		defer raw.Close()
		raw.SetDeadline(time.Now().Add(10 * time.Second))
		// The impostor reads whatever comes in plain and after its own half of the handshake.
		var plain bytes.Buffer
		c := tls.Server(teeConn{raw, &plain}, impostor)
		c.Handshake()
		inner, _ := io.ReadAll(c)
		heard <- append(inner, plain.Bytes()...)
	}()
	var got welcome
	if err := JoinClient(t.Context(), []string{ln.Addr().String()}, token.Text, question{"r2"}, &got); !errors.Is(err, trust.ErrPin) {
		t.Errorf("got %v", err)
	}
	text := <-heard
	for _, s := range []string{string(secret), base64.StdEncoding.EncodeToString(secret), token.Text, "POST"} {
		if bytes.Contains(text, []byte(s)) {
			t.Errorf("the impostor heard %q", s)
		}
	}
	if len(text) == 0 {
		t.Error("the impostor was never called: the test shows nothing")
	}
}

type teeConn struct {
	net.Conn
	copy *bytes.Buffer
}

func (c teeConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.copy.Write(p[:n])
	return n, err
}
