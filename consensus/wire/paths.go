package wire

import (
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// PathsOptions completes Paths. Addresses and Patience must be set.
type PathsOptions struct {
	// Addresses tells where a node listens: each address is a path to it. It is called for every request and must not
	// block.
	Addresses func(id string) []string
	// Patience is how long a path that has a request may say nothing before the next path gets it too: a part of H that
	// leaves room for the other path's answer.
	Patience time.Duration
	// Probe is how long a path may be without a request before a heartbeat goes over it as well; default 1 s.
	Probe time.Duration
	Log   *slog.Logger // nil: silence
}

// Paths is a raft.Transport that outlives the loss of a path to a node that has several. Beneath it connections are kept
// for each path, so that one that is stuck holds up no other.
//
// A request goes over the path that answered last. When nothing at all is heard over that path for Patience, the request
// goes over the next one too; the first answer counts, and the path that gave it is taken from then on. So a cut costs one
// Patience, once. A path that answers other requests lives, and a request that takes long there (a slow disk) goes nowhere else before
// twice Patience: then it may as well have been lost while the path was away for a moment.
//
// Whoever counts from when a request was sent does so above Paths: the copy leaves later than the first, so every answer was
// given after that moment, whichever copy it answers, and a lease counted from it is never too long. Answers to other
// copies are dropped. The node may get a request twice, the second time arbitrarily late, which a network may do to
// it anyway: a vote is given once a term, entries that are there stay as they are, a heartbeat of an old term is refused; one
// of the present term renews a promise, and so delays an election at most.
//
// With one address a request passes through as it is.
type Paths struct {
	inner raft.Transport // takes AtPath's addresses
	o     PathsOptions
	log   *slog.Logger

	mu    sync.Mutex // guards below
	nodes map[raft.ServerID][]*path
}

// path is one way to a node. Its fields below are guarded by Paths.mu.
type path struct {
	address string // as it is known, without the node

	heard   time.Time // when an answer came over it last
	tried   time.Time // when a request left over it last
	waiting int       // requests without an answer
	down    bool      // the last that is known of it is silence
}

var (
	_ raft.Transport   = (*Paths)(nil)
	_ raft.WithPreVote = (*Paths)(nil)
	_ raft.WithClose   = (*Paths)(nil)
)

// NewPaths puts paths before inner, whose stream layer understands AtPath. inner must support pre-votes.
func NewPaths(inner raft.Transport, o PathsOptions) *Paths {
	if o.Probe == 0 {
		o.Probe = time.Second
	}
	return &Paths{inner: inner, o: o, log: logger(o.Log), nodes: make(map[raft.ServerID][]*path)}
}

// AtPath is raft's address of a node by one of its paths; SplitPath takes it apart.
func AtPath(id, path string) raft.ServerAddress { return raft.ServerAddress(id + "@" + path) }

// SplitPath is the node and the path of a raft address; path is "" where any will do.
func SplitPath(a raft.ServerAddress) (id, path string) {
	id, path, _ = strings.Cut(string(a), "@")
	return id, path
}

// PathState is what is known of a path.
type PathState struct {
	Address string
	Answer  Answer // Unasked, Silent or Accepts
}

// States tells of the paths to a node in the order in which its addresses are known, nil if there is only one. It is up to
// date where this node leads: only a leader keeps asking.
func (t *Paths) States(id string) []PathState {
	known := t.o.Addresses(id)
	if len(known) < 2 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	states := make([]PathState, len(known))
	for i, address := range known {
		states[i].Address = address
		for _, p := range t.nodes[raft.ServerID(id)] {
			switch {
			case p.address != address:
			case p.down:
				states[i].Answer = Silent
			case !p.heard.IsZero():
				states[i].Answer = Accepts
			}
		}
	}
	return states
}

// ways returns the paths to a node, the one to take first; nil if it has but one address.
func (t *Paths) ways(id raft.ServerID) []*path {
	known := t.o.Addresses(string(id))
	if len(known) < 2 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ways := slices.DeleteFunc(t.nodes[id], func(p *path) bool { return !slices.Contains(known, p.address) })
	for _, address := range known {
		if !slices.ContainsFunc(ways, func(p *path) bool { return p.address == address }) {
			ways = append(ways, &path{address: address})
		}
	}
	t.nodes[id] = ways
	return slices.Clone(ways)
}

// leaves notes that a request is about to leave over p.
func (t *Paths) leaves(p *path) (at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.tried = time.Now()
	p.waiting++
	return p.tried
}

// ended notes what became of a request that left over p.
func (t *Paths) ended(id raft.ServerID, p *path, left time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.waiting--
	switch {
	case err != nil:
		t.silent(id, p, left)
	default:
		p.heard = time.Now()
		if p.down {
			p.down = false
			t.log.Info("a path is back", "node", id, "address", p.address)
		}
	}
}

// silent marks p as down if nothing was heard over it since. The caller has mu.
func (t *Paths) silent(id raft.ServerID, p *path, since time.Time) {
	if p.down || p.heard.After(since) {
		return
	}
	p.down = true
	t.log.Warn("a path is silent", "node", id, "address", p.address)
}

// heard says whether anything came over p since.
func (t *Paths) heard(p *path, since time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return p.heard.After(since)
}

// prefer takes p from now on, and no more the one before, which was silent since.
func (t *Paths) prefer(id raft.ServerID, p, before *path, since time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ways := t.nodes[id]
	if before.heard.After(since) || len(ways) == 0 || ways[0] != before {
		return // it lives after all, or another request has seen to it
	}
	t.silent(id, before, since)
	if i := slices.Index(ways, p); i > 0 {
		t.nodes[id] = slices.Insert(slices.Delete(ways, i, i+1), 0, p)
	}
}

// due tells whether p should be tried for its own sake.
func (t *Paths) due(p *path, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return p.waiting == 0 && now.Sub(p.tried) >= t.o.Probe
}

// Consumer implements raft.Transport.
func (t *Paths) Consumer() <-chan raft.RPC { return t.inner.Consumer() }

// LocalAddr implements raft.Transport.
func (t *Paths) LocalAddr() raft.ServerAddress { return t.inner.LocalAddr() }

// EncodePeer implements raft.Transport.
func (t *Paths) EncodePeer(id raft.ServerID, a raft.ServerAddress) []byte {
	return t.inner.EncodePeer(id, a)
}

// DecodePeer implements raft.Transport.
func (t *Paths) DecodePeer(b []byte) raft.ServerAddress { return t.inner.DecodePeer(b) }

// SetHeartbeatHandler implements raft.Transport.
func (t *Paths) SetHeartbeatHandler(cb func(raft.RPC)) { t.inner.SetHeartbeatHandler(cb) }

// Close implements raft.WithClose.
func (t *Paths) Close() error {
	if c, ok := t.inner.(raft.WithClose); ok {
		return c.Close()
	}
	return nil
}

// AppendEntriesPipeline implements raft.Transport. A pipeline lives on one connection and dies with its path, so a node with
// several paths gets none: raft sends it its entries one request after the other then, whatever waits in the next one together.
func (t *Paths) AppendEntriesPipeline(id raft.ServerID, to raft.ServerAddress) (raft.AppendPipeline, error) {
	if t.ways(id) != nil {
		return nil, raft.ErrPipelineReplicationNotSupported
	}
	return t.inner.AppendEntriesPipeline(id, to)
}

// InstallSnapshot implements raft.Transport. What it reads can be sent once only: over the path that answered last.
func (t *Paths) InstallSnapshot(id raft.ServerID, to raft.ServerAddress, req *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	return t.once(id, to, func(to raft.ServerAddress) error { return t.inner.InstallSnapshot(id, to, req, resp, data) })
}

// TimeoutNow implements raft.Transport. One attempt per hand-over: over the path that answered last.
func (t *Paths) TimeoutNow(id raft.ServerID, to raft.ServerAddress, req *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return t.once(id, to, func(to raft.ServerAddress) error { return t.inner.TimeoutNow(id, to, req, resp) })
}

// once sends a request over one path only.
func (t *Paths) once(id raft.ServerID, to raft.ServerAddress, call func(to raft.ServerAddress) error) error {
	ways := t.ways(id)
	if ways == nil {
		return call(to)
	}
	left := t.leaves(ways[0])
	err := call(AtPath(string(id), ways[0].address))
	t.ended(id, ways[0], left, err)
	return err
}
