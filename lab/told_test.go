package lab

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	webhookPort = 8080
	secret      = "correct horse"
	// telling is how long a message takes: what changed is looked for twice a second, and one that was refused is sent again after one.
	telling = 10 * time.Second
)

// receiver is who is told: a webhook at the observer that refuses each message once, one that never answers, and a command that notes
// where it runs.
type receiver struct {
	scene
	dir string // secret and notes

	kept    atomic.Int32 // how many wait for an answer that does not come
	mu      sync.Mutex   // guards below
	refused map[string]bool
	heard   []string       // EVENT ROUTER
	wanted  map[string]int // how often
}

// listen has the observer listen until the test ends.
func (s scene) listen(dir string) *receiver {
	s.t.Helper()
	h := &receiver{scene: s, dir: dir, refused: make(map[string]bool), wanted: make(map[string]int)}
	must(s.t, os.WriteFile(filepath.Join(dir, "secret"), []byte(secret+"\n"), 0o600))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /signed", h.signed)
	mux.HandleFunc("POST /hangs", func(_ http.ResponseWriter, r *http.Request) {
		h.kept.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // or the end of the connection is not noticed
		<-r.Context().Done()
	})
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: mux}
	must(s.t, s.l.Observer.Do(func() error {
		at, err := net.Listen("tcp", fmt.Sprintf(":%d", webhookPort))
		if err == nil {
			go func() { _ = server.Serve(at) }()
		}
		return err
	}))
	s.t.Cleanup(func() { _ = server.Close() })
	return h
}

// blocks are the document's words about them.
func (h *receiver) blocks() string {
	at := netip.AddrPortFrom(h.l.Observer.Addr(Outside), webhookPort)
	block := func(name, how string) string {
		return fmt.Sprintf("notify %q {\n  events = [\"active\", \"inactive\"]\n  %s\n}\n", name, how)
	}
	return block("hangs", fmt.Sprintf("webhook = \"http://%s/hangs\"\n  timeout = \"5m\"", at)) +
		block("signed", fmt.Sprintf("webhook = \"http://%s/signed\"\n  secret_file = %q", at, filepath.Join(h.dir, "secret"))) +
		block("command", fmt.Sprintf("user = \"root\"\n  command = [\"/bin/sh\", \"-c\", \"echo $POLSO_EVENT $POLSO_ROUTER $(stat -Lc %%i /proc/self/ns/net) >>%s\"]", h.notes()))
}

func (h *receiver) notes() string { return filepath.Join(h.dir, "notes") }

// signed takes a message the second time that it comes, with another signature.
func (h *receiver) signed(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	stamp, sum, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Polso-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s", stamp, body)
	var e struct{ Event, Router string }
	if err = errors.Join(err, json.Unmarshal(body, &e)); err != nil || sum != hex.EncodeToString(mac.Sum(nil)) {
		http.Error(w, fmt.Sprintf("no message, or not signed by the secret: %v", err), http.StatusForbidden) // final: it never counts as heard
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.refused[string(body)] {
		h.refused[string(body)] = true
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	h.heard = append(h.heard, e.Event+" "+e.Router)
}

// wants waits until the webhook has heard that of a router, and the command has run there, once more than when it was wanted last.
func (h *receiver) wants(event string, about *Router) {
	h.t.Helper()
	what := event + " " + about.Name
	ran := fmt.Sprintf("%s %d", what, namespace(h.t, about))
	h.wanted[what]++
	must(h.t, Eventually(h.ctx, telling, func(context.Context) error {
		notes, err := os.ReadFile(h.notes())
		h.mu.Lock()
		defer h.mu.Unlock()
		times := func(list []string, what string) (n int) {
			for _, s := range list {
				if s == what {
					n++
				}
			}
			return n
		}
		if heard, noted := times(h.heard, what), times(strings.Split(string(notes), "\n"), ran); heard != h.wanted[what] || noted != h.wanted[what] {
			return fmt.Errorf("%q is wanted %d times; the webhook has heard %q, the command noted (%v)\n%s", ran, h.wanted[what], h.heard, err, notes)
		}
		return nil
	}))
}

// namespace is the number of a node's network namespace.
func namespace(t *testing.T, r *Router) uint64 {
	t.Helper()
	f, err := os.Stat(r.Namespace())
	must(t, err)
	return f.Sys().(*syscall.Stat_t).Ino
}
