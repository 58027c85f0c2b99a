package trust

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// Protocol is what a connection to the cluster's port is for, negotiated with ALPN.
type Protocol string

// The protocols on the cluster's port.
const (
	Raft Protocol = "polso-raft/1" // raft's own messages, members only
	Peer Protocol = "polso-peer/1" // HTTP between members
	Join Protocol = "polso-join/1" // HTTP from a node that is not a member yet and has a token
)

// The order is the server's preference.
var protocols = []Protocol{Raft, Peer, Join}

// ErrRemoved means the other end was a member once and was removed.
var ErrRemoved = errors.New("the node was removed from the cluster")

// Credentials is what a member proves itself with, PEM each.
type Credentials struct {
	CA    []byte // the CA's certificate
	Other []byte // of another CA whose certificates count as well, while the CA changes; nil: none
	Cert  []byte // this node's certificate, issued by CA
	Key   []byte // its private key
}

// Membership is this node as a member: it knows itself, and it knows another member when it sees one. It is safe for concurrent
// use. Who the node is does not change; what it proves it with, and by whom it believes others, does with Renew.
type Membership struct {
	self    Identity
	removed func(id string) bool
	proof   atomic.Pointer[proof]
}

// proof is what a member shows, and whom it believes. It is immutable.
type proof struct {
	number uint64              // counts the Renews
	of     Identity            // of the CAs: cluster and generation
	cas    []*x509.Certificate // whose certificates count; the first issued cert
	cert   tls.Certificate     // leaf, then CA, so that a joining node can check the CA against its token
}

// NewMembership reads the credentials and refuses ones that do not belong together. Removed tells whether the node with
// this ID was removed from the cluster; it is called at every handshake and must not block. Nil means nobody was. A node
// that is unknown is not removed: one that was away does not know the new ones.
func NewMembership(c Credentials, removed func(id string) bool) (*Membership, error) {
	p, self, err := newProof(c)
	if err != nil {
		return nil, fmt.Errorf("membership: %w", err)
	}
	if removed == nil {
		removed = func(string) bool { return false }
	}
	m := &Membership{self: self, removed: removed}
	m.proof.Store(p)
	return m, nil
}

func newProof(c Credentials) (*proof, Identity, error) {
	ca, of, err := parseCA(c.CA)
	if err != nil {
		return nil, Identity{}, fmt.Errorf("CA: %w", err)
	}
	p := &proof{of: of, cas: []*x509.Certificate{ca}}
	if c.Other != nil {
		other, also, err := parseCA(c.Other)
		if err != nil {
			return nil, Identity{}, fmt.Errorf("other CA: %w", err)
		}
		if also != of {
			return nil, Identity{}, fmt.Errorf("other CA: it is %s's, not %s's", also, of)
		}
		p.cas = append(p.cas, other)
	}
	leaf, err := parseCertificate(c.Cert)
	if err != nil {
		return nil, Identity{}, err
	}
	self, err := checkLeaf(leaf, ca, of)
	if err != nil {
		return nil, Identity{}, err
	}
	key, err := parseKey(c.Key)
	if err != nil {
		return nil, Identity{}, err
	}
	if public, ok := leaf.PublicKey.(ed25519.PublicKey); !ok || !public.Equal(key.Public()) {
		return nil, Identity{}, errors.New("the key is not the one of the certificate")
	}
	p.cert = tls.Certificate{Certificate: [][]byte{leaf.Raw, ca.Raw}, PrivateKey: key, Leaf: leaf}
	return p, self, nil
}

// Renew replaces what this node proves itself with and by whom it believes others, for every handshake that begins afterwards. It
// refuses credentials of another node, and changes nothing then. Connections that are open stay; see Proof and Identify. One
// caller at a time.
func (m *Membership) Renew(c Credentials) error {
	p, self, err := newProof(c)
	if err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	if self != m.self {
		return fmt.Errorf("renew: the certificate is %s's, and this node is %s", self, m.self)
	}
	p.number = m.proof.Load().number + 1
	m.proof.Store(p)
	return nil
}

// Proof counts the Renews. A connection whose handshake began under an earlier one shows what this node proved itself with then.
func (m *Membership) Proof() uint64 { return m.proof.Load().number }

// Self returns this node's identity.
func (m *Membership) Self() Identity { return m.self }

// Removed tells whether the node was removed from the cluster.
func (m *Membership) Removed(id string) bool { return m.removed(id) }

