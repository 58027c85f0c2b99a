package api

import (
	"context"

	"polso/fsm"
)

// Role is what somebody may do; fsm has the roles.
type Role = fsm.Role

// Caller is who asks, and what they may do.
type Caller struct {
	Actor fsm.Actor
	Role  fsm.Role
}

type callerKey struct{}

// WithCaller returns a context in which c asks.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is who asks; false where nobody has said who they are.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
