package lease

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// Transport puts the ledger between raft and the transport beneath: requests for votes, votes and Successes pass it at
// the last moment before they leave, and the Successes of followers make the lease.
//
// Nothing that comes in is answered before Run.
type Transport struct {
	inner  raft.Transport
	ledger *Ledger
	hooks  Hooks

	rpcs   chan raft.RPC                              // incoming, for raft
	leader atomic.Pointer[[]byte]                     // the address that the last request of a leader came from
	bid    atomic.Pointer[raft.RequestPreVoteRequest] // this node's own last one

	mu      sync.Mutex // guards below
	stopped bool
	stop    chan struct{}
	wg      sync.WaitGroup // answers under way
}

// Hooks is what the transport tells its owner. Every field may be nil. They are called from many goroutines and must
// return at once.
type Hooks struct {
	// Heard: another leader's request with log position was accepted, which says that commit is committed.
	Heard func(term, commit uint64)
	// Installed: a snapshot of another leader with this configuration was accepted.
	Installed func(c raft.Configuration, index uint64)
	// Stalled says that the log store hangs, so that this node must not pass for a leader.
	Stalled func() bool
	// Barred says that the stores refuse writes, so that this node must not stand for election.
	Barred func() bool
	// Wait says how long this node still lets others stand for election before it. raft's own timer knows no order.
	Wait func() time.Duration
}

var (
	_ raft.Transport   = (*Transport)(nil)
	_ raft.WithPreVote = (*Transport)(nil)
	_ raft.WithClose   = (*Transport)(nil)
)

// NewTransport wraps inner, which must support pre-votes.
func NewTransport(inner raft.Transport, ledger *Ledger, hooks Hooks) (*Transport, error) {
	if _, ok := inner.(raft.WithPreVote); !ok {
		return nil, errors.New("lease: the transport cannot pre-vote")
	}
	return &Transport{inner: inner, ledger: ledger, hooks: hooks, rpcs: make(chan raft.RPC), stop: make(chan struct{})}, nil
}

// Run passes incoming requests to raft and its answers back until ctx ends. Answers that are under way then are dropped.
func (t *Transport) Run(ctx context.Context) {
	defer t.wg.Wait()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.stopped = true
		close(t.stop)
	}()
	for {
		select {
		case rpc := <-t.inner.Consumer():
			t.pass(ctx, rpc)
		case <-ctx.Done():
			return
		}
	}
}

// Consumer implements raft.Transport.
func (t *Transport) Consumer() <-chan raft.RPC { return t.rpcs }

// LocalAddr implements raft.Transport.
func (t *Transport) LocalAddr() raft.ServerAddress { return t.inner.LocalAddr() }

// EncodePeer implements raft.Transport.
func (t *Transport) EncodePeer(id raft.ServerID, a raft.ServerAddress) []byte {
	return t.inner.EncodePeer(id, a)
}

// DecodePeer implements raft.Transport.
func (t *Transport) DecodePeer(b []byte) raft.ServerAddress { return t.inner.DecodePeer(b) }

// Close implements raft.WithClose.
func (t *Transport) Close() error {
	if c, ok := t.inner.(raft.WithClose); ok {
		return c.Close()
	}
	return nil
}

// mayLead says whether a request that only the leader of term sends may leave.
func (t *Transport) mayLead(term uint64) error {
	if err := t.ledger.sending(term); err != nil {
		return err
	}
	if t.hooks.Stalled != nil && t.hooks.Stalled() {
		return ErrStalled
	}
	return nil
}

// AppendEntries implements raft.Transport: a Success counts from the moment its request was sent.
func (t *Transport) AppendEntries(id raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if err := t.mayLead(req.Term); err != nil {
		return err
	}
	sent := t.ledger.clock()
	var got raft.AppendEntriesResponse
	if err := t.inner.AppendEntries(id, to, req, &got); err != nil {
		return err
	}
	t.appended(string(id), req, &got, sent)
	*resp = got
	return nil
}

// appended books a follower's answer.
func (t *Transport) appended(id string, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse, sent Instant) {
	if resp.Term > req.Term {
		t.ledger.met(resp.Term)
		return
	}
	if !resp.Success {
		t.ledger.answer(id, req.Term)
		return
	}
	t.ledger.count(reply{from: id, term: req.Term, sent: sent, match: matched(req)})
}

// matched is the last index that a follower has once it has accepted req; 0 for a heartbeat, which says nothing of it.
func matched(req *raft.AppendEntriesRequest) uint64 {
	if n := len(req.Entries); n > 0 {
		return req.Entries[n-1].Index
	}
	return req.PrevLogEntry
}

func (t *Transport) barred() bool { return t.hooks.Barred != nil && t.hooks.Barred() }

// RequestVote implements raft.Transport.
func (t *Transport) RequestVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	if t.barred() {
		return ErrBarred
	}
	if err := t.ledger.leave(ballot{term: req.Term, kind: ask, flagged: req.LeadershipTransfer}); err != nil {
		return err
	}
	t.ledger.stands()
	return t.inner.RequestVote(id, to, req, resp)
}

// RequestPreVote implements raft.WithPreVote.
func (t *Transport) RequestPreVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	if t.hooks.Wait != nil && !t.sleep(t.hooks.Wait()) {
		return raft.ErrTransportShutdown
	}
	if t.barred() {
		return ErrBarred
	}
	t.bid.Store(req)
	if !t.sleep(t.ledger.favour(string(req.ID), false)) {
		return raft.ErrTransportShutdown
	}
	if err := t.ledger.leave(ballot{term: req.Term, kind: preVote}); err != nil {
		return err
	}
	t.ledger.stands()
	return t.inner.(raft.WithPreVote).RequestPreVote(id, to, req, resp)
}

// InstallSnapshot implements raft.Transport.
func (t *Transport) InstallSnapshot(id raft.ServerID, to raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	if err := t.mayLead(req.Term); err != nil {
		return err
	}
	if err := t.inner.InstallSnapshot(id, to, req, resp, data); err != nil {
		return err
	}
	if resp.Term > req.Term {
		t.ledger.met(resp.Term)
	} else {
		t.ledger.answer(string(id), req.Term)
	}
	return nil
}

// TimeoutNow implements raft.Transport.
func (t *Transport) TimeoutNow(id raft.ServerID, to raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return t.inner.TimeoutNow(id, to, req, resp)
}
