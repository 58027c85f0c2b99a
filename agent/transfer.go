package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"polso/api"
	"polso/consensus"
	"polso/fsm"
)

// Transfer is a planned switchover, carried out by the leader.
func (a *Agent) Transfer(ctx context.Context, req api.TransferRequest) (api.Transferred, error) {
	b, asked := a.current.Load(), switchover{req, asker(ctx)}
	return askLeader(ctx, b, func() (api.Transferred, error) { return b.leadTransfer(ctx, asked) }, http.MethodPost, pathTransfer, asked)
}

func (b *body) leadTransfer(ctx context.Context, req switchover) (api.Transferred, error) {
	m := b.member
	s, err := b.known(ctx)
	if err != nil {
		return api.Transferred{}, err
	}
	to, err := b.target(ctx, m, s, req.TransferRequest)
	if err != nil {
		return api.Transferred{}, err
	}
	out := api.Transferred{Schema: api.Schema, From: m.nameOf(m.id), To: m.nameOf(to), Despite: b.reservations(m, s, to), Note: next(s, m.nameOf(to))}
	if len(out.Despite) == 0 {
		out.Checked = []string{"it has caught up", fmt.Sprintf("its table is warm, at revision %d", s.Revision), "its links are up"}
	}
	if req.By != "" {
		b.tellMoving(ctx, m, to, moving{By: req.By})
	}
	if err := m.node.Transfer(ctx, to); err != nil {
		return api.Transferred{}, m.notTransferred(to, err)
	}
	// The new leader is ready once its first command is here. It may have lost the lead before that, or after it already.
	led := func() bool {
		now := m.state.Load()
		return now.Lead.Node == to || now.Before.Node == to && now.Before.Term > s.Lead.Term
	}
	if err := waitUpTo(ctx, m.settling(), led); err != nil {
		return api.Transferred{}, api.Errorf(api.CodeTimeout, "%s was handed the lead, but did not begin to direct", m.nameOf(to)).
			WithHint("polso status tells who directs; then try again")
	}
	out.Seconds = time.Since(*b.letGo.Load()).Seconds()
	return out, nil
}

// next says that a switchover will be undone: by a drain that was passed over, or by the document.
func next(s *fsm.Snapshot, to string) string {
	if _, drained := drain(s, to); drained {
		return fmt.Sprintf("%s is drained, so it hands over as soon as another router is fit; polso undrain router %s", to, to)
	}
	c := s.Document.Cluster
	if !c.Failback {
		return ""
	}
	for _, name := range c.Prefer[:min(c.Rank(to), len(c.Prefer))] {
		n, ok := s.NodeByName(name)
		if _, drained := drain(s, name); ok && n.Kind == fsm.Router && !drained {
			return fmt.Sprintf("failback is on: %s gets the addresses back once it has been fit for a minute; polso drain router %s keeps them away from it", name, name)
		}
	}
	return ""
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

// target finds the router to hand over to: the one named, or the first that is fit. Force passes over fitness, not over what raft
// needs.
func (b *body) target(ctx context.Context, m *member, s *fsm.Snapshot, req api.TransferRequest) (string, error) {
	if req.To == "" {
		return b.anyTarget(ctx, m, s, req.Force)
	}
	n, ok := s.NodeByName(req.To)
	switch {
	case !ok:
		return "", unknownRouter(s, req.To)
	case n.ID == m.id:
		return "", api.Errorf(api.CodeRefused, "%s is the director already", n.Name).WithHint("polso transfer without a name chooses another router")
	case n.Kind != fsm.Router:
		return "", api.Errorf(api.CodeRefused, "%s is a witness: it votes and never directs", n.Name).WithHint("polso transfer without a name chooses a router")
	case raftWord(m, n.ID) != "follower":
		return "", api.Errorf(api.CodeRefused, "%s has no vote yet, so it cannot direct", n.Name).
			WithHint("polso members tells when it has caught up; the second router of a cluster gets its vote with the third")
	}
	m.reports.look(ctx, n.ID)
	why, hint := m.lacks(n.ID), "polso members shows who answers and has caught up"
	if len(why) == 0 {
		hint = "mend that, or polso transfer " + n.Name + " --force"
	}
	if !req.Force {
		why = append(why, b.reservations(m, s, n.ID)...)
	}
	if len(why) > 0 {
		return "", api.Errorf(api.CodeRefused, "%s is not ready to direct", n.Name).WithDetail("%s", strings.Join(why, "; ")).WithHint("%s", hint)
	}
	return n.ID, nil
}

// anyTarget is the target of a switchover that names nobody.
func (b *body) anyTarget(ctx context.Context, m *member, s *fsm.Snapshot, force bool) (string, error) {
	could := m.successors(s)
	m.reports.look(ctx, could...)
	could = b.heirs(m, could)
	var why []string
	if len(could) > 0 {
		if why = b.reservations(m, s, could[0]); force || len(why) == 0 {
			return could[0], nil
		}
	}
	e := api.Errorf(api.CodeRefused, "no other router could take over").WithDetail("%s", cmp.Or(b.whyNobody(m, s), strings.Join(why, "; "))).
		WithHint("polso members shows who has a vote, answers and has caught up; a router that has just started waits for its checks")
	if len(could) > 0 {
		e = e.WithHint("mend that, or polso transfer --force")
	}
	return "", e
}
