package web

import (
	"net/http"

	"polso/api"
	"polso/fsm"
)

// unsureView is a page in place of one that would be shown if it could be known who asks.
type unsureView struct {
	Why   *api.Error
	Again string // where it is asked for once more; "" where that would send a form
	Own   api.Status
	Known bool // Own is this router as it sees itself; only for who has signed in
	Route []router
}

// NoLeader tells whether it is the cluster that lacks a leader.
func (v unsureView) NoLeader() bool { return v.Why.Code == api.CodeNoLeader }

// unsure tells that it cannot be looked up just now who asks, and why. Who has a genuine session is also shown the little that this
// router knows alone, and the way to the others.
func (s *site) unsure(w http.ResponseWriter, r *http.Request, why *api.Error, genuine bool) {
	v := unsureView{Why: why}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		v.Again = r.URL.RequestURI()
	}
	if genuine {
		ctx := api.WithCaller(r.Context(), api.Caller{Role: fsm.Viewer})
		if own, err := s.api.BriefLocal(ctx); err == nil {
			v.Own, v.Known, v.Route = own, true, interfacesOf(own, own.Node, r.Host)
		}
	}
	title := why.Title
	if v.NoLeader() {
		title = "The cluster has no leader now"
	}
	s.render(w, r, why.Status, "unsure", "", title, v)
}
