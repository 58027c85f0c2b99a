package web

import "net/http"

func (s *site) monitoringRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /monitoring", func(w http.ResponseWriter, r *http.Request) {
		s.show(w, r, "monitoring", "monitoring", "Control/Monitoring", nil)
	})
}
