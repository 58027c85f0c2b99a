package lease

import (
	"context"

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
			rpc.RespChan <- t.filter(rpc.Command, r)
		default: // raft is shut down and will not answer
		}
	})
}

// pass hands rpc to raft and sees its answer off.
func (t *Transport) pass(ctx context.Context, rpc raft.RPC) {
	if _, ok := rpc.Command.(*raft.TimeoutNowRequest); ok {
		if err := t.ledger.timeoutNow(); err != nil {
			rpc.RespChan <- raft.RPCResponse{Response: &raft.TimeoutNowResponse{}, Error: err}
			return
		}
	}
	answer := make(chan raft.RPCResponse, 1)
	select {
	case t.rpcs <- raft.RPC{Command: rpc.Command, Reader: rpc.Reader, RespChan: answer}:
	case <-ctx.Done():
		return
	}
	t.wg.Go(func() {
		select {
		case r := <-answer:
			rpc.RespChan <- t.filter(rpc.Command, r) // has room for one
		case <-t.stop:
		}
	})
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
