package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"polso/api"
)

// routerRoutes are what is done with one member: to move the lead there, to keep it from directing, to take it out.
func (s *site) routerRoutes(mux routes) {
	mux.HandleFunc("GET /redundancy/routers/{name}/transfer", s.toAsk("transfer", s.askAbout(transferQuestion)))
	mux.HandleFunc("POST /redundancy/routers/{name}/transfer", s.doWith(transferQuestion, func(ctx context.Context, r *http.Request, name string) (string, error) {
		did, err := s.api.Transfer(ctx, api.TransferRequest{To: name})
		return movedText(did), err
	}))
	mux.HandleFunc("GET /redundancy/routers/{name}/drain", s.toAsk("drain-router", func(w http.ResponseWriter, r *http.Request) { s.drainPage(w, r, drainForm{}) }))
	mux.HandleFunc("POST /redundancy/routers/{name}/drain", s.drainRouter)
	mux.HandleFunc("POST /redundancy/routers/{name}/undrain", s.undrainRouter)
	mux.HandleFunc("GET /redundancy/routers/{name}/remove", s.toAsk("remove-router", s.askAbout(removeQuestion)))
	mux.HandleFunc("POST /redundancy/routers/{name}/remove", s.doWith(removeQuestion, func(ctx context.Context, _ *http.Request, name string) (string, error) {
		did, err := s.api.Remove(ctx, name)
		return outcomes(did), err
	}))
	mux.HandleFunc("GET /redundancy/leave", s.toAsk("leave", s.askLeave))
	mux.HandleFunc("POST /redundancy/leave", s.leave)
}

// memberNamed is the member that a request is about.
func (s *site) memberNamed(r *http.Request) (memberRow, error) {
	st, err := lookOf(r.Context()).seen()
	if err != nil {
		return memberRow{}, err
	}
	name := r.PathValue("name")
	i := slices.IndexFunc(st.Members, func(m api.Member) bool { return m.Name == name })
	if i < 0 {
		return memberRow{}, api.Errorf(api.CodeNotFound, "no router is called %q", name).WithHint("the list under Redundancy has every one")
	}
	return memberRow{st.Members[i], st}, nil
}

// askAbout asks a question about a member.
func (s *site) askAbout(q func(memberRow) question) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m, err := s.memberNamed(r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		s.ask(w, r, "redundancy", q(m), nil)
	}
}

// doWith does what was asked about; what is refused is shown beside the question.
func (s *site) doWith(q func(memberRow) question, do func(context.Context, *http.Request, string) (string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := do(r.Context(), r, r.PathValue("name"))
		if err == nil {
			done(w, r, "/redundancy", text)
			return
		}
		m, unknown := s.memberNamed(r)
		if unknown != nil {
			s.refuse(w, r, err)
			return
		}
		s.ask(w, r, "redundancy", q(m), err)
	}
}

func transferQuestion(m memberRow) question {
	q := question{
		Title: fmt.Sprintf("Have %s direct?", m.Name),
		Says: []string{
			fmt.Sprintf("The addresses move from %s to %s. They are let go before anybody else may take them; how long they had no holder is told afterwards, and is a fraction of a second on a healthy network.", orNobody(m.Of.Active), m.Name),
			"It cuts no connection where the sync daemon runs. Without it, the new director does not know the established ones, and each is reset.",
			"First it is looked at whether it could direct: it votes, has caught up, its kernel follows the running revision, its links are up, and it is not drained. If something is missing, it is named and nothing happens.",
		},
		To: m.Path() + "/transfer", Button: "Move the addresses to " + m.Name, Back: "/redundancy",
	}
	if against := m.Against(); len(against) > 0 {
		q.Says = append(q.Says, "Against it speaks now: "+strings.Join(against, "; ")+".")
	}
	return q
}

func orNobody(name string) string {
	if name == "" {
		return "nobody"
	}
	return name
}

// movedText is what a transfer came to.
func movedText(t api.Transferred) string {
	text := fmt.Sprintf("The addresses moved from %s to %s; they had no holder for %d ms.", t.From, t.To, time.Duration(t.Seconds*float64(time.Second)).Milliseconds())
	if t.Note != "" {
		text += " " + t.Note + "."
	}
	return text
}

func removeQuestion(m memberRow) question {
	q := question{
		Title: fmt.Sprintf("Take %s out of the cluster?", m.Name),
		Says: []string{
			fmt.Sprintf("%s forgets the cluster, and holds none of its addresses any more. It can come back only as a new member, with a token.", m.Name),
			quorumAfter(m),
		},
		To: m.Path() + "/remove", Button: "Remove " + m.Name, Danger: true, Back: "/redundancy",
	}
	if m.Directs() {
		q.Says = append(q.Says, "It directs now: the addresses move first. Connections are cut where no sync daemon runs.")
	}
	return q
}

// quorumAfter says what the removal of a member means for the others.
func quorumAfter(m memberRow) string {
	if m.Raft == "learner" {
		return "It has no vote: for the quorum nothing changes."
	}
	healthy := m.Of.Quorum.Healthy
	if m.State == "up" || m.State == "drain" {
		healthy--
	}
	left := max(0, m.Of.Quorum.Voters-1)
	spare := healthy - (left/2 + 1)
	switch {
	case left == 0:
		return "It is the only voter: the others take over nothing. To give the cluster up, have it leave."
	case spare < 0:
		return fmt.Sprintf("%d voters are left, of which %d answer: that is no majority, so it is refused, or nobody holds an address until one comes back.", left, healthy)
	case spare == 0:
		return fmt.Sprintf("%d of %d voters are left that answer: after that none may be lost, or nobody holds an address.", healthy, left)
	default:
		return fmt.Sprintf("%d of %d voters are left that answer: after that %d may be lost.", healthy, left, spare)
	}
}

func (s *site) askLeave(w http.ResponseWriter, r *http.Request) {
	own, err := lookOf(r.Context()).own()
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.ask(w, r, "redundancy", leaveQuestion(own), nil)
}

func leaveQuestion(own api.Status) question {
	return question{
		Title: fmt.Sprintf("Have %s leave cluster %s?", own.Node, own.Cluster),
		Says: []string{
			fmt.Sprintf("%s is the router that serves this page. It tells the others, forgets the cluster and holds none of its addresses any more; nobody can sign in here after that.", own.Node),
			"The others go on with a voter less; Redundancy there shows how many they may lose. It can come back as a new member, with a token.",
		},
		To: "/redundancy/leave", Button: "Leave the cluster", Danger: true, Back: "/redundancy",
	}
}

func (s *site) leave(w http.ResponseWriter, r *http.Request) {
	own, err := lookOf(r.Context()).own()
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	did, err := s.api.Leave(r.Context(), api.LeaveRequest{})
	if err != nil {
		s.ask(w, r, "redundancy", leaveQuestion(own), err)
		return
	}
	done(w, r, "/redundancy", outcomes(did))
}
