package agent

import (
	"context"
	"net/http"

	"polso/api"
	"polso/fsm"
)

// onRouter has the router of a name answer, "" for this one: here does, or that router's at path.
func onRouter[I, O any](ctx context.Context, b *body, name, path string, in I, here func(context.Context, I) (O, error)) (O, error) {
	if m := b.member; m != nil && name != "" {
		if n, ok := m.state.Load().NodeByName(name); ok && n.ID != m.id && n.Kind != fsm.Router {
			var none O
			return none, noTableAt(name)
		}
	}
	return onMember(ctx, b, name, http.MethodPost, path, in, here)
}

// onMember is onRouter for what a witness has to tell as well.
func onMember[I, O any](ctx context.Context, b *body, name, method, path string, in I, here func(context.Context, I) (O, error)) (O, error) {
	var none O
	m := b.member
	switch {
	case name == "" || name == b.a.o.Name && m == nil:
		return here(ctx, in)
	case m == nil:
		return none, b.notMember()
	}
	snap := m.state.Load()
	for _, n := range snap.Nodes {
		switch {
		case n.Name != name:
		case n.ID == m.id:
			return here(ctx, in)
		default:
			return askPeer[O](ctx, m, n.ID, method, path, in)
		}
	}
	return none, unknownRouter(snap, name)
}

func noTableAt(name string) *api.Error {
	return api.Errorf(api.CodeRefused, "%s balances nothing: it has no kernel table", name).WithHint("polso members tells who is a router; name one with --on")
}
