package agent

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"polso/api"
	"polso/fsm"
)

// send posts a body to the door; the answer's cookies come with it.
func (v visitor) send(path, kind, body string, headers ...string) (int, []*http.Cookie) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.at+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := v.Do(req)
	if err != nil {
		v.t.Fatalf("POST %s: %v", path, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Cookies()
}

// Whatever people sign in, join and change passwords with, well or not, is in no log, at any level, and nothing that is asked for later
// tells it.
func TestSecretsAreNotTold(t *testing.T) {
	t.Parallel()
	const form, json = "application/x-www-form-urlencoded", "application/json"
	secrets := map[string]string{
		"the first password": "first-horse-battery", "the password that ada chose": "second-horse-battery", "the password that the admin set": "third-horse-battery",
		"a wrong password": "wrong-horse-battery", "a password in the user's field": "misplaced-horse-battery", "a token that is none": "POLSO-A-" + strings.Repeat("Q", 52),
		"a password's hash": "$argon2id$",
	}
	w := newNetwork(t, 1)
	r := w.nodes[0]
	r.api, r.level = freePort(t), slog.LevelDebug
	made := w.gather(testProfile)
	secrets["the first join token"] = made.Token
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	v := visit(t, r, nil)
	sent := func(what string, want int, path, kind, body string, headers ...string) string {
		t.Helper()
		code, cookies := v.send(path, kind, body, headers...)
		if code != want {
			t.Fatalf("%s: %d, want %d", what, code, want)
		}
		for _, c := range cookies {
			if c.Name == api.SessionCookie {
				secrets["the session of: "+what] = c.Value
				return c.Value
			}
		}
		return ""
	}
	entering := func(user, password string) string { return fmt.Sprintf(`{"user":%q,"password":%q}`, user, password) }

	must(r.client.AddUser(ctx, api.UserRequest{Name: "ada", Role: fsm.Admin, Password: secrets["the first password"]}))
	sent("a wrong password", 401, "/v1/session", json, entering("ada", secrets["a wrong password"]))
	sent("a password as user", 401, "/v1/session", json, entering(secrets["a password in the user's field"], secrets["a wrong password"]))
	sent("the page, a wrong password", 401, "/sign-in", form, "user=ada&password="+secrets["a wrong password"])
	sent("the page, the right one", 303, "/sign-in", form, "user=ada&password="+secrets["the first password"])
	session := sent("the right password", 200, "/v1/session", json, entering("ada", secrets["the first password"]))
	change := func(old, next string) string { return fmt.Sprintf(`{"old":%q,"new":%q}`, old, next) }
	cookie := []string{"Cookie", api.SessionCookie + "=" + session}
	sent("a change, the old one wrong", 403, "/v1/session/password", json, change(secrets["a wrong password"], secrets["the password that ada chose"]), cookie...)
	sent("a change", 200, "/v1/session/password", json, change(secrets["the first password"], secrets["the password that ada chose"]), cookie...)
	must(r.client.SetUser(ctx, api.UserRequest{Name: "ada", Password: secrets["the password that the admin set"]}))

	access, err := r.client.CreateAccess(ctx, api.AccessRequest{Role: fsm.Admin, TTL: 3600})
	must(access, err)
	secrets["an access token"] = access.Text
	bearer := []string{"Authorization", "Bearer " + access.Text}
	sent("signed in by token", 200, "/v1/session", json, fmt.Sprintf(`{"token":%q}`, access.Text))
	sent("a token that is none", 401, "/v1/session", json, fmt.Sprintf(`{"token":%q}`, secrets["a token that is none"]))
	if code, _ := v.ask("GET", "/v1/status", "Authorization", "Bearer "+secrets["a token that is none"]); code != 401 {
		t.Errorf("a token that is none: %d", code)
	}

	gone, err := r.client.CreateToken(ctx, api.TokenRequest{})
	must(gone, err)
	good, err := r.client.CreateToken(ctx, api.TokenRequest{})
	must(good, err)
	secrets["a join token"], secrets["a join token that was revoked"] = good.Text, gone.Text
	must(r.client.RevokeToken(ctx, gone.ID))
	other := w.machine("r2")
	other.level = slog.LevelDebug
	w.watch(other)
	other.start()
	join := api.JoinRequest{Addresses: made.Addresses, Token: gone.Text, Advertise: []string{other.listen}}
	if _, err := other.client.Join(ctx, join); err == nil {
		t.Fatal("a revoked token admits")
	}
	join.Token = good.Text
	must(other.client.Join(ctx, join))

	for what, secret := range secrets {
		if strings.HasPrefix(secret, "POLSO-") {
			secrets[what] = secret[len(secret)-20:] // it could be told in parts
		}
	}
	told := map[string]string{"the log of r1": r.log.tail(1 << 30), "the log of r2": other.log.tail(1 << 30)}
	for _, path := range []string{"/v1/audit?n=1000", "/v1/users", "/v1/access", "/v1/tokens", "/v1/events"} {
		code, text := v.ask("GET", path, bearer...)
		if code != 200 {
			t.Fatalf("%s: %d %s", path, code, text)
		}
		told[path] = text
	}
	for where, text := range told {
		for what, secret := range secrets {
			if secret == "" || strings.Contains(text, secret) {
				t.Errorf("%s tells %s", where, what)
			}
		}
	}
	for where, words := range map[string][]string{"the log of r1": {"signed in", "sign-in refused"}, "/v1/audit?n=1000": {"ada", access.ID}} {
		for _, word := range words {
			if !strings.Contains(told[where], word) {
				t.Errorf("%s does not tell of what was done: %q is not there", where, word)
			}
		}
	}
}
