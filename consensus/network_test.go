package consensus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus/wire"
)

// network joins endpoints in memory. Links can be cut one way or both, and delayed; a cut link is silent, as a pulled
// cable is: the sender waits for its timeout. An address may name a path (wire.AtPath), of which there are any number between
// two endpoints: a link by that path is a link of its own, and a link without is all of them.
type network struct {
	timeout time.Duration

	mu    sync.Mutex // guards below
	ends  map[string]*endpoint
	cuts  map[[2]string]bool                  // from, to; to may be by a path
	delay func(from, to string) time.Duration // nil: none
	paths func(path string) time.Duration     // by a path; nil: none
}

func newNetwork(timeout time.Duration) *network {
	return &network{timeout: timeout, ends: map[string]*endpoint{}, cuts: map[[2]string]bool{}}
}

// cut silences the link from one node to another, in that direction only.
func (w *network) cut(from, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cuts[[2]string{from, to}] = true
}

// part cuts two nodes from each other, and join ends that.
func (w *network) part(a, b string) { w.cut(a, b); w.cut(b, a) }

func (w *network) join(a, b string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.cuts, [2]string{a, b})
	delete(w.cuts, [2]string{b, a})
}

// cutPath silences a path from one node to another, in that direction only.
func (w *network) cutPath(from, to, path string) { w.cut(from, string(wire.AtPath(to, path))) }

// joinPath undoes every cut of a path.
func (w *network) joinPath(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.cuts, func(link [2]string, _ bool) bool {
		_, by := wire.SplitPath(raft.ServerAddress(link[1]))
		return by == path
	})
}

// slowPath makes whatever goes by a path take up to that long.
func (w *network) slowPath(path string, most time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paths = func(by string) time.Duration {
		if by != path {
			return 0
		}
		return rand.N(most)
	}
}

// hold makes whatever goes to a node from another one, or from all if that is "", take that long.
func (w *network) hold(from, to string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = func(f, t string) time.Duration {
		if t == to && (from == "" || from == f) {
			return d
		}
		return 0
	}
}

// isolate cuts a node from all others, both ways.
func (w *network) isolate(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for other := range w.ends {
		w.cuts[[2]string{id, other}], w.cuts[[2]string{other, id}] = true, true
	}
}

func (w *network) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.cuts)
	w.delay, w.paths = nil, nil
}

func (w *network) slow(most time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = func(_, _ string) time.Duration { return rand.N(most) }
}

// cross carries a message over one link, by a path; false when it is lost.
func (w *network) cross(from, to *endpoint, path string) bool {
	w.mu.Lock()
	var d time.Duration
	if w.delay != nil {
		d = w.delay(from.id, to.id)
	}
	if w.paths != nil {
		d += w.paths(path)
	}
	w.mu.Unlock()
	if d > 0 {
		time.Sleep(d)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	by := [2]string{from.id, string(wire.AtPath(to.id, path))}
	return !w.cuts[[2]string{from.id, to.id}] && !w.cuts[by] && w.ends[to.id] == to && w.ends[from.id] == from
}

// endpoint is one process's transport.
type endpoint struct {
	id   string
	net  *network
	rpcs chan raft.RPC
	dead chan struct{} // closed when the process is gone

	mu        sync.Mutex // guards below
	heartbeat func(raft.RPC)
	closed    bool
	arrived   func(rpc any) // sees what comes in; for directed schedules
	left      func(rpc, answer any)
	refuses   func(rpc any) bool // what is reset at once
}

func (w *network) endpoint(id string) *endpoint {
	e := &endpoint{id: id, net: w, rpcs: make(chan raft.RPC, 16), dead: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[id] = e
	return e
}

// die takes the endpoint off the network, as a killed process.
func (e *endpoint) die() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.closed = true
		close(e.dead)
	}
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	if e.net.ends[e.id] == e {
		delete(e.net.ends, e.id)
	}
}

func (e *endpoint) Close() error                                            { e.die(); return nil }
func (e *endpoint) Consumer() <-chan raft.RPC                               { return e.rpcs }
func (e *endpoint) LocalAddr() raft.ServerAddress                           { return raft.ServerAddress(e.id) }
func (e *endpoint) EncodePeer(_ raft.ServerID, a raft.ServerAddress) []byte { return []byte(a) }
func (e *endpoint) DecodePeer(b []byte) raft.ServerAddress                  { return raft.ServerAddress(b) }
func (e *endpoint) SetHeartbeatHandler(cb func(raft.RPC)) {
	e.mu.Lock()
	e.heartbeat = cb
	e.mu.Unlock()
}

