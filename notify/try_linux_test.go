package notify

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/user"
	"strings"
	"testing"
	"time"

	"polso/config"
)

func test() Event {
	return Event{Kind: Test, At: time.Unix(1795864442, 0), Cluster: "edge", Router: "r1", Reason: "asked for by ada"}
}

// try checks what comes of a Try: what is said, and when nobody was told the next step.
func try(t *testing.T, n config.Notify, told bool, answer, output, hint string) {
	t.Helper()
	if n.Timeout == 0 {
		n.Timeout = 5 * time.Second
	}
	n.Name = "pager"
	got := Try(t.Context(), n, test())
	if got.Told != told || got.Answer != answer || got.Output != output || !strings.Contains(got.Hint, hint) || (got.Hint == "") != told {
		t.Errorf("got %+v\nwant told %v, %q, %q and a hint with %q", got, told, answer, output, hint)
	}
	if got.Took <= 0 || got.Took > n.Timeout+5*time.Second {
		t.Errorf("it took %v", got.Took)
	}
}

func TestTryWebhook(t *testing.T) {
	var heard string
	receiver := func(code int, says string) config.Notify {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			heard = string(body)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, says)
		}))
		t.Cleanup(server.Close)
		return config.Notify{Webhook: server.URL, Events: []config.EventKind{config.EventActive}, Virtuals: []string{"web"}} // a test is for every block
	}
	try(t, receiver(200, "queued"), true, "200 OK", "queued", "")
	if want := `{"event":"test","at":"2026-11-28T11:14:02Z","cluster":"edge","router":"r1","reason":"asked for by ada"}`; !strings.Contains(heard, `"event":"test"`) || !strings.Contains(heard, `"reason":"asked for by ada"`) {
		t.Errorf("heard %s, want such as %s", heard, want)
	}
	try(t, receiver(404, "no such hook"), false, "404 Not Found", "no such hook", "polso set notify pager webhook=URL")
	try(t, receiver(503, "busy"), false, "503 Service Unavailable", "busy", "tried again for ten minutes")
	secret := receiver(200, "")
	secret.SecretFile = "/nonexistent/secret"
	try(t, secret, false, "secret_file: open /nonexistent/secret: no such file or directory", "", "put the secret into that file on this router too")
	secure := httptest.NewTLSServer(nil)
	defer secure.Close()
	try(t, config.Notify{Webhook: secure.URL}, false, "tls: failed to verify certificate: x509: certificate signed by unknown authority", "", "who signed the receiver's certificate")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	try(t, config.Notify{Webhook: "http://" + l.Addr().String(), Timeout: 100 * time.Millisecond}, false, "no answer within 100ms", "", "polso set notify pager timeout=200ms")
	l.Close()
	try(t, config.Notify{Webhook: "http://" + l.Addr().String()}, false, "connection refused", "", "nobody listens there")
}

func TestTryCommand(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	shell := func(script string) config.Notify {
		return config.Notify{Command: []string{"/bin/sh", "-c", script}, User: me.Username}
	}
	try(t, shell(`echo "$POLSO_EVENT by $POLSO_ROUTER"; exec cat >/dev/null`), true, "exit status 0", "test by r1\n", "")
	try(t, shell("echo no such pager >&2; exit 3"), false, "exit status 3", "no such pager\n", "run it by hand as "+me.Username)
	slow := shell("echo begun; sleep 600")
	slow.Timeout = 300 * time.Millisecond
	try(t, slow, false, "killed after 300ms", "begun\n", "polso set notify pager timeout=600ms")
	try(t, shell("printf %500s; echo end"), true, "exit status 0", strings.Repeat(" ", 500)+"end\n", "")
	try(t, shell("printf %5000s; echo end; exit 1"), false, "exit status 1", strings.Repeat(" ", outputKept-4)+"end\n", "run it by hand")
	missing := shell("")
	missing.Command = []string{"/nonexistent/tell"}
	try(t, missing, false, "/nonexistent/tell: /nonexistent/tell: no such file or directory", "", "the program has to be on this router too")
}

func TestTryMail(t *testing.T) {
	mail := func(addr string) config.Notify {
		return config.Notify{Mail: []string{"ops@example.org"}, From: "polso@example.org", SMTP: addr}
	}
	addr, got := mailServer(t, "")
	try(t, mail(addr), true, "250 taken", "", "")
	if text := <-got; !strings.Contains(text, "Subject: [polso edge] test: asked for by ada\n") {
		t.Errorf("the mail is\n%s", text)
	}
	addr, _ = mailServer(t, "550 relaying denied")
	try(t, mail(addr), false, "550 relaying denied", "", "its own log says more")
	try(t, mail("127.0.0.1:1"), false, "connection refused", "", "nobody listens at 127.0.0.1:1")
	addr, _ = mailServer(t, "451 later")
	try(t, mail(addr), false, "451 later", "", "smtp says which mail server is asked: "+addr)
	lost := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "mail.invalid"}}
	if said, next := why(lost), hint(mail("mail.invalid:25"), Answer{}, lost); said != "mail.invalid: no such host" || !strings.HasPrefix(next, "this router has to find the name") {
		t.Errorf("a name that is lost: %q, %q", said, next)
	}
}
