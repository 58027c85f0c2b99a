package agent

import (
	"context"
	"errors"
	"net/http"
	"time"

	"polso/api"
	"polso/consensus"
	"polso/fsm"
)

// Transfer is a planned switchover, carried out by the leader.
func (a *Agent) Transfer(ctx context.Context, req api.TransferRequest) (api.Transferred, error) {
	b := a.current.Load()
	return askLeader(ctx, b, func() (api.Transferred, error) { return b.leadTransfer(ctx, req) }, http.MethodPost, pathTransfer, req)
}

func (b *body) leadTransfer(ctx context.Context, req api.TransferRequest) (api.Transferred, error) {
	m := b.member
	s, err := b.known(ctx)
	if err != nil {
		return api.Transferred{}, err
	}
	to, err := m.target(s, req.To)
	if err != nil {
		return api.Transferred{}, err
	}
	if err := m.node.Transfer(ctx, to); err != nil {
		return api.Transferred{}, m.notTransferred(to, err)
	}
	// The new leader is ready once its first command is here. It may have lost the lead before that.
	if err := waitUpTo(ctx, m.settling(), func() bool { return m.state.Load().Lead.Node == to }); err != nil {
		return api.Transferred{}, api.Errorf(api.CodeTimeout, "%s was handed the lead, but did not begin to direct", m.nameOf(to)).
			WithHint("polso status tells who directs; then try again")
	}
	return api.Transferred{Schema: api.Schema, From: m.nameOf(m.id), To: m.nameOf(to), Seconds: time.Since(*b.letGo.Load()).Seconds()}, nil
}

// notTransferred says why a switchover did not come about.
func (m *member) notTransferred(to string, err error) *api.Error {
	switch {
	case errors.Is(err, consensus.ErrNotLeader):
		return noLeader(m)
	case errors.Is(err, consensus.ErrTransferring):
		return api.Errorf(api.CodeRefused, "a switchover is under way already").WithHint("polso status tells who directs; then try again")
	}
	return api.Errorf(api.CodeRefused, "%s did not take the lead", m.nameOf(to)).WithDetail("%s", m.named(err)).
		WithHint("polso members shows who answers and has caught up, polso status who directs now")
}

// fit reports whether nothing is known to keep the node with that ID from directing as well as this one.
func (m *member) fit(id string) bool {
	theirs, heard := m.reports.of(id)
	mine, _ := m.reports.of(m.id)
	return !heard || stewardReport(theirs.status).FitAs(stewardReport(mine.status))
}

// target finds the router to hand over to: the one named, or the fit voter that is furthest.
func (m *member) target(s *fsm.Snapshot, name string) (string, error) {
	if name != "" {
		n, ok := s.NodeByName(name)
		if !ok {
			return "", unknownRouter(s, name)
		}
		if n.ID == m.id {
			return "", api.Errorf(api.CodeRefused, "%s is the director already", name).WithHint("polso transfer without a name chooses another router")
		}
		if raftWord(m, n.ID) != "follower" {
			return "", api.Errorf(api.CodeRefused, "%s has no vote yet, so it cannot direct", name).
				WithHint("polso members tells when it has caught up; the second router of a cluster gets its vote with the third")
		}
		return n.ID, nil
	}
	voter := map[string]bool{}
	for _, r := range m.node.Members() {
		voter[r.ID] = r.Voter
	}
	best, match := "", uint64(0)
	for _, p := range m.node.Progress() {
		if voter[p.ID] && p.Contacted && p.Contact < m.profile.H && p.Match > match && m.fit(p.ID) {
			best, match = p.ID, p.Match
		}
	}
	if best == "" {
		return "", api.Errorf(api.CodeRefused, "no other router could take over").WithHint("polso members shows who has a vote, answers and has caught up; a router that has just started waits for its checks")
	}
	return best, nil
}
