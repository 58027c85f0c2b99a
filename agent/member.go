package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"polso/consensus"
	"polso/consensus/lease"
	"polso/consensus/store"
	"polso/consensus/trust"
	"polso/consensus/wire"
	"polso/fsm"
	"polso/steward"
)

// member is this node's part in a cluster.
type member struct {
	id         string
	cluster    string                 // its name
	profile    consensus.Profile      // that it leads by
	applied    atomic.Pointer[timing] // see timing
	node       *consensus.Node
	state      *fsm.FSM
	steward    *steward.Steward
	reports    *reports
	claim      *claim                            // nil with Dev and on a witness: there is no kernel with services of anybody's
	peers      *wire.Client                      // nil with Dev
	dialer     *wire.Dialer                      // nil with Dev
	paths      *wire.Paths                       // nil with Dev
	listener   *wire.Listener                    // nil with Dev
	membership *trust.Membership                 // nil with Dev
	creds      atomic.Pointer[store.Credentials] // what this node proves itself with, and the CA's key, which a witness has not
	pending    atomic.Pointer[pendingCA]
	caFollowed atomic.Uint64 // the step of a change of the CA that this node has followed to its end

	opened atomic.Bool // node is set, for those who may be asked while it is being opened
	told   told
	sights sights
	levels levels
	handed atomic.Pointer[handed] // why this router was last told that it would be given the lead; nil: never
	moving atomic.Pointer[moving] // the same of what people do

	takeover takeover
	news     chan struct{} // a doorbell: what is told to people may be another

	wireParts []part
	raftParts []part
}

// gone reports whether the node with that ID is to be refused: it was removed, and raft counts without it. Until then it is
// needed, perhaps for the very majority that takes it out.
func (m *member) gone(id string) bool {
	return m.state.Load().IsRemoved(id) && (!m.opened.Load() || raftWord(m, id) == "unknown")
}

// refused reports whether the others refuse this node, as they do once it was removed. A node that was down then hears of
// it in no other way: nobody speaks to it any more.
func (m *member) refused() bool {
	if _, led := m.node.Leader(); led || m.dialer == nil {
		return false
	}
	var answers []wire.Answer
	for _, s := range m.node.Members() {
		if !s.Self {
			answers = append(answers, m.dialer.Answer(s.ID))
		}
	}
	return allRefuse(answers)
}

// superseded reports whether the cluster goes on as a later generation, without this node: another member says so, and none
// speaks to this one. Nothing proves it.
func (m *member) superseded() bool {
	if _, led := m.node.Leader(); led || m.dialer == nil {
		return false
	}
	newer := false
	for _, s := range m.node.Members() {
		answer := m.dialer.Answer(s.ID)
		if answer == wire.Accepts {
			return false
		}
		newer = newer || answer == wire.Newer
	}
	return newer
}

// allRefuse reports whether nobody accepts this node and those that refuse it are a majority, or all that can be asked: one
// that errs must not talk it out of its cluster.
func allRefuse(answers []wire.Answer) bool {
	count := map[wire.Answer]int{}
	for _, a := range answers {
		count[a]++
	}
	refuse := count[wire.Refuses]
	return count[wire.Accepts] == 0 && refuse > 0 && (refuse > len(answers)/2 || count[wire.Unasked] == 0)
}

// settling is how long what has been decided may take to be true here: an election or two, under load.
func (m *member) settling() time.Duration { return max(10*m.profile.H, 5*time.Second) }

