package web

import "net/http"

func (s *site) virtualRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /virtuals", func(w http.ResponseWriter, r *http.Request) {
		s.show(w, r, "virtuals", "virtuals", "Virtual servers", nil)
	})
}
