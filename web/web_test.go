package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Nobody sees a page before saying who they are, and is led on to no other site.
func TestSignInFirst(t *testing.T) {
	h := newSite(t, http.NotFoundHandler())
	for _, path := range []string{"/", "/monitoring", "/virtuals", "/nowhere"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/sign-in?to=%2F") {
			t.Errorf("%s: %d, to %q", path, w.Code, to)
		}
	}
	for to, want := range map[string]string{
		"/virtuals?page=2": "/virtuals?page=2", "https://elsewhere.example/": "/", "//elsewhere.example": "/", `/\elsewhere.example`: "/", "": "/", "virtuals": "/",
	} {
		if got := local(to); got != want {
			t.Errorf("local(%q) = %q, want %q", to, got, want)
		}
	}
}
