package web

import (
	"net/http"

	"polso/api"
)

// accountRoutes are the caller's own password, and for admins users and access tokens.
func (s *site) accountRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /account", func(w http.ResponseWriter, r *http.Request) { s.account(w, r, nil) })
	mux.HandleFunc("POST /account/password", s.ownPassword)
	s.userRoutes(mux)
	s.accessRoutes(mux)
}

// accountPage is who asks.
type accountPage struct {
	api.Session
	Problem *api.Error // why the password was not changed
}

func (s *site) account(w http.ResponseWriter, r *http.Request, failed error) {
	who, err := s.api.Session(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	p, code := accountPage{Session: who}, http.StatusOK
	if failed != nil {
		p.Problem = problemOf(failed)
		code = p.Problem.Status
	}
	s.render(w, r, code, "account", "", "Account", p)
}

// ownPassword changes the caller's password; the answer has the new session.
func (s *site) ownPassword(w http.ResponseWriter, r *http.Request) {
	fresh := r.PostFormValue("new")
	if fresh != r.PostFormValue("again") {
		s.account(w, r, differs())
		return
	}
	_, cookie, err := s.api.SetPassword(r.Context(), api.PasswordRequest{Old: r.PostFormValue("old"), New: fresh})
	if err != nil {
		s.account(w, r, err)
		return
	}
	http.SetCookie(w, cookie)
	done(w, r, "/account", "The password is changed. Every other session of yours has ended.")
}

// differs refuses a password that was typed in two ways.
func differs() *api.Error {
	return api.Errorf(api.CodeInvalid, "the new password is not the same in both fields").WithHint("type it twice")
}
