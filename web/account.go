package web

import "net/http"

// accountRoutes are the caller's own password, and for admins users and tokens.
func (s *site) accountRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /account", func(w http.ResponseWriter, r *http.Request) { s.show(w, r, "account", "", "Account", nil) })
}
