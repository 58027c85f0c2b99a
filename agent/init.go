package agent

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"polso/api"
	"polso/consensus"
	"polso/consensus/store"
	"polso/consensus/trust"
	"polso/fsm"
)

// Init makes a new cluster with this node as its first member.
func (a *Agent) Init(ctx context.Context, by fsm.Actor, req api.InitRequest) (api.InitAnswer, error) {
	a.forming.Lock()
	defer a.forming.Unlock()
	none := api.InitAnswer{}
	if err := a.unformed(ctx, "make a cluster"); err != nil {
		return none, err
	}
	if err := a.o.able(); err != nil {
		return none, err
	}
	addrs, err := advertised(req.Advertise)
	if err != nil {
		return none, err
	}
	if req.Cluster == "" {
		req.Cluster = "polso"
	}
	if req.Profile == "" {
		req.Profile = "lan"
	}
	if _, err := consensus.ParseProfile(req.Profile); err != nil {
		return none, api.Errorf(api.CodeInvalid, "%v", err).WithHint("lan suits routers on one switch; polso init --help tells the others")
	}
	if !nodeName.MatchString(req.Cluster) {
		return none, api.Errorf(api.CodeInvalid, "cluster name %q is not possible", req.Cluster).
			WithHint("use letters, digits, '.', '-' and '_', at most 63")
	}
	ctx, done := through(ctx)
	defer done()
	w, id, err := a.found(ctx, req, addrs)
	if err != nil {
		return none, err
	}
	b := a.current.Load()
	if err := b.founded(ctx, by, w, id, addrs); err != nil {
		return none, err
	}
	t, err := b.createToken(ctx, by, api.TokenRequest{Uses: 6})
	if err != nil {
		return none, err
	}
	return api.InitAnswer{Schema: api.Schema, Cluster: w.Name, Node: a.o.Name, Addresses: addrs, Token: t.Text, Expires: t.Expires}, nil
}

// found makes the CA and the store of a new cluster and has this node run as its only member.
func (a *Agent) found(ctx context.Context, req api.InitRequest, addrs []string) (welcome, string, error) {
	self := a.home.Identity()
	id := self.ID
	w := welcome{Cluster: newClusterID(), Name: req.Cluster, Profile: req.Profile, Generation: 1, Peers: map[string][]string{id: addrs}}
	c, err := beginning(w.Cluster, w.Name, w.Generation, self)
	if err != nil {
		return w, id, err
	}
	w.CA, w.CAKey, w.Cert = c.CA, c.CAKey, c.Cert
	return w, id, a.reform(ctx, func() error { return a.settle(id, w, c.Key, a.bootstrap) })
}

// settle writes down what makes this node a member, after what an attempt before has left is gone. The cluster's file goes
// last: with it the node is formed.
func (a *Agent) settle(id string, w welcome, key []byte, begin func(id string, w welcome, logs *store.Store) error) error {
	if err := a.home.Clear(); err != nil {
		return err
	}
	logs, err := store.Create(store.Options{Dir: a.home.StoreDir(), Cluster: w.Cluster, Node: id})
	if err != nil {
		return err
	}
	if err := errors.Join(begin(id, w, logs), logs.Close()); err != nil {
		return err
	}
	return a.home.Form(
		store.Cluster{ID: w.Cluster, Name: w.Name, Profile: w.Profile, Next: w.Next, Change: w.Change, Generation: w.Generation, Peers: w.Peers},
		store.Credentials{CA: w.CA, CAKey: w.CAKey, Cert: w.Cert, Key: key, OtherCA: w.OtherCA, OtherCAKey: w.OtherCAKey, Change: w.CAChange})
}

