package agent

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"polso/api"
	"polso/fsm"
)

// A router that is started while there is no leader knows neither who asks nor what sessions are signed with. It says so to who brings a
// session, and does not take it for one that has ended; when there is a leader the session is as good as before.
func TestDoorWithoutLeader(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	for _, r := range w.nodes {
		r.api = freePort(t)
	}
	w.gather("vm") // no election by a busy machine
	for _, r := range w.nodes {
		r.status("all vote", func(st api.Status) error {
			if st.Quorum.Voters != len(w.nodes) {
				return fmt.Errorf("%d voters", st.Quorum.Voters)
			}
			return nil
		})
	}
	r := w.nodes[0]
	const password = "correct horse battery staple"
	if _, err := r.client.AddUser(t.Context(), api.UserRequest{Name: "ada", Role: fsm.Viewer, Password: password}); err != nil {
		t.Fatal(err)
	}
	v := visit(t, r, nil)
	resp, err := v.Post(v.at+"/v1/session", "application/json", strings.NewReader(`{"user":"ada","password":"`+password+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 1 {
		t.Fatalf("signed in: %d", resp.StatusCode)
	}
	cookie := api.SessionCookie + "=" + resp.Cookies()[0].Value
	for _, r := range w.nodes {
		r.halt()
	}
	r.start()
	v = visit(t, r, nil)
	if code, text := v.ask("GET", "/monitoring", "Cookie", cookie); code != http.StatusServiceUnavailable || !strings.Contains(text, "The cluster has no leader now") || !strings.Contains(text, "2 of the 3 voters") {
		t.Errorf("without a leader: %d\n%s", code, text)
	}
	if code, _ := v.ask("GET", "/monitoring"); code != http.StatusSeeOther {
		t.Errorf("a stranger is answered with %d", code)
	}
	w.nodes[1].start()
	w.eventually("the page that was wanted", func() error {
		code, text := v.ask("GET", "/monitoring", "Cookie", cookie)
		if code == http.StatusSeeOther {
			t.Fatal("asked to sign in")
		}
		if code != http.StatusOK || !strings.Contains(text, "Sign out") {
			return fmt.Errorf("%d", code)
		}
		return nil
	})
}
