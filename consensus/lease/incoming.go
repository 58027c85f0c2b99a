package lease

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// SetHeartbeatHandler implements raft.Transport: heartbeats go straight to raft, past its main loop, and their answers
// through the ledger.
func (t *Transport) SetHeartbeatHandler(cb func(raft.RPC)) {
	if cb == nil {
		t.inner.SetHeartbeatHandler(nil)
		return
	}
	t.inner.SetHeartbeatHandler(func(rpc raft.RPC) {
		answer := make(chan raft.RPCResponse, 1)
		cb(raft.RPC{Command: rpc.Command, Reader: rpc.Reader, RespChan: answer})
		select {
		case r := <-answer:
			t.note(rpc.Command, r.Response)
			rpc.RespChan <- t.filter(rpc.Command, r)
		default: // raft is shut down and will not answer
		}
	})
}

// pass takes one incoming request.
func (t *Transport) pass(ctx context.Context, rpc raft.RPC) {
	if _, ok := rpc.Command.(*raft.TimeoutNowRequest); ok {
		if err := t.ledger.timeoutNow(); err != nil {
			rpc.RespChan <- raft.RPCResponse{Response: &raft.TimeoutNowResponse{}, Error: err}
			return
		}
	}
	if req, ok := rpc.Command.(*raft.RequestPreVoteRequest); ok {
		if left := t.ledger.patience(); t.ledger.soon(left) {
			t.wg.Go(func() { t.hold(ctx, rpc, req, left) })
			return
		}
	}
	t.hand(ctx, rpc)
}

// hold keeps a request for a pre-vote until the promise that stands in its way has run out, which is soon: the leader
// sends its heartbeats at different times, and a candidate that is refused here would have to wait for longer than H.
// Then it gives way to a candidate that came just before, which may be this node. If a leader is heard meanwhile raft
// refuses as it would have.
func (t *Transport) hold(ctx context.Context, rpc raft.RPC, req *raft.RequestPreVoteRequest, left time.Duration) {
	if t.sleep(left) && t.sleep(t.ledger.favour(string(req.ID), t.ahead(req))) {
		t.hand(ctx, rpc)
	}
}

// ahead says whether of two candidates that stand at the same moment, who asks and this node, it is the other's turn: that
// of the fuller log, which alone can win, or of the lower ID.
func (t *Transport) ahead(req *raft.RequestPreVoteRequest) bool {
	own := t.bid.Load()
	return own == nil || cmp.Or(
		cmp.Compare(req.LastLogTerm, own.LastLogTerm),
		cmp.Compare(req.LastLogIndex, own.LastLogIndex),
		bytes.Compare(own.ID, req.ID),
	) > 0
}

// sleep waits for d; false when Run has ended.
func (t *Transport) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.stop:
		return false
	}
}

// hand gives rpc to raft and sees its answer off.
func (t *Transport) hand(ctx context.Context, rpc raft.RPC) {
	answer := make(chan raft.RPCResponse, 1)
	select {
	case t.rpcs <- raft.RPC{Command: t.impatient(rpc.Command), Reader: rpc.Reader, RespChan: answer}:
	case <-ctx.Done():
		return
	}
	t.wg.Go(func() {
		select {
		case r := <-answer:
			t.note(rpc.Command, r.Response)
			rpc.RespChan <- t.filter(rpc.Command, r) // has room for one
		case <-t.stop:
		}
	})
}

// note remembers whom raft takes for its leader: the sender of the last request of one that it did not refuse for its term.
func (t *Transport) note(command, answer any) {
	req, ok := command.(*raft.AppendEntriesRequest)
	if !ok || len(req.Addr) == 0 {
		return
	}
	if resp, ok := answer.(*raft.AppendEntriesResponse); ok && resp.Term <= req.Term {
		addr := slices.Clone(req.Addr)
		t.leader.Store(&addr)
	}
}

// impatient returns command as raft is to see it. raft refuses to elect while it knows a leader, until its own timer has
// fired, which is up to three times H after the last heartbeat. Once the promise to that leader has run out there is no
// reason to wait for the timer: the request for a vote is shown to raft as one that overrides its patience, the one for a
// pre-vote as if the leader sent it (that address decides nothing else). The answer is judged as what it is. So the first
// to stand is elected, not the last whose timer was needed.
func (t *Transport) impatient(command any) any {
	switch req := command.(type) {
	case *raft.RequestVoteRequest:
		if !req.LeadershipTransfer && t.ledger.patience() <= 0 {
			shown := *req
			shown.LeadershipTransfer = true
			return &shown
		}
	case *raft.RequestPreVoteRequest:
		if leader := t.leader.Load(); leader != nil && t.ledger.patience() <= 0 {
			shown := *req
			shown.Addr = *leader
			return &shown
		}
	}
	return command
}

// filter lets an answer out, or what takes its place when the ledger refuses. A refused Success becomes an error, which
// raft takes for a message lost; a refused vote becomes a vote not granted.
func (t *Transport) filter(command any, r raft.RPCResponse) raft.RPCResponse {
	if r.Error != nil || r.Response == nil {
		return r
	}
	switch req := command.(type) {
	case *raft.AppendEntriesRequest:
		if resp, ok := r.Response.(*raft.AppendEntriesResponse); ok && resp.Success {
			return t.success(req, r)
		}
	case *raft.RequestVoteRequest:
		if resp, ok := r.Response.(*raft.RequestVoteResponse); ok && resp.Granted {
			if t.ledger.leave(ballot{term: req.Term, kind: grant, flagged: req.LeadershipTransfer}) != nil {
				denied := *resp
				denied.Granted = false
				r.Response = &denied
			}
		}
	case *raft.RequestPreVoteRequest:
		if resp, ok := r.Response.(*raft.RequestPreVoteResponse); ok && resp.Granted {
			if t.ledger.leave(ballot{term: req.Term, kind: preVote}) != nil {
				denied := *resp
				denied.Granted = false
				r.Response = &denied
			}
		}
	case *raft.InstallSnapshotRequest:
		if resp, ok := r.Response.(*raft.InstallSnapshotResponse); ok && resp.Success && t.hooks.Installed != nil {
			t.hooks.Installed(raft.DecodeConfiguration(req.Configuration), req.ConfigurationIndex)
		}
	}
	return r
}

// success notes the promise that a Success is, and lets it out.
func (t *Transport) success(req *raft.AppendEntriesRequest, r raft.RPCResponse) raft.RPCResponse {
	if err := t.ledger.succeed(req.Term, string(req.ID)); err != nil {
		return raft.RPCResponse{Response: &raft.AppendEntriesResponse{}, Error: err}
	}
	if t.hooks.Heard != nil && (req.PrevLogEntry != 0 || len(req.Entries) > 0 || req.LeaderCommitIndex != 0) {
		t.hooks.Heard(req.Term, req.LeaderCommitIndex)
	}
	return r
}
