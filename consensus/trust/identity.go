// Package trust is the cluster's own certificate authority: who is a member, how a member proves it, and how a node that
// is not one yet asks to become one.
//
// Between members a certificate is an identity card, not a clock: the chain to the cluster's CA, the key, the cluster and
// its generation count, the dates do not, because routers without a battery-backed clock must be able to form the
// cluster and a cluster that was switched off for a year must form again. Removal from the membership is the revocation.
package trust

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// The kinds of a member, as they stand in its certificate.
const (
	KindRouter  = "router"  // votes and may direct
	KindWitness = "witness" // votes, never directs, never gets the CA's key
)

// kindCA marks the CA's own certificate; no member has it.
const kindCA = "ca"

// scheme is that of the URI in which a certificate carries its Identity.
const scheme = "polso"

// Identity is who a certificate says its bearer is.
type Identity struct {
	Cluster    string // the cluster's ID: 1 to 64 of a-z 0-9 . _ -
	Generation uint64 // of the cluster; grows with every recover
	Node       string // the node's ID: 1 to 64 of a-z 0-9 . _ -
	Kind       string // KindRouter or KindWitness
}

// String returns the URI form, polso://<cluster>/<generation>/<kind>/<node>.
func (i Identity) String() string { return i.url().String() }

func (i Identity) url() *url.URL {
	return &url.URL{Scheme: scheme, Host: i.Cluster, Path: "/" + strconv.FormatUint(i.Generation, 10) + "/" + i.Kind + "/" + i.Node}
}

// Validate tells what is wrong with the identity of a member; nil when nothing is.
func (i Identity) Validate() error {
	if i.Kind != KindRouter && i.Kind != KindWitness {
		return fmt.Errorf("identity: kind %q is neither %s nor %s", i.Kind, KindRouter, KindWitness)
	}
	return i.validateNames()
}

func (i Identity) validateNames() error {
	if err := validName(i.Cluster); err != nil {
		return fmt.Errorf("identity: cluster: %w", err)
	}
	if err := validName(i.Node); err != nil {
		return fmt.Errorf("identity: node: %w", err)
	}
	return nil
}

// validName accepts what stands unchanged in a URI, a host name of net/http and a file name: nothing needs escaping, so
// two spellings of one name cannot exist.
func validName(s string) error {
	if s == "" {
		return errors.New("the name is empty")
	}
	if len(s) > 64 {
		return fmt.Errorf("%q has %d characters, at most 64 are allowed", s[:64]+"…", len(s))
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-') {
			return fmt.Errorf("%q has %q; allowed are a-z, 0-9, '.', '_' and '-'", s, r)
		}
	}
	return nil
}

// parseIdentity reads the URI form strictly: what it accepts prints as the same URI again.
func parseIdentity(u *url.URL) (Identity, error) {
	parts := strings.Split(u.Path, "/")
	if u.Scheme != scheme || len(parts) != 4 || parts[0] != "" {
		return Identity{}, fmt.Errorf("identity: %q is not %s://cluster/generation/kind/node", u, scheme)
	}
	generation, err := strconv.ParseUint(parts[1], 10, 64)
	if err != nil {
		return Identity{}, fmt.Errorf("identity: %q: generation: %w", u, err)
	}
	id := Identity{Cluster: u.Host, Generation: generation, Kind: parts[2], Node: parts[3]}
	if id.Kind == kindCA {
		err = id.validateNames()
	} else {
		err = id.Validate()
	}
	if err != nil {
		return Identity{}, err
	}
	if id.String() != u.String() {
		return Identity{}, fmt.Errorf("identity: %q is not written as %q", u, id)
	}
	return id, nil
}
