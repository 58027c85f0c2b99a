package web

import "net/http"

func (s *site) changeRoutes(mux *http.ServeMux) {
	s.planRoutes(mux)
	mux.HandleFunc("GET /changes", func(w http.ResponseWriter, r *http.Request) { s.show(w, r, "changes", "changes", "Changes", nil) })
}
