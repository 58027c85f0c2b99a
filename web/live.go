package web

import "net/http"

// liveRoutes are what a page that is open is told.
func (s *site) liveRoutes(*http.ServeMux) {}