// openMember opens the store, the port and raft. It begins nothing.
func (a *Agent) openMember(ctx context.Context, b *body, t timing) (m *member, err error) {
	if err := a.finishRecovery(); err != nil {
		return nil, err
	}
	identity := a.home.Identity()
	cluster, err := a.home.Cluster()
	if err != nil {
		return nil, err
	}
	if e := a.tooOld(cluster); e != nil {
		return nil, e
	}
	profile := t.lease
	m = &member{id: identity.ID, cluster: cluster.Name, profile: profile, news: make(chan struct{}, 1)}
	m.applied.Store(&t)
	fatal := newFatal()
	m.state = fsm.New(fsm.Options{Ring: func() { b.changed(m) }, Fatal: fatal.tell, Log: a.log.With("part", "fsm"), Levels: a.o.levels})
	have, err := a.home.Credentials()
	if err != nil {
		return nil, err
	}
	m.creds.Store(&have)
	m.caFollowed.Store(have.Change)
	if _, err := m.authority(); err != nil && !b.witness() {
		return nil, fmt.Errorf("%w: the cluster's CA: %w", store.ErrCorrupt, err)
	}
	membership, err := trust.NewMembership(trust.Credentials{CA: have.CA, Other: have.OtherCA, Cert: have.Cert, Key: have.Key}, m.gone)
	if err != nil {
		return nil, fmt.Errorf("%w: this node's certificate: %w", store.ErrCorrupt, err)
	}
	m.membership = membership

	listener := wire.NewListener(wire.ListenerOptions{Membership: membership, Log: a.log.With("part", "wire")})
	if err := listener.Listen(ctx, a.o.Listen...); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			listener.Close()
		}
	}()
	addresses := m.addresses(cluster.Peers)
	dialer := wire.NewDialer(wire.DialerOptions{Membership: membership, Addresses: addresses, Timeout: profile.RPCTimeout})
	m.listener, m.dialer, m.peers = listener, dialer, wire.NewClient(wire.ClientOptions{Dialer: dialer})
	logs, err := store.Open(store.Options{Dir: a.home.StoreDir(), Cluster: cluster.ID, Node: identity.ID})
	if err != nil {
		return nil, err
	}
	snapshots, err := logs.Snapshots(consensus.NewRaftLogger(a.log.With("part", "raft")))
	if err != nil {
		logs.Close()
		return nil, err
	}
	transport := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: wire.NewStreamLayer(identity.ID, listener, dialer), MaxPool: 3, Timeout: profile.RPCTimeout,
		Logger: consensus.NewRaftLogger(a.log.With("part", "raft")),
	})
	m.paths = wire.NewPaths(transport, wire.PathsOptions{Addresses: addresses, Patience: profile.PathPatience(), Log: a.log.With("part", "wire")})
	// What raft rings is built before raft is: it begins to ring at once.
	m.reports = newReports(b, m)
	m.steward = b.newSteward(m)
	if !b.bare {
		m.claim = &claim{
			path: claimFile(a.o), table: b.local.table, ring: b.local.ring, log: a.log, state: m.state.Load,
		}
	}
	if m.node, err = consensus.Open(b.consensusOptions(m, m.paths, logs, logs, snapshots, remotePeers{m.peers})); err != nil {
		logs.Close()
		return nil, err
	}
	m.opened.Store(true)
	m.wireParts = []part{
		listener.Run,
		func(ctx context.Context) error { return b.serveMembers(ctx, m, listener.Peer()) },
		func(ctx context.Context) error { return b.serveJoining(ctx, m, listener.Join()) },
		func(ctx context.Context) error { return b.cutRemoved(ctx, m, listener, dialer) },
		func(ctx context.Context) error { <-ctx.Done(); dialer.Close(); return nil },
		fatal.wait,
	}
	m.raftParts = []part{
		func(ctx context.Context) error {
			err := m.node.Run(ctx)
			if !errors.Is(err, consensus.ErrStoreHangs) {
				logs.Close()
			}
			return err
		},
		m.steward.Run, m.reports.run,
		func(ctx context.Context) error { return a.remember(ctx, m.state.Load) },
		func(ctx context.Context) error { return a.followTiming(ctx, m) },
		func(ctx context.Context) error { return b.followCA(ctx, m) },
	}
	if m.claim != nil {
		m.raftParts = append(m.raftParts, m.claim.run)
	}
	return m, nil
}

// consensusOptions is what raft and the lease stand on, whichever transport and stores they are given.
func (b *body) consensusOptions(m *member, t raft.Transport, logs raft.LogStore, stable raft.StableStore, snaps raft.SnapshotStore, peers consensus.Peers) consensus.Options {
	return consensus.Options{
		ID: m.id, Profile: m.profile, Promise: m.timing().promise.H, FSM: m.state, Transport: t, Logs: logs, Stable: stable, Snapshots: snaps,
		Clock: func() lease.Instant { return lease.Instant(sinceBoot()) },
		Peers: peers, Admit: func(ctx context.Context, data []byte) error { return b.admit(ctx, m, data) }, Lead: func(t consensus.Taking) []byte {
			b.a.metrics.TookOver(t.Took)
			b.a.flight.tookOver(t.Took, m.profile.H)
			if !b.witness() {
				m.takeover.begins(t)
			}
			return takeLead(b.a.o.Name, m.id, t, m.because(string(t.Reason), t.Term))
		},
		Released: b.released, Ring: func() { b.changed(m) },
		Fit:      func() time.Duration { return b.later(m) },
		Heirs:    func(ids []string) []string { return b.heirs(m, ids) },
		Retiring: func(ctx context.Context, to string) { b.tellMoving(ctx, m, to, moving{Stops: true}) },
		Log:      b.a.log.With("part", "raft"),
	}
}

// changed is rung by the state machine and by raft.
func (b *body) changed(m *member) {
	// While the node is being opened there is nothing to look at.
	opened := m.opened.Load()
	if opened {
		m.takeover.leads(m.node.Role())
	}
	if !opened || m.told.news(m.view) {
		b.local.ring()
	}
	select {
	case m.news <- struct{}{}:
	default: // already ringing
	}
	if m.steward != nil {
		m.steward.Ring()
	}
}

func (m *member) view() view {
	leader, known := m.node.Leader()
	return viewOf(m.state.Load(), m.node.Role(), known && leader != m.id)
}

// released lets go of every address and returns once no pass that began earlier can bring one back.
func (b *body) released(ctx context.Context) error {
	if err := b.local.keeper.Drop(); err != nil {
		return err
	}
	b.letGo.Store(new(time.Now()))
	return b.local.director.Released(ctx)
}

// addresses finds a node by the replicated state, or by what was written down when this node joined.
func (m *member) addresses(hints map[string][]string) func(id string) []string {
	return func(id string) []string {
		if n, ok := m.state.Load().Node(id); ok {
			return n.Addresses
		}
		return hints[id]
	}
}

// cutRemoved closes the connections of nodes that were removed.
func (b *body) cutRemoved(ctx context.Context, m *member, l *wire.Listener, d *wire.Dialer) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	cut := map[string]bool{}
	for {
		for _, id := range m.state.Load().Removed {
			if !cut[id] && m.gone(id) {
				cut[id] = true
				l.CloseNode(id)
				d.CloseNode(id)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// fatal carries the first error that ends the process out of a callback that must not block.
type fatal struct {
	once sync.Once
	err  chan error
}

func newFatal() *fatal { return &fatal{err: make(chan error, 1)} }

func (f *fatal) tell(err error) { f.once.Do(func() { f.err <- err }) }

func (f *fatal) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-f.err:
		return err
	}
}

var _ net.Listener = (*wire.StreamLayer)(nil)
