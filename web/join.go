package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"polso/api"
	"polso/figures"
)

// joinForm is what somebody wants a token for.
type joinForm struct {
	Kind, TTL, Uses, Advertise string
	Errors                     map[string]string // by field
	Problem                    *api.Error
}

func (f joinForm) orUsual() joinForm {
	if f.Kind == "" {
		f.Kind, f.TTL, f.Uses = "router", "1h", "1"
	}
	return f
}

// madeToken is a token that has just been made, with the line to paste. It is shown this once.
type madeToken struct {
	Line    string
	Kind    string
	Uses    int
	Expires time.Time
}

// makeToken makes a join token, and shows the line to paste on the new router.
func (s *site) makeToken(w http.ResponseWriter, r *http.Request) {
	f := joinForm{
		Kind: r.PostFormValue("kind"), TTL: strings.TrimSpace(r.PostFormValue("ttl")), Uses: strings.TrimSpace(r.PostFormValue("uses")),
		Advertise: strings.TrimSpace(r.PostFormValue("advertise")), Errors: map[string]string{},
	}
	ttl, err := time.ParseDuration(f.TTL)
	if err != nil || ttl <= 0 {
		f.Errors["ttl"] = "Write a time such as 1h or 30m."
	}
	uses, err := strconv.Atoi(f.Uses)
	if err != nil || uses < 1 {
		f.Errors["uses"] = "Write a number from 1 on."
	}
	if !reachable(f.Advertise) {
		f.Errors["advertise"] = "Write an address such as 10.9.0.12, with a port only if it is another than 5390."
	}
	if len(f.Errors) > 0 {
		f.Problem = api.Errorf(api.CodeInvalid, "no token is made")
		s.redundancy(w, r, f, nil)
		return
	}
	st, err := lookOf(r.Context()).seen()
	var t api.Token
	if err == nil {
		t, err = s.api.CreateToken(r.Context(), api.TokenRequest{Kind: f.Kind, TTL: ttl.Seconds(), Uses: uses})
	}
	if err != nil {
		f.Problem = problemOf(err)
		s.redundancy(w, r, f, nil)
		return
	}
	s.redundancy(w, r, f, &madeToken{Line: joinLine(st, t.Text, f.Advertise), Kind: t.Kind, Uses: t.Uses, Expires: t.Expires})
}

// reachable tells whether text is ADDRESS or ADDRESS:PORT: it stands in a line that somebody pastes into a root shell.
func reachable(text string) bool {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Zone() == ""
	}
	a, err := netip.ParseAddrPort(text)
	return err == nil && a.Addr().Zone() == ""
}

// joinLine is what is typed on the new node: the addresses are those of the routers, since a witness admits nobody.
func joinLine(st api.Status, token, advertise string) string {
	words := []string{"polso", "join"}
	members := slices.Clone(st.Members)
	slices.SortStableFunc(members, func(a, b api.Member) int { return strings.Compare(a.Name, b.Name) })
	for _, m := range members {
		if m.Kind == "router" && m.State != "down" {
			words = append(words, m.Addresses...)
		}
	}
	return strings.Join(append(words, "--token", token, "--advertise", advertise), " ")
}

// askRevokeToken asks before a token ends; failed is why it did not, nil the first time.
func (s *site) askRevokeToken(w http.ResponseWriter, r *http.Request, failed error) {
	list, err := s.api.Tokens(r.Context())
	if err != nil {
		s.refuse(w, r, cmp.Or(failed, err))
		return
	}
	id := r.PathValue("id")
	i := slices.IndexFunc(list, func(t api.Token) bool { return t.ID == id })
	if i < 0 {
		gone := api.Errorf(api.CodeNotFound, "no join token that admits somebody has the ID %q", id).WithHint("the list under Redundancy has every one")
		s.refuse(w, r, cmp.Or(failed, error(gone)))
		return
	}
	s.ask(w, r, "redundancy", revokeTokenQuestion(list[i]), failed)
}

func revokeTokenQuestion(t api.Token) question {
	admits := madeToken{Kind: t.Kind, Uses: t.Uses}.Admits()
	return question{
		Title: fmt.Sprintf("Revoke join token %s?", t.ID),
		Says: []string{
			fmt.Sprintf("It admits %s until %s, and was made by %s. From then on it admits nobody: a line with it that somebody has still to paste is refused.", admits, t.Expires.UTC().Format(time.RFC3339), t.By),
			"Whoever joined with it stays a member. That cannot be taken back: a new token makes a new line.",
		},
		To: pathTo("redundancy", "tokens", t.ID, "revoke"), Button: "Revoke " + t.ID, Danger: true, Back: "/redundancy#join",
	}
}

func (s *site) revokeToken(w http.ResponseWriter, r *http.Request) {
	did, err := s.api.RevokeToken(r.Context(), r.PathValue("id"))
	if err != nil {
		s.askRevokeToken(w, r, err)
		return
	}
	done(w, r, "/redundancy#join", outcomes(did))
}

// Admits is how many nodes it admits.
func (t madeToken) Admits() string {
	kind := t.Kind
	if kind == "witness" && t.Uses != 1 {
		return strconv.Itoa(t.Uses) + " witnesses"
	}
	return figures.Count(t.Uses, kind)
}
