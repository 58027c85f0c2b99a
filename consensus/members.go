package consensus

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
)

// Member is a server of raft's latest configuration.
type Member struct {
	ID     string
	Voter  bool
	Leader bool // as far as this node knows
	Self   bool
}

// Members returns the members in the configuration's order.
func (n *Node) Members() []Member {
	leader, _ := n.Leader()
	var ms []Member
	for _, s := range n.raft.GetConfiguration().Configuration().Servers {
		id := string(s.ID)
		ms = append(ms, Member{ID: id, Voter: s.Suffrage == raft.Voter, Leader: id == leader, Self: id == n.o.ID})
	}
	return ms
}

// Progress is what the leader knows of another member.
type Progress struct {
	ID        string
	Contacted bool          // it has answered in this term
	Contact   time.Duration // since its last answer, when Contacted
	Match     uint64        // the last log index it is known to have
	Behind    uint64        // entries it lacks
}

// Progress returns the other members' progress, on the leader only; nil elsewhere.
func (n *Node) Progress() []Progress {
	if n.raft.State() != raft.Leader {
		return nil
	}
	peers, now, last := n.ledger.Peers(), n.o.Clock(), n.raft.LastIndex()
	var ps []Progress
	for _, m := range n.Members() {
		if m.Self {
			continue
		}
		p := Progress{ID: m.ID, Behind: last}
		if k, ok := peers[m.ID]; ok {
			p.Contacted, p.Contact, p.Match = true, time.Duration(now-k.Answered), k.Match
			p.Behind = last - min(last, k.Match)
		}
		ps = append(ps, p)
	}
	return ps
}

// fresh returns the progress of a member that has answered within H and lacks next to nothing.
func (n *Node) fresh(id string) (Progress, error) {
	i := slices.IndexFunc(n.Members(), func(m Member) bool { return m.ID == id })
	if i < 0 {
		return Progress{}, fmt.Errorf("%s: %w", id, ErrNotMember)
	}
	for _, p := range n.Progress() {
		switch {
		case p.ID != id:
		case !p.Contacted || p.Contact > n.o.Profile.H:
			return p, fmt.Errorf("%s: %w: it has not answered lately", id, ErrBehind)
		case p.Match == 0 || p.Behind > 64:
			return p, fmt.Errorf("%s: %w: it lacks %d entries", id, ErrBehind, p.Behind)
		default:
			return p, nil
		}
	}
	return Progress{}, fmt.Errorf("%s: %w: this node does not lead or is meant itself", id, ErrNotLeader)
}

// AddLearner adds a member without a vote. On a member it changes nothing. Only the leader can.
func (n *Node) AddLearner(ctx context.Context, id string) error {
	return n.alter(ctx, "add "+id, func(ms []Member) (func() raft.IndexFuture, error) {
		if slices.ContainsFunc(ms, func(m Member) bool { return m.ID == id }) {
			return nil, nil
		}
		return func() raft.IndexFuture {
			return n.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(id), 0, n.room(ctx))
		}, nil
	})
}

// Promote gives a member a vote, at once. It must have answered within H and have caught up (ErrBehind). Only the leader
// can.
func (n *Node) Promote(ctx context.Context, id string) error {
	return n.alter(ctx, "promote "+id, func(ms []Member) (func() raft.IndexFuture, error) {
		if slices.ContainsFunc(ms, func(m Member) bool { return m.ID == id && m.Voter }) {
			return nil, nil
		}
		if _, err := n.fresh(id); err != nil {
			return nil, err
		}
		return func() raft.IndexFuture {
			return n.raft.AddVoter(raft.ServerID(id), raft.ServerAddress(id), 0, n.room(ctx))
		}, nil
	})
}

// Remove takes a member out. Only the leader can, and not itself: it hands over first.
func (n *Node) Remove(ctx context.Context, id string) error {
	return n.alter(ctx, "remove "+id, func(ms []Member) (func() raft.IndexFuture, error) {
		if id == n.o.ID {
			return nil, fmt.Errorf("%s leads: hand over first", id)
		}
		if !slices.ContainsFunc(ms, func(m Member) bool { return m.ID == id }) {
			return nil, ErrNotMember
		}
		return func() raft.IndexFuture { return n.raft.RemoveServer(raft.ServerID(id), 0, n.room(ctx)) }, nil
	})
}

// alter makes one membership change, at least H after the one before: a lease that was counted under the configuration
// before must be over when the one after appears, because only the quorums of neighbouring configurations are sure to
// meet.
func (n *Node) alter(ctx context.Context, what string, plan func([]Member) (func() raft.IndexFuture, error)) error {
	select {
	case n.change <- struct{}{}:
		defer func() { <-n.change }()
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	n.mu.Lock()
	before, taken := n.appended, n.taken
	n.mu.Unlock()
	if taken == 0 || !n.leads(taken) {
		return fmt.Errorf("%s: %w", what, ErrNotLeader)
	}
	if before != 0 {
		if left := before + lease.Instant(n.o.Profile.H) - n.o.Clock(); left > 0 && !sleep(ctx, time.Duration(left)) {
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
	}
	do, err := plan(n.Members())
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if do == nil {
		return nil
	}
	err = n.wait(ctx, do(), n.patience())
	n.mu.Lock()
	n.appended = n.o.Clock() // when it took effect at the latest, if it is known to have
	n.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	n.announce()
	return nil
}
