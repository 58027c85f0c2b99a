package consensus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// errHangs means that letting go has neither succeeded nor failed in time.
var errHangs = errors.New("this node's pass hangs")

// Transfer hands the lead to the member to, a voter that has caught up. The addresses go first; a failure before the
// hand-over was announced to the target takes them back, a failure after it makes the cluster elect a leader anew, and so
// does a node that neither lets go nor says why. It returns once to leads.
func (n *Node) Transfer(ctx context.Context, to string) error {
	select {
	case n.transfer <- struct{}{}:
		defer func() { <-n.transfer }()
	default:
		return fmt.Errorf("transfer to %s: %w", to, ErrTransferring)
	}
	n.mu.Lock()
	term := n.taken
	n.mu.Unlock()
	if term == 0 || !n.leads(term) {
		return fmt.Errorf("transfer to %s: %w", to, ErrNotLeader)
	}
	if err := n.handOver(ctx, term, to); err != nil {
		return fmt.Errorf("transfer to %s: %w", to, err)
	}
	return nil
}

func (n *Node) handOver(ctx context.Context, term uint64, to string) error {
	if err := n.eligible(to); err != nil {
		return err
	}
	if err := n.letGo(ctx, term); errors.Is(err, errHangs) {
		n.ledger.Mute(term) // what cannot let go cannot take back either: docs/decisions/0006
		return err
	} else if err != nil {
		n.takeBack(term)
		return err
	}
	// Letting go may have taken a while.
	if err := errors.Join(n.eligible(to), ctx.Err()); err != nil {
		n.takeBack(term)
		return err
	}
	// From here on the lease of this term is dead: the TimeoutNow carries no term and may arrive at any time.
	n.ledger.Arming(term)
	limit := 2*n.o.Profile.Election + n.o.Profile.RPCTimeout
	armed, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := n.o.Peers.Arm(armed, to, term); err != nil {
		n.ledger.Mute(term)
		return fmt.Errorf("announce it: %w", err)
	}
	// Once: a second attempt at a peer that fell silent can wedge raft (hashicorp/raft#696).
	if err := n.wait(armed, n.raft.LeadershipTransferToServer(raft.ServerID(to), raft.ServerAddress(to)), n.patience()); err != nil {
		n.ledger.Mute(term)
		return err
	}
	return n.followed(ctx, to)
}

// letGo makes Role stop saying leader and waits until the addresses are gone.
func (n *Node) letGo(ctx context.Context, term uint64) error {
	n.mu.Lock()
	n.withdrawn, n.holding = term, false
	n.mu.Unlock()
	n.announce()
	if n.o.Released != nil {
		if err := n.released(ctx); err != nil {
			return fmt.Errorf("let go of the addresses: %w", err)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.withdrawn != term {
		return errors.New("let go of the addresses: they were taken back meanwhile")
	}
	n.ledger.Release(term)
	return nil
}

// released waits until the addresses are known to be gone, for a limited time: a pass that is stuck in the kernel says
// nothing for as long as it is, and until it does nobody holds although raft has a leader.
func (n *Node) released(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*n.o.Profile.H+time.Second, errHangs)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- n.o.Released(ctx) }() // ends when the pass does; by then it tells nobody anything
	select {
	case err := <-done:
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// takeBack lets Role say leader again: no hand-over was announced.
func (n *Node) takeBack(term uint64) {
	n.mu.Lock()
	n.ledger.Resume(term)
	if n.withdrawn == term {
		n.withdrawn = 0
	}
	n.mu.Unlock()
	n.announce()
}

// eligible says why to cannot take the lead now.
func (n *Node) eligible(to string) error {
	if to == n.o.ID {
		return errors.New("it leads already")
	}
	p, err := n.fresh(to)
	if err != nil {
		return err
	}
	if p.Contact > n.o.Profile.H/2 {
		return fmt.Errorf("%w: it has not answered lately", ErrBehind)
	}
	for _, m := range n.Members() {
		if m.ID == to && !m.Voter {
			return errors.New("it has no vote")
		}
	}
	return nil
}

// followed waits until to is known to lead.
func (n *Node) followed(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeout(ctx, 4*n.o.Profile.H)
	defer cancel()
	for {
		next := n.next()
		leader, known := n.Leader()
		switch {
		case leader == to:
			return nil
		case known && leader != n.o.ID:
			return fmt.Errorf("%s was elected instead", leader)
		}
		if !n.await(ctx, next) {
			return fmt.Errorf("%w yet: it was handed over, the election is under way", ErrNoLeader)
		}
	}
}

// ArmFor is the target's side of a hand-over: from, which must be the leader of term as this node knows it, is about to
// hand over to this node.
func (n *Node) ArmFor(from string, term uint64) error {
	leader, known := n.Leader()
	if !known || leader != from || n.raft.CurrentTerm() != term {
		return fmt.Errorf("%s announces a hand-over of term %d: %w there, as far as this node knows", from, term, ErrNotLeader)
	}
	if err := n.Refuses(); err != nil {
		return err
	}
	n.ledger.Arm(term)
	return nil
}

// heir is the voter to hand the lead to when this process ends; "" if there is none.
func (n *Node) heir() string {
	able := slices.DeleteFunc(n.Progress(), func(p Progress) bool { return n.eligible(p.ID) != nil })
	slices.SortStableFunc(able, func(a, b Progress) int { return cmp.Compare(b.Match, a.Match) })
	ids := make([]string, len(able))
	for i, p := range able {
		ids[i] = p.ID
	}
	if n.o.Heirs != nil {
		ids = n.o.Heirs(ids)
	}
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}

// retire lets go before the process ends: it hands the lead to its heir, if there is one, and releases the addresses in any
// case. It waits for a transfer that is under way, whose taking back would undo the release. It takes
// a bounded time.
func (n *Node) retire(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*n.o.Profile.H+2*time.Second)
	defer cancel()
	select {
	case n.transfer <- struct{}{}:
		defer func() { <-n.transfer }()
	case <-ctx.Done():
		n.log.Warn("a transfer hangs; the addresses go when the lease ends")
		return
	}
	n.mu.Lock()
	term := n.taken
	n.mu.Unlock()
	if term == 0 || !n.leads(term) {
		return
	}
	if to := n.heir(); to != "" {
		if n.o.Retiring != nil {
			said, done := context.WithTimeout(ctx, n.o.Profile.H/2)
			n.o.Retiring(said, to)
			done()
		}
		err := n.handOver(ctx, term, to)
		if err == nil {
			return
		}
		n.log.Warn("handing over at the end", "term", term, "err", err)
	}
	if err := n.letGo(ctx, term); err != nil {
		n.log.Warn("letting go at the end", "term", term, "err", err)
	}
}
