package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"polso/api"
	"polso/consensus/trust"
	"polso/consensus/wire"
	"polso/fsm"
)

// application is what a joining node says of itself.
type application struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Addresses  []string `json:"addresses"`
	CSR        []byte   `json:"csr"`
	Replace    string   `json:"replace,omitempty"`
	NoRouter   string   `json:"no_router,omitempty"` // why it can only be a witness; "": it can be either
	Secret     []byte   `json:"secret,omitempty"`    // the token's; filled in by the router that was asked, as are the next
	FromRemote string   `json:"from_remote"`
	Via        string   `json:"via,omitempty"` // the router that was asked
	Version    string   `json:"version,omitempty"`
	Level      int      `json:"level,omitempty"` // the command level that it knows; 0: a release that knows of none, the first
}

// welcome is what an admitted node needs to know.
type welcome struct {
	Cluster    string              `json:"cluster"` // ID
	Name       string              `json:"name"`
	Profile    string              `json:"profile"`
	Next       string              `json:"next_profile,omitempty"`   // as in fsm.Cluster, as it was once the node was admitted: from
	Change     uint64              `json:"profile_change,omitempty"` // then on no change ends without its report
	Generation uint64              `json:"generation"`
	CA         []byte              `json:"ca"`
	CAKey      []byte              `json:"ca_key,omitempty"`       // for routers: any of them may lead and admit others
	OtherCA    []byte              `json:"other_ca,omitempty"`     // as in store.Credentials
	OtherCAKey []byte              `json:"other_ca_key,omitempty"` // for routers
	CAChange   uint64              `json:"ca_change,omitempty"`
	Cert       []byte              `json:"cert"`
	Peers      map[string][]string `json:"peers"`
}

// serveJoining answers nodes that ask to be admitted, passing them on to the leader.
func (b *body) serveJoining(ctx context.Context, m *member, l net.Listener) error {
	return wire.NewJoinServer(wire.JoinServerOptions{
		Encode: encode, Log: b.a.log.With("part", "wire"),
		Admit: func(ctx context.Context, who wire.Applicant) (any, error) {
			var app application
			if err := json.Unmarshal(who.Request, &app); err != nil {
				return nil, wire.Refused{Text: refusalText(api.Errorf(api.CodeInvalid, "the request to join is not understood: %v", err))}
			}
			if b.witness() {
				return nil, wire.Refused{Text: refusalText(b.notHere(m))}
			}
			app.Secret, app.FromRemote, app.Via = who.Secret, who.Remote.String(), b.a.o.Name
			w, err := askLeader(ctx, b, func() (welcome, error) { return b.leadAdmit(ctx, m, app) }, http.MethodPost, pathAdmit, app)
			if err != nil {
				return nil, wire.Refused{Text: refusalText(asAPIError(err))}
			}
			return w, nil
		},
	}).Run(ctx, l)
}

// notHere tells who asks a witness to admit it whom to ask: it has no CA's key and is not to have the secret of a token, with
// which it could become a router itself.
func (b *body) notHere(m *member) *api.Error {
	e := api.Errorf(api.CodeRefused, "%s is a witness: it admits nobody", m.nameOf(m.id))
	for _, n := range m.state.Load().Nodes {
		if n.Kind == fsm.Router {
			return e.WithHint("ask a router, as %s: polso join %s --token TOKEN --advertise ADDRESS", n.Name, strings.Join(n.Addresses, " "))
		}
	}
	return e.WithHint("ask a router: polso members on one of them lists them all")
}

