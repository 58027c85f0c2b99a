package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"polso/api"
	"polso/fsm"
)

// accessRoutes are the access tokens, with which programs ask.
func (s *site) accessRoutes(mux routes) {
	mux.HandleFunc("GET /account/tokens", func(w http.ResponseWriter, r *http.Request) { s.accesses(w, r, accessForm{}, nil) })
	mux.HandleFunc("POST /account/tokens", s.makeAccess)
	mux.HandleFunc("GET /account/tokens/{id}/revoke", func(w http.ResponseWriter, r *http.Request) { s.askRevokeAccess(w, r, nil) })
	mux.HandleFunc("POST /account/tokens/{id}/revoke", s.revokeAccess)
}

// accessForm is a token that somebody wants.
type accessForm struct {
	Role, TTL, Note string
	TTLError        string
	Problem         *api.Error
}

// accessPage is the list, with the form of a new one.
type accessPage struct {
	Tokens []api.AccessToken
	Form   accessForm
	Made   *api.AccessToken // the one that has just been made, with its text: it is shown this once
}

// Roles are what a token can give.
func (accessPage) Roles() []choice { return roleChoices() }

func (s *site) accesses(w http.ResponseWriter, r *http.Request, f accessForm, made *api.AccessToken) {
	list, err := s.api.AccessTokens(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if f.TTL == "" {
		f.Role, f.TTL = string(fsm.Viewer), "720h"
	}
	s.render(w, r, statusOf(f.Problem), "access", "", "Access tokens", accessPage{list, f, made})
}

func (s *site) makeAccess(w http.ResponseWriter, r *http.Request) {
	f := accessForm{Role: r.PostFormValue("role"), TTL: strings.TrimSpace(r.PostFormValue("ttl")), Note: strings.TrimSpace(r.PostFormValue("note"))}
	ttl, err := time.ParseDuration(f.TTL)
	if err != nil || ttl < time.Second {
		f.TTLError = "Write a time such as 8h or 720h."
		f.Problem = api.Errorf(api.CodeInvalid, "no token is made")
		s.accesses(w, r, f, nil)
		return
	}
	made, err := s.api.CreateAccess(r.Context(), api.AccessRequest{Role: fsm.Role(f.Role), TTL: ttl.Seconds(), Note: f.Note})
	if err != nil {
		f.Problem = problemOf(err)
		s.accesses(w, r, f, nil)
		return
	}
	s.accesses(w, r, accessForm{}, &made)
}

// askRevokeAccess asks before a token ends; failed is why it did not, nil the first time.
func (s *site) askRevokeAccess(w http.ResponseWriter, r *http.Request, failed error) {
	list, err := s.api.AccessTokens(r.Context())
	if err != nil {
		s.refuse(w, r, cmp.Or(failed, err))
		return
	}
	id := r.PathValue("id")
	i := slices.IndexFunc(list, func(t api.AccessToken) bool { return t.ID == id })
	if i < 0 {
		gone := api.Errorf(api.CodeNotFound, "no access token that is good has the ID %q", id).WithHint("the list under Access tokens has every one")
		s.refuse(w, r, cmp.Or(failed, error(gone)))
		return
	}
	s.ask(w, r, "", revokeAccessQuestion(list[i]), failed)
}

func revokeAccessQuestion(t api.AccessToken) question {
	what := fmt.Sprintf("It gives the role %s until %s, and was made by %s", t.Role, t.Expires.UTC().Format(time.RFC3339), t.By)
	if t.Note != "" {
		what += " for: " + t.Note
	}
	return question{
		Title: fmt.Sprintf("Revoke access token %s?", t.ID),
		Says: []string{
			what + ".",
			"Whatever asks with it is refused from then on, on every router. Sessions that were opened with it and tokens that were made with it end too. That cannot be taken back: a new one has another text.",
		},
		To: pathTo("account", "tokens", t.ID, "revoke"), Button: "Revoke " + t.ID, Danger: true, Back: "/account/tokens",
	}
}

func (s *site) revokeAccess(w http.ResponseWriter, r *http.Request) {
	did, err := s.api.RevokeAccess(r.Context(), r.PathValue("id"))
	if err != nil {
		s.askRevokeAccess(w, r, err)
		return
	}
	done(w, r, "/account/tokens", outcomes(did))
}
