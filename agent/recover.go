package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"polso/api"
	"polso/consensus"
	"polso/consensus/store"
	"polso/consensus/wire"
	"polso/fsm"
)

// lastHeld is the longest that a router which was cut off, stopped or killed a moment ago may still have an address up: the
// longest lease (profile wan), and more than what a kernel without the fence keeps of a dead process's (2.3 s).
const lastHeld = 3 * time.Second

// Recover has this node go on alone, as the next generation of its cluster: for when so many voters are lost for ever that there
// can be no majority again. That nobody else goes on as well cannot be known here: what can be seen is looked at, twice, and
// the rest is the operator's word. Old members cannot talk to the new generation, nor it to them: it has another CA.
func (a *Agent) Recover(ctx context.Context, by fsm.Actor, req api.RecoverRequest) (api.Recovered, error) {
	a.forming.Lock()
	defer a.forming.Unlock()
	none := api.Recovered{}
	b := a.current.Load()
	if a.o.Dev {
		return none, api.Errorf(api.CodeRefused, "a --dev agent is a cluster of its own")
	}
	m := b.member
	if m == nil {
		return none, b.notMember()
	}
	if req.Cluster != m.cluster {
		return none, api.Errorf(api.CodeInvalid, "this router is of cluster %s, not %q; nothing was changed", m.cluster, req.Cluster).
			WithHint("type the name of the cluster that you mean to recover")
	}
	if err := b.lastSurvivor(ctx); err != nil {
		return none, err
	}
	timer := time.NewTimer(lastHeld)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case <-timer.C:
	}
	if err := b.lastSurvivor(ctx); err != nil { // somebody may have been starting
		return none, err
	}
	next, err := a.nextGeneration(by)
	if err != nil {
		return none, err
	}
	ctx, done := through(ctx)
	defer done()
	var given []string
	begun := func(s *fsm.Snapshot) error {
		for _, n := range s.Nodes {
			if n.ID != m.id {
				given = append(given, n.Name)
			}
		}
		return a.home.BeginRecovery(next)
	}
	if err := a.reform(ctx, func() error { return a.recover(next, begun) }); err != nil {
		return none, err
	}
	return a.recovered(ctx, by, given)
}

// lastSurvivor refuses what recovering is not for: a cluster that has a leader, a node that the others do without, and any
// sign of life of another member.
func (b *body) lastSurvivor(ctx context.Context) error {
	m := b.member
	const instead = "polso remove router NAME takes out the ones that are lost"
	if id, known := m.node.Leader(); known {
		return api.Errorf(api.CodeRefused, "cluster %s has a leader, %s: there is nothing to recover", m.cluster, m.nameOf(id)).WithHint(instead)
	}
	if out := b.removal(); out != nil {
		return out
	}
	if n, ok := m.state.Load().Node(m.id); ok && n.Kind != fsm.Router {
		return api.Errorf(api.CodeRefused, "this is a witness, which has no addresses to hold").WithHint("run polso recover on a router that is left")
	}
	alive := b.alive(ctx)
	if len(alive) == 0 {
		return nil
	}
	return api.Errorf(api.CodeRefused, "%s: while another member lives, two routers could hold the addresses", strings.Join(alive, ", ")).
		WithHint("with a majority there will be a leader again; if there can be none, stop the agent there, then recover here and polso rejoin there")
}

// alive is what the other members say when they are asked now: one line each, nothing of those that are silent.
func (b *body) alive(ctx context.Context) []string {
	m := b.member
	ctx, cancel := context.WithTimeout(ctx, reportWait)
	defer cancel()
	var (
		all  sync.WaitGroup
		mu   sync.Mutex // guards said
		said []string
	)
	for id := range m.reports.others() {
		all.Go(func() {
			word := ""
			switch err := m.reports.ask(ctx, id); {
			case err == nil:
				word = "answers"
			case m.dialer.Answer(id) == wire.Refuses:
				word = "refuses this router"
			case m.dialer.Answer(id) == wire.Newer:
				word = "is of a later generation"
			default:
				return
			}
			mu.Lock()
			defer mu.Unlock()
			said = append(said, m.nameOf(id)+" "+word)
		})
	}
	all.Wait()
	slices.Sort(said)
	return said
}

