package web

import (
	"context"
	"net/http"
	"sync"

	"polso/api"
)

// look is what one request sees of the cluster. Whoever needs it first asks for it, so that a page and the frame around it say the same
// and the leader is asked once.
type look struct {
	cluster func() (api.Status, error) // in brief, as the leader sees it
	own     func() (api.Status, error) // in brief, this router alone; it needs nobody else
}

type lookKey struct{}

// looking has each request look at most once.
func (s *site) looking(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, lookKey{}, look{
			cluster: sync.OnceValues(func() (api.Status, error) { return s.api.BriefStatus(ctx) }),
			own:     sync.OnceValues(func() (api.Status, error) { return s.api.BriefLocal(ctx) }),
		})))
	})
}

// lookOf is the look of the request that ctx is of; each that comes to a page has one.
func lookOf(ctx context.Context) look { return ctx.Value(lookKey{}).(look) }

// seen is the cluster in brief or, where it has no leader, what this router alone knows.
func (l look) seen() (api.Status, error) {
	st, err := l.cluster()
	if err != nil {
		st, err = l.own()
	}
	return st, err
}

// frame is what stands around every page: the cluster, or, where it has no leader, this router.
func (l look) frame() frame {
	own, _ := l.own() // it has nothing to refuse
	st, err := l.cluster()
	if err != nil {
		return frame{Status: own, Asked: own.Node, Trouble: err.Error()}
	}
	return frame{Status: st, Asked: own.Node}
}
