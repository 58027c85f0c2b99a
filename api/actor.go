package api

import (
	"context"
	"net"
	"os/user"
	"strconv"

	"polso/fsm"
)

// actorOf is the caller, or an unnamed one.
func actorOf(ctx context.Context) fsm.Actor {
	if c, ok := CallerOf(ctx); ok {
		return c.Actor
	}
	return fsm.Actor{Kind: "local", Name: "unknown"}
}

// ConnContext names the caller of a unix socket by its peer credentials (SO_PEERCRED, unix(7)); it fits
// http.Server.ConnContext. The socket's own permissions decide who gets this far: they may do everything.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	uc, ok := conn.(*net.UnixConn)
	if !ok {
		return ctx
	}
	uid, ok := peerUID(uc)
	if !ok {
		return ctx
	}
	name := strconv.Itoa(uid)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return WithCaller(ctx, Caller{Actor: fsm.Actor{Kind: "local", Name: name}, Role: fsm.Admin})
}
