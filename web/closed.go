package web

import (
	"log/slog"
	"net/http"
	"strings"

	"polso/api"
)

// Closed answers in New's place on a node where nobody can sign in: every page says why, and what to do.
func Closed(log *slog.Logger) (func(w http.ResponseWriter, r *http.Request, why *api.Error), error) {
	views, err := parseViews()
	if err != nil {
		return nil, err
	}
	s := &site{log: log, views: views}
	static := http.NewServeMux()
	s.staticRoutes(static)
	return func(w http.ResponseWriter, r *http.Request, why *api.Error) {
		guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/static/") {
				static.ServeHTTP(w, r)
				return
			}
			s.render(w, r, http.StatusServiceUnavailable, "closed", "", why.Title, why)
		})).ServeHTTP(w, r)
	}, nil
}
