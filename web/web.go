// Package web is the browser interface: pages and forms rendered here from what the HTTP interface under /v1 answers, so that
// both say the same in the same words and ask for the same roles.
package web

import (
	"log/slog"
	"net/http"

	"polso/api"
	"polso/config"
)

// Options are what the interface stands on.
type Options struct {
	API *api.Client  // asks as the caller of the context it is given (api.Inside)
	Log *slog.Logger // never nil
}

// site is the pages, and what they are made with.
type site struct {
	api   *api.Client
	log   *slog.Logger
	views views
	texts config.Memory // of documents that are edited here

	keeping chan struct{} // a place for each form that is kept for somebody just now
}

// New returns the browser interface. Who asks stands in a request's context (api.WithCaller) when it comes here; without, there is
// the sign-in page alone.
func New(o Options) (http.Handler, error) {
	views, err := parseViews()
	if err != nil {
		return nil, err
	}
	s := &site{api: o.API, log: o.Log, views: views, keeping: make(chan struct{}, keptAtATime)}
	open, pages := http.NewServeMux(), http.NewServeMux()
	s.openRoutes(open)
	open.Handle("/", s.signedIn(pages))
	s.pageRoutes(pages)
	return guarded(s.looking(open)), nil
}

// routes is where what is served is put by its patterns: a *http.ServeMux.
type routes interface {
	Handle(pattern string, h http.Handler)
	HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request))
}

// openRoutes are for everybody.
func (s *site) openRoutes(mux routes) {
	s.staticRoutes(mux)
	s.signRoutes(mux)
}

// pageRoutes are for who has said who they are.
func (s *site) pageRoutes(mux routes) {
	mux.Handle("GET /{$}", http.RedirectHandler("/monitoring", http.StatusSeeOther))
	mux.HandleFunc("/", s.nowhere)
	s.monitoringRoutes(mux)
	s.globalRoutes(mux)
	s.redundancyRoutes(mux)
	s.virtualRoutes(mux)
	s.changeRoutes(mux)
	s.importRoutes(mux)
	s.accountRoutes(mux)
	s.liveRoutes(mux)
}

// policy is what a page may load and do (CSP Level 3): what this router itself serves, and nothing written into the page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guarded says with every answer what a browser may do with it.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// signedIn lets in who has said who they are, and asks the others. Who may have said it, but cannot be looked up just now, is told so.
func (s *site) signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := api.CallerOf(r.Context()); !ok {
			why, genuine := api.Unsure(r.Context())
			switch {
			case s.keep(w, r, why):
				return
			case why != nil:
				s.unsure(w, r, why, genuine)
				return
			}
			http.Redirect(w, r, "/sign-in?to="+returnTo(r), http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// nowhere answers for a page that there is not.
func (s *site) nowhere(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, api.Errorf(api.CodeNotFound, "there is no page %s", r.URL.Path).WithHint("the four words above lead everywhere"))
}
