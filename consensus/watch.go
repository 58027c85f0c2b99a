package consensus

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
)

// seen is what the watcher compares to find a change.
type seen struct {
	state  raft.RaftState
	term   uint64
	leader string
	role   bool
}

// watch looks at raft whenever something may have changed: it rings, takes the lead, and stands for election when the
// leader has been silent for too long. It alone calls ReloadConfig.
//
// LeaderCh and an observer serve as doorbells only, the level is read afterwards: LeaderCh coalesces and the observer may
// drop, which loses nothing here, and neither can block raft as a full NotifyCh would.
func (n *Node) watch(ctx context.Context) {
	events := make(chan raft.Observation, 1)
	observer := raft.NewObserver(events, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.LeaderObservation, raft.RaftState:
			return true
		}
		return false
	})
	n.raft.RegisterObserver(observer)
	defer n.raft.DeregisterObserver(observer)

	var taking sync.WaitGroup
	defer taking.Wait()
	var last seen
	var took uint64 // the term that was or is being taken
	untaken := make(chan uint64, 1)
	var forsaken lease.Instant // since when; zero: not
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := n.look()
		if now != last {
			if now.leader != last.leader && now.leader != "" || now.state != last.state {
				n.log.Info("role", "state", now.state.String(), "term", now.term, "leader", now.leader)
			}
			last = now
			n.announce()
		}
		if now.state == raft.Leader && took != now.term {
			took = now.term
			taking.Go(func() {
				if !n.take(ctx, now.term) {
					select {
					case untaken <- now.term:
					case <-ctx.Done():
					}
				}
			})
		}
		forsaken = n.forsake(now, forsaken)
		timer.Reset(n.stand())
		select {
		case <-n.bell:
		case <-events:
		case <-n.raft.LeaderCh():
		case term := <-untaken: // look again
			if term == took {
				took = 0
			}
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

func (n *Node) look() seen {
	leader, _ := n.Leader()
	s := seen{state: n.raft.State(), term: n.raft.CurrentTerm(), leader: leader, role: n.Role().Leader}
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.state == raft.Leader && s.term == n.taken {
		n.led = n.o.Clock()
	}
	return s
}

// forsake ends the process when it has long been the only voter and leads a term whose lease is over for good, as after a
// hand-over that failed while the others were taken out: raft ends no term by itself then. It returns since when it is so.
func (n *Node) forsake(now seen, since lease.Instant) lease.Instant {
	if now.state != raft.Leader || !n.ledger.Forsaken(now.term) {
		return 0
	}
	at := n.o.Clock()
	if since == 0 {
		return at
	}
	if at-since > n.stuck() {
		n.fail(errors.New("the only voter leads a term whose lease is over: the process must start anew"))
	}
	return since
}

// stuck is how long a state that ends by itself may last.
func (n *Node) stuck() lease.Instant {
	return lease.Instant(3*n.o.Profile.Election + n.o.Profile.RPCTimeout)
}

// stand lets raft test its patience now if a leader that this process has heard has been silent for longer than was
// promised to it, and says when to look again. raft's own timer notices only after up to three times that. Voters stand
// one after another, so that they do not split the vote: by rank, and later if less fit.
func (n *Node) stand() time.Duration {
	h := n.o.Profile.H
	leader, known := n.Leader()
	p := n.ledger.Promised()
	if n.raft.State() != raft.Follower || !known || p.To == "" || n.refusal.bars() {
		return h / 4
	}
	rank, votes := n.rank(leader)
	if !votes {
		return h / 4
	}
	at := p.Until + lease.Instant(max(time.Millisecond, h/50)+time.Duration(rank)*stagger(h))
	if n.o.Fit != nil {
		at += lease.Instant(max(0, n.o.Fit()))
	}
	n.standAt.Store(int64(at))
	if left := time.Duration(max(at, p.Courtesy) - n.o.Clock()); left > 0 {
		return min(left, h/4)
	}
	// A lower timeout makes raft's follower loop test its patience at once; the test itself stays as it is, because the
	// promise has run for longer than either value. Raising it again tells nobody.
	c := n.raft.ReloadableConfig()
	c.HeartbeatTimeout = h - time.Millisecond
	err := n.raft.ReloadConfig(c)
	c.HeartbeatTimeout = h
	if err := errors.Join(err, n.raft.ReloadConfig(c)); err != nil {
		n.log.Error("nudging raft", "err", err)
	}
	return max(5*time.Millisecond, h/20)
}

// turn says how long it is not yet this node's turn to stand, at most for as long as raft gives an election.
func (n *Node) turn() time.Duration {
	return min(time.Duration(lease.Instant(n.standAt.Load())-n.o.Clock()), n.o.Profile.Election)
}

// stagger is how long one voter lets the one before it go first: time for an election on this cluster's network.
func stagger(h time.Duration) time.Duration {
	return min(max(h/12, 10*time.Millisecond), 60*time.Millisecond)
}

// rank is this node's place among the voters without the leader; false when it has no vote.
func (n *Node) rank(leader string) (int, bool) {
	ids := slices.DeleteFunc(voters(n.raft.GetConfiguration().Configuration()), func(id string) bool { return id == leader })
	slices.Sort(ids)
	i, ok := slices.BinarySearch(ids, n.o.ID)
	return i, ok
}

// take commits this term's first command, unless this node leads that term no longer, or not yet: state and term are read
// one after the other. It returns false when another look may find the lead to be taken still.
func (n *Node) take(ctx context.Context, term uint64) bool {
	began := n.o.Clock()
	for n.leads(term) {
		index, err := n.takeOnce(ctx, term, began)
		if err == nil {
			n.taking(term, index)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		n.log.Warn("taking the lead", "term", term, "err", err)
		// A transfer to a silent peer can leave raft refusing every command for good (hashicorp/raft#696).
		if errors.Is(err, ErrTransferring) && n.o.Clock()-began > n.stuck() {
			n.ledger.Mute(term)
			n.fail(errors.New("raft refuses every command after a failed transfer: the process must start anew"))
			return true
		}
		if !sleep(ctx, n.o.Profile.H/10) || errors.Is(err, ErrUnknownOutcome) {
			return false
		}
	}
	return false
}

func (n *Node) takeOnce(ctx context.Context, term uint64, elected lease.Instant) (uint64, error) {
	f := n.raft.Apply(n.o.Lead(n.describe(term, elected)), n.o.Profile.H)
	if err := n.wait(ctx, f, n.patience()); err != nil {
		return 0, err
	}
	if n.machine.term.Load() != term {
		return 0, ErrNotLeader
	}
	return f.Index(), nil
}

// taking makes this node the leader of term for Role: everything before its first command is applied here.
func (n *Node) taking(term, index uint64) {
	n.roster.settle(n.raft.GetConfiguration().Configuration(), index)
	n.ledger.Lead(term)
	n.mu.Lock()
	n.taken = max(n.taken, term) // a later one may have been quicker
	n.mu.Unlock()
	n.o.FSM.Hear(term, index)
	n.log.Info("took the lead", "term", term)
	n.announce()
}

// describe says how the lead of term came to this node.
func (n *Node) describe(term uint64, elected lease.Instant) Taking {
	p := n.ledger.Promised()
	n.mu.Lock()
	led := n.led
	n.mu.Unlock()
	t := Taking{Term: term, From: p.To, Reason: Lost, Took: time.Duration(n.o.Clock() - p.Given), Sign: p.Given, Elected: elected}
	if led > p.Given {
		t.From, t.Took, t.Sign = n.o.ID, time.Duration(n.o.Clock()-led), led
	}
	if p.Stood > t.Sign {
		t.Stood = p.Stood
	}
	switch {
	case t.From == "":
		t.Reason, t.Took = First, 0
	case n.ledger.Armed()+1 == term:
		t.Reason = Transfer
	}
	return t
}

func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default: // one reason is enough
	}
}

// sleep waits for d; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
