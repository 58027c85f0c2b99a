package web

import "net/http"

func (s *site) importRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /import", func(w http.ResponseWriter, r *http.Request) { s.show(w, r, "import", "import", "Import", nil) })
}
