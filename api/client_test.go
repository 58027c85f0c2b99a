package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What keeps the agent from being asked is said in an operator's words, with the next step.
func TestClientCannotAsk(t *testing.T) {
	dir := t.TempDir()
	dead := filepath.Join(dir, "dead")
	l, err := net.Listen("unix", dead)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, addr string
		code       Code
		hint       string
	}{
		{"no socket", "unix://" + dir + "/none", CodeUnreachable, "polso agent"},
		{"nobody listens", "unix://" + dead, CodeUnreachable, "polso agent"},
		{"a plain file", "unix://" + plain, CodeUnreachable, "polso agent"},
		{"not a socket's address", "tcp://127.0.0.1:1", CodeInvalid, "unix:///"},
		{"no path", "unix://", CodeInvalid, "unix:///"},
		{"not a URL", "unix://%zz", CodeInvalid, "unix:///"},
		{"a relative path", "unix://run/polso.sock", CodeInvalid, "unix:///"},
	} {
		c, err := NewClient(test.addr)
		if err == nil {
			_, err = c.Status(t.Context())
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != test.code || !strings.Contains(e.Hint, test.hint) {
			t.Errorf("%s: got %#v, want %s with a hint at %s", test.name, err, test.code, test.hint)
		}
	}
}

func TestSocketPath(t *testing.T) {
	for addr, want := range map[string]string{
		"unix:///run/polso.sock": "/run/polso.sock", "unix:/run/polso.sock": "/run/polso.sock", "unix:///run/50%zz": "/run/50%zz",
		"unix://run/polso.sock": "", "unix:run/polso.sock": "", "unix:": "", "unix:///": "", "unix:///run/": "",
		"https://r1:3636": "", "tcp://127.0.0.1:1": "", "/run/polso.sock": "", "foo": "", "": "",
	} {
		if got, err := SocketPath(addr); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", addr, got, err, want)
		}
	}
}

// Something else than an agent behind the socket is told apart.
func TestClientMeetsSomethingElse(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"an HTML page", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<h1>nginx</h1>", http.StatusBadGateway) }, "the agent answers 502 Bad Gateway: <h1>nginx</h1>"},
		{"no JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }, "answer: invalid character"},
	} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: test.handler}
		ended := make(chan error, 1)
		go func() { ended <- srv.Serve(l) }()
		c, err := NewClient("unix://" + path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q in it", test.name, err, test.want)
		}
		c.Close()
		srv.Close()
		<-ended
	}
}

// slow is a backend that waits for whoever asks to lose patience.
type slow struct{ *backend }

func (s slow) Transfer(ctx context.Context, _ TransferRequest) (Transferred, error) {
	<-ctx.Done()
	return Transferred{}, ctx.Err()
}

func TestClientLosesPatience(t *testing.T) {
	c := serve(t, slow{formed(t)})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Transfer(ctx, TransferRequest{}); CodeOf(err) != CodeTimeout {
		t.Errorf("got %v, want a timeout", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := c.Transfer(ctx, TransferRequest{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want what the caller did: canceled", err)
	}
}
