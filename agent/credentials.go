package agent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"polso/api"
	"polso/consensus/store"
	"polso/consensus/trust"
	"polso/consensus/wire"
	"polso/fsm"
)

// authorityOf is the CA with that certificate and its key, if it is among c.
func authorityOf(c store.Credentials, ca string) (trust.Authority, error) {
	switch ca {
	case string(c.CA):
		return trust.ParseAuthority(c.CA, c.CAKey)
	case string(c.OtherCA):
		return trust.ParseAuthority(c.OtherCA, c.OtherCAKey)
	}
	return trust.Authority{}, errors.New("the key of the cluster's CA is not here")
}

// authority is the CA that this node's own certificate is of, with its key.
func (m *member) authority() (trust.Authority, error) {
	c := m.creds.Load()
	return authorityOf(*c, string(c.CA))
}

// beginning is what the first member of a cluster's generation proves itself with: by a new CA, whose key it has.
func beginning(cluster, name string, generation uint64, self store.Identity) (store.Credentials, error) {
	authority, err := trust.NewAuthority(cluster, name, generation)
	if err != nil {
		return store.Credentials{}, err
	}
	c := store.Credentials{CA: authority.CertPEM()}
	if c.CAKey, err = authority.KeyPEM(); err != nil {
		return c, err
	}
	key, csr, err := trust.NewRequest(self.Name)
	if err != nil {
		return c, err
	}
	c.Key = key
	c.Cert, err = authority.Issue(csr, trust.Identity{Cluster: cluster, Generation: generation, Node: self.ID, Kind: fsm.Router})
	return c, err
}

// pendingCA is a CA that this process has made and asked the cluster to take.
type pendingCA struct{ cert, key []byte }

// followCA follows the steps of a change of the CA as they are committed (docs/design.md, section 7), and says so once it has.
func (b *body) followCA(ctx context.Context, m *member) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var said string
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		err := b.followCAOnce(ctx, m)
		switch {
		case err == nil:
			said = ""
		case ctx.Err() == nil && err.Error() != said:
			said = err.Error()
			b.a.log.Warn("the change of the CA is not followed yet", "err", err)
		}
	}
}

