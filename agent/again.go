package agent

import (
	"context"
	"time"

	"polso/api"
)

// again asks do of the present body, and of the one after it if this one is ended to begin anew with another timing: who asks in
// that moment need not know. do must be harmless twice.
func again[O any](ctx context.Context, a *Agent, do func(*body) (O, error)) (O, error) {
	for {
		b := a.current.Load()
		out, err := do(b)
		if err == nil || !a.replaced(ctx, b, err) {
			return out, err
		}
	}
}

// replaced reports whether err may have come of b's end, and another body is there now.
func (a *Agent) replaced(ctx context.Context, b *body, err error) bool {
	switch api.CodeOf(err) {
	case api.CodeNoLeader, api.CodeUnknown, api.CodeUnreachable, api.CodeTimeout:
	default:
		return false
	}
	if !a.renewing.Load() && a.current.Load() == b {
		return false
	}
	return waitUpTo(ctx, 10*time.Second, func() bool { return a.current.Load() != b }) == nil
}
