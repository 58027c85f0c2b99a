package api

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"polso/fsm"
)

// A wrong password, an unknown user and an empty password get one answer, and each costs a hash.
func TestWrongPassword(t *testing.T) {
	e := newEntrance(t)
	e.user("ada", fsm.Admin)
	var answers []string
	for _, body := range []string{`{"user":"ada","password":"wrong"}`, `{"user":"eve","password":"` + password + `"}`, `{"user":"eve"}`, `{"user":"ada"}`} {
		start := time.Now()
		resp := e.ask(asking{method: "POST", path: "/v1/session", body: body})
		took := time.Since(start)
		text, _ := io.ReadAll(resp.Body)
		answers = append(answers, resp.Status+string(text))
		if resp.StatusCode != 401 || len(resp.Cookies()) != 0 {
			t.Errorf("%s: %d", body, resp.StatusCode)
		}
		if took < 5*time.Millisecond {
			t.Errorf("%s: answered in %v: without a hash", body, took)
		}
	}
	for _, a := range answers[1:] {
		if a != answers[0] {
			t.Errorf("answers differ:\n%s\n%s", answers[0], a)
		}
	}
	for _, body := range []string{`{}`, `{"user":"ada","token":"x"}`, `{"token":"x","password":"y"}`} {
		if resp := e.ask(asking{method: "POST", path: "/v1/session", body: body}); resp.StatusCode != 422 {
			t.Errorf("%s: %d", body, resp.StatusCode)
		}
	}
}

func TestTooManyTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEntrance(t)
		e.user("ada", fsm.Admin)
		try := func(user, pass, from string) *http.Response {
			return e.ask(asking{method: "POST", path: "/v1/session", body: fmt.Sprintf(`{"user":%q,"password":%q}`, user, pass), from: from})
		}
		for i := range userBurst {
			if resp := try("ada", "wrong", fmt.Sprintf("192.0.2.1:%d", i+1)); resp.StatusCode != 401 {
				t.Fatalf("try %d: %d", i, resp.StatusCode)
			}
		}
		if resp := try("ada", password, "198.51.100.1:1"); resp.StatusCode != 200 {
			t.Errorf("somebody guesses, and the user is kept out elsewhere: %d", resp.StatusCode)
		}
		resp := try("ada", password, "192.0.2.1:1")
		if e := decode[Error](t, resp); resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "10" || e.RetryAfter != 10 {
			t.Errorf("one more from there: %d %v", resp.StatusCode, resp.Header)
		}
		for i := range userBurst {
			if resp := try("eve", "x", "198.51.100.2:1"); resp.StatusCode != 401 {
				t.Fatalf("unknown, try %d: %d", i, resp.StatusCode)
			}
		}
		if resp := try("eve", "x", "198.51.100.2:2"); resp.StatusCode != 429 {
			t.Errorf("an unknown user is limited otherwise: %d", resp.StatusCode)
		}
		time.Sleep(userEvery)
		if resp := try("ada", password, "192.0.2.1:1"); resp.StatusCode != 200 {
			t.Errorf("after the wait: %d", resp.StatusCode)
		}
		if resp := try("ada", "wrong", "192.0.2.1:1"); resp.StatusCode != 401 {
			t.Errorf("after signing in rightly: %d", resp.StatusCode)
		}
		// One address, many users; an IPv6 host has as many addresses as it likes.
		for i := range addressBurst {
			if resp := try(fmt.Sprint("u", i), "x", fmt.Sprintf("[2001:db8::%d]:1", i+1)); resp.StatusCode != 401 {
				t.Fatalf("try %d: %d", i, resp.StatusCode)
			}
		}
		if resp := try("bob", "x", "[2001:db8::ffff]:1"); resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
			t.Errorf("one more from that network: %d", resp.StatusCode)
		}
		if resp := e.ask(asking{method: "POST", path: "/v1/session", body: `{"token":"POLSO-A-X"}`, from: "[2001:db8::1]:1"}); resp.StatusCode != 429 {
			t.Errorf("tokens are not limited: %d", resp.StatusCode)
		}
		if resp := try("bob", "x", "[2001:db8:0:1::1]:1"); resp.StatusCode != 401 {
			t.Errorf("the network beside: %d", resp.StatusCode)
		}
	})
}

// Who guesses from everywhere is bounded for a user, and does not keep that user out where they have signed in before.
func TestGuessesFromEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace()
		if err := p.try("198.51.100.1", "ada"); err != nil {
			t.Fatal(err)
		}
		p.right("198.51.100.1", "ada")
		guess := func() (n int) {
			for i := range 3000 {
				if p.try(fmt.Sprintf("10.0.%d.%d", i/250, i%250), "ada") == nil {
					n++
				}
			}
			return n
		}
		if n := guess(); n != anyBurst-1 { // the first sign-in was one
			t.Errorf("%d guesses at once", n)
		}
		time.Sleep(time.Hour)
		if n := guess(); n != anyBurst {
			t.Errorf("%d guesses after an hour", n)
		}
		for i := range userBurst {
			if err := p.try("198.51.100.1", "ada"); err != nil {
				t.Fatalf("try %d where ada has been: %v", i, err)
			}
		}
		if p.try("198.51.100.1", "ada") == nil {
			t.Error("it is not bounded there")
		}
		if p.try("198.51.100.9", "ada") == nil {
			t.Error("it is not bounded where ada has not been")
		}
		if err := p.try("198.51.100.9", "bob"); err != nil {
			t.Errorf("somebody else: %v", err)
		}
	})
}

// The tables of tries do not grow without end.
func TestPaceIsBounded(t *testing.T) {
	p := newPace()
	for i := range 3 * maxPaced {
		p.try(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), fmt.Sprint("u", i))
	}
	for i := range 2 * maxPaced {
		p.right("192.0.2.1", fmt.Sprint("u", i))
	}
	for _, n := range []int{len(p.addresses), len(p.users), len(p.anywhere), len(p.known)} {
		if n > maxPaced+1 {
			t.Errorf("%d in a table", n)
		}
	}
}