// ServerTLS returns the configuration of the cluster's port. A handshake ends well only with one of the three protocols;
// for Raft and Peer only with a member's certificate. ConnectionState.NegotiatedProtocol tells which, Identify who.
func (m *Membership) ServerTLS() *tls.Config {
	members := m.config(Raft, Peer)
	members.ClientAuth = tls.RequireAnyClientCert // which one counts is checked in VerifyConnection, without dates
	members.VerifyConnection = func(s tls.ConnectionState) error {
		_, err := m.Identify(s)
		return err
	}
	joining := m.config(Join)
	base := m.config(protocols...)
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		for _, p := range protocols {
			if !slices.Contains(hello.SupportedProtos, string(p)) {
				continue
			}
			if p == Join {
				return joining, nil
			}
			return members, nil
		}
		// Without this a client that names no protocol would be let in with none.
		return nil, fmt.Errorf("client offers none of the cluster's protocols: %q", hello.SupportedProtos)
	}
	return base
}

// ClientTLS returns the configuration for dialling the node with this ID: any other node at the other end is refused.
func (m *Membership) ClientTLS(p Protocol, node string) *tls.Config {
	c := m.config(p)
	c.InsecureSkipVerify = true // replaced by VerifyConnection, which ignores names and dates
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if s.NegotiatedProtocol != string(p) {
			return fmt.Errorf("the other end does not speak %s", p)
		}
		id, err := m.Identify(s)
		if err != nil {
			return err
		}
		if id.Node != node {
			return fmt.Errorf("node %s answers where %s was expected", id.Node, node)
		}
		return nil
	}
	return c
}

func (m *Membership) config(ps ...Protocol) *tls.Config {
	c := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &m.proof.Load().cert, nil },
		GetClientCertificate:   func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &m.proof.Load().cert, nil },
		SessionTicketsDisabled: true, // every connection shows its certificate anew
	}
	for _, p := range ps {
		c.NextProtos = append(c.NextProtos, string(p))
	}
	return c
}

// Identify tells which member is at the other end of the connection, by what this node believes now. The error is ErrRemoved for one
// that was removed.
func (m *Membership) Identify(s tls.ConnectionState) (Identity, error) {
	if len(s.PeerCertificates) == 0 {
		return Identity{}, errors.New("the other end shows no certificate")
	}
	id, err := m.proof.Load().identify(s.PeerCertificates[0])
	if err != nil {
		return Identity{}, err
	}
	if m.removed(id.Node) {
		return Identity{}, fmt.Errorf("node %s: %w", id.Node, ErrRemoved)
	}
	return id, nil
}

// identify tells whose certificate leaf is, if one of the CAs issued it. Its error is that of the first.
func (p *proof) identify(leaf *x509.Certificate) (Identity, error) {
	var first error
	for _, ca := range p.cas {
		id, err := checkLeaf(leaf, ca, p.of)
		if err == nil {
			return id, nil
		}
		if first == nil {
			first = err
		}
	}
	return Identity{}, first
}

// ErrPin means the other end belongs to another cluster than the token, or is not of any.
var ErrPin = errors.New("the token is of another cluster")

// JoinTLS returns the configuration with which a node that is not a member yet dials Join. The handshake ends well only
// with a member of the cluster whose CA has this pin, so that what is sent afterwards is sent to nobody else.
func JoinTLS(pin Pin) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{string(Join)},
		InsecureSkipVerify: true, // replaced by VerifyConnection: the pin counts, not names and dates
		VerifyConnection: func(s tls.ConnectionState) error {
			if s.NegotiatedProtocol != string(Join) {
				return fmt.Errorf("the other end does not speak %s", Join)
			}
			return checkPin(s.PeerCertificates, pin)
		},
	}
}

// checkPin wants the chain leaf, CA with the CA being the pinned one. The CA's own certificate as the leaf would do as
// well for the pin, and is refused because members never show it.
func checkPin(chain []*x509.Certificate, pin Pin) error {
	if len(chain) != 2 {
		return fmt.Errorf("%w: the other end shows %d certificates, want its own and the CA's", ErrPin, len(chain))
	}
	leaf, ca := chain[0], chain[1]
	if err := checkCA(ca); err != nil {
		return fmt.Errorf("%w: %w", ErrPin, err)
	}
	if got := pinOf(ca); got != pin {
		return fmt.Errorf("%w: its CA is %s, the token's %s", ErrPin, got, pin)
	}
	of, err := identityOf(ca)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPin, err)
	}
	if _, err := checkLeaf(leaf, ca, of); err != nil {
		return fmt.Errorf("%w: %w", ErrPin, err)
	}
	return nil
}
