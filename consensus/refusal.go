package consensus

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// refusal is what this node knows of stores that refuse a write: the disk is full, or it fails. Such a node follows as far
// as it can, but it does not stand for election until a trial write has succeeded. It would be elected, fail at its first
// entry, step down and be elected again (hashicorp/raft#614).
type refusal struct {
	bell chan struct{} // rings when the first write fails
	ring func()

	mu   sync.Mutex // guards below
	err  error      // why the last write failed; nil: no write has failed since the last trial that succeeded
	size int        // of the largest that failed since, in bytes
}

// note takes down that a write of so many bytes failed.
func (r *refusal) note(err error, size int) {
	r.mu.Lock()
	first := r.err == nil
	r.err, r.size = err, max(r.size, size)
	r.mu.Unlock()
	if !first {
		return
	}
	select {
	case r.bell <- struct{}{}:
	default: // it rings already
	}
	r.ring()
}

// reason is why this node does not stand for election; nil: it may.
func (r *refusal) reason() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// bars says whether this node does not stand for election.
func (r *refusal) bars() bool { return r.reason() != nil }

// wanted is how much a trial has to write.
func (r *refusal) wanted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.size
}

// over takes down that a trial of so many bytes succeeded. It returns false if a larger write has failed meanwhile.
func (r *refusal) over(size int) bool {
	r.mu.Lock()
	if r.size > size {
		r.mu.Unlock()
		return false
	}
	r.err, r.size = nil, 0
	r.mu.Unlock()
	r.ring()
	return true
}

// trialEvery is how long a store that refused a write is left alone before it is tried again.
const trialEvery = time.Second

// mend tries stores that refused a write until they take one of that size.
func (n *Node) mend(ctx context.Context) {
	for {
		select {
		case <-n.refusal.bell:
		case <-ctx.Done():
			return
		}
		n.log.Error("the store refuses writes; this node does not stand for election", "err", n.refusal.reason())
		for n.refusal.bars() {
			if !sleep(ctx, trialEvery) || !n.try(ctx) {
				return
			}
		}
		n.log.Info("the store takes writes again")
	}
}

// try makes one trial, with the register's turn. It returns false when ctx ended first; the write may be under way still, and
// has the turn then.
func (n *Node) try(ctx context.Context) bool {
	select {
	case n.register.turn <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	size := n.refusal.wanted()
	done := make(chan error, 1)
	go func() {
		defer n.register.leave()
		done <- n.register.try(size)
	}()
	select {
	case err := <-done:
		if err == nil {
			if why := n.journal.astray(); why != nil {
				n.fail(why)
				return false
			}
			n.refusal.over(size)
		}
		return true
	case <-ctx.Done():
		return false
	}
}

// Refuses returns why the log store took no write lately; nil: it does. A node whose store refuses is not elected until a
// trial, made every second, has succeeded.
func (n *Node) Refuses() error {
	if err := n.refusal.reason(); err != nil {
		return fmt.Errorf("%w: %w", ErrStoreRefuses, err)
	}
	return nil
}
