package web

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"polso/api"
	"polso/figures"
)

// redundancyRoutes are who belongs to the cluster, who directs, and how they come and go.
func (s *site) redundancyRoutes(mux routes) {
	mux.HandleFunc("GET /redundancy", func(w http.ResponseWriter, r *http.Request) { s.redundancy(w, r, joinForm{}, nil) })
	mux.HandleFunc("POST /redundancy/tokens", s.makeToken)
	mux.Handle("GET /redundancy/tokens", http.RedirectHandler("/redundancy#join", http.StatusSeeOther)) // the address of an answer to a form
	mux.HandleFunc("GET /redundancy/tokens/{id}/revoke", func(w http.ResponseWriter, r *http.Request) { s.askRevokeToken(w, r, nil) })
	mux.HandleFunc("POST /redundancy/tokens/{id}/revoke", s.revokeToken)
	s.routerRoutes(mux)
	s.certificateRoutes(mux)
	mux.HandleFunc("GET /redundancy/profile", s.toAsk("set-profile", s.askProfile))
	mux.HandleFunc("POST /redundancy/profile", s.setProfile)
}

// redundancyPage is the members, and what else makes the cluster one.
type redundancyPage struct {
	sorting
	Status  api.Status
	Members []memberRow
	Tokens  []api.Token
	Profile api.Profile
	Join    joinForm
	Made    *madeToken // the token that has just been made
	Silent  string     // what of the page is not known, and why
}

// memberRow is a member in the list.
type memberRow struct {
	api.Member
	Of api.Status
}

// Path begins the addresses of what is done with it.
func (m memberRow) Path() string { return pathTo("redundancy", "routers", m.Name) }

// Lags tells what the leader counts: entries it lacks; "-" of the leader itself and of one that is not heard.
func (m memberRow) Lags() string {
	if m.Raft == "leader" || m.State == "unknown" {
		return "-"
	}
	return fmt.Sprint(m.Behind)
}

// Heard is the time since its last answer; "-" as for Lags.
func (m memberRow) Heard() string {
	if m.Raft == "leader" || m.State == "unknown" {
		return "-"
	}
	return figures.Age(figures.Seconds(m.Contact))
}

// Against is what speaks against it as the director.
func (m memberRow) Against() []string {
	out := slices.Clone(m.Unfit)
	for _, c := range m.Checks {
		if c.Penalty > 0 && c.State == "down" {
			out = append(out, fmt.Sprintf("penalty %d, router_check %s: %s", c.Penalty, c.Name, c.Reason))
		}
	}
	return out
}

// Directs tells whether it holds the addresses.
func (m memberRow) Directs() bool { return m.Name == m.Of.Active }

// May tells whether it could be asked to direct.
func (m memberRow) May() bool { return m.Kind == "router" && m.Raft == "follower" }

func membersOf(st api.Status) []memberRow {
	rows := make([]memberRow, len(st.Members))
	for i, m := range st.Members {
		rows[i] = memberRow{m, st}
	}
	slices.SortStableFunc(rows, func(a, b memberRow) int { return strings.Compare(a.Name, b.Name) })
	return rows
}

// sort puts the members, which are by name, in the order that was asked for.
func (p redundancyPage) sort() {
	started := func(m memberRow) int64 { // of who is not heard, later than of all
		if m.Started == nil {
			return math.MaxInt64
		}
		return m.Started.UnixNano()
	}
	by := map[string]func(a, b memberRow) int{
		"name":    func(memberRow, memberRow) int { return 0 },
		"state":   func(a, b memberRow) int { return strings.Compare(a.State, b.State) },
		"kind":    func(a, b memberRow) int { return strings.Compare(a.Kind, b.Kind) },
		"raft":    func(a, b memberRow) int { return strings.Compare(a.Raft, b.Raft) },
		"behind":  func(a, b memberRow) int { return cmp.Compare(b.Behind, a.Behind) },
		"contact": func(a, b memberRow) int { return cmp.Compare(b.Contact, a.Contact) },
		"up":      func(a, b memberRow) int { return cmp.Compare(started(a), started(b)) },
	}
	slices.SortStableFunc(p.Members, by[p.By])
	if p.Reverse {
		slices.Reverse(p.Members)
	}
}

// redundancy shows the page; made is the token that has just been made.
func (s *site) redundancy(w http.ResponseWriter, r *http.Request, join joinForm, made *madeToken) {
	st, err := lookOf(r.Context()).seen()
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	p := redundancyPage{Status: st, Members: membersOf(st), Join: join.orUsual(), Made: made}
	p.sorting = sortedBy(r, "name", "state", "kind", "raft", "behind", "contact", "up")
	p.sort()
	if p.Tokens, err = s.api.Tokens(r.Context()); err != nil && !denied(err) {
		p.Silent = "Tokens are not known just now: " + err.Error()
	}
	if p.Profile, err = s.api.Profile(r.Context()); err != nil {
		p.Silent = "The profile is not known just now: " + err.Error()
	}
	s.render(w, r, statusOf(join.Problem), "redundancy", "redundancy", "Redundancy", p)
}

// denied tells whether err is that the caller's role is not enough.
func denied(err error) bool { return api.CodeOf(err) == api.CodeDenied }

// askProfile says what another timing costs.
func (s *site) askProfile(w http.ResponseWriter, r *http.Request) {
	s.ask(w, r, "redundancy", profileQuestion(r.FormValue("profile")), nil)
}

func profileQuestion(to string) question {
	return question{
		Title: "Change the timing to " + to + "?",
		Says: []string{
			"The addresses move once: each router begins its part in raft anew, one after the other, and the director hands them over first. Established connections stay where the sync daemon runs; without it each is reset by that one move.",
			"Until every router has said that it follows, leases are as short as the shorter and promises as long as the longer timing, so that no two routers can hold an address. A router that does not answer holds the change up; choosing the present profile takes it back.",
		},
		To: "/redundancy/profile", Fields: []choice{{"profile", to}}, Button: "Change it", Back: "/redundancy#profile",
	}
}

func (s *site) setProfile(w http.ResponseWriter, r *http.Request) {
	to := r.PostFormValue("profile")
	did, err := s.api.SetProfile(r.Context(), api.ProfileRequest{Profile: to})
	if err != nil {
		s.ask(w, r, "redundancy", profileQuestion(to), err)
		return
	}
	done(w, r, "/redundancy#profile", outcomes(did))
}

// Waits is how long a silent director is waited for.
func (redundancyPage) Waits(k api.KnownProfile) time.Duration { return figures.Seconds(k.H) }
