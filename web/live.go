package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"polso/api"
	"polso/fsm"
)

// What bounds an open page's stream. It ends by itself after a while and the page asks anew, and so shows who looks: a session that has
// ended, or a role that was changed, counts within that time.
const (
	liveTick    = time.Second
	liveBeat    = 2 * time.Second // of silence, after which it says that it is still there
	liveFor     = 30 * time.Second
	liveWrite   = 5 * time.Second // a page that does not read for so long is left
	liveStreams = 256
)

// liveRoutes are what a page that is open is told.
func (s *site) liveRoutes(mux routes) {
	h := &hub{api: s.api, scenes: make(map[string]*scene)}
	mux.HandleFunc("GET /live", h.serve)
}

// hello is what a page is told first.
type hello struct {
	Node    string   `json:"node"`
	Shape   string   `json:"shape"`   // which another stream of the same page may say too: then it is as it was
	Routers []router `json:"routers"` // the others, that may be asked when this one is gone
}

type router struct {
	Name string   `json:"name"`
	URLs []string `json:"urls"`
}

// serve tells a page what differs from second to second. The page names itself, as its address is: page=/virtuals?page=2. The first
// one, which chooses what it shows, also says which virtuals that are: name=web&name=mail.
func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	sc, err := scopeOf(r.FormValue("page"), r.Form["name"])
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	scene, leave, ok := h.enter(sc)
	if !ok {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many open pages on this router; this one stays as it is", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	now, err := scene.look(r.Context())
	if err != nil {
		http.Error(w, "this router cannot look just now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	to := stream{w, http.NewResponseController(w)}
	if to.send("hello", asJSON(hello{now.node, now.shape, interfacesOf(now.status, now.node, r.Host)})) != nil || to.send("values", asJSON(now.values)) != nil {
		return
	}
	follow(r.Context(), scene, to, now)
}

// follow sends what differs from what the page has, until it goes or its time is over.
func follow(ctx context.Context, scene *scene, to stream, had *picture) {
	ctx, cancel := context.WithTimeout(ctx, liveFor)
	defer cancel()
	tick := time.NewTicker(liveTick)
	defer tick.Stop()
	said := time.Now()
	for {
		select {
		case <-ctx.Done():
			_ = to.send("again", "{}") // who has gone does not hear it
			return
		case <-tick.C:
		}
		now, err := scene.look(ctx)
		if err != nil {
			continue
		}
		event, data := "values", now.since(had)
		if now.shape != had.shape {
			event, data = "reload", []byte(asJSON(now.shape))
		}
		had = now
		if data == nil {
			if time.Since(said) < liveBeat {
				continue
			}
			event, data = "beat", []byte("{}")
		}
		if to.send(event, string(data)) != nil {
			return
		}
		said = time.Now()
	}
}

// stream is one page's connection.
type stream struct {
	w   http.ResponseWriter
	ctl *http.ResponseController
}

// send writes one event (HTML Standard, section 9.2). data is one line.
func (s stream) send(event string, data string) error {
	_ = s.ctl.SetWriteDeadline(time.Now().Add(liveWrite)) // a test's recorder has none
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, data); err != nil {
		return err
	}
	return s.ctl.Flush()
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // what is sent here has a form in JSON
	}
	return string(b)
}

// interfacesOf are the interfaces of the other routers: where the members reach each other, at the port that this one was asked at.
func interfacesOf(st api.Status, own, host string) []router {
	_, port, _ := net.SplitHostPort(host)
	out := []router{}
	for _, m := range st.Members {
		if m.Name == own || m.Kind == fsm.Witness {
			continue
		}
		r := router{Name: m.Name}
		for _, a := range m.Addresses {
			at, _, err := net.SplitHostPort(a)
			if err != nil {
				continue
			}
			u := url.URL{Scheme: "https", Host: at}
			if port != "" {
				u.Host = net.JoinHostPort(at, port)
			}
			r.URLs = append(r.URLs, u.String())
		}
		out = append(out, r)
	}
	return out
}