// bootstrap makes this node the single voter of the new store.
func (a *Agent) bootstrap(id string, w welcome, logs *store.Store) error {
	snapshots, err := logs.Snapshots(nil)
	if err != nil {
		return err
	}
	profile, err := consensus.ParseProfile(w.Profile)
	if err != nil {
		return err
	}
	_, transport := raft.NewInmemTransport(raft.ServerAddress(id)) // nobody is spoken to yet
	m := &member{id: id, profile: profile, state: fsm.New(fsm.Options{Levels: a.o.levels})}
	b := &body{a: a}
	return consensus.Bootstrap(b.consensusOptions(m, transport, logs, logs, snapshots, noPeers{}))
}

// adopted leaves a joining node's store empty: what belongs into it comes from the leader.
func adopted(string, welcome, *store.Store) error { return nil }

// founded waits for the lead and commits what init decided.
func (b *body) founded(ctx context.Context, by fsm.Actor, w welcome, id string, addrs []string) error {
	if err := waitUpTo(ctx, b.member.settling(), func() bool { return b.role().Leader }); errors.Is(err, context.Canceled) {
		return err
	} else if err != nil {
		return api.Errorf(api.CodeTimeout, "the new cluster's first router does not lead yet").WithHint("polso status --local")
	}
	blank, err := fsm.Blank()
	if err != nil {
		return err
	}
	_, err = b.propose(ctx, by, fsm.NewRequest(), &fsm.Found{
		Cluster:  fsm.Cluster{ID: w.Cluster, Name: w.Name, Profile: w.Profile, Generation: w.Generation, CA: string(w.CA)},
		Node:     fsm.Node{ID: id, Name: b.a.o.Name, Kind: fsm.Router, Addresses: addrs},
		Document: blank,
	})
	return err
}

// CreateToken makes a join token.
func (a *Agent) CreateToken(ctx context.Context, by fsm.Actor, req api.TokenRequest) (api.Token, error) {
	return a.current.Load().createToken(ctx, by, req)
}

func (b *body) createToken(ctx context.Context, by fsm.Actor, req api.TokenRequest) (api.Token, error) {
	s, err := b.known(ctx)
	if err != nil {
		return api.Token{}, err
	}
	if req.Kind == "" {
		req.Kind = fsm.Router
	}
	if req.Kind != fsm.Router && req.Kind != fsm.Witness {
		return api.Token{}, api.Errorf(api.CodeInvalid, "%q is no kind of node", req.Kind).
			WithHint("--kind router, or --kind witness for a node that votes and never directs")
	}
	if b.witness() {
		return api.Token{}, b.notHere(b.member).WithHint("polso token create on a router makes a token")
	}
	if req.Uses == 0 {
		req.Uses = 1
	}
	if req.TTL == 0 {
		req.TTL = time.Hour.Seconds()
	}
	ttl := time.Duration(req.TTL * float64(time.Second))
	if ttl < time.Second || ttl > 30*24*time.Hour || req.Uses < 1 || req.Uses > 1000 {
		return api.Token{}, api.Errorf(api.CodeInvalid, "a token of %v and %d uses is not possible", ttl, req.Uses).
			WithHint("it is good for one second to 30 days and 1 to 1000 uses: --ttl 1h --uses 1")
	}
	pin, err := trust.Fingerprint([]byte(s.Cluster.CA))
	if err != nil {
		return api.Token{}, err
	}
	t, err := trust.NewToken(pin)
	if err != nil {
		return api.Token{}, err
	}
	expires := now().Add(ttl).Truncate(time.Second)
	token := fsm.Token{ID: t.ID, Hash: t.SecretHash, Kind: req.Kind, Uses: req.Uses, Expires: expires}
	if _, err := b.propose(ctx, by, fsm.NewRequest(), &fsm.AddToken{Token: token}); err != nil {
		return api.Token{}, err
	}
	return api.Token{Schema: api.Schema, ID: t.ID, Text: t.Text, Kind: req.Kind, Uses: req.Uses, Expires: expires, By: by.Name}, nil
}

// now is the wall clock as it is written down.
func now() time.Time { return time.Now().UTC() }