// leadAdmit admits a node, on the leader: the token decides. It takes the token's secret, not what every member could read in
// the replicated state.
func (b *body) leadAdmit(ctx context.Context, m *member, app application) (welcome, error) {
	s, err := b.known(ctx)
	if err != nil {
		return welcome{}, err
	}
	if b.witness() {
		return welcome{}, api.Errorf(api.CodeNoLeader, "%s leads just now, and a witness admits nobody", m.nameOf(m.id)).
			WithHint("try again in a moment: a router leads as soon as one can; polso status tells what keeps them from it")
	}
	token, ok := s.TokenByHash(trust.HashSecret(app.Secret))
	switch {
	case !ok:
		return welcome{}, api.Errorf(api.CodeDenied, "this token admits nobody: it ended more than a day ago, was revoked or was never made here").WithHint("polso token create on a member makes a new one")
	case !token.Expires.After(time.Now()):
		return welcome{}, api.Errorf(api.CodeDenied, "this token ended at %s", token.Expires.Format(time.RFC3339)).WithHint("polso token create on a member makes a new one")
	case token.Uses < 1:
		return welcome{}, api.Errorf(api.CodeDenied, "this token has been used up").WithHint("polso token create --uses N makes one for several routers")
	}
	if token.Kind == fsm.Router && app.NoRouter != "" {
		return welcome{}, api.Errorf(api.CodeRefused, "this token admits a router, and %s cannot be one", app.Name).WithDetail("%s", app.NoRouter).
			WithHint("polso token create --kind witness makes one for a node that votes and never directs")
	}
	if err := b.replaceable(ctx, m, app.Replace); err != nil {
		return welcome{}, err
	}
	id := trust.Identity{Cluster: s.Cluster.ID, Generation: s.Cluster.Generation, Node: app.ID, Kind: token.Kind}
	authority, err := m.authority()
	if err != nil {
		return welcome{}, err
	}
	if _, err := authority.Issue(app.CSR, id); err != nil {
		return welcome{}, api.Errorf(api.CodeInvalid, "the certificate request is not good: %v", err)
	}
	done, err := m.joins(app)
	if err != nil {
		return welcome{}, err
	}
	defer done()
	by := fsm.Actor{Kind: "node", Name: app.Name, Address: app.FromRemote, Via: app.Via}
	node := fsm.Node{ID: app.ID, Name: app.Name, Kind: token.Kind, Addresses: app.Addresses}
	if _, err := b.propose(ctx, by, fsm.NewRequest(), &fsm.AddNode{Node: node, Token: token.ID, Replace: app.Replace}); err != nil {
		return welcome{}, err
	}
	s = m.state.Load() // with the new node in it
	w := welcome{
		Cluster: s.Cluster.ID, Name: s.Cluster.Name, Profile: s.Cluster.Profile, Next: s.Cluster.Next, Change: s.Cluster.Change,
		Generation: s.Cluster.Generation, Peers: peersOf(s),
	}
	// What this node follows of a change of the CA; the new one takes it from there, and no step ends without it.
	have := m.creds.Load()
	w.CA, w.OtherCA, w.CAChange = have.CA, have.OtherCA, have.Change
	if token.Kind == fsm.Router {
		w.CAKey, w.OtherCAKey = have.CAKey, have.OtherCAKey
	}
	if authority, err = authorityOf(*have, string(have.CA)); err != nil {
		return welcome{}, err
	}
	w.Cert, err = authority.Issue(app.CSR, id)
	return w, err
}

// replaceable refuses to take the name of a router that lives.
func (b *body) replaceable(ctx context.Context, m *member, name string) error {
	if name == "" {
		return nil
	}
	n, ok := m.state.Load().NodeByName(name)
	if !ok {
		return unknownRouter(m.state.Load(), name)
	}
	ctx, cancel := context.WithTimeout(ctx, reportWait)
	defer cancel()
	if n.ID == m.id || m.reports.ask(ctx, n.ID) == nil {
		return api.Errorf(api.CodeRefused, "router %s is alive; its name is not free", name).
			WithHint("choose another name with --name, or take it out first: polso leave there, or polso remove router %s", name)
	}
	return nil
}

// How long joining waits beyond what an election takes: for the leader to speak to the new router, and to give it its vote.
const (
	joinWait = 10 * time.Second
	voteWait = 3 * time.Second
)

// Join makes this node a member of the cluster whose token it is given.
func (a *Agent) Join(ctx context.Context, req api.JoinRequest) (api.JoinAnswer, error) {
	a.forming.Lock()
	defer a.forming.Unlock()
	none := api.JoinAnswer{}
	if err := a.unformed(ctx, "join"); err != nil {
		return none, err
	}
	addrs, err := advertised(req.Advertise)
	if err != nil {
		return none, err
	}
	name := a.o.Name
	if req.Replace != "" {
		name = req.Replace
	}
	if err := a.home.Reborn(name); err != nil {
		return none, err
	}
	identity := a.home.Identity()
	app := application{ID: identity.ID, Name: name, Addresses: addrs, Replace: req.Replace}
	w, key, err := a.apply(ctx, app, req.Addresses, req.Token)
	if err != nil {
		return none, err
	}
	// From here on the others count this node: who hung up meanwhile gets a member all the same.
	ctx, done := through(ctx)
	defer done()
	if err := a.reform(ctx, func() error { return a.settle(identity.ID, w, key, adopted) }); err != nil {
		return none, err
	}
	return a.joined(ctx, identity.ID, name, addrs, w)
}

