package web

import (
	"net/http"
	"strings"
	"time"

	"polso/api"
)

// drainForm is why and for how long a router shall not direct.
type drainForm struct {
	For, Reason string
	ForError    string
	Problem     *api.Error
}

// drainPageView is the form with the router that it is about.
type drainPageView struct {
	Member memberRow
	Form   drainForm
}

func (s *site) drainPage(w http.ResponseWriter, r *http.Request, f drainForm) {
	m, err := s.memberNamed(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.render(w, r, statusOf(f.Problem), "drain", "redundancy", "Drain "+m.Name, drainPageView{m, f})
}

func (s *site) drainRouter(w http.ResponseWriter, r *http.Request) {
	f := drainForm{For: strings.TrimSpace(r.PostFormValue("for")), Reason: r.PostFormValue("reason")}
	req := api.DrainRequest{Reason: f.Reason}
	if f.For != "" {
		length, err := time.ParseDuration(f.For)
		if err != nil || length < time.Second {
			f.ForError = "Write a time such as 90m or 2h, or nothing."
			f.Problem = api.Errorf(api.CodeInvalid, "the router is not drained")
			s.drainPage(w, r, f)
			return
		}
		req.For = length.Seconds()
	}
	did, err := s.api.DrainRouter(r.Context(), r.PathValue("name"), req)
	if err != nil {
		f.Problem = problemOf(err)
		s.drainPage(w, r, f)
		return
	}
	done(w, r, "/redundancy", outcomes(did))
}

func (s *site) undrainRouter(w http.ResponseWriter, r *http.Request) {
	did, err := s.api.UndrainRouter(r.Context(), r.PathValue("name"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	done(w, r, "/redundancy", outcomes(did))
}