var errLost = errors.New("timeout")

// call sends a request and waits for the answer, at most for the timeout.
func (e *endpoint) call(to raft.ServerAddress, req any, body io.Reader) (any, error) {
	timeout := time.NewTimer(e.net.timeout)
	defer timeout.Stop()
	lost := func() (any, error) {
		select {
		case <-timeout.C:
		case <-e.dead:
		}
		return nil, errLost
	}
	id, path := wire.SplitPath(to)
	e.net.mu.Lock()
	peer := e.net.ends[id]
	e.net.mu.Unlock()
	if peer == nil {
		select { // refused, after a moment
		case <-time.After(time.Millisecond):
		case <-e.dead:
		}
		return nil, errors.New("connection refused")
	}
	if !e.net.cross(e, peer, path) {
		return lost()
	}
	peer.mu.Lock()
	fast, arrived, left, refuses := peer.heartbeat, peer.arrived, peer.left, peer.refuses
	peer.mu.Unlock()
	if refuses != nil && refuses(req) {
		return nil, errors.New("connection reset")
	}
	if arrived != nil {
		arrived(req)
	}
	answer := make(chan raft.RPCResponse, 1)
	rpc := raft.RPC{Command: req, Reader: body, RespChan: answer}
	if a, ok := req.(*raft.AppendEntriesRequest); ok && fast != nil && a.PrevLogEntry == 0 && len(a.Entries) == 0 && a.LeaderCommitIndex == 0 {
		go fast(rpc)
	} else {
		select {
		case peer.rpcs <- rpc:
		case <-peer.dead:
			return lost()
		case <-e.dead:
			return nil, errLost
		case <-timeout.C:
			return nil, errLost
		}
	}
	select {
	case r := <-answer:
		if left != nil {
			left(req, r.Response)
		}
		if !e.net.cross(peer, e, path) {
			return lost()
		}
		return r.Response, r.Error
	case <-timeout.C:
		return nil, errLost
	case <-e.dead:
		return nil, errLost
	}
}

func fetch[T any](e *endpoint, to raft.ServerAddress, req any, body io.Reader, resp *T) error {
	got, err := e.call(to, req, body)
	if err != nil {
		return err
	}
	r, ok := got.(*T)
	if !ok {
		return fmt.Errorf("answer %T", got)
	}
	*resp = *r
	return nil
}

func (e *endpoint) AppendEntries(_ raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	return fetch(e, to, req, nil, resp)
}

func (e *endpoint) RequestVote(_ raft.ServerID, to raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return fetch(e, to, req, nil, resp)
}

func (e *endpoint) RequestPreVote(_ raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return fetch(e, to, req, nil, resp)
}

func (e *endpoint) InstallSnapshot(_ raft.ServerID, to raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, body io.Reader) error {
	return fetch(e, to, req, body, resp)
}

func (e *endpoint) TimeoutNow(_ raft.ServerID, to raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return fetch(e, to, req, nil, resp)
}

// peers reaches the nodes of a cluster over its network.
type peers struct {
	c    *cluster
	from string
}

func (p peers) node(id string) (*Node, error) {
	p.c.net.mu.Lock()
	a, b := p.c.net.ends[p.from], p.c.net.ends[id]
	p.c.net.mu.Unlock()
	if a == nil || b == nil || !p.c.net.cross(a, b, "") {
		time.Sleep(p.c.net.timeout)
		return nil, errLost
	}
	if n := p.c.member(id).process(); n != nil {
		return n, nil
	}
	return nil, errLost
}

func (p peers) Forward(ctx context.Context, id string, data []byte) ([]byte, error) {
	n, err := p.node(id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	type answer struct {
		data []byte
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		data, err := n.Receive(ctx, data)
		done <- answer{data, err}
	}()
	select { // as over a connection: who waits goes when his time is up, whatever the other side is still doing
	case a := <-done:
		return a.data, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	}
}

func (p peers) Arm(_ context.Context, id string, term uint64) error {
	n, err := p.node(id)
	if err != nil {
		return err
	}
	return n.ArmFor(p.from, term)
}
