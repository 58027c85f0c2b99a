package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"polso/api"
	"polso/fsm"
)

// takeover is a change of the lead, as the audit has it.
type takeover struct {
	At     time.Time
	To     string
	Reason string
	Took   string // from the last sign of the director before; "" where nobody saw both
	By     string // who asked for it; "" for nobody
	Stages string // how long each took, as far as its router still knows: "detection 402ms, election 31ms"
}

// takeovers are the changes of the lead that the audit still has, newest first. members are those of the cluster.
func (s *site) takeovers(ctx context.Context, members []api.Member) ([]takeover, error) {
	list, err := s.api.Audit(ctx, api.AuditRequest{Count: 1000})
	if err != nil {
		return nil, err
	}
	moves := takeoversOf(list)
	for i, m := range moves { // the first lead is taken before the cluster knows anybody's name
		if j := slices.IndexFunc(members, func(n api.Member) bool { return n.ID == m.To }); j >= 0 {
			moves[i].To = members[j].Name
		}
	}
	return moves, nil
}

// takeoversOf reads them from the audit, which is oldest first: who asked for one is told by the entry behind it.
func takeoversOf(list []api.AuditEntry) []takeover {
	var out []takeover
	for _, e := range list {
		switch fsm.Name(e.Action) {
		case fsm.NameLead:
			out = append(out, takeoverOf(e))
		case fsm.NameSwitched:
			if n := len(out); n > 0 && e.Error == "" {
				out[n-1].By = e.By
			}
		}
	}
	slices.Reverse(out)
	return out
}

// takeoverOf reads one line of the audit, which TakeLead writes.
func takeoverOf(e api.AuditEntry) takeover {
	t := takeover{At: e.At, Reason: e.Detail}
	to, rest, ok := strings.Cut(e.Detail, " takes the lead: ")
	if !ok {
		return t
	}
	t.To, t.Reason = to, rest
	if i := strings.LastIndex(rest, ", "); i >= 0 {
		t.Reason, t.Took = rest[:i], rest[i+2:]
	}
	if t.Took == "0s" {
		t.Took = ""
	}
	return t
}

// explain adds to changes of the lead what the routers that took it tell of them. One that was started anew since knows nothing more.
func (s *site) explain(ctx context.Context, moves []takeover) {
	told, err := s.api.Events(ctx, api.EventsRequest{Kinds: []string{"failover"}})
	if err != nil {
		return // the audit's words stand
	}
	for _, e := range told.Events {
		i := slices.IndexFunc(moves, func(m takeover) bool { return e.Failover != nil && m.To == e.Failover.To && m.At.Equal(e.Failover.At) })
		if i < 0 {
			continue
		}
		var words []string
		for _, stage := range e.Failover.Stages {
			words = append(words, stage.String())
		}
		moves[i].Stages = strings.Join(words, ", ")
	}
}

// timelinePage is every change of the lead that is known.
type timelinePage struct {
	pages
	Moves []takeover
}

// movesOnPage is how many rows the timeline has.
const movesOnPage = 50

func (s *site) timeline(w http.ResponseWriter, r *http.Request) {
	var moves []takeover
	st, err := lookOf(r.Context()).seen()
	if err == nil {
		moves, err = s.takeovers(r.Context(), st.Members)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	p := timelinePage{pages: pagesOf(r, len(moves), movesOnPage)}
	from := (p.Page - 1) * movesOnPage
	p.Moves = moves[from:min(from+movesOnPage, len(moves))]
	s.explain(r.Context(), p.Moves)
	s.show(w, r, "monitoring-timeline", "monitoring", "Failover timeline", p)
}
