package web

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"polso/fsm"
)

// listed notes the patterns of what is served.
type listed struct{ patterns []string }

func (l *listed) Handle(pattern string, _ http.Handler) { l.patterns = append(l.patterns, pattern) }

func (l *listed) HandleFunc(pattern string, _ func(http.ResponseWriter, *http.Request)) {
	l.patterns = append(l.patterns, pattern)
}

// routesOf are the patterns of every page, in order: by their paths.
func routesOf() []string {
	var l listed
	s := &site{}
	s.openRoutes(&l)
	s.pageRoutes(&l)
	path := func(pattern string) string { _, p := parted(pattern); return p }
	slices.SortFunc(l.patterns, func(a, b string) int {
		return strings.Compare(path(a)+" "+a, path(b)+" "+b)
	})
	return l.patterns
}

// parted is a pattern's method and path.
func parted(pattern string) (method, path string) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		return http.MethodGet, pattern
	}
	return method, path
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// addressOf is an address that a pattern answers, of something that newWhole has.
func addressOf(path string) string {
	name := "web"
	switch {
	case path == "/":
		return "/nowhere"
	case path == "/live":
		return "/live?page=/virtuals"
	case strings.HasSuffix(path, "drain"): // as the replicated state has it
		name = "r1"
	case strings.HasPrefix(path, "/redundancy/routers/"):
		name = "r2"
	case strings.HasPrefix(path, "/account/users/"):
		name = "bob"
	case strings.HasPrefix(path, "/global/notify/"):
		name = "ops"
	case strings.HasPrefix(path, "/global/"):
		name = "gw"
	}
	return placeholder.ReplaceAllStringFunc(path, func(p string) string {
		known := map[string]string{"{name}": name, "{server}": "a", "{sorry}": "spare", "{kind}": "vip", "{format}": "json", "{revision}": "1", "{id}": "t1", "{file...}": "polso.css", "{$}": ""}
		if of, ok := known[p]; ok {
			return of
		}
		return "1"
	})
}

// formOf is a form for a pattern that is right, or it would not come as far as where it is asked who sends it.
func formOf(pattern string) url.Values {
	method, path := parted(pattern)
	if method != http.MethodPost {
		return nil
	}
	form := url.Values{
		"text": {webText}, "ttl": {"1h"}, "uses": {"1"}, "advertise": {"10.9.0.14"}, "profile": {"wan"}, "what": {"own"}, "role": {"operator"}, "for": {"1h"},
		"name": {"new"}, "server": {"a"}, "on": {"r1"}, "revision": {"2"},
		"was:address": {""}, "address": {"192.0.2.77"}, "was:port": {""}, "port": {"81"}, "was:weight": {""}, "weight": {"7"}, "servers": {"10.1.0.3"},
	}
	switch {
	case path == "/redundancy/tokens":
		form.Set("kind", "router")
	case path == "/account/users" || strings.HasSuffix(path, "/password"):
		form.Set("password", goodPassword)
		form.Set("again", goodPassword)
		form.Set("old", "x")
		form.Set("new", goodPassword)
	case path == "/global":
		form = url.Values{"was:failback": {""}, "failback": {"true"}, "was:prefer": {""}, "prefer": {"r1"}}
	case strings.HasSuffix(path, "/hand"):
		form.Set("do", "drain")
	case strings.HasSuffix(path, "/monitoring"):
		form.Set("do", "text")
		form.Set("text", "check \"tcp\" {\n}")
	case strings.HasSuffix(path, "/active"):
		form.Set("do", "off")
	case path == "/import":
		form = url.Values{"format": {"ipvsadm"}, "text": {"-A -t 192.0.2.10:80 -s wlc\n"}}
	}
	return form
}

// ofNothing are those that newWhole has nothing for: they are answered, to who may ask, with that.
var ofNothing = []string{
	"/", "POST /changes/confirm", "POST /redundancy/routers/{name}/undrain", "GET /redundancy/tokens/{id}/revoke", "POST /redundancy/tokens/{id}/revoke",
	"GET /account/tokens/{id}/revoke", "POST /account/tokens/{id}/revoke",
}

// roles are who may come, nobody first.
func roles() []fsm.Role { return []fsm.Role{"", fsm.Viewer, fsm.Operator, fsm.Admin} }

// letIn is how somebody fared who sent that: "sign in", "forbidden", or "in" with the answer's status.
func letIn(got shown) string {
	switch {
	case got.code == http.StatusForbidden:
		return "forbidden"
	case got.code == http.StatusUnauthorized, got.code == http.StatusSeeOther && strings.HasPrefix(got.to, "/sign-in"):
		return "sign in"
	}
	return fmt.Sprintf("in %d", got.code)
}

// The whole of who is let in where, written out in testdata/roles.golden: every page and every form, asked by everybody. A page that is
// added without a thought of who may see it makes this fail; go test ./web -run TestRoleMatrix -update writes the file anew, for a person
// to read. Whatever the file says: who is sent away, and who is below operator, has had nothing done.
func TestRoleMatrix(t *testing.T) {
	w := newWhole(t)
	var got strings.Builder
	line := "%-7s %-50s %-10s %-10s %-10s %s\n"
	fmt.Fprintf(&got, line, "METHOD", "PATH", "NOBODY", "VIEWER", "OPERATOR", "ADMIN")
	for _, pattern := range routesOf() {
		method, path := parted(pattern)
		cells := []any{method, path}
		for _, role := range roles() {
			w.anew(t)
			answer := w.as(t, role, method, addressOf(path), formOf(pattern))
			how := letIn(answer)
			cells = append(cells, how)
			if w.wrote() && (!strings.HasPrefix(how, "in ") || !role.May(fsm.Operator)) {
				t.Errorf("%s as %q: %s, and yet something was done: %v", pattern, role, how, w.asked)
			}
			if method == http.MethodGet && w.wrote() {
				t.Errorf("%s as %q: looking did something: %v", pattern, role, w.asked)
			}
			if answer.code >= http.StatusInternalServerError || answer.code == http.StatusNotFound && !slices.Contains(ofNothing, pattern) {
				t.Errorf("%s as %q: %d: the test does not come to what the page does", pattern, role, answer.code)
			}
		}
		fmt.Fprintf(&got, line, cells...)
	}
	const file = "testdata/roles.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-update writes it anew):\n%s", file, diff)
	}
}
