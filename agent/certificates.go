package agent

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"polso/api"
	"polso/consensus/trust"
	"polso/fsm"
	"polso/steward"
)

// Certificates are this node's, and its CA's.
func (a *Agent) Certificates(ctx context.Context) (api.Certificates, error) {
	b := a.current.Load()
	m := b.member
	if m == nil {
		return api.Certificates{}, notFormed()
	}
	have := m.creds.Load()
	out := api.Certificates{Schema: api.Schema, Node: b.localStatus().Node, CAKey: have.CAKey != nil}
	var err error
	for _, c := range []struct {
		pem []byte
		to  *api.Certificate
	}{{have.Cert, &out.Certificate}, {have.CA, &out.CA}} {
		if *c.to, err = describeCertificate(c.pem); err != nil {
			return out, err
		}
	}
	if have.OtherCA != nil {
		other, err := describeCertificate(have.OtherCA)
		if err != nil {
			return out, err
		}
		out.OtherCA = &other
	}
	if !b.witness() {
		web, err := a.door.shown.describe(a.door.addresses())
		if err != nil {
			return out, err
		}
		out.Web = &web
	}
	out.Change = b.localStatus().CAChange
	if out.Change != nil { // the leader knows for whom it waits
		bounded, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if st, err := a.Status(bounded, api.Brief); err == nil {
			out.Change = st.CAChange
		}
	}
	return out, nil
}

func describeCertificate(pem []byte) (api.Certificate, error) {
	c, err := trust.Describe(pem)
	if err != nil {
		return api.Certificate{}, err
	}
	out := api.Certificate{
		Identity: c.Identity.String(), Kind: c.Identity.Kind, Generation: c.Identity.Generation,
		Serial: c.Serial, Fingerprint: hex.EncodeToString(c.Fingerprint[:]), Pin: c.Pin.String(), NotBefore: c.NotBefore,
	}
	if c.Identity.Kind != "ca" {
		out.ID = c.Identity.Node
	}
	if c.Ends() {
		out.NotAfter = &c.NotAfter
	}
	return out, nil
}

// ending is how long before its end a certificate is warned of. Those that Polso issues have none, and members look at no date;
// what has one came from somewhere else.
const ending = 30 * 24 * time.Hour

// certificates are those that this node stands on, as Describe reads them, with what to do about each that ends soon.
func (m *member) certificates(now time.Time) (well []api.Finding, trouble []api.Problem) {
	have := m.creds.Load()
	for _, c := range []struct {
		name, fix string
		pem       []byte
	}{{"certificate", "polso cert rotate", have.Cert}, {"CA", "polso cert rotate --ca", have.CA}} {
		d, err := trust.Describe(c.pem)
		switch {
		case err != nil:
			trouble = append(trouble, api.Problem{What: c.name, Why: err.Error(), Fix: c.fix})
		case d.Ends() && d.NotAfter.Before(now.Add(ending)):
			trouble = append(trouble, api.Problem{What: c.name, Why: "it ends at " + d.NotAfter.Format(time.RFC3339), Fix: c.fix})
		default:
			well = append(well, ok(c.name, "of "+d.Identity.String()))
		}
	}
	return well, trouble
}

// caStep is the word for how far a change of the CA has come; "" if none is under way.
func caStep(c fsm.Cluster) string {
	switch {
	case c.NextCA != "":
		return "trust"
	case c.OldCA != "":
		return "issue"
	}
	return ""
}

// caChange is the change of the CA that is under way, with the members that it waits for; nil if none is.
func caChange(c fsm.Cluster, members []api.Member) *api.CAChange {
	if caStep(c) == "" {
		return nil
	}
	out := &api.CAChange{Step: caStep(c), Waiting: []string{}}
	for _, m := range members {
		if m.CAChange != c.CAChange || m.Age > fresh.Seconds() {
			out.Waiting = append(out.Waiting, m.Name)
		}
	}
	return out
}

// advanceCA makes the next step of a change of the CA, with those who have said that they follow the present one.
func (b *body) advanceCA(ctx context.Context, m *member) error {
	in := b.stewardInputs(ctx, m)
	c := &fsm.AdvanceCA{Change: in.State.Cluster.CAChange}
	c.Reported = reporters(in, func(r steward.Report) bool { return r.CAChange == c.Change })
	_, err := b.propose(ctx, fsm.Actor{Kind: "steward", Name: b.a.o.Name}, fsm.NewRequest(), c)
	return err
}

