package web

import (
	"log/slog"
	"net/http"
	"testing"

	"polso/api"
)

// newSite is the browser interface in front of what answers /v1.
func newSite(t testing.TB, v1 http.Handler) http.Handler {
	t.Helper()
	h, err := New(Options{API: api.Inside(v1), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return h
}
