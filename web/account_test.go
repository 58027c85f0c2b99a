package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"polso/api"
	"polso/fsm"
)

const goodPassword = "correct horse battery"

// browser keeps the cookie of its session.
type browser struct {
	t      testing.TB
	site   http.Handler
	cookie *http.Cookie
}

// newBrowser is in front of a cluster's pages, with the gate before them.
func newBrowser(t *testing.T, c *cluster) *browser {
	t.Helper()
	gate := api.NewGate(api.GateOptions{State: c.State, SessionKey: func() ([]byte, error) { return []byte("key of the CA"), nil }})
	return &browser{t: t, site: api.Authenticate(newSite(t, api.New(c, api.Version{})), gate)}
}

func (b *browser) ask(method, path string, form url.Values) shown {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	b.site.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == api.SessionCookie {
			b.cookie = c
		}
	}
	return shown{w.Code, w.Header().Get("Location"), w.Body.String(), w.Header()}
}

// An admin makes a user, who signs in, changes the password, and signs out; wrong passwords are told in words, and lead nowhere.
func TestSession(t *testing.T) {
	c := newCluster(t)
	admin := c.visit(t, fsm.Admin)
	form := url.Values{"name": {"bob"}, "role": {"operator"}, "password": {goodPassword}, "again": {"another"}}
	admin.post("/account/users", form).shows(t, 422, "the user is not added", `id="again-error">The new password is not the same in both fields`, `value="bob"`)
	form.Set("again", goodPassword)
	if got := admin.post("/account/users", form); got.code != 303 {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	b := newBrowser(t, c)
	b.ask("GET", "/sign-in?to=/virtuals", nil).shows(t, 200, "polso user add NAME --role admin", `value="/virtuals"`)
	b.ask("POST", "/sign-in", nil).shows(t, 422, "nobody is named")
	wrong := b.ask("POST", "/sign-in", url.Values{"user": {"bob"}, "password": {"wrong"}, "to": {"//elsewhere.example"}})
	wrong.shows(t, 401, "user or password is wrong", `value="bob"`, `name="to" value="/"`)
	wrong.lacks(t, `value="wrong"`)
	if got := b.ask("POST", "/sign-in", url.Values{"user": {"bob"}, "password": {goodPassword}, "to": {"/account"}}); got.code != 303 || got.to != "/account" {
		t.Fatalf("%d to %q\n%s", got.code, got.to, got.text)
	}
	b.ask("GET", "/account", nil).shows(t, 200, "<strong>bob</strong>", "operator", "The session ends", "Change your password")
	b.ask("GET", "/account/users", nil).shows(t, 403)
	b.ask("POST", "/account/password", url.Values{"old": {"wrong"}, "new": {goodPassword + "!"}, "again": {goodPassword + "!"}}).shows(t, 403, "the password is not changed", `id="old-error">The password until now is another one.`)
	b.ask("POST", "/account/password", url.Values{"old": {goodPassword}, "new": {"short"}, "again": {"short"}}).shows(t, 422, "the password is not changed", `id="new-error">The password is too short.`)
	b.ask("POST", "/account/password", url.Values{"old": {goodPassword}, "new": {goodPassword + "!"}, "again": {goodPassword}}).shows(t, 422, `id="again-error"`)
	before := *b.cookie
	if got := b.ask("POST", "/account/password", url.Values{"old": {goodPassword}, "new": {goodPassword + "!"}, "again": {goodPassword + "!"}}); got.code != 303 {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	b.ask("GET", "/account", nil).shows(t, 200, "<strong>bob</strong>")
	old := browser{t: t, site: b.site, cookie: &before}
	if got := old.ask("GET", "/account", nil); got.code != 303 || !strings.HasPrefix(got.to, "/sign-in") {
		t.Errorf("the session of before the password is good still: %d to %q", got.code, got.to)
	}
	live := *b.cookie
	if got := b.ask("POST", "/sign-out", nil); got.code != 303 || got.to != "/sign-in" || b.cookie.MaxAge >= 0 {
		t.Errorf("sign out: %d to %q", got.code, got.to)
	}
	gone := browser{t: t, site: b.site, cookie: &live}
	if got := gone.ask("GET", "/account", nil); got.code != 303 {
		t.Errorf("the session that was signed out is good still: %d", got.code)
	}
}

// An access token is shown once, signs in, and ends.
func TestAccessTokens(t *testing.T) {
	c := newCluster(t)
	admin := c.visit(t, fsm.Admin)
	admin.get("/account/tokens").shows(t, 200, "There is none", "Make an access token")
	admin.post("/account/tokens", url.Values{"role": {"viewer"}, "ttl": {"soon"}, "note": {"a & b"}}).shows(t, 422, `id="ttl-error"`, `value="a &amp; b"`)
	made := admin.post("/account/tokens", url.Values{"role": {"viewer"}, "ttl": {"1h"}, "note": {"graphs"}})
	made.shows(t, 200, "It is shown this once", "POLSO-A-", "graphs")
	_, rest, _ := strings.Cut(made.text, `<pre class="paste" tabindex="0">`)
	token, _, _ := strings.Cut(rest, "<")
	admin.get("/account/tokens").lacks(t, token)
	b := newBrowser(t, c)
	if got := b.ask("POST", "/sign-in", url.Values{"token": {" " + token + " "}}); got.code != 303 || got.to != "/" {
		t.Fatalf("%d to %q\n%s", got.code, got.to, got.text)
	}
	b.ask("GET", "/account", nil).shows(t, 200, "you came with an access token", "viewer")
	id := c.fsm.Load().Accesses[0].ID
	revoke := "/account/tokens/" + id + "/revoke"
	admin.get("/account/tokens").shows(t, 200, `href="`+revoke+`"`)
	admin.get(revoke).shows(t, 200, "the role viewer until", "for: graphs", "Sessions that were opened with it", "Leave it", `method="post" action="`+revoke+`"`)
	b.ask("GET", "/account", nil).shows(t, 200, "you came with an access token") // to ask ends nothing
	c.refuse = api.Errorf(api.CodeNoLeader, "no leader")
	if got := admin.post(revoke, nil); got.code == 303 || !strings.Contains(got.text, "no leader") || !strings.Contains(got.text, "for: graphs") {
		t.Errorf("refused: %d\n%s", got.code, got.text)
	}
	admin.get("/account/tokens/x/revoke").shows(t, 404, "no access token that is good")
	admin.post("/account/tokens/x/revoke", nil).shows(t, 404)
	if got := admin.post(revoke, nil); got.code != 303 {
		t.Errorf("%d\n%s", got.code, got.text)
	}
	if got := b.ask("GET", "/account", nil); got.code != 303 {
		t.Errorf("the session lives longer than its token: %d", got.code)
	}
}

// Users are given another role or password, and removed after a question.
func TestUsers(t *testing.T) {
	c := newCluster(t)
	admin := c.visit(t, fsm.Admin)
	if got := admin.post("/account/users", url.Values{"name": {"bob"}, "role": {"viewer"}, "password": {goodPassword}, "again": {goodPassword}}); got.code != 303 {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	admin.post("/account/users", url.Values{"name": {"Bob"}, "role": {"viewer"}, "password": {goodPassword}, "again": {goodPassword}}).shows(t, 409,
		"the user is not added", `id="name-error">There is a user bob already.`, `value="Bob"`)
	for _, wrong := range []struct{ name, role, password, says string }{
		{"a b", "viewer", goodPassword, `id="name-error">&#34;a b&#34; is no name for a user: letters, digits,`},
		{"", "viewer", goodPassword, `id="name-error">&#34;&#34; is no name for a user`},
		{strings.Repeat("x", 64), "viewer", goodPassword, `id="name-error">The request is not understood. name: expected length`},
		{"eve", "", goodPassword, `id="role-error">A new user has a role and a password.`},
		{"eve", "root", goodPassword, `id="role-error">The request is not understood. role: expected value to be one of`},
		{"eve", "viewer", "", `id="new-error">A new user has a role and a password.`},
		{"eve", "viewer", "short", `id="new-error">The password is too short.`},
	} {
		got := admin.post("/account/users", url.Values{"name": {wrong.name}, "role": {wrong.role}, "password": {wrong.password}, "again": {wrong.password}})
		got.shows(t, 422, "the user is not added", wrong.says)
	}
	admin.get("/account/users").shows(t, 200, `href="/account/users/bob"`, "viewer")
	admin.get("/account/users/bob").shows(t, 200, `value="viewer" checked`)
	admin.get("/account/users/nobody").shows(t, 404, "no user is called")
	bob := func() fsm.User {
		u, _ := c.fsm.Load().User("bob")
		return u
	}
	hash := bob().Hash
	if got := admin.post("/account/users/bob/role", url.Values{"role": {"operator"}}); got.code != 303 {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	if u := bob(); u.Role != fsm.Operator || u.Hash != hash {
		t.Errorf("user %+v", u)
	}
	admin.post("/account/users/bob/password", url.Values{"password": {"short"}, "again": {"short"}}).shows(t, 422, "the password is not set", `id="new-error">The password is too short.`)
	admin.post("/account/users/bob/password", url.Values{"password": {goodPassword}, "again": {"short"}}).shows(t, 422, `id="again-error"`)
	if got := admin.post("/account/users/bob/password", url.Values{"password": {goodPassword + "2"}, "again": {goodPassword + "2"}}); got.code != 303 {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	if u := bob(); u.Role != fsm.Operator || u.Hash == hash {
		t.Errorf("user %+v", u)
	}
	admin.get("/account/users/bob/remove").shows(t, 200, "access tokens of this user end at once")
	admin.get("/account/users/nobody/remove").shows(t, 404, "no user is called")
	if got := admin.post("/account/users/bob/remove", nil); got.code != 303 || bob().Name != "" {
		t.Errorf("%d, %+v", got.code, bob())
	}
}

// Who may not do something is refused in the words of /v1, whatever the page showed.
func TestRolesOfActs(t *testing.T) {
	c := newCluster(t)
	for path, least := range map[string]fsm.Role{
		"/monitoring/announce": fsm.Operator, "/redundancy/routers/r2/transfer": fsm.Operator, "/redundancy/routers/r1/drain": fsm.Operator, "/redundancy/routers/r1/undrain": fsm.Operator,
		"/redundancy/routers/w1/remove": fsm.Admin, "/redundancy/leave": fsm.Admin, "/redundancy/profile": fsm.Admin, "/redundancy/certificates/rotate": fsm.Admin,
		"/redundancy/tokens": fsm.Admin, "/redundancy/tokens/t1/revoke": fsm.Admin, "/account/users": fsm.Admin, "/account/users/bob/remove": fsm.Admin,
		"/account/tokens": fsm.Admin, "/account/tokens/x/revoke": fsm.Admin,
	} {
		form := url.Values{"kind": {"router"}, "ttl": {"1h"}, "uses": {"1"}, "advertise": {"10.9.0.14"}, "profile": {"wan"}, "what": {"own"}, "role": {"viewer"}}
		below := fsm.Viewer
		if least == fsm.Admin {
			below = fsm.Operator
		}
		c.visit(t, below).post(path, form).shows(t, 403, "role "+string(least))
		c.wasAsked(t)
	}
}
