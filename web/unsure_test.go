package web

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"polso/api"
	"polso/fsm"
)

// Who has signed in, at a router that has lost what it would look them up by, is told so, and not asked to sign in again.
func TestUnsure(t *testing.T) {
	c := newCluster(t)
	admin := c.visit(t, fsm.Admin)
	admin.post("/account/users", url.Values{"name": {"bob"}, "role": {"operator"}, "password": {goodPassword}, "again": {goodPassword}}).shows(t, 303)
	b := newBrowser(t, c)
	b.ask("POST", "/sign-in", url.Values{"user": {"bob"}, "password": {goodPassword}}).shows(t, 303)

	noLeader := api.Errorf(api.CodeNoLeader, "no leader; writes are refused").WithDetail("2 of the 3 voters must reach each other").WithHint("polso status --local")
	lost := func(key error) {
		gate := api.NewGate(api.GateOptions{
			State:      func(context.Context) (*fsm.Snapshot, error) { return nil, noLeader },
			SessionKey: func() ([]byte, error) { return []byte("key of the CA"), key },
		})
		b.site = api.Authenticate(newSite(t, api.New(c, api.Version{})), gate)
	}
	lost(nil)
	page := b.ask("GET", "/virtuals?page=2&q=a+b", nil)
	page.shows(t, 503, "<h1>The cluster has no leader now</h1>", "2 of the 3 voters must reach each other.", "polso status --local",
		"router <strong>r1</strong>", `href="https://10.9.0.12/virtuals?page=2&amp;q=a&#43;b">r2</a>`, "data-again", `href="/virtuals?page=2&amp;q=a&#43;b">Ask again`)
	page.lacks(t, "Sign out", `name="password"`)
	b.ask("POST", "/redundancy/leave", url.Values{"x": {"y"}}).shows(t, 503, "What you sent has not been done")
	kept := b.ask("POST", "/changes/plan", url.Values{"text": {"mine"}})
	kept.shows(t, 503, "it waits in this page", `value="mine"`)
	kept.lacks(t, "session has ended")
	if got := b.ask("GET", "/live?page=/virtuals", nil); got.code != 503 {
		t.Errorf("the stream: %d", got.code)
	}

	// After a restart not even the key that sessions are signed with is known: nobody is told who the others are.
	lost(errors.New("no CA"))
	page = b.ask("GET", "/virtuals", nil)
	page.shows(t, 503, "The cluster has no leader now", "data-again")
	page.lacks(t, "r1", "r2", "10.9.0.1")

	b.cookie = nil
	if got := b.ask("GET", "/virtuals", nil); got.code != 303 || !strings.HasPrefix(got.to, "/sign-in") {
		t.Errorf("a stranger: %d to %q", got.code, got.to)
	}
	r := httptest.NewRequest("GET", "/", nil)
	if why, genuine := api.Unsure(r.Context()); why != nil || genuine {
		t.Errorf("past the gate: %v %v", why, genuine)
	}
}