// nextGeneration makes the CA of the cluster's next generation, and this node's certificate.
func (a *Agent) nextGeneration(by fsm.Actor) (store.Recovery, error) {
	self := a.home.Identity()
	c, err := a.home.Cluster()
	if err != nil {
		return store.Recovery{}, err
	}
	c.Generation++
	c.Peers = map[string][]string{self.ID: c.Peers[self.ID]}
	creds, err := beginning(c.ID, c.Name, c.Generation, self)
	if err != nil {
		return store.Recovery{}, err
	}
	note, err := json.Marshal(fsm.Generation{Number: c.Generation, CA: string(creds.CA), Node: self.ID, By: by, At: now()})
	return store.Recovery{Cluster: c, Credentials: creds, Note: note}, err
}

// recover carries a recovery out, while nothing of the node runs. begun is called with the state as it was once nothing speaks
// against it any more and nothing is changed yet; its error stops it.
func (a *Agent) recover(r store.Recovery, begun func(*fsm.Snapshot) error) error {
	var g fsm.Generation
	if err := json.Unmarshal(r.Note, &g); err != nil {
		return fmt.Errorf("recover: %w: %w", store.ErrCorrupt, err)
	}
	id := a.home.Identity().ID
	logs, err := store.Open(store.Options{Dir: a.home.StoreDir(), Cluster: r.Cluster.ID, Node: id})
	if err != nil {
		return err
	}
	var refusal error // raft keeps its text alone
	change := func(s *fsm.Snapshot) (*fsm.Snapshot, error) {
		next, err := s.Recovered(g)
		if err == nil {
			err = begun(s)
		}
		refusal = err
		return next, err
	}
	if err := errors.Join(a.recoverStore(id, r.Cluster.Profile, logs, change), logs.Close()); err != nil {
		if refusal != nil {
			return refusal
		}
		return err
	}
	return a.home.FinishRecovery()
}

func (a *Agent) recoverStore(id, profile string, logs *store.Store, change func(*fsm.Snapshot) (*fsm.Snapshot, error)) error {
	snapshots, err := logs.Snapshots(consensus.NewRaftLogger(a.log.With("part", "raft")))
	if err != nil {
		return err
	}
	p, err := consensus.ParseProfile(profile)
	if err != nil {
		return err
	}
	_, transport := raft.NewInmemTransport(raft.ServerAddress(id)) // nobody is spoken to
	o := (&body{a: a}).consensusOptions(&member{id: id, profile: p, state: fsm.New(fsm.Options{Levels: a.o.levels})}, transport, logs, logs, snapshots, noPeers{})
	o.FSM = fsm.NewRecovery(change, a.log.With("part", "fsm"))
	return consensus.Recover(o)
}

// finishRecovery carries out a recovery that was interrupted.
func (a *Agent) finishRecovery() error {
	r, begun, err := a.home.Recovery()
	if err != nil || !begun {
		return err
	}
	a.log.Warn("finishing the recovery that was begun", "cluster", r.Cluster.Name, "generation", r.Cluster.Generation)
	return a.recover(r, func(*fsm.Snapshot) error { return nil })
}

// recovered waits until the new generation's only member leads, and makes a token for the others.
func (a *Agent) recovered(ctx context.Context, by fsm.Actor, given []string) (api.Recovered, error) {
	b := a.current.Load()
	m := b.member
	if err := waitUpTo(ctx, m.settling(), func() bool { return b.role().Leader && m.state.Load().Known }); err != nil {
		return api.Recovered{}, api.Errorf(api.CodeTimeout, "cluster %s is recovered, but this router does not lead yet", m.cluster).
			WithHint("polso status --local tells when it does; then polso token create, and polso rejoin on the others")
	}
	s := m.state.Load()
	self, _ := s.Node(m.id)
	t, err := b.createToken(ctx, by, api.TokenRequest{Uses: max(1, len(given))})
	if err != nil {
		return api.Recovered{}, err
	}
	return api.Recovered{
		Schema: api.Schema, Cluster: s.Cluster.Name, Node: self.Name, Generation: s.Cluster.Generation, Revision: s.Revision,
		GivenUp: nonNil(given), Addresses: nonNil(self.Addresses), Token: t.Text, Expires: t.Expires,
	}, nil
}
