package web

import "net/http"

func (s *site) redundancyRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /redundancy", func(w http.ResponseWriter, r *http.Request) {
		s.show(w, r, "redundancy", "redundancy", "Redundancy", nil)
	})
}
