package consensus

import "errors"

var (
	// ErrNotLeader means the node that was asked does not lead; nothing was done. Another node may.
	ErrNotLeader = errors.New("this node does not lead")
	// ErrNoLeader means no node leads just now, or none that this node knows of; nothing was done.
	ErrNoLeader = errors.New("no leader")
	// ErrTransferring means the lead is being handed over; nothing was done. Propose tries again by itself.
	ErrTransferring = errors.New("the lead is being handed over")
	// ErrUnknownOutcome means the proposal may or may not be carried out: ask again with the same request ID.
	ErrUnknownOutcome = errors.New("outcome unknown")
	// ErrStopped means the node is shut down; nothing was done.
	ErrStopped = errors.New("this node is shut down")
	// ErrStoreHangs means that raft does not stop because a write to its stores hangs. They must not be closed then: that
	// would wait for the write.
	ErrStoreHangs = errors.New("the log store hangs")
	// ErrStoreRefuses means that the last write to the stores failed, so that this node does not lead until one succeeds.
	ErrStoreRefuses = errors.New("the log store refuses writes")
	// ErrExists means the store already belongs to a cluster.
	ErrExists = errors.New("the store already belongs to a cluster")
	// ErrNotMember means the cluster has no member with that ID.
	ErrNotMember = errors.New("no such member")
	// ErrBehind means the member has not caught up or has not answered lately.
	ErrBehind = errors.New("not caught up")
)
