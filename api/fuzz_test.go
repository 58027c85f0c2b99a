package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"polso/fsm"
)

// Whatever is sent as a cookie or a token: it never panics, and it is nobody unless it is one that was given out.
func FuzzAuthenticate(f *testing.F) {
	e := newEntrance(f)
	e.user("ada", fsm.Admin)
	good := e.signIn("ada").Value
	f.Add(SessionCookie+"="+good, "")
	f.Add(SessionCookie+"="+good+"; a=b", "")
	f.Add("", "Bearer POLSO-A-"+strings.Repeat("A", 52))
	f.Add(SessionCookie+"=\"a.b\"", "bearer x")
	f.Add(SessionCookie+"="+session{ID: "x", Kind: "user", Name: "ada", End: time.Now().Add(time.Hour).Unix()}.seal([]byte("x")), "")
	gate := NewGate(GateOptions{State: e.State, SessionKey: func() ([]byte, error) { return e.key, nil }})
	f.Fuzz(func(t *testing.T, cookie, authorization string) {
		r := httptest.NewRequest("GET", "/v1/status", nil)
		if cookie != "" {
			r.Header["Cookie"] = []string{cookie}
		}
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c, ok := CallerOf(r.Context())
			if ok && (!strings.Contains(cookie, good) || c.Actor.Name != "ada" || c.Role != fsm.Admin) {
				t.Errorf("%q %q is %+v", cookie, authorization, c)
			}
		}), gate).ServeHTTP(httptest.NewRecorder(), r)
	})
}

// Whatever is sent to whatever route by whomever: it never panics and is never answered as this router's fault, and who has not the role
// for it changes nothing.
func FuzzHandlers(f *testing.F) {
	routes := routesOf(f)
	for i := range routes {
		f.Add(uint8(i), uint8(0), "web", "", `{}`)
		f.Add(uint8(i), uint8(3), "1", "dry_run=true", `{"files":[{"name":"e.hcl","text":"cluster {}"}],"name":"ada","role":"admin","password":"correct horse battery","ttl_seconds":60}`)
		f.Add(uint8(i), uint8(2), "..%2f", "bare=x&n=-1", "{\"\xff")
	}
	f.Fuzz(func(t *testing.T, which, who uint8, name, query, body string) {
		r := routes[int(which)%len(routes)]
		role := []fsm.Role{"", fsm.Viewer, fsm.Operator, fsm.Admin}[who%4]
		b := formed(t)
		b.notes()
		req, err := http.NewRequest(r.method, "http://polso"+placeholder.ReplaceAllLiteralString(r.path, name)+"?"+query, strings.NewReader(body))
		if err != nil {
			return
		}
		req.Header.Set("Content-Type", "application/json")
		if role != "" {
			req = req.WithContext(WithCaller(req.Context(), Caller{Actor: fsm.Actor{Kind: fsm.ActorToken, Name: "a1"}, Role: role}))
		}
		before, w := b.fsm.Load(), httptest.NewRecorder()
		New(b, Version{}).ServeHTTP(w, req)
		if w.Code >= 500 {
			t.Errorf("%s %s as %q: %d %s", r.method, req.URL, role, w.Code, w.Body)
		}
		if !role.May(fsm.Operator) && (b.fsm.Load() != before || strings.Contains(b.notes(), "propose")) {
			t.Errorf("%s %s as %q changed something", r.method, req.URL, role)
		}
	})
}
