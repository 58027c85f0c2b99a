package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"polso/api"
	"polso/fsm"
)

// expulsion names the node that is to go.
type expulsion struct {
	ID string `json:"id"`
}

// leadSpare tells, on the leader, whether the cluster can do without a voter: the others must have a majority that answers, or
// they could not even commit that it is gone, and nothing after that.
func (b *body) leadSpare(_ context.Context, who expulsion) (api.Done, error) {
	m := b.member
	answers := map[string]bool{m.id: true}
	for _, p := range m.node.Progress() {
		answers[p.ID] = p.Contacted && p.Contact < 5*m.profile.H
	}
	voters, reachable, voter := 0, 0, false
	var silent []string
	for _, r := range m.node.Members() {
		switch {
		case !r.Voter:
		case r.ID == who.ID:
			voter = true
		case answers[r.ID]:
			voters, reachable = voters+1, reachable+1
		default:
			voters++
			silent = append(silent, m.nameOf(r.ID))
		}
	}
	if voter && voters > 0 && reachable <= voters/2 {
		return api.Done{}, api.Errorf(api.CodeRefused, "without %s the cluster would have no majority, for good", m.nameOf(who.ID)).
			WithDetail("no answer from %s", strings.Join(silent, ", ")).
			WithHint("bring that router back, or remove it first: polso remove router %s", silent[0])
	}
	return api.Done{Schema: api.Schema, Done: []string{}}, nil
}

// Remove takes another router out of the cluster.
func (a *Agent) Remove(ctx context.Context, by fsm.Actor, name string) (api.Done, error) {
	b := a.current.Load()
	s, err := b.known(ctx)
	if err != nil {
		return api.Done{}, err
	}
	n, ok := s.NodeByName(name)
	switch {
	case !ok:
		return api.Done{}, unknownRouter(s, name)
	case n.ID == b.member.id:
		return api.Done{}, api.Errorf(api.CodeRefused, "%s is this router", name).WithHint("polso leave takes it out")
	}
	if err := b.expel(ctx, by, n.ID); err != nil {
		return api.Done{}, err
	}
	return api.Done{Schema: api.Schema, Done: []string{fmt.Sprintf("Router %s is removed; it can come back only by joining anew.", name)}}, nil
}

// expel removes a node and waits until raft counts without it.
func (b *body) expel(ctx context.Context, by fsm.Actor, id string) error {
	m := b.member
	who := expulsion{ID: id}
	if _, err := askLeader(ctx, b, func() (api.Done, error) { return b.leadSpare(ctx, who) }, http.MethodPost, pathSpare, who); err != nil {
		return err
	}
	if leader, known := m.node.Leader(); known && leader == id {
		if _, err := b.a.Transfer(ctx, api.TransferRequest{Force: true}); err != nil {
			return err
		}
	}
	res, size, err := b.commit(ctx, by, fsm.NewRequest(), &fsm.RemoveNode{ID: id})
	if err != nil {
		return err
	}
	gone := func() bool { return raftWord(m, id) == "unknown" }
	if id == m.id { // the others may cut it off before it sees itself gone
		_ = waitUpTo(ctx, leaveWait, gone)
		return nil
	}
	if err := b.caughtUp(ctx, res, size); err != nil {
		return err
	}
	if err := waitUpTo(ctx, 15*time.Second, gone); err != nil {
		return api.Errorf(api.CodeTimeout, "the router is removed, but still counted as a voter").WithHint("the leader goes on trying; polso members")
	}
	return nil
}

// leaveWait is how long a router that leaves waits for the others to count without it.
const leaveWait = 2 * time.Second

// Leave takes this router out of its cluster and forgets it.
func (a *Agent) Leave(ctx context.Context, by fsm.Actor, req api.LeaveRequest) (api.Done, error) {
	a.forming.Lock()
	defer a.forming.Unlock()
	b := a.current.Load()
	if a.o.Dev {
		return api.Done{}, api.Errorf(api.CodeRefused, "a --dev agent is a cluster of its own")
	}
	if b.member == nil {
		return api.Done{}, b.notMember()
	}
	// Raft's configuration is in this node's log: it knows of the others before it has heard a leader. One that was admitted and
	// has heard nothing yet has none: there are others, who count it.
	others := len(b.member.node.Members()) != 1 && b.removal() == nil
	if others && !req.Force {
		if err := b.expel(ctx, by, b.member.id); err != nil {
			if e := asAPIError(err); e.Code == api.CodeNoLeader {
				return api.Done{}, e.WithHint("try again when there is a leader; polso leave --force makes this router alone forget the cluster")
			}
			return api.Done{}, err
		}
	}
	name, own := b.member.cluster, b.member.claim != nil && b.member.claim.own.Load()
	if err := a.reform(ctx, a.home.Forget); err != nil {
		return api.Done{}, err
	}
	done := []string{fmt.Sprintf("This router has left cluster %s.", name)}
	if own { // nobody looks after them any more, and what comes next is not this node's
		here := a.current.Load().local
		n, err := empty(here.table)
		if err == nil {
			_, err = lift(here.rules)
		}
		if err != nil {
			return api.Done{}, api.Errorf(api.CodeInternal, "this router has left cluster %s, but its IPVS table is not empty", name).
				WithDetail("%v", err).WithHint("polso ipvs shows what is left; stop the agent and run polso release --all")
		}
		if err := os.Remove(claimFile(a.o)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return api.Done{}, err
		}
		if n > 0 {
			done = append(done, fmt.Sprintf("Removed %s from its IPVS table.", services(n)))
		}
	}
	if others && req.Force {
		done = append(done, fmt.Sprintf("The others still count it: run `polso remove router %s` on one of them.", a.o.Name))
	}
	return api.Done{Schema: api.Schema, Done: done}, nil
}

func services(n int) string {
	if n == 1 {
		return "1 service"
	}
	return fmt.Sprintf("%d services", n)
}
