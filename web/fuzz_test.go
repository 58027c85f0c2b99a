package web

import (
	"net/http"
	"net/url"
	"testing"

	"polso/api"
	"polso/fsm"
)

// Whatever form is sent to whatever page by whomever: it never panics, it is never answered as this router's fault but for what the
// cluster behind it failed with, and who is below operator has nothing done.
func FuzzPages(f *testing.F) {
	patterns := routesOf()
	for i, pattern := range patterns {
		for who := range roles() {
			f.Add(uint8(i), uint8(who), "", "", formOf(pattern).Encode(), false)
		}
		f.Add(uint8(i), uint8(2), "..%2f", "page=-1&q=%ff&n=x&revision=9", "do=apply&text=%00%ff&was:port=1&port=x&out:check=1&draft=x", false)
		f.Add(uint8(i), uint8(3), "a/b", "kind=http&what=ca&to=//x", formOf(pattern).Encode()+"&do=apply&sure=1", true)
	}
	w := newWhole(f)
	f.Fuzz(func(t *testing.T, which, who uint8, name, query, body string, fails bool) {
		pattern := patterns[int(which)%len(patterns)]
		method, path := parted(pattern)
		address := addressOf(path)
		if name != "" {
			address = placeholder.ReplaceAllLiteralString(path, name)
		}
		u, err := url.ParseRequestURI(address)
		if err != nil {
			return
		}
		if query != "" {
			u.RawQuery = query
		}
		role := roles()[int(who)%len(roles())]
		w.anew(t)
		if fails {
			w.refuse, w.refuses = api.Errorf(api.CodeNoLeader, "there is no leader"), api.Errorf(api.CodeNoLeader, "there is no leader")
		}
		got := w.sent(role, method, u, body)
		if got.code >= http.StatusInternalServerError && (!fails || got.code != http.StatusServiceUnavailable) {
			t.Errorf("%s %s as %q: %d\n%s", method, u, role, got.code, got.text)
		}
		if !role.May(fsm.Operator) && w.wrote() {
			t.Errorf("%s %s as %q did something: %v", method, u, role, w.asked)
		}
	})
}
