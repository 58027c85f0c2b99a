package lab

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"testing"
)

func TestAsk(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	must(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /good", func(w http.ResponseWriter, r *http.Request) {
		var in map[string]int
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		must(t, json.NewEncoder(w).Encode(in["n"]+1))
	})
	mux.HandleFunc("GET /refused", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"status":409,"code":"conflict","title":"the document changed"}`))
	})
	mux.HandleFunc("GET /garbage", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	s := &http.Server{Handler: mux}
	go func() { _ = s.Serve(l) }()
	defer s.Close()
	ctx := t.Context()

	var n int
	must(t, ask(ctx, socket, http.MethodPost, "/good", map[string]int{"n": 41}, &n))
	if n != 42 {
		t.Errorf("got %d", n)
	}
	refusal, ok := errors.AsType[*Refusal](ask(ctx, socket, http.MethodGet, "/refused", nil, nil))
	if !ok || refusal.Code != "conflict" || refusal.Status != 409 {
		t.Errorf("refused: %v", refusal)
	}
	err = ask(ctx, socket, http.MethodGet, "/garbage", nil, nil)
	if _, ok := errors.AsType[*Refusal](err); ok || err == nil {
		t.Errorf("garbage: %v", err)
	}
	if err := ask(ctx, socket+"x", http.MethodGet, "/good", nil, nil); !errors.Is(err, ErrNotAsked) {
		t.Errorf("nobody there: %v, want ErrNotAsked", err)
	}
}

func TestNumbersOf(t *testing.T) {
	got, err := numbersOf("# HELP a what it is\na 1\nb{x=\"y z\"} 2.5e-3\n\n")
	if err != nil || len(got) != 2 || got["a"] != 1 || got[`b{x="y z"}`] != 0.0025 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := numbersOf("nonsense\n"); err == nil {
		t.Errorf("%v was read of what is no series", got)
	}
}
