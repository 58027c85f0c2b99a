package agent

import (
	"fmt"

	"polso/api"
	"polso/consensus/store"
	"polso/consensus/trust"
	"polso/fsm"
	"polso/ipvs"
	"polso/vip"
)

// kindOf is what a node is in its cluster, as its certificate says: a router or a witness. It is "" in no cluster.
func kindOf(home *store.Home) (string, error) {
	if !home.Formed() {
		return "", nil
	}
	have, err := home.Credentials()
	if err != nil {
		return "", err
	}
	m, err := trust.NewMembership(trust.Credentials{CA: have.CA, Cert: have.Cert, Key: have.Key}, nil)
	if err != nil {
		return "", fmt.Errorf("%w: this node's certificate: %w", store.ErrCorrupt, err)
	}
	return m.Self().Kind, nil
}

// settleKind finds out what this node is, and whether it works on this machine's kernel. A witness does not. Nor does a node in
// no cluster whose machine has not what a router needs: it was told so, or it was a witness until now.
func (b *body) settleKind() error {
	if b.a.o.Dev {
		b.kind = fsm.Router
		return nil
	}
	if b.unusable == nil { // else nobody knows what it was
		var err error
		switch b.kind, err = kindOf(b.a.home); {
		case lost(err):
			b.cannotUse(err)
		case err != nil:
			return err
		}
	}
	switch b.kind {
	case fsm.Router:
		return b.a.o.able()
	case fsm.Witness: // its machine is not asked
		b.bare = true
	default:
		b.bare = b.a.o.able() != nil
	}
	return nil
}

// witness tells whether this node votes and never directs.
func (b *body) witness() bool { return b.kind == fsm.Witness }

// able says why this machine cannot be a router's, nil if it can. It changes nothing.
func (o Options) able() error {
	switch {
	case o.Kernel == NoKernel:
		return api.Errorf(api.CodeRefused, "this agent runs with --kernel none, so it can only be a witness").
			WithHint("start it without that to make it a router")
	case o.needsKernel:
		return fitMachine(o.Kernel)
	}
	return nil
}

// fitMachine says what this process lacks to put addresses on this machine's links and services into its kernel.
func fitMachine(kernel Kernel) error {
	if err := privileged(); err != nil {
		return err
	}
	return hasTable(kernel)
}

// withoutKernel stands where there is no kernel to work on: nothing can be put anywhere, and nobody is asked to.
func withoutKernel(Options) (edges, error) {
	clock := func() vip.Instant { return vip.Instant(sinceBoot()) }
	return edges{addresses: vip.NewFake(clock), table: new(ipvs.Fake), rules: new(ipvs.FakeRules), sysctls: memSys{map[string]string{}}, inMemory: true, close: func() {}}, nil
}
