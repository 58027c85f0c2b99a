package consensus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// Propose has data replicated and applied, on whichever node it is called, and returns what the FSM answered. While there is
// no leader it waits within ctx, at most for ten times the profile's H; what is under way may take Allowance longer. ErrUnknownOutcome means that data may or may not
// be applied; every other error means that it is not.
func (n *Node) Propose(ctx context.Context, data []byte) ([]byte, error) {
	waiting, enough := context.WithTimeout(ctx, n.patience())
	defer enough()
	ctx, cancel := context.WithTimeout(ctx, n.patience()+Allowance(len(data)))
	defer cancel()
	for {
		next := n.next()
		answer, err := n.proposeOnce(ctx, data)
		if err == nil || !again(err) {
			return answer, err
		}
		if waiting.Err() != nil || !n.await(waiting, next) {
			if errors.Is(err, ErrNotLeader) {
				err = fmt.Errorf("%w: the leader was just lost", ErrNoLeader)
			}
			return nil, err
		}
	}
}

// again says whether asking again can help: nothing was done, and another moment may have a leader.
func again(err error) bool {
	return !errors.Is(err, ErrUnknownOutcome) &&
		(errors.Is(err, ErrNotLeader) || errors.Is(err, ErrNoLeader) || errors.Is(err, ErrTransferring))
}

func (n *Node) patience() time.Duration { return max(10*n.o.Profile.H, 3*time.Second) }

// Allowance is how much longer a proposal of so many bytes may take than others: it is sent, read, checked and applied on several
// machines, of which the slowest that was seen, a processor in emulation, does some tens of KiB a second.
func Allowance(size int) time.Duration { return time.Duration(size) * time.Second / (8 << 10) }

// room is how long raft may take to take something in: it knows no context.
func (n *Node) room(ctx context.Context) time.Duration {
	room := n.patience()
	if at, ok := ctx.Deadline(); ok {
		room = min(room, max(time.Until(at), 1)) // 0 has no end
	}
	return room
}

// await waits for a change, or a little, whichever comes first; false when ctx ended.
func (n *Node) await(ctx context.Context, next <-chan struct{}) bool {
	t := time.NewTimer(n.o.Profile.H / 4)
	defer t.Stop()
	select {
	case <-next:
		return true
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (n *Node) proposeOnce(ctx context.Context, data []byte) ([]byte, error) {
	leader, known := n.Leader()
	switch {
	case n.raft.State() == raft.Leader:
		return n.Receive(ctx, data)
	case n.raft.State() == raft.Shutdown:
		return nil, ErrStopped
	case !known:
		return nil, ErrNoLeader
	case leader == n.o.ID: // just lost or just won
		return nil, ErrNotLeader
	}
	answer, err := n.o.Peers.Forward(ctx, leader, data)
	if err != nil {
		return nil, fmt.Errorf("forward to the leader: %w", err)
	}
	return answer, nil
}

// Receive is the leader's side of Propose: it checks data and proposes it. It answers ErrNotLeader on any other node, and
// on a leader that has not taken the lead yet.
func (n *Node) Receive(ctx context.Context, data []byte) ([]byte, error) {
	n.mu.Lock()
	taken := n.taken
	n.mu.Unlock()
	if taken == 0 || !n.leads(taken) {
		return nil, ErrNotLeader
	}
	if n.o.Admit != nil {
		if err := n.o.Admit(ctx, data); err != nil {
			return nil, err
		}
	}
	f := n.raft.Apply(data, n.room(ctx))
	if err := n.wait(ctx, f, n.patience()+Allowance(len(data))); err != nil {
		return nil, err
	}
	answer, ok := f.Response().([]byte)
	if !ok {
		return nil, fmt.Errorf("%w: the state machine answered %T", ErrUnknownOutcome, f.Response())
	}
	return answer, nil
}

// wait waits for a future until ctx ends, or limit is over, in a goroutine of its own because the future's own wait may have no end when
// raft's main loop hangs. The goroutine ends with the future; raft leaves one unanswered if it shuts down while a transfer
// waits behind a write that hangs, and then the goroutine stays until the process ends.
func (n *Node) wait(ctx context.Context, f raft.Future, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	select {
	case err := <-done:
		return outcome(err)
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, context.Cause(ctx))
	}
}

// outcome maps raft's errors onto this package's.
func outcome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader):
		return ErrNotLeader
	case errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return ErrTransferring
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return fmt.Errorf("%w: raft is busy", ErrNoLeader)
	case errors.Is(err, raft.ErrRaftShutdown):
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, ErrStopped)
	case errors.Is(err, raft.ErrLeadershipLost):
		return fmt.Errorf("%w: the lead was lost meanwhile", ErrUnknownOutcome)
	default:
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
}
