package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"polso/fsm"
)

// What was written in a form is not lost with the session, and done only after its plan was seen again.
func TestKeptForm(t *testing.T) {
	b := newBackend(t)
	form := sent(t, b.visitor(t, fsm.Operator).get("/changes/edit").text, "/changes/plan", "plan")
	text := strings.ReplaceAll("\n\n"+webText, "\n", "\r\n")
	form.Set("text", text)
	nobody := b.visitor(t, "")
	page := nobody.post("/changes/plan", form)
	page.shows(t, 401, "Your session has ended", "/sign-in", "Send it again")
	again := sent(t, page.text, "/changes/plan", "")
	if again.Get("text") != text || again.Get("base") != "1" {
		t.Fatalf("kept: %q", again)
	}
	plan := b.visitor(t, fsm.Operator).post("/changes/plan", again)
	plan.shows(t, 200, "server web/a")
	apply := sent(t, plan.text, "/changes/plan", "apply")
	if kept := sent(t, nobody.post("/changes/plan", apply).text, "/changes/plan", ""); kept.Get("do") != "" || kept.Get("draft") != apply.Get("draft") {
		t.Errorf("kept: %q", kept)
	}
	if b.fsm.Load().Revision != 1 {
		t.Error("nobody changed something")
	}
}

// What does something at once, comes from elsewhere, is a secret or too long is asked for anew.
func TestNotKept(t *testing.T) {
	nobody := newBackend(t).visitor(t, "")
	for path, form := range map[string]url.Values{
		"/changes/confirm": {"revision": {"1"}}, "/global/notify/test/x": {"a": {"b"}}, "/account/password": {"password": {"x"}}, "/account/users/add": {"password": {"x"}},
		"/changes/plan": {}, "/virtuals/add": {"text": {strings.Repeat("x", mostKept)}},
	} {
		if got := nobody.post(path, form); got.code != 303 || !strings.HasPrefix(got.to, "/sign-in") {
			t.Errorf("%s: %d to %q", path, got.code, got.to)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/changes/plan", strings.NewReader("text=x"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if got := nobody.do(r); got.code != 303 {
		t.Errorf("from elsewhere: %d", got.code)
	}
}
