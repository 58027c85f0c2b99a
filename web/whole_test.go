package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"polso/api"
	"polso/fsm"
)

// whole is a cluster that answers whatever the pages may ask for. It is made anew under the same pages.
type whole struct {
	*cluster
	site  http.Handler
	began *fsm.Snapshot
}

// wholeText has a part of every kind that has pages.
const wholeText = `cluster {}

vip "gw" { address = "192.0.2.99/24" }

notify "ops" { command = ["/bin/true"] }

virtual "web" {
  address = "192.0.2.10"
  port    = 80

  server "a" { address = "10.1.0.1" }
  server "b" { address = "10.1.0.2" }
  sorry_server "spare" { address = "10.1.0.9" }
}
`

// newWhole is one with its pages.
func newWhole(t testing.TB) *whole {
	t.Helper()
	w := &whole{}
	w.anew(t)
	w.site = newSite(t, api.New(w, api.Version{}))
	return w
}

// anew has the cluster be as it was at first: wholeText runs, bob is a user, and nothing was asked for.
func (w *whole) anew(t testing.TB) {
	t.Helper()
	w.cluster = newCluster(t)
	w.run(t, wholeText)
	bob := &fsm.SetUser{User: "bob", Role: fsm.Viewer, Hash: "$none", New: true}
	if _, err := w.Propose(t.Context(), fsm.Actor{Kind: "local", Name: "root"}, "bob", bob); err != nil {
		t.Fatal(err)
	}
	w.began = w.fsm.Load()
}

// wrote tells whether anything was done since it was made anew.
func (w *whole) wrote() bool {
	for _, what := range w.asked {
		if !strings.HasPrefix(what, "ipvs ") && !strings.HasPrefix(what, "doctor ") {
			return true
		}
	}
	return w.fsm.Load() != w.began || len(w.tested) > 0
}

func (w *whole) Virtual(_ context.Context, r api.VirtualRequest) (api.VirtualPage, error) {
	for _, v := range w.status.Virtuals {
		if v.Name == r.Name {
			return api.VirtualPage{Schema: api.Schema, Virtual: api.Listed(v), Total: len(v.Servers)}, nil
		}
	}
	return api.VirtualPage{}, api.Errorf(api.CodeNotFound, "virtual %q is not there", r.Name)
}

// RunCheck sends to a server: it counts as something done.
func (w *whole) RunCheck(_ context.Context, r api.CheckRequest) (api.CheckRun, error) {
	return api.CheckRun{Schema: api.Schema, Node: "r1", Results: []api.CheckProbe{}}, w.note("check %s", r.Virtual)
}

// as sends a form, or asks for a page if there is none, by somebody of that role, "" for nobody.
func (w *whole) as(t testing.TB, role fsm.Role, method, address string, form url.Values) shown {
	t.Helper()
	u, err := url.ParseRequestURI(address)
	if err != nil {
		t.Fatal(err)
	}
	return w.sent(role, method, u, form.Encode())
}

// sent is the answer to a form's body. A stream ends with its first event.
func (w *whole) sent(role fsm.Role, method string, u *url.URL, body string) shown {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if role != "" {
		ctx = api.WithCaller(ctx, api.Caller{Actor: fsm.Actor{Kind: "user", Name: "alice"}, Role: role})
	}
	r := httptest.NewRequestWithContext(ctx, method, "/", strings.NewReader(body))
	r.URL = u
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	to := once{httptest.NewRecorder(), cancel}
	w.site.ServeHTTP(to, r)
	return shown{to.Code, to.Header().Get("Location"), to.Body.String(), to.Header()}
}

// once is a browser that goes when it has been told something.
type once struct {
	*httptest.ResponseRecorder
	leave func()
}

func (o once) Flush() { o.leave() }
