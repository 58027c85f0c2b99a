package web

import (
	"net/http"
	"strings"

	"polso/api"
)

// signRoutes are the way in and out.
func (s *site) signRoutes(mux routes) {
	mux.HandleFunc("GET /sign-in", func(w http.ResponseWriter, r *http.Request) { s.showSignIn(w, r, signIn{To: local(r.FormValue("to"))}) })
	mux.HandleFunc("POST /sign-in", s.signIn)
	mux.HandleFunc("POST /sign-out", s.signOut)
}

// signIn is the page, as it was filled in: secrets are typed again.
type signIn struct {
	To      string // the page to go on to
	User    string
	Problem *api.Error
}

func (s *site) showSignIn(w http.ResponseWriter, r *http.Request, p signIn) {
	s.render(w, r, statusOf(p.Problem), "sign-in", "", "Sign in", p)
}

// signIn begins a session, by user and password or by an access token.
func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	p := signIn{To: local(r.PostFormValue("to")), User: strings.TrimSpace(r.PostFormValue("user"))}
	req := api.SignInRequest{User: p.User, Password: r.PostFormValue("password")}
	if token := strings.TrimSpace(r.PostFormValue("token")); token != "" {
		req = api.SignInRequest{Token: token}
	}
	if req.User == "" && req.Token == "" {
		p.Problem = api.Errorf(api.CodeInvalid, "nobody is named").WithHint("type user and password, or an access token")
		s.showSignIn(w, r, p)
		return
	}
	_, cookie, err := s.api.SignIn(r.Context(), req)
	if err != nil {
		p.Problem = problemOf(err)
		s.showSignIn(w, r, p)
		return
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, p.To, http.StatusSeeOther)
}

// signOut ends the session on every router. The cookie goes even where the others cannot be told: who stands here wants out.
func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	_, err := s.api.SignOut(r.Context())
	http.SetCookie(w, api.NoSession())
	if err == nil || problemOf(err).Status == http.StatusUnauthorized {
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return
	}
	s.showSignIn(w, r.WithContext(api.WithCaller(r.Context(), api.Caller{})), signIn{To: "/", Problem: problemOf(err)})
}
