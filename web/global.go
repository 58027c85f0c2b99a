package web

import "net/http"

func (s *site) globalRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /global", func(w http.ResponseWriter, r *http.Request) { s.show(w, r, "global", "global", "Global settings", nil) })
}
