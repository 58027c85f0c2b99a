package agent

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"polso/api"
)

// sessionKey is what sessions are signed with. Every router has the private key of the cluster's CA, and so this key too; no witness, log,
// snapshot or backup has. With another CA, after a rotation or a recovery, it is another key: who was signed in signs in again.
func (b *body) sessionKey() ([]byte, error) {
	m := b.member
	if m == nil {
		return nil, b.notMember()
	}
	cluster := m.state.Load().Cluster
	authority, err := authorityOf(*m.creds.Load(), cluster.CA)
	if err != nil {
		return nil, api.Errorf(api.CodeRefused, "nobody can sign in here").WithDetail("%v", err).WithHint("ask one of the cluster's routers; a witness has no sessions")
	}
	secret, err := authority.KeyPEM()
	if err != nil {
		return nil, fmt.Errorf("session key: %w", err)
	}
	return hkdf.Key(sha256.New, secret, []byte(cluster.ID), "polso sessions 1", sha256.Size)
}
