package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/lease"
)

// FSM is what is replicated. Apply must answer []byte: these bytes are what the proposer gets, on whichever node it is.
type FSM interface {
	raft.FSM
	// Hear tells what a leader of term says is committed: for every request with log position that was accepted, and for
	// a new leader itself once its first command is applied. It is called from several goroutines and must be quick.
	Hear(term, commit uint64)
}

// Peers reaches the other nodes outside raft. Errors that mean one of this package's sentinels must be wrapped around it
// (ErrNotLeader, ErrNoLeader, ErrTransferring, ErrUnknownOutcome); one that cannot tell whether the request was carried out
// counts as ErrUnknownOutcome only when it says so.
type Peers interface {
	// Forward hands a proposal to the node id, whose Receive answers it.
	Forward(ctx context.Context, id string, data []byte) ([]byte, error)
	// Arm announces to the node id that the leader of term is about to hand over to it; its ArmFor answers.
	Arm(ctx context.Context, id string, term uint64) error
}

// Taking is one taking of the lead, as the new leader knows it.
type Taking struct {
	Term   uint64
	From   string // the leader before, as far as this process knows; "" when it never heard one
	Reason Reason
	Took   time.Duration // from the last sign of the leader before until now; 0: unknown, for this process heard none

	// When it came how far; zero where that is not known. Stood is when this node first asked for votes, Elected when it saw that it
	// had won.
	Sign, Stood, Elected lease.Instant
}

// Reason is why the lead was taken.
type Reason string

// The reasons.
const (
	First    Reason = "first"       // this process never heard a leader before
	Lost     Reason = "leader lost" // the leader before fell silent or stepped down
	Transfer Reason = "transfer"    // the leader before handed over
)

// Options is what a Node stands on. ID, Profile, FSM, Transport, Logs, Stable, Snapshots, Clock, Peers and Lead must be
// set.
type Options struct {
	ID      string // raft's server ID and address alike
	Profile Profile
	// Promise is for a change of the profile: while one is under way every member runs the profile with the smaller H of the
	// two, and promises for the larger H. Zero is Profile.H. See SetPromise.
	Promise time.Duration

	FSM       FSM
	Transport raft.Transport // as it is; the node puts the ledger before it and closes it in the end
	Logs      raft.LogStore
	Stable    raft.StableStore
	Snapshots raft.SnapshotStore
	Clock     lease.Clock
	Peers     Peers

	// Admit checks a proposal, anyone's, on the leader just before it is proposed; its error is the proposer's answer.
	Admit func(ctx context.Context, data []byte) error
	// Lead gives the command that a new leader commits first; Role says leader once it is applied.
	Lead func(Taking) []byte
	// Released returns nil once no address of this node is up any more and no work that began under an earlier Role can
	// bring one up. It is called when Role has stopped saying leader, before the lead is handed over. A call that takes
	// more than 2 H + 1 s is given up, and another may begin beside it.
	Released func(ctx context.Context) error
	// Ring is called after any change of role, leader or members. It must not block.
	Ring func()
	// Fit is asked before this node stands for election on its own: a longer wait lets fitter nodes go first. It orders,
	// it never bars, and answers at once; nil is zero.
	Fit func() time.Duration
	// Heirs puts the voters that could take the lead when this process ends, the furthest first, into the order in which they
	// should; it answers at once. Nil is the order given.
	Heirs func(ids []string) []string
	// Retiring is called when this process ends, just before it hands the lead to the member to. It has H/2. Nil is none.
	Retiring func(ctx context.Context, to string)
	// Log gets what happens, raft's own lines included; nil is silence.
	Log *slog.Logger
}

func (o Options) check() error {
	switch {
	case o.ID == "":
		return errors.New("consensus: no node ID")
	case o.Profile.H <= 0:
		return errors.New("consensus: no profile")
	case o.FSM == nil, o.Transport == nil, o.Logs == nil, o.Stable == nil, o.Snapshots == nil, o.Clock == nil, o.Peers == nil, o.Lead == nil:
		return errors.New("consensus: FSM, Transport, Logs, Stable, Snapshots, Clock, Peers and Lead must be set")
	}
	return nil
}

// raftConfig is raft's configuration under these options.
func (o Options) raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.ProtocolVersion = 3
	c.LocalID = raft.ServerID(o.ID)
	c.HeartbeatTimeout = o.Profile.H
	c.ElectionTimeout = o.Profile.Election
	c.LeaderLeaseTimeout = o.Profile.LeaderLease
	c.CommitTimeout = o.Profile.Commit
	c.SnapshotThreshold = 1024
	c.TrailingLogs = 4096
	c.SnapshotInterval = time.Minute
	c.ShutdownOnRemove = false
	c.NoLegacyTelemetry = true
	c.Logger = newRaftLog(o.Log)
	return c
}

// Recover makes the node the single voter of its group, whoever else was in it: for when the others are lost for ever. Every
// entry of its log counts as committed. What is kept is a snapshot of o.FSM, which must be new, is used up by this, and may
// refuse: then nothing was changed. Nothing else may use the stores, and no other node of the group may run, now or later.
func Recover(o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	self := raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(o.ID), Address: raft.ServerAddress(o.ID)}
	err := raft.RecoverCluster(o.raftConfig(), o.FSM, o.Logs, o.Stable, o.Snapshots, o.Transport, raft.Configuration{Servers: []raft.Server{self}})
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return nil
}

// Bootstrap makes the node the single voter of a new cluster. It refuses a store that is in use.
func Bootstrap(o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	self := raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(o.ID), Address: raft.ServerAddress(o.ID)}
	err := raft.BootstrapCluster(o.raftConfig(), o.Logs, o.Stable, o.Snapshots, o.Transport, raft.Configuration{Servers: []raft.Server{self}})
	if errors.Is(err, raft.ErrCantBootstrap) {
		return fmt.Errorf("bootstrap: %w", ErrExists)
	}
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	return nil
}
