package api

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"polso/fsm"
)

const ended = "401 the session has ended"

func TestSignIn(t *testing.T) {
	e := newEntrance(t)
	e.user("ada", fsm.Admin)
	c := e.signIn("ada")
	if c.Name != "__Host-polso" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %+v", c)
	}
	if end := time.Until(c.Expires); end < sessionLength-time.Minute || end > sessionLength {
		t.Errorf("it ends in %v", end)
	}
	if got := e.who(withCookie(c)); got != "user ada admin" {
		t.Errorf("who: %s", got)
	}
	if got := whoOf(t, e.another(), withCookie(c)); got != "user ada admin" {
		t.Errorf("on another router: %s", got)
	}
	// A cookie that was there before never becomes the session: an attacker who plants one learns nothing.
	again := e.ask(asking{method: "POST", path: "/v1/session", header: withCookie(c), body: `{"user":"ada","password":"` + password + `"}`})
	if got := again.Cookies()[0]; got.Value == c.Value {
		t.Error("signed in twice, one session")
	}
	if strings.Contains(e.ask(asking{method: "GET", path: "/v1/session", header: withCookie(c)}).Header.Get("Set-Cookie"), SessionCookie) {
		t.Error("a look at the session sets it")
	}
}

// What ends a session, and what does not.
func TestSessionEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(e *entrance, c *http.Cookie)
		want string
	}{
		{"nothing", func(*entrance, *http.Cookie) {}, "user ada operator"},
		{"another role", func(e *entrance, _ *http.Cookie) { e.do(&fsm.SetUser{User: "ada", Role: fsm.Viewer}) }, "user ada viewer"},
		{"removed", func(e *entrance, _ *http.Cookie) { e.do(&fsm.RemoveUser{User: "ada"}) }, ended},
		{"removed and made again", func(e *entrance, _ *http.Cookie) { e.do(&fsm.RemoveUser{User: "ada"}); e.user("ada", fsm.Admin) }, ended},
		{"another password", func(e *entrance, _ *http.Cookie) {
			u, _ := e.fsm.Load().User("ada")
			e.do(&fsm.SetUser{User: "ada", Hash: u.Hash})
		}, ended},
		{"another CA", func(e *entrance, _ *http.Cookie) { e.key = []byte("another") }, ended},
		{"no key here", func(e *entrance, _ *http.Cookie) { e.shut = errors.New("a witness") }, ended},
		{"an empty key", func(e *entrance, _ *http.Cookie) { e.key = nil }, ended},
		{"signed out", func(e *entrance, c *http.Cookie) {
			if resp := e.ask(asking{method: "DELETE", path: "/v1/session", header: withCookie(c)}); resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Set-Cookie"), "__Host-polso=; ") {
				t.Errorf("sign out: %d %v", resp.StatusCode, resp.Header)
			}
		}, ended},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEntrance(t)
			e.user("ada", fsm.Operator)
			c := e.signIn("ada")
			tt.do(e, c)
			if got := e.who(withCookie(c)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSessionEndsWithItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t)
		e.user("ada", fsm.Operator)
		c := e.signIn("ada")
		time.Sleep(sessionLength - time.Second)
		if got := e.who(withCookie(c)); got != "user ada operator" {
			t.Errorf("before its end: %s", got)
		}
		time.Sleep(time.Second)
		if got := e.who(withCookie(c)); got != ended {
			t.Errorf("at its end: %s", got)
		}
	})
}

// accessTo makes an access token as root does.
func (e *entrance) accessTo(role fsm.Role, ttl time.Duration) AccessToken {
	e.t.Helper()
	resp := requestAs(fsm.Admin, New(e.backend, Version{}), "POST", "/v1/access", fmt.Sprintf(`{"role":%q,"ttl_seconds":%g}`, role, ttl.Seconds()))
	if resp.code != 200 {
		e.t.Fatal(resp.text)
	}
	list := e.fsm.Load().Accesses
	_, text, _ := strings.Cut(resp.text, `"text":"`)
	text, _, _ = strings.Cut(text, `"`)
	return AccessToken{ID: list[len(list)-1].ID, Text: text}
}

func TestAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const unknown = "401 the access token is not known: it has ended, was revoked, or is of another cluster"
		e := newEntrance(t)
		e.user("ada", fsm.Admin) // requests of the tests are hers
		a, b := e.accessTo(fsm.Operator, time.Hour), e.accessTo(fsm.Admin, 20*time.Hour)
		want := func(what, token, want string) {
			t.Helper()
			if got := e.who(bearer(token)); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		want("good", a.Text, "token "+a.ID+" operator")
		want("another secret", a.Text[:len(a.Text)-1]+map[bool]string{true: "B", false: "A"}[strings.HasSuffix(a.Text, "A")], unknown)
		want("a join token", "POLSO-1-AAAA-BBBB", "401 this is no access token")
		want("the hash", hashOfSecret(a.Text), "401 this is no access token")
		if strings.Contains(fmt.Sprintf("%+v", e.fsm.Load()), a.Text) {
			t.Error("the secret is in the state")
		}

		resp := e.ask(asking{method: "POST", path: "/v1/session", body: `{"token":"` + a.Text + `"}`})
		session := resp.Cookies()[0]
		if end := time.Until(session.Expires); end > time.Hour || end < 59*time.Minute {
			t.Errorf("the session ends in %v, the token in an hour", end)
		}
		if got := e.who(withCookie(session)); got != "token "+a.ID+" operator" {
			t.Errorf("signed in: %s", got)
		}
		time.Sleep(time.Hour)
		want("at its end", a.Text, unknown)
		if got := e.who(withCookie(session)); got != ended {
			t.Errorf("its session: %s", got)
		}
		want("a longer one", b.Text, "token "+b.ID+" admin")
		session = e.ask(asking{method: "POST", path: "/v1/session", body: `{"token":"` + b.Text + `"}`}).Cookies()[0]
		e.do(&fsm.SetUser{User: "ada", Role: fsm.Viewer})
		want("its maker may less", b.Text, "token "+b.ID+" viewer")
		e.do(&fsm.RemoveUser{User: "ada"})
		want("its maker is removed", b.Text, unknown)
		if got := e.who(withCookie(session)); got != ended {
			t.Errorf("its session then: %s", got)
		}
	})
}

// What a request may bring that is nobody's.
func TestNobody(t *testing.T) {
	e := newEntrance(t)
	e.user("ada", fsm.Admin)
	a := e.accessTo(fsm.Admin, time.Hour)
	good := e.signIn("ada")
	body, sum, _ := strings.Cut(good.Value, ".")
	forged := session{ID: "x", Kind: fsm.ActorUser, Name: "ada", Generation: 2, End: time.Now().Add(time.Hour).Unix()}
	cookie := func(value string) http.Header { return http.Header{"Cookie": {SessionCookie + "=" + value}} }
	for name, header := range map[string]http.Header{
		"nothing":                       {},
		"an empty cookie":               cookie(""),
		"two cookies":                   {"Cookie": {SessionCookie + "=" + good.Value + "; " + SessionCookie + "=" + good.Value}},
		"another cookie":                {"Cookie": {"polso=" + good.Value}},
		"no signature":                  cookie(body),
		"an empty signature":            cookie(body + "."),
		"half a signature":              cookie(body + "." + sum[:20]),
		"a signature more":              cookie(good.Value + "." + sum),
		"signed by another":             cookie(forged.seal([]byte("guess"))),
		"signed with nothing":           cookie(forged.seal(nil)),
		"the body alone, signed as":     cookie(base64.RawURLEncoding.EncodeToString([]byte(`{"k":"user","n":"ada"}`)) + "." + sum),
		"very long":                     cookie(strings.Repeat("A", 5000)),
		"basic":                         {"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("ada:"+password))}},
		"two tokens":                    {"Authorization": {"Bearer " + a.Text, "Bearer " + a.Text}},
		"a token and more":              bearer(a.Text + " x"),
		"a token in small letters":      bearer(strings.ToLower(a.Text)),
		"a session as a token":          bearer(good.Value),
		"a wrong token, a good session": {"Authorization": {"Bearer POLSO-A-" + strings.Repeat("A", 52)}, "Cookie": {SessionCookie + "=" + good.Value}},
	} {
		resp := e.ask(asking{method: "GET", path: "/v1/status", header: header})
		if resp.StatusCode != 401 || resp.Header.Get("WWW-Authenticate") != `Bearer realm="polso"` || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v", name, resp.StatusCode, resp.Header)
		}
	}
	if notes := e.notes(); strings.Contains(notes, "status") {
		t.Errorf("the backend was asked: %s", notes)
	}
	sealed := forged
	sealed.Generation = e.fsm.Load().Users[0].Generation
	if got := e.who(cookie(sealed.seal(e.key))); got != "user ada admin" {
		t.Errorf("rightly signed: %s; the others were refused for another reason than their seal", got)
	}
	if got := e.who(bearer(a.Text)); got != "token "+a.ID+" admin" {
		t.Errorf("the good token: %s", got)
	}
}

