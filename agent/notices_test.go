package agent

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"polso/api"
	"polso/notify"
)

// hook is a webhook that remembers what it was told, as "EVENT ROUTER".
type hook struct {
	mu   sync.Mutex
	told []string
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var e notify.Event
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &e); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, fmt.Sprint(e.Kind, " ", e.Router))
}

func (h *hook) has(want ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range want {
		if !slices.Contains(h.told, w) {
			return fmt.Errorf("told %v, want %v", h.told, want)
		}
	}
	return nil
}

// A webhook hears who directs: when the document names it, when the director is stopped, and when another has taken over.
func TestWebhookHearsOfATakeover(t *testing.T) {
	h := new(hook)
	server := httptest.NewServer(h)
	defer server.Close()
	w := newNetwork(t, 3)
	w.form()
	text := edgeHCL + fmt.Sprintf("notify \"hook\" {\n  webhook = %q\n}\n", server.URL)
	if _, err := w.nodes[0].client.Apply(t.Context(), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: text}}}); err != nil {
		t.Fatal(err)
	}
	var director string
	w.eventually("a director", func() error {
		if director = w.holder(webVIP); director == "" {
			return fmt.Errorf("nobody holds %v", webVIP)
		}
		return h.has("revision " + director)
	})
	w.router(director).halt()
	w.eventually("the webhook hears of it", func() error {
		heir := w.holder(webVIP)
		return h.has("inactive "+director, "active "+heir, "router_lost "+heir)
	})
}