// apply asks a cluster at those addresses to admit a node, which may be a router if this machine can be one. key is the private
// half of what it was given a certificate for.
func (a *Agent) apply(ctx context.Context, app application, addrs []string, token string) (w welcome, key []byte, err error) {
	if key, app.CSR, err = trust.NewRequest(app.Name); err != nil {
		return w, nil, err
	}
	app.Version, app.Level = a.o.Version.Version, a.o.levels.Own()
	if cannot := a.o.able(); cannot != nil {
		app.NoRouter = cannot.Error()
	}
	if err := wire.JoinClient(ctx, addrs, token, app, &w); err != nil {
		return w, nil, joinError(err, addrs)
	}
	return w, key, nil
}

// joined waits until the leader has spoken to this node, and a while for its vote.
func (a *Agent) joined(ctx context.Context, id, name string, addrs []string, w welcome) (api.JoinAnswer, error) {
	b := a.current.Load()
	in := func() bool { s := b.snapshot(); _, in := s.Node(id); return in && s.Known }
	if err := waitUpTo(ctx, b.member.settling()+joinWait, in); err != nil {
		return api.JoinAnswer{}, api.Errorf(api.CodeTimeout, "admitted, but nothing was heard from the leader yet").
			WithHint("can the members reach %s? polso status --local tells when they do; if the address is wrong: polso leave --force here, "+
				"polso remove router %s on a member, then join again", strings.Join(addrs, ", "), name)
	}
	learner := func() bool { return raftWord(b.member, id) == "learner" }
	if len(b.snapshot().Nodes) > 2 { // the second router gets its vote with the third
		_ = waitUpTo(ctx, voteWait, func() bool { return !learner() }) // the answer tells if it did not come
	}
	return api.JoinAnswer{Schema: api.Schema, Cluster: w.Name, Node: name, Learner: learner()}, nil
}

// joinError puts the failures of joining into an operator's words.
func joinError(err error, addrs []string) error {
	if remote, ok := errors.AsType[*wire.RemoteError](err); ok && remote.Code == wire.CodeRefused {
		return refusedText(remote.Text)
	}
	switch {
	case errors.Is(err, trust.ErrToken):
		return api.Errorf(api.CodeInvalid, "%v", err).WithHint("copy the whole token, as polso token create printed it")
	case errors.Is(err, trust.ErrPin):
		return api.Errorf(api.CodeDenied, "the token is of another cluster than what answers at %s", strings.Join(addrs, ", ")).
			WithHint("nothing secret was sent; check the address, or make a token there: polso token create; one from before or during " +
				"polso cert rotate --ca may be of the CA that was replaced")
	case errors.Is(err, wire.ErrUnreachable):
		return api.Errorf(api.CodeUnreachable, "no member answers at %s", strings.Join(addrs, ", ")).WithReason(err).
			WithHint("is polso agent of a member running there, and its port (default %s) open?", wire.Port)
	}
	return asAPIError(err)
}

// unformed refuses what is for routers without a cluster only.
func (a *Agent) unformed(ctx context.Context, what string) error {
	if a.o.Dev {
		return api.Errorf(api.CodeRefused, "a --dev agent is a cluster of its own").WithHint("start it without --dev to %s", what)
	}
	if b := a.current.Load(); b.unusable != nil {
		return b.unusable
	}
	if a.home.Formed() {
		name := ""
		if c, err := a.home.Cluster(); err == nil {
			name = " " + c.Name
		}
		return api.Errorf(api.CodeExists, "this router is a member of cluster%s already", name).WithHint("polso leave takes it out, if that is what you want")
	}
	return a.portsFree(ctx)
}

// portsFree is looked at while nothing has changed: once a member, an agent without its port ends.
func (a *Agent) portsFree(ctx context.Context) error {
	for _, address := range a.o.Listen {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return api.Errorf(api.CodeRefused, "the other routers could not reach this one: %v", err).
				WithHint("nothing was changed; `ss -ltnp` shows who has the port, the agent's --listen chooses another address or port")
		}
		l.Close()
	}
	return nil
}

// newClusterID names a cluster for good.
func newClusterID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
