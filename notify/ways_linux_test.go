package notify

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"polso/config"
)

func event() Event {
	return Event{Kind: config.EventServerDown, At: time.Unix(1795864442, 0), Cluster: "edge", Router: "r1", Virtual: "web", Server: "a", Address: "10.0.0.11:80", Reason: "tcp: refused é"}
}

func TestWebhookIsSigned(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		stamp, sum, _ := strings.Cut(strings.TrimPrefix(r.Header.Get(SignatureHeader), "t="), ",v1=")
		mac := hmac.New(sha256.New, []byte("s3cret"))
		fmt.Fprintf(mac, "%s.%s", stamp, body)
		if want := hex.EncodeToString(mac.Sum(nil)); sum != want {
			t.Errorf("signature %s, want %s", sum, want)
		}
		if at, err := strconv.ParseInt(stamp, 10, 64); err != nil || time.Since(time.Unix(at, 0)) > time.Minute {
			t.Errorf("signed at %q", stamp)
		}
		heard <- string(body)
	}))
	defer server.Close()
	if err := Send(t.Context(), config.Notify{Webhook: server.URL, SecretFile: secret}, []Event{event()}); err != nil {
		t.Fatal(err)
	}
	var got Event
	if err := json.Unmarshal([]byte(<-heard), &got); err != nil || got.Server != "a" || got.Kind != config.EventServerDown {
		t.Errorf("heard %+v, %v", got, err)
	}
}

func TestWebhookAnswers(t *testing.T) {
	for code, want := range map[int]struct{ failed, fatal bool }{
		204: {false, false}, 302: {true, true}, 404: {true, true}, 408: {true, false}, 429: {true, false}, 503: {true, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
		}))
		err := Send(t.Context(), config.Notify{Webhook: server.URL}, []Event{event()})
		server.Close()
		if (err != nil) != want.failed || isFatal(err) != want.fatal {
			t.Errorf("%d: %v, fatal %v", code, err, isFatal(err))
		}
	}
}

func TestSecretIsAFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe") // whose opening waits for somebody who writes
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Send(t.Context(), config.Notify{Webhook: "http://192.0.2.1/", SecretFile: pipe}, []Event{event()})
	if err == nil || !strings.Contains(err.Error(), "pipe is no file that can be read") {
		t.Errorf("got %v", err)
	}
}

// Whoever reads the log does not learn the URL, whose path lets in whoever knows it.
func TestFailedPostDoesNotTellTheURL(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	err := Send(t.Context(), config.Notify{Webhook: server.URL + "/services/T0/s3cret"}, []Event{event()})
	if err == nil || isFatal(err) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

func TestCommandGetsTheEventAndNothingElse(t *testing.T) {
	t.Setenv("POLSO_SECRET", "of the router")
	out := filepath.Join(t.TempDir(), "out")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	n := config.Notify{Command: []string{"/bin/sh", "-c", "{ env; cat; } > " + out}, User: me.Username, Timeout: time.Second}
	if err := Send(t.Context(), n, []Event{event()}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"POLSO_EVENT=server_down", "POLSO_VIRTUAL=web", "POLSO_SERVER=a", `"event":"server_down"`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "of the router") {
		t.Errorf("the router's environment is in\n%s", got)
	}
}

func TestCommandIsKilledInTime(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	n := config.Notify{Command: []string{"/bin/sh", "-c", "echo begun; sleep 600"}, User: me.Username, Timeout: 300 * time.Millisecond}
	ctx, cancel := context.WithTimeout(t.Context(), n.Timeout)
	defer cancel()
	if err := Send(ctx, n, []Event{event()}); err == nil || !strings.Contains(err.Error(), `killed after 300ms: "begun"`) {
		t.Errorf("got %v", err)
	}
}

func TestCommandSaysWhatWentWrong(t *testing.T) {
	n := config.Notify{Command: []string{"/bin/sh", "-c", "echo no such pager >&2; exit 3"}, User: "root", Timeout: time.Second}
	if os.Geteuid() != 0 {
		t.Skip("root alone may be root")
	}
	if err := Send(t.Context(), n, []Event{event()}); err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no such pager") {
		t.Errorf("got %v", err)
	}
	n.User = "nobody"
	n.Command = []string{"/bin/sh", "-c", `test "$(id -un)" = nobody`}
	if err := Send(t.Context(), n, []Event{event()}); err != nil {
		t.Error(err)
	}
}

// mailServer takes one mail and hands it over; refuse is its answer to RCPT, if any.
func mailServer(t *testing.T, refuse string) (addr string, got chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got = make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		fmt.Fprintf(c, "220 mail\r\n")
		in := bufio.NewScanner(c)
		var text strings.Builder
		for data := false; in.Scan(); {
			switch line := in.Text(); {
			case data && line == ".":
				data = false
				got <- text.String()
				fmt.Fprintf(c, "250 taken\r\n")
			case data:
				text.WriteString(line + "\n")
			case strings.HasPrefix(line, "RCPT") && refuse != "":
				fmt.Fprintf(c, "%s\r\n", refuse)
			case line == "DATA":
				data = true
				fmt.Fprintf(c, "354 go on\r\n")
			case line == "QUIT":
				fmt.Fprintf(c, "221 bye\r\n")
				return
			default:
				fmt.Fprintf(c, "250 well\r\n")
			}
		}
	}()
	return l.Addr().String(), got
}

func TestMail(t *testing.T) {
	addr, got := mailServer(t, "")
	n := config.Notify{Mail: []string{"ops@example.org"}, From: "polso@example.org", SMTP: addr}
	forged := event()
	forged.Kind, forged.Reason = config.EventServerUp, "220 hello\r\nBcc: all@example.org\r\n\r\nBuy"
	if err := Send(t.Context(), n, []Event{event(), forged}); err != nil {
		t.Fatal(err)
	}
	text := <-got
	if head, _, _ := strings.Cut(text, "\n\n"); strings.Contains(head, "Bcc") {
		t.Errorf("a server's words are in the head of the mail:\n%s", head)
	}
	for _, want := range []string{"To: ops@example.org\n", "From: polso@example.org\n", "and_1_more", "Auto-Submitted: auto-generated", "server_down web/a (10.0.0.11:80): tcp: refused =C3=A9"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestMailRefused(t *testing.T) {
	for answer, want := range map[string]bool{"550 unknown": true, "451 later": false} {
		addr, _ := mailServer(t, answer)
		err := Send(t.Context(), config.Notify{Mail: []string{"a@example.org"}, From: "b@example.org", SMTP: addr}, []Event{event()})
		if err == nil || isFatal(err) != want {
			t.Errorf("%s: %v, fatal %v", answer, err, isFatal(err))
		}
	}
}

func TestMailServerThatHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := Send(ctx, config.Notify{Mail: []string{"a@example.org"}, From: "b@example.org", SMTP: l.Addr().String()}, []Event{event()}); err == nil {
		t.Error("it was told")
	}
}