func TestOwnPassword(t *testing.T) {
	e := newEntrance(t)
	e.user("ada", fsm.Viewer)
	mine, elsewhere := e.signIn("ada"), e.signIn("ada")
	change := func(old, fresh string, header http.Header) *http.Response {
		return e.ask(asking{method: "POST", path: "/v1/session/password", body: fmt.Sprintf(`{"old":%q,"new":%q}`, old, fresh), header: header})
	}
	for _, tt := range []struct {
		old, fresh string
		code       int
		title      string
	}{
		{"wrong", "another long one", 403, "the password until now is another one"},
		{password, "short", 422, "the password is too short"},
		{password, "tab\there and long", 422, "the password has characters that cannot be typed everywhere"},
	} {
		resp := change(tt.old, tt.fresh, withCookie(mine))
		if p := decode[Error](t, resp); resp.StatusCode != tt.code || p.Title != tt.title {
			t.Errorf("%s to %s: %d %s", tt.old, tt.fresh, resp.StatusCode, p.Title)
		}
	}
	resp := change(password, "another long one", withCookie(mine))
	if resp.StatusCode != 200 {
		t.Fatalf("change: %d", resp.StatusCode)
	}
	if got := e.who(withCookie(resp.Cookies()[0])); got != "user ada viewer" {
		t.Errorf("the new session: %s", got)
	}
	for _, c := range []*http.Cookie{mine, elsewhere} {
		if got := e.who(withCookie(c)); got != ended {
			t.Errorf("a session of before: %s", got)
		}
	}
	e.do(&fsm.SetUser{User: "ada", Role: fsm.Admin})
	a := e.accessTo(fsm.Admin, time.Hour)
	if resp := change(password, "another long one", bearer(a.Text)); resp.StatusCode != 409 {
		t.Errorf("a token's password: %d", resp.StatusCode)
	}
}

// On the socket nobody signs in.
func TestNoSessionsOnTheSocket(t *testing.T) {
	h := New(formed(t), Version{})
	for _, r := range [][3]string{{"POST", "/v1/session", `{"user":"ada","password":"x"}`}, {"DELETE", "/v1/session", ""}, {"POST", "/v1/session/password", `{"old":"x","new":"y"}`}} {
		if got := request(h, r[0], r[1], r[2]); got.code != 409 {
			t.Errorf("%v: %d %s", r, got.code, got.text)
		}
	}
}

// Where this router does not know the cluster's state, nobody is let in, and nobody is told that their token is wrong.
func TestStateIsNotKnownAtTheGate(t *testing.T) {
	e := newEntrance(t)
	e.user("ada", fsm.Admin)
	c := e.signIn("ada")
	e.fsm = fsm.New(fsm.Options{})
	for _, header := range []http.Header{withCookie(c), bearer("POLSO-A-" + strings.Repeat("A", 52))} {
		if got := e.who(header); got != "503 no leader" {
			t.Errorf("got %s", got)
		}
	}
	if resp := e.ask(asking{method: "POST", path: "/v1/session", body: `{"user":"ada","password":"x"}`}); resp.StatusCode != 503 {
		t.Errorf("sign in: %d", resp.StatusCode)
	}
}

// What is followed ends with the right to follow it.
func TestLongRequestEndsWithItsRight(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(e *entrance)
		want bool
	}{
		"nothing happens": {func(*entrance) {}, false},
		"may more":        {func(e *entrance) { e.do(&fsm.SetUser{User: "ada", Role: fsm.Admin}) }, false},
		"may less":        {func(e *entrance) { e.do(&fsm.SetUser{User: "ada", Role: fsm.Viewer}) }, true},
		"is removed":      {func(e *entrance) { e.do(&fsm.RemoveUser{User: "ada"}) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEntrance(t)
				e.user("ada", fsm.Operator)
				c := e.signIn("ada")
				gate := NewGate(GateOptions{State: e.State, SessionKey: func() ([]byte, error) { return e.key, nil }})
				ended := false
				follow := Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					tt.do(e)
					select {
					case <-r.Context().Done():
						ended = true
					case <-time.After(2 * again):
					}
				}), gate)
				askOf(follow, asking{method: "GET", path: "/live", header: withCookie(c)})
				if ended != tt.want {
					t.Errorf("ended: %v", ended)
				}
			})
		})
	}
}

// What is served beside /v1 asks for a role in the same way.
func TestRequire(t *testing.T) {
	h := Require("GET /metrics", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for role, want := range map[fsm.Role]int{"": http.StatusUnauthorized, "other": http.StatusForbidden, fsm.Viewer: http.StatusNoContent, fsm.Operator: http.StatusNoContent, fsm.Admin: http.StatusNoContent} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		if role != "" {
			r = r.WithContext(WithCaller(r.Context(), Caller{Actor: fsm.Actor{Kind: "user", Name: "ada"}, Role: role}))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", role, w.Code, want)
		}
	}
}
