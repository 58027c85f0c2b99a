package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"polso/fsm"
)

const password = "correct horse battery"

// entrance is a router's interface with the gate before it.
type entrance struct {
	*backend
	t    testing.TB
	key  []byte // that it signs sessions with
	shut error  // why it signs none
	http.Handler
}

func newEntrance(t testing.TB) *entrance {
	t.Helper()
	e := &entrance{backend: formed(t), t: t, key: []byte("key of the CA")}
	e.backend.now = time.Now
	e.Handler = e.another()
	return e
}

// another is another router of the same cluster, or the same one started anew.
func (e *entrance) another() http.Handler {
	gate := NewGate(GateOptions{State: e.State, SessionKey: func() ([]byte, error) { return e.key, e.shut }})
	return Authenticate(New(e.backend, Version{}), gate)
}

// user makes users with the password of the tests.
func (e *entrance) user(name string, role fsm.Role) {
	e.t.Helper()
	hash, err := make(hashing, 1).hash(context.Background(), password)
	if err != nil {
		e.t.Fatal(err)
	}
	e.do(&fsm.SetUser{User: name, Role: role, Hash: hash, New: true})
}

// do has root do something.
func (e *entrance) do(c fsm.Command) {
	e.t.Helper()
	if _, err := e.Propose(context.Background(), fsm.Actor{Kind: "local", Name: "root"}, fsm.NewRequest(), c); err != nil {
		e.t.Fatal(err)
	}
	e.notes()
}

// asking is a request under way to be made.
type asking struct {
	method, path, body string
	header             http.Header
	from               string
}

func (e *entrance) ask(a asking) *http.Response { return askOf(e.Handler, a) }

func askOf(h http.Handler, a asking) *http.Response {
	r := httptest.NewRequest(a.method, a.path, strings.NewReader(a.body))
	for name, values := range a.header {
		r.Header[name] = values
	}
	if a.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if r.RemoteAddr = "192.0.2.7:40000"; a.from != "" {
		r.RemoteAddr = a.from
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func withCookie(c *http.Cookie) http.Header {
	return http.Header{"Cookie": {c.Name + "=" + c.Value}}
}

// signIn signs in and returns the cookie.
func (e *entrance) signIn(name string) *http.Cookie {
	e.t.Helper()
	resp := e.ask(asking{method: "POST", path: "/v1/session", body: `{"user":"` + name + `","password":"` + password + `"}`})
	if resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
		e.t.Fatalf("sign in as %s: %d, cookies %v", name, resp.StatusCode, resp.Cookies())
	}
	return resp.Cookies()[0]
}

// who is the answer to who asks: "user ada admin", or the status of a refusal and its title.
func (e *entrance) who(header http.Header) string {
	e.t.Helper()
	return whoOf(e.t, e.Handler, header)
}

func whoOf(t testing.TB, h http.Handler, header http.Header) string {
	t.Helper()
	resp := askOf(h, asking{method: "GET", path: "/v1/session", header: header})
	if resp.StatusCode != 200 {
		return resp.Status[:3] + " " + decode[Error](t, resp).Title
	}
	s := decode[Session](t, resp)
	return s.Kind + " " + s.Name + " " + string(s.Role)
}

func decode[T any](t testing.TB, resp *http.Response) T {
	t.Helper()
	var v T
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