func (b *body) followCAOnce(ctx context.Context, m *member) error {
	c := m.state.Load().Cluster
	if c.CAChange <= m.creds.Load().Change || !b.a.forming.TryLock() {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	next, err := b.credentialsFor(bounded, m, c)
	cancel()
	if err == nil {
		err = b.prove(m, next)
	}
	b.a.forming.Unlock()
	if err != nil {
		return err
	}
	if c.NextCA == "" {
		m.remake(ctx)
	}
	m.listener.Recheck()
	m.dialer.Recheck()
	if ctx.Err() == nil {
		m.caFollowed.Store(next.Change)
		b.a.log.Info("a change of the CA is followed", "step", caStep(c))
	}
	return nil
}

// credentialsFor is what this node needs for the step that c is at: both CAs trusted, and on a router the next one's key; or a
// certificate of the new CA, the old one still trusted; or the new one alone.
func (b *body) credentialsFor(ctx context.Context, m *member, c fsm.Cluster) (store.Credentials, error) {
	next := *m.creds.Load()
	next.Change = c.CAChange
	router := m.membership.Self().Kind == trust.KindRouter
	switch {
	case c.NextCA != "":
		if string(next.OtherCA) != c.NextCA {
			next.OtherCA, next.OtherCAKey = []byte(c.NextCA), nil
		}
		if router && next.OtherCAKey == nil {
			key, err := b.keyOf(ctx, m, c.NextCA)
			if err != nil {
				return next, err
			}
			next.OtherCAKey = key
		}
	case c.OldCA != "" && string(next.CA) != c.CA:
		cert, key, err := b.certify(ctx, m, c.CA)
		if err != nil {
			return next, err
		}
		if router {
			next.CAKey = next.OtherCAKey
		}
		next.CA, next.Cert, next.Key = []byte(c.CA), cert, key
		next.OtherCA, next.OtherCAKey = []byte(c.OldCA), nil
	case c.OldCA == "":
		next.OtherCA, next.OtherCAKey = nil, nil
	}
	return next, nil
}

// prove makes c what this node proves itself with: on the disk first. The caller has the data directory to itself.
func (b *body) prove(m *member, c store.Credentials) error {
	if _, err := trust.NewMembership(trust.Credentials{CA: c.CA, Other: c.OtherCA, Cert: c.Cert, Key: c.Key}, nil); err != nil {
		return err
	}
	if err := b.a.home.SaveCredentials(c); err != nil {
		return err
	}
	if err := m.membership.Renew(trust.Credentials{CA: c.CA, Other: c.OtherCA, Cert: c.Cert, Key: c.Key}); err != nil {
		return err
	}
	m.creds.Store(&c)
	return nil
}

// remake makes the connections anew on which this node proved itself as it does no longer, those with one member after the
// other: a leader that lost all of its followers for a moment would be none any more.
func (m *member) remake(ctx context.Context) {
	for id := range m.reports.others() {
		answered := m.answers(id)
		m.dialer.RenewNode(id)
		m.listener.RenewNode(id)
		if !answered {
			continue
		}
		pause := time.NewTimer(m.profile.H)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
		_ = waitUpTo(ctx, 2*m.profile.H, func() bool { return m.answers(id) }) // one that is gone now will not come back for waiting
	}
	current := func() bool {
		m.peers.Close()
		n := 0
		for id := range m.reports.others() {
			n += m.dialer.Outdated(id)
		}
		return n == 0
	}
	_ = waitUpTo(ctx, 2*time.Second, current) // a request that takes longer than that keeps its connection
}

// answers reports whether the node answers as far as raft knows: to the leader, everyone to whom it speaks; else the leader.
func (m *member) answers(id string) bool {
	if leader, known := m.node.Leader(); !known || leader != m.id {
		age, heard := m.node.LastContact()
		return id == leader && heard && age < m.profile.H/2
	}
	for _, p := range m.node.Progress() {
		if p.ID == id {
			return p.Contacted && p.Contact < m.profile.H/2
		}
	}
	return false
}

// certify gets this node a new key with a certificate of that CA: by its own hand where it has the CA's key, by the leader's else.
func (b *body) certify(ctx context.Context, m *member, ca string) (cert, key []byte, err error) {
	key, csr, err := trust.NewRequest(b.a.o.Name)
	if err != nil {
		return nil, nil, err
	}
	if authority, err := authorityOf(*m.creds.Load(), ca); err == nil {
		cert, err = authority.Issue(csr, m.membership.Self())
		return cert, key, err
	}
	ask := certifyRequest{CSR: csr, CA: ca}
	none := func() (certified, error) {
		return certified{}, api.Errorf(api.CodeRefused, "this node leads and has no CA key").WithHint("try again in a moment")
	}
	answer, err := askLeader(ctx, b, none, http.MethodPost, pathCertify, ask)
	return answer.Cert, key, err
}

// certifyRequest asks a router for a certificate of that CA.
type certifyRequest struct {
	CSR []byte `json:"csr"`
	CA  string `json:"ca"`
}

type certified struct {
	Cert []byte `json:"cert"`
}

// certifyPeer makes a certificate for the member that asks, as what its present one says that it is.
func (b *body) certifyPeer(ctx context.Context, m *member, req certifyRequest) (certified, error) {
	who, ok := wire.PeerFrom(ctx)
	if !ok {
		return certified{}, api.Errorf(api.CodeDenied, "members only")
	}
	c := m.state.Load().Cluster
	if req.CA != c.CA {
		return certified{}, api.Errorf(api.CodeRefused, "that is not the cluster's CA").WithHint("try again in a moment")
	}
	authority, err := authorityOf(*m.creds.Load(), c.CA)
	if err != nil {
		return certified{}, api.Errorf(api.CodeRefused, "%v", err).WithHint("try again in a moment")
	}
	cert, err := authority.Issue(req.CSR, who)
	return certified{cert}, err
}

// keyOf gets the key of the next CA: from this process, which made it, or from another router. It never travels in the log.
func (b *body) keyOf(ctx context.Context, m *member, ca string) ([]byte, error) {
	if p := m.pending.Load(); p != nil && string(p.cert) == ca {
		return p.key, nil
	}
	var errs []error
	for _, n := range m.state.Load().Nodes {
		if n.ID == m.id || n.Kind != fsm.Router {
			continue
		}
		answer, err := askPeer[caKey](ctx, m, n.ID, http.MethodPost, pathCAKey, caKey{CA: ca})
		if err == nil {
			_, err = trust.ParseAuthority([]byte(ca), answer.Key)
		}
		if err == nil {
			return answer.Key, nil
		}
		errs = append(errs, fmt.Errorf("router %s: %w", n.Name, err))
	}
	return nil, errors.Join(append([]error{errors.New("no router gives the new CA's key")}, errs...)...)
}

// caKey asks for the key of that CA, and answers it.
type caKey struct {
	CA  string `json:"ca"`
	Key []byte `json:"key,omitempty"`
}

// giveCAKey gives a router the key of a CA that this one has, as one that joins gets it.
func (b *body) giveCAKey(ctx context.Context, m *member, req caKey) (caKey, error) {
	who, ok := wire.PeerFrom(ctx)
	n, member := m.state.Load().Node(who.Node)
	if !ok || !member || who.Kind != trust.KindRouter || n.Kind != fsm.Router {
		return caKey{}, api.Errorf(api.CodeDenied, "the CA's key is for routers only")
	}
	authority, err := authorityOf(*m.creds.Load(), req.CA)
	if err != nil {
		return caKey{}, api.Errorf(api.CodeRefused, "%v", err)
	}
	key, err := authority.KeyPEM()
	return caKey{CA: req.CA, Key: key}, err
}
