package web

import (
	"net/http"

	"polso/api"
)

// question is asked once before something is done that cuts, or that cannot be taken back.
type question struct {
	Title   string
	Says    []string // what it does, one sentence each
	To      string   // where the form is sent
	Fields  []choice // hidden
	Button  string
	Danger  bool
	Back    string // where who does not want it goes
	Problem *api.Error
}

// ask shows a question; failed is why what was asked for was not done, nil the first time.
func (s *site) ask(w http.ResponseWriter, r *http.Request, section string, q question, failed error) {
	code := http.StatusOK
	if failed != nil {
		q.Problem = problemOf(failed)
		code = q.Problem.Status
	}
	s.render(w, r, code, "ask", section, q.Title, q)
}

// toAsk asks a question of who may have it answered with yes, which is the operation of that ID under /v1. The others are told at once.
func (s *site) toAsk(operation string, question http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if refused := api.May(r.Context(), operation); refused != nil {
			s.refuse(w, r, refused)
			return
		}
		question(w, r)
	}
}
