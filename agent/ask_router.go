package agent

import (
	"context"
	"net/http"

	"polso/api"
	"polso/fsm"
)

// onRouter has the router of a name answer, "" for this one: here does, or that router's at path.
func onRouter[I, O any](ctx context.Context, b *body, name, path string, in I, here func(context.Context, I) (O, error)) (O, error) {
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
		case n.Kind != fsm.Router:
			return none, noTableAt(name)
		default:
			return askPeer[O](ctx, m, n.ID, http.MethodPost, path, in)
		}
	}
	return none, unknownRouter(snap, name)
}

func noTableAt(name string) *api.Error {
	return api.Errorf(api.CodeRefused, "%s balances nothing: it has no kernel table", name).WithHint("polso members tells who is a router; name one with --on")
}
