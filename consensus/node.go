package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
)

// Node is this node's share of the raft group. Its methods may be called from any goroutine.
type Node struct {
	o       Options
	log     *slog.Logger
	raft    *raft.Raft
	ledger  *lease.Ledger
	trans   *lease.Transport
	roster  *roster
	journal *journal
	machine *machine

	refusal  *refusal
	register *register

	bell     chan struct{} // rings the watcher
	failed   chan error    // what Run must end with
	transfer chan struct{} // held by the one hand-over under way
	change   chan struct{} // held by the one membership change under way

	standAt atomic.Int64 // the Instant at which it is this node's turn to stand for election

	mu        sync.Mutex // guards below
	changed   chan struct{}
	taken     uint64 // the term whose barrier this node proposed and has applied
	withdrawn uint64 // the term in which this node has let go of the addresses on purpose
	holding   bool   // the last Role said leader and nothing has come between
	epoch     uint64
	until     lease.Instant // what the last Role said
	led       lease.Instant // when this node was last seen leading; zero: never
	appended  lease.Instant // when this node last asked for a membership change; zero: never
}

// Open opens this node's share of the group from its stores and lets raft run. The caller must call Run soon: it answers
// the other nodes, and it ends what Open began.
func Open(o Options) (*Node, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	n := &Node{
		o: o, log: o.Log,
		bell: make(chan struct{}, 1), failed: make(chan error, 1), changed: make(chan struct{}),
		transfer: make(chan struct{}, 1), change: make(chan struct{}, 1),
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.ledger = lease.NewLedger(lease.Options{
		Self: o.ID, Clock: o.Clock,
		Length: o.Profile.H, Promise: o.Promise,
	})
	last, err := o.Logs.LastIndex()
	if err != nil {
		return nil, fmt.Errorf("the log's last index: %w", err)
	}
	n.roster = &roster{publish: n.ledger.SetVoters, replayed: last}
	n.refusal = &refusal{bell: make(chan struct{}, 1), ring: n.announce}
	n.register = &register{StableStore: o.Stable, self: o.ID, refusal: n.refusal, turn: make(chan struct{}, 1)}
	n.journal = &journal{
		LogStore: o.Logs, clock: o.Clock, limit: o.Profile.H, roster: n.roster, register: n.register, refusal: n.refusal, led: n.tookTerm,
		stop: make(chan struct{}),
	}
	n.machine = &machine{fsm: o.FSM, roster: n.roster, ring: n.announce}
	n.trans, err = lease.NewTransport(o.Transport, n.ledger, lease.Hooks{
		Heard:     o.FSM.Hear,
		Installed: func(c raft.Configuration, _ uint64) { n.roster.reset(c) },
		Stalled:   n.journal.hangs,
		Barred:    n.refusal.bars,
		Wait:      n.turn,
	})
	if err != nil {
		return nil, err
	}
	cached, err := raft.NewLogCache(512, n.journal)
	if err != nil {
		return nil, fmt.Errorf("log cache: %w", err)
	}
	n.raft, err = raft.NewRaft(o.raftConfig(), n.machine, cached, n.register, o.Snapshots, n.trans)
	if err != nil {
		return nil, fmt.Errorf("open raft: %w", err)
	}
	n.roster.found(n.raft.GetConfiguration().Configuration())
	return n, nil
}

// Run answers the other nodes and keeps the role until ctx ends, then hands the lead over if this node has it and shuts
// raft and the transport down. The stores may be closed once it has returned, unless with ErrStoreHangs. It returns nil
// unless the node cannot go on; the process should be started anew then.
func (n *Node) Run(ctx context.Context) error {
	inside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg, mending sync.WaitGroup
	wg.Go(func() { n.trans.Run(inside) })
	wg.Go(func() { n.watch(inside) })
	trials, endTrials := context.WithCancel(inside)
	mending.Go(func() { n.mend(trials) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-n.failed:
	}
	n.retire(inside)
	endTrials()
	mending.Wait()
	err = errors.Join(err, n.shutdown())
	stop()
	wg.Wait()
	n.announce()
	return err
}

// shutdown ends raft in the order that does not wait for peers: raft is told, its transport is closed, and only then is
// its end awaited.
func (n *Node) shutdown() error {
	f := n.raft.Shutdown()
	close(n.journal.stop)
	if err := n.trans.Close(); err != nil {
		n.log.Warn("closing the transport", "err", err)
	}
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	limit := time.NewTimer(n.o.Profile.RPCTimeout + 5*time.Second)
	defer limit.Stop()
	var err error
	select {
	case err = <-done:
	case <-limit.C:
		return fmt.Errorf("raft does not stop: %w", ErrStoreHangs)
	}
	select {
	case n.register.turn <- struct{}{}:
		return err
	case <-limit.C:
		return errors.Join(err, fmt.Errorf("a trial write does not end: %w", ErrStoreHangs))
	}
}

// Role says what this node may do just now. It never blocks. Until moves on with every heartbeat that is answered, about ten
// times per H, and nothing rings for that: who holds something until then asks again well before, say every H/10. Epoch
// counts the holdings of this process.
func (n *Node) Role() Role {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := Role{Term: n.raft.CurrentTerm()}
	now := n.o.Clock()
	until, ok := lease.Instant(0), false
	if r.Term == n.taken && r.Term != n.withdrawn && n.raft.State() == raft.Leader {
		until, ok = n.ledger.Until(r.Term)
	}
	if !ok {
		n.holding = false
		r.Epoch = n.epoch
		return r
	}
	if !n.holding || n.until <= now {
		n.epoch++
	}
	n.holding, n.until = true, until
	r.Leader, r.Until, r.Epoch = true, until, n.epoch
	return r
}

// SetPromise changes Options.Promise: how long this node elects nobody after it has followed a leader. It is in force for
// every answer that leaves after the call.
func (n *Node) SetPromise(d time.Duration) { n.ledger.SetPromise(d) }

// Leader returns the ID of the leader that this node knows of. Who stands for election knows of none, whatever raft says: a heartbeat
// that comes while raft writes down its vote for the lead that it was handed names the old leader once more, and nothing takes that back.
func (n *Node) Leader() (id string, known bool) {
	_, leader := n.raft.LeaderWithID()
	if n.raft.State() == raft.Candidate {
		return "", false
	}
	return string(leader), leader != ""
}

// LastContact returns how long ago this node last heard a leader, zero while it leads. It is false when this process has
// heard none.
func (n *Node) LastContact() (age time.Duration, known bool) {
	if n.raft.State() == raft.Leader {
		return 0, true
	}
	p := n.ledger.Promised()
	if p.To == "" {
		return 0, false
	}
	return time.Duration(n.o.Clock() - p.Given), true
}

// Stats is what status pages show of raft and the lease.
type Stats struct {
	State   string // Leader, Follower, Candidate or Shutdown
	Term    uint64
	Commit  uint64        // the last committed index
	Applied uint64        // the last index that the FSM has taken in
	Last    uint64        // the last index in the log
	Lease   time.Duration // left of this node's lease; 0: none
	Over    bool          // this node leads in raft, but its lease of this term is over for good
	Stalled bool          // a write to the log store hangs
}

// Stats returns the present figures. It works without a leader.
func (n *Node) Stats() Stats {
	s := Stats{
		State: n.raft.State().String(), Term: n.raft.CurrentTerm(), Commit: n.raft.CommitIndex(),
		Applied: n.machine.index.Load(), Last: n.raft.LastIndex(), Stalled: n.journal.hangs(),
	}
	if until, ok := n.ledger.Until(s.Term); ok {
		s.Lease = time.Duration(until - n.o.Clock())
	}
	s.Over = n.raft.State() == raft.Leader && n.ledger.Over(s.Term)
	return s
}

// tookTerm says whether this node took the lead in term.
func (n *Node) tookTerm(term uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.taken == term
}

// leads says whether raft leads term here.
func (n *Node) leads(term uint64) bool {
	return n.raft.State() == raft.Leader && n.raft.CurrentTerm() == term
}

// announce wakes whoever waits for a change, the watcher and the owner.
func (n *Node) announce() {
	n.mu.Lock()
	close(n.changed)
	n.changed = make(chan struct{})
	n.mu.Unlock()
	select {
	case n.bell <- struct{}{}:
	default: // already ringing
	}
	if n.o.Ring != nil {
		n.o.Ring()
	}
}

// next returns a channel that is closed at the next change of role, leader or members.
func (n *Node) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}
