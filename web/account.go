package web

import (
	"net/http"
	"strings"

	"polso/api"
)

// accountRoutes are the caller's own password, and for admins users and access tokens.
func (s *site) accountRoutes(mux routes) {
	mux.HandleFunc("GET /account", func(w http.ResponseWriter, r *http.Request) { s.account(w, r, accountPage{}) })
	mux.HandleFunc("POST /account/password", s.ownPassword)
	s.userRoutes(mux)
	s.accessRoutes(mux)
}

// newPassword is the two fields of a password that is to be set.
type newPassword struct {
	Field   string // the name of the first
	Wrong   string // what is wrong with it
	Differs bool   // it was typed in two ways
}

// refused is what keeps a password from being set: what it is that is not done, and what is wrong stands beside its field.
func (p *newPassword) refused(err error, undone string) *api.Error {
	problem := problemOf(err)
	if problem.Code != api.CodeInvalid || len(problem.Problems) > 0 {
		return problem
	}
	p.Wrong = sentences(problem)
	return api.Errorf(api.CodeInvalid, "%s", undone)
}

// differing is what keeps a password that was typed in two ways from being set.
func (p *newPassword) differing(undone string) *api.Error {
	p.Differs = true
	return api.Errorf(api.CodeInvalid, "%s", undone)
}

// sentences are what an error says, for the place beside a field.
func sentences(e *api.Error) string {
	out := ""
	for _, part := range []string{e.Title, e.Hint} {
		if part != "" {
			out += " " + strings.ToUpper(part[:1]) + part[1:] + "."
		}
	}
	return strings.TrimSpace(out)
}

// accountPage is who asks.
type accountPage struct {
	api.Session
	Password newPassword
	OldError string
	Problem  *api.Error // why the password was not changed
}

func (s *site) account(w http.ResponseWriter, r *http.Request, p accountPage) {
	who, err := s.api.Session(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	p.Session, p.Password.Field = who, "new"
	s.render(w, r, statusOf(p.Problem), "account", "", "Account", p)
}

// ownPassword changes the caller's password; the answer has the new session.
func (s *site) ownPassword(w http.ResponseWriter, r *http.Request) {
	const undone = "the password is not changed"
	var p accountPage
	fresh := r.PostFormValue("new")
	if fresh != r.PostFormValue("again") {
		p.Problem = p.Password.differing(undone)
		s.account(w, r, p)
		return
	}
	_, cookie, err := s.api.SetPassword(r.Context(), api.PasswordRequest{Old: r.PostFormValue("old"), New: fresh})
	if err != nil {
		if p.Problem = p.Password.refused(err, undone); p.Problem.Code == api.CodeDenied {
			p.OldError = sentences(p.Problem)
			p.Problem = api.Errorf(api.CodeDenied, undone)
		}
		s.account(w, r, p)
		return
	}
	http.SetCookie(w, cookie)
	done(w, r, "/account", "The password is changed. Every other session of yours has ended.")
}
