package web

import "net/http"

// signRoutes are the way in and out.
func (s *site) signRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) {
		s.show(w, r, "sign-in", "", "Sign in", local(r.FormValue("to")))
	})
}
