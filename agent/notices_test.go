package agent

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"polso/api"
	"polso/director"
	"polso/health"
	"polso/ipvs"
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

// What a notice says of a virtual is what the table follows: an operator's word counts, a check alone does not.
func TestPictureFollowsThePool(t *testing.T) {
	doc := parse(t, strings.Replace(edgeHCL, "  server", "  check \"tcp\" {}\n  server", 1))
	key, _ := director.KeyOf(doc.Virtuals[0])
	status := &director.Status{Pools: map[ipvs.Key]director.Pool{key: {Up: 0, Of: 2, Need: 1, Down: true}}, Health: health.View{}}
	for _, s := range doc.Virtuals[0].Servers {
		if target, ok := director.TargetOf(doc.Virtuals[0], s); ok {
			status.Health[target.Key()] = health.Status{State: health.Up}
		}
	}
	servers, virtuals := pictureOf(doc, status)
	if v := virtuals[doc.Virtuals[0].Name]; v.Up || v.Reason != "0 of 1 needed" {
		t.Errorf("the virtual is %+v, want down as its pool is", v)
	}
	if a := servers[notify.Place{Virtual: "web", Server: "a"}]; len(servers) != 2 || !a.Up {
		t.Errorf("the servers are %+v, want both as their checks say", servers)
	}
	target, _ := director.TargetOf(doc.Virtuals[0], doc.Virtuals[0].Servers[0])
	status.Health[target.Key()] = health.Status{State: health.Down, Assumed: true}
	if servers, _ := pictureOf(doc, status); len(servers) != 1 {
		t.Errorf("the servers are %+v, want nothing of the one whose check has not decided", servers)
	}
	delete(status.Pools, key)
	if _, virtuals := pictureOf(doc, status); len(virtuals) > 0 {
		t.Errorf("undecided, and there is %v", virtuals)
	}
}
