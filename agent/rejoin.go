package agent

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"polso/api"
	"polso/consensus/store"
)

// lost reports whether err says that this node's data is not what it was: damaged, gone, or another node's. Anything else, a want
// of privileges or a disk that is full, may pass.
func lost(err error) bool {
	return slices.ContainsFunc([]error{store.ErrMissing, store.ErrEmptied, store.ErrCorrupt, store.ErrForeign}, func(is error) bool { return errors.Is(err, is) })
}

// cannotUse makes b that of a node whose data is lost: it serves the socket, says so, and holds nothing. It may have voted for
// what it has forgotten, so it can come back only as another.
func (b *body) cannotUse(err error) {
	of := ""
	if b.a.home != nil {
		if c, err := b.a.home.Cluster(); err == nil {
			b.cluster, of = c.Name, " of cluster "+c.Name
		}
	}
	b.unusable = api.Errorf(api.CodeRefused, "this router's data%s cannot be used", of).WithDetail("%v", err).
		WithHint("on another router: polso token create; here: polso rejoin ADDRESS --token TOKEN, which puts the data aside; if no other is left, see the manual about snapshots")
	b.a.log.Error("this router's data cannot be used; it takes no part in the cluster", "err", err, "fix", "polso rejoin")
}

// notMember is why a node without a member's part does nothing.
func (b *body) notMember() *api.Error { return cmp.Or(b.unusable, notFormed()) }

// Rejoin makes this node a member again when its data is of no use any more: lost, of a member that was removed, or of a
// generation before. It does so as a new node that takes the old one's name. What is in the data directory is put aside once the
// cluster has admitted the new node, and not before: a refusal changes nothing.
func (a *Agent) Rejoin(ctx context.Context, req api.RejoinRequest) (api.JoinAnswer, error) {
	a.forming.Lock()
	defer a.forming.Unlock()
	none := api.JoinAnswer{}
	if a.o.Dev {
		return none, api.Errorf(api.CodeRefused, "a --dev agent is a cluster of its own").WithHint("start it without --dev to rejoin")
	}
	b := a.current.Load()
	if err := b.mayRejoin(ctx); err != nil {
		return none, err
	}
	name := cmp.Or(req.Name, a.lastName())
	if !nodeName.MatchString(name) {
		return none, api.Errorf(api.CodeInvalid, "name %q is not possible", name).WithHint("use letters, digits, '.', '-' and '_', at most 63")
	}
	addrs, err := b.advertisedAgain(req.Advertise)
	if err != nil {
		return none, err
	}
	next, err := store.NewIdentity(name)
	if err != nil {
		return none, err
	}
	app := application{ID: next.ID, Name: name, Addresses: addrs, Replace: name}
	w, key, err := a.apply(ctx, app, req.Addresses, req.Token)
	if api.CodeOf(err) == api.CodeNotFound { // its place is free: removed, or another generation
		app.Replace = ""
		w, key, err = a.apply(ctx, app, req.Addresses, req.Token)
	}
	if err != nil {
		return none, err
	}
	// From here on the others count this node: who hung up meanwhile gets a member all the same.
	ctx, done := through(ctx)
	defer done()
	aside := ""
	err = a.reform(ctx, func() (err error) {
		if aside, err = a.setAside(next); err != nil {
			return err
		}
		return a.settle(next.ID, w, key, adopted)
	})
	if err != nil {
		return none, err
	}
	ans, err := a.joined(ctx, next.ID, name, addrs, w)
	ans.Aside = aside
	return ans, err
}

// mayRejoin refuses on a node whose data is good, as far as it can tell: giving that up could cost the cluster its majority.
func (b *body) mayRejoin(ctx context.Context) error {
	m := b.member
	if m == nil {
		return b.a.portsFree(ctx)
	}
	if b.removal() != nil {
		return nil
	}
	if _, led := m.node.Leader(); led {
		return api.Errorf(api.CodeRefused, "this router is a member of cluster %s and hears its leader; its data is good", m.cluster).
			WithHint("nothing was changed; polso leave takes it out, if that is what you want")
	}
	return noLeader(m).WithDetail("this router's data is good, and may be what the others need for a majority; nothing was changed").
		WithHint("bring the others back; polso leave --force gives this router's share up all the same, polso join then takes it in")
}

// lastName is what this node was called last, as far as that can be read.
func (a *Agent) lastName() string {
	if a.home == nil {
		return a.o.Name
	}
	return a.home.Identity().Name
}

// advertisedAgain are the addresses asked for, or those at which the others knew this node before.
func (b *body) advertisedAgain(asked []string) ([]string, error) {
	if len(asked) > 0 || b.a.home == nil {
		return advertised(asked)
	}
	id := b.a.home.Identity().ID
	if n, ok := b.snapshot().Node(id); ok {
		return n.Addresses, nil
	}
	if c, err := b.a.home.Cluster(); err == nil {
		asked = c.Peers[id]
	}
	return advertised(asked)
}

// setAside puts everything aside that this node has and makes it next, while nothing of it runs.
func (a *Agent) setAside(next store.Identity) (folder string, err error) {
	if a.home != nil {
		return a.home.SetAside(next, now())
	}
	if folder, err = store.SetAside(a.o.DataDir, now()); err != nil {
		return folder, err
	}
	home, err := store.OpenHome(a.o.DataDir, next.Name)
	if err != nil {
		return folder, err
	}
	a.home, a.noHome = home, nil
	_, err = home.SetAside(next, now())
	return folder, err
}
