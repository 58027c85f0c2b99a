package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"polso/api"
	"polso/consensus"
	"polso/fsm"
)

// lacks is what raft wants of a member that is to take the lead and does not have. Nobody can pass over it.
func (m *member) lacks(id string) []string {
	for _, r := range m.node.Members() {
		if r.ID == id && !r.Voter {
			return []string{"it has no vote"}
		}
	}
	for _, p := range m.node.Progress() {
		switch {
		case p.ID != id:
		case !p.Contacted:
			return []string{"it has not answered this leader yet"}
		case p.Contact > m.profile.H:
			return []string{"it has not answered for " + p.Contact.Round(time.Millisecond).String()}
		case p.Match == 0 || p.Behind > 64: // as consensus has it
			return []string{fmt.Sprintf("it is %d entries behind", p.Behind)}
		default:
			return nil
		}
	}
	return []string{"raft does not know it"}
}

// keeps is what keeps a member from directing as well as this router, by what it last said and operators want.
func (b *body) keeps(m *member, s *fsm.Snapshot, id string) []string {
	n, _ := s.Node(id)
	var out []string
	if n.Kind != fsm.Router {
		out = append(out, "it is a witness")
	}
	if d, drained := drain(s, n.Name); drained {
		out = append(out, "it is drained by "+d.By.Name)
	}
	rep, heard := m.reports.of(id)
	if !heard || time.Since(rep.at) > fresh || len(rep.status.Members) != 1 {
		return append(out, "it has said nothing of itself lately")
	}
	mine, _ := m.reports.of(m.id)
	out = append(out, troubles(rep.status, mine.status, s.Revision)...)
	if why := dimmer(rep, mine); why != "" {
		out = append(out, why)
	}
	return out
}

// reservations are what keeps a member from directing as well as this router, and from going on to: who stands back further by its
// own checks hands the lead back.
func (b *body) reservations(m *member, s *fsm.Snapshot, id string) []string {
	penalty := func(id string) int { rep, _ := m.reports.of(id); return stewardReport(rep.status).Penalty }
	out := b.keeps(m, s, id)
	if theirs, mine := penalty(id), penalty(m.id); theirs > mine {
		out = append(out, fmt.Sprintf("by its own checks it stands back by %d, this router by %d: it would hand the lead back", theirs, mine))
	}
	return out
}

// troubles is what another router's own status says against it: its table is not warm, its links are not up, its checks know less
// than this router's.
func troubles(theirs, mine api.Status, revision uint64) []string {
	var out []string
	r := stewardReport(theirs)
	switch {
	case r.Revision != revision:
		out = append(out, fmt.Sprintf("its kernel follows revision %d, not %d", r.Revision, revision))
	case !r.Converged:
		out = append(out, "its kernel is not as the document wants it")
	}
	if r.Failing > 0 {
		out = append(out, "its last pass failed")
	}
	if r.Unfit != "" {
		out = append(out, r.Unfit)
	}
	known := stewardReport(mine).Undecided
	if open := slices.DeleteFunc(slices.Clone(r.Undecided), func(v string) bool { return slices.Contains(known, v) }); len(open) > 0 {
		out = append(out, "its checks have not decided yet about "+strings.Join(open, ", "))
	}
	return out
}

// heirs sorts members by who should take the lead: those whom nothing keeps from it, then in the document's order; equals stay
// as they are.
func (b *body) heirs(m *member, ids []string) []string {
	s := m.state.Load()
	kept := map[string]int{}
	for _, id := range ids {
		kept[id] = len(b.keeps(m, s, id))
	}
	penalty := func(id string) int { rep, _ := m.reports.of(id); return stewardReport(rep.status).Penalty }
	rank := func(id string) int { n, _ := s.Node(id); return s.Document.Cluster.Rank(n.Name) }
	ids = slices.Clone(ids)
	slices.SortStableFunc(ids, func(x, y string) int {
		return cmp.Or(cmp.Compare(min(kept[x], 1), min(kept[y], 1)), cmp.Compare(penalty(x), penalty(y)), cmp.Compare(rank(x), rank(y)))
	})
	return ids
}

// successors are the other routers that raft could give the lead, the furthest first.
func (m *member) successors(s *fsm.Snapshot) []string {
	progress := m.node.Progress()
	slices.SortStableFunc(progress, func(a, b consensus.Progress) int { return cmp.Compare(b.Match, a.Match) })
	var ids []string
	for _, p := range progress {
		if n, ok := s.Node(p.ID); ok && n.Kind == fsm.Router && len(m.lacks(p.ID)) == 0 {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// whyNobody is what keeps every other router from the lead, in one line; "" if one could take it over.
func (b *body) whyNobody(m *member, s *fsm.Snapshot) string {
	var out []string
	for _, n := range s.Nodes {
		if n.ID == m.id || n.Kind != fsm.Router {
			continue
		}
		why := append(m.lacks(n.ID), b.keeps(m, s, n.ID)...)
		if len(why) == 0 {
			return ""
		}
		out = append(out, n.Name+": "+strings.Join(why, ", "))
	}
	if len(out) == 0 {
		return "there is no other router"
	}
	return strings.Join(out, "; ")
}

// look asks the members with these IDs how they are, at once: what they said a second ago is not good enough for an operator
// who has just mended something.
func (r *reports) look(ctx context.Context, ids ...string) {
	if r.m.peers == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, reportWait)
	defer cancel()
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() { _ = r.ask(ctx, id) }) // its last report grows old, which says it all
	}
	all.Wait()
}