// RotateCertificates gives this node, or every one, a new key and certificate, or the cluster a new CA.
func (a *Agent) RotateCertificates(ctx context.Context, by fsm.Actor, req api.RotateRequest) (api.Done, error) {
	b := a.current.Load()
	if a.o.Dev {
		return api.Done{}, api.Errorf(api.CodeRefused, "a --dev agent keeps its certificate").WithHint("it speaks to no other router")
	}
	s, err := b.known(ctx)
	if err != nil {
		return api.Done{}, err
	}
	if req.CA {
		return b.rotateCA(ctx, by, s)
	}
	m := b.member
	if !req.All {
		return b.rotateOwn(ctx, m)
	}
	out := api.Done{Schema: api.Schema}
	var failed []string
	for _, n := range s.Nodes {
		var done api.Done
		if n.ID == m.id {
			done, err = b.rotateOwn(ctx, m)
		} else {
			done, err = askPeer[api.Done](ctx, m, n.ID, http.MethodPost, pathRotate, struct{}{})
		}
		out.Done = append(out.Done, done.Done...)
		if err != nil {
			failed = append(failed, n.Name+": "+err.Error())
		}
	}
	if len(failed) > 0 {
		return out, api.Errorf(api.CodeUnreachable, "not every router has a new certificate: %s", strings.Join(failed, "; ")).
			WithHint("the others have one; once it answers: polso cert rotate on that router")
	}
	return out, nil
}

// rotateOwn gives this node a new key and certificate.
func (b *body) rotateOwn(ctx context.Context, m *member) (api.Done, error) {
	ctx, done := through(ctx)
	defer done()
	if err := b.renewOwn(ctx, m); err != nil {
		return api.Done{}, err
	}
	m.remake(ctx)
	return api.Done{Schema: api.Schema, Done: []string{fmt.Sprintf("Router %s has a new certificate.", cmp.Or(m.nameOf(m.id), b.a.o.Name))}}, nil
}

func (b *body) renewOwn(ctx context.Context, m *member) error {
	b.a.forming.Lock()
	defer b.a.forming.Unlock()
	next := *m.creds.Load()
	cert, key, err := b.certify(ctx, m, string(next.CA))
	if err != nil {
		return err
	}
	next.Cert, next.Key = cert, key
	return b.prove(m, next)
}

// rotateCA makes a new CA and has the cluster begin to take it. The key stays with this process until the cluster has taken the
// certificate; should it end before, nobody uses that CA, and another rotation takes its place.
func (b *body) rotateCA(ctx context.Context, by fsm.Actor, s *fsm.Snapshot) (api.Done, error) {
	m := b.member
	if m.creds.Load().CAKey == nil {
		return api.Done{}, api.Errorf(api.CodeRefused, "a witness never holds the CA's key").WithHint("polso cert rotate --ca on a router")
	}
	authority, err := trust.NewAuthority(s.Cluster.ID, s.Cluster.Name, s.Cluster.Generation)
	if err != nil {
		return api.Done{}, err
	}
	key, err := authority.KeyPEM()
	if err != nil {
		return api.Done{}, err
	}
	m.pending.Store(&pendingCA{authority.CertPEM(), key})
	if _, err := b.propose(ctx, by, fsm.NewRequest(), &fsm.RotateCA{CA: string(authority.CertPEM())}); err != nil {
		return api.Done{}, err
	}
	own := func() bool {
		return m.caFollowed.Load() >= m.state.Load().Cluster.CAChange || caStep(m.state.Load().Cluster) != "trust"
	}
	if err := waitUpTo(ctx, m.settling()+joinWait, own); err != nil {
		return api.Done{}, api.Errorf(api.CodeTimeout, "the change of the CA is accepted, but this router does not follow yet").WithHint("polso cert show")
	}
	return api.Done{Schema: api.Schema, Done: []string{"The cluster takes a new CA: first every router trusts it, then each gets a certificate of it, then the old one is dropped."}}, nil
}
