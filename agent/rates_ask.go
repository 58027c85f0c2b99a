package agent

import (
	"context"
	"net/http"
	"time"

	"polso/api"
)

// History is what the director's kernel, or that of the router that the request names, has had since it runs.
func (a *Agent) History(ctx context.Context, r api.HistoryRequest) (api.History, error) {
	return again(ctx, a, func(b *body) (api.History, error) {
		if r.On != "" || b.member == nil {
			return onRouter(ctx, b, r.On, pathHistory, r, b.history)
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return askLeader(ctx, b, func() (api.History, error) { return b.history(ctx, r) }, http.MethodGet, pathHistory+selecting(r), nil)
	})
}

// history is this router's.
func (b *body) history(_ context.Context, r api.HistoryRequest) (api.History, error) {
	if b.bare {
		return api.History{}, noTableAt(b.a.o.Name)
	}
	if err := isThere(b.snapshot(), r.Virtual, ""); err != nil {
		return api.History{}, err
	}
	out, kept := b.local.rates.columns(r.Virtual, r.Span, r.Since)
	if !kept {
		return api.History{}, api.Errorf(api.CodeRefused, "with more than %d virtuals only their total is remembered", coarselyFor).WithHint("polso stats tells what is now")
	}
	out.Schema, out.Node, out.Virtual, out.Span = api.Schema, b.a.o.Name, r.Virtual, r.Span
	return out, nil
}
