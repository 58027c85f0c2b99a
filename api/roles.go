package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"polso/fsm"
)

// anybody is the least role of what needs none.
const anybody fsm.Role = "anybody"

// leastRole is what each operation needs, by its ID: the whole of who may do what. New panics for an operation that is not in it.
// Who sees the document sees the headers of its checks; docs/access.md says so.
var leastRole = map[string]fsm.Role{
	"sign-in":  anybody,
	"session":  fsm.Viewer,
	"sign-out": fsm.Viewer,
	"password": fsm.Viewer, // one's own

	"status":         fsm.Viewer,
	"version":        fsm.Viewer,
	"upgrade":        fsm.Viewer,
	"ipvs":           fsm.Viewer,
	"doctor":         fsm.Viewer,
	"certificates":   fsm.Viewer,
	"profile":        fsm.Viewer,
	"document":       fsm.Viewer,
	"history":        fsm.Viewer,
	"revision":       fsm.Viewer,
	"compare":        fsm.Viewer,
	"import":         fsm.Viewer, // nothing is changed, and no other router is asked
	"export":         fsm.Viewer,
	"audit":          fsm.Viewer,
	"connections":    fsm.Viewer,
	"stats":          fsm.Viewer,
	"cpu-stats":      fsm.Viewer,
	"list-overrides": fsm.Viewer,
	"virtuals":       fsm.Viewer,
	"virtual":        fsm.Viewer,
	"rates":          fsm.Viewer,
	"events":         fsm.Viewer,

	"plan":           fsm.Operator, // every router is asked what it would do
	"apply":          fsm.Operator,
	"edit":           fsm.Operator,
	"confirm":        fsm.Operator,
	"rollback":       fsm.Operator,
	"set-override":   fsm.Operator,
	"clear-override": fsm.Operator,
	"drain-router":   fsm.Operator,
	"undrain-router": fsm.Operator,
	"transfer":       fsm.Operator,
	"announce":       fsm.Operator,
	"run-check":      fsm.Operator, // it sends, may run a program, and shows what servers answer
	"test-notify":    fsm.Operator,

	"init":                fsm.Admin,
	"join":                fsm.Admin,
	"leave":               fsm.Admin,
	"rejoin":              fsm.Admin,
	"recover":             fsm.Admin,
	"remove-router":       fsm.Admin,
	"rotate-certificates": fsm.Admin,
	"set-profile":         fsm.Admin,
	"list-tokens":         fsm.Admin,
	"create-token":        fsm.Admin,
	"revoke-token":        fsm.Admin,
	"save-snapshot":       fsm.Admin, // everything there was, for taking away
	"debug":               fsm.Admin, // the log, and what the process is at
	"restore-snapshot":    fsm.Admin,
	"list-users":          fsm.Admin,
	"add-user":            fsm.Admin,
	"set-user":            fsm.Admin,
	"remove-user":         fsm.Admin,
	"list-access":         fsm.Admin,
	"create-access":       fsm.Admin,
	"revoke-access":       fsm.Admin,
}

// beside are what is served besides operations, here and with Require.
var beside = map[string]fsm.Role{
	"GET /livez":   anybody,
	"GET /readyz":  anybody,
	"GET /metrics": fsm.Viewer,
}

// leastOf is the least role of an operation.
func leastOf(id string) fsm.Role {
	least, ok := leastRole[id]
	if !ok {
		panic(fmt.Sprintf("api: operation %q says nowhere who may ask for it: see roles.go", id))
	}
	return least
}

// secured says in an operation's description who may ask for it.
func secured(op huma.Operation) huma.Operation {
	least := leastOf(op.OperationID)
	op.Extensions = map[string]any{"x-polso-role": string(least)}
	op.Security = []map[string][]string{}
	if least != anybody {
		op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	}
	return op
}

// securitySchemes are the two ways to say who asks.
func securitySchemes() map[string]*huma.SecurityScheme {
	return map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "An access token, as POST /v1/access makes them"},
		"session": {Type: "apiKey", In: "cookie", Name: SessionCookie, Description: "What POST /v1/session sets"},
	}
}

// guarded lets through to mux who may ask for what they ask for. Nothing under /v1 decides it elsewhere. What is neither an operation
// nor in beside needs somebody, whoever that is: nobody is told what there is. Nothing of a request's body is read before.
func guarded(mux *http.ServeMux, a huma.API) http.Handler {
	least := make(map[string]fsm.Role)
	for path, item := range a.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodDelete: item.Delete, http.MethodPut: item.Put, http.MethodPatch: item.Patch,
			http.MethodHead: item.Head, http.MethodOptions: item.Options, http.MethodTrace: item.Trace,
		} {
			if op != nil {
				least[method+" "+path] = leastOf(op.OperationID)
			}
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.Handler(r)
		needs, ok := least[pattern]
		if !ok {
			needs, ok = beside[pattern]
		}
		if !ok {
			needs = fsm.Viewer
		}
		if err := permit(r.Context(), needs); err != nil {
			writeProblem(w, err)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// Require lets through to next who may ask for what is served under that pattern; the others are refused as under /v1. It is for what is
// served beside it, and panics for a pattern of which roles.go says nothing.
func Require(pattern string, next http.Handler) http.Handler {
	least, ok := beside[pattern]
	if !ok {
		panic(fmt.Sprintf("api: %q says nowhere who may ask for it: see roles.go", pattern))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := permit(r.Context(), least); err != nil {
			writeProblem(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// May refuses who may not ask for the operation of that ID, as the operation itself would; nil: they may. It is for who would ask about
// something first. It panics for an operation that there is not.
func May(ctx context.Context, operation string) *Error { return permit(ctx, leastOf(operation)) }

// permit refuses a caller who has not the least role.
func permit(ctx context.Context, least fsm.Role) *Error {
	if least == anybody {
		return nil
	}
	c, ok := CallerOf(ctx)
	switch {
	case !ok:
		return nobody(ctx)
	case !c.Role.May(least):
		return Errorf(CodeDenied, "%s may not do this", c.name()).WithDetail("it needs the role %s; %s has the role %s", least, c.name(), c.Role).
			WithHint("%s", c.promotion(least))
	}
	return nil
}

// nobody is the refusal of who has not said who they are, or not rightly.
func nobody(ctx context.Context) *Error {
	if v, ok := visitOf(ctx); ok && v.refused != nil {
		return v.refused
	}
	return unauthorized("nobody has said who asks").WithHint("sign in at POST /v1/session, or send an access token: Authorization: Bearer POLSO-A-…")
}

// unauthorized is a refusal that saying who one is could mend.
func unauthorized(format string, args ...any) *Error {
	e := Errorf(CodeDenied, format, args...)
	e.Status = http.StatusUnauthorized
	return e
}

// promotion is how the caller could have another role.
func (c Caller) promotion(least fsm.Role) string {
	if c.Actor.Kind == fsm.ActorToken {
		return fmt.Sprintf("ask with another token: an admin makes one with polso token create --role %s", least)
	}
	return "an admin can do it, or give another role: polso user set-role"
}

// name is who asks, as people read it.
func (c Caller) name() string {
	switch c.Actor.Kind {
	case fsm.ActorUser:
		return "user " + c.Actor.Name
	case fsm.ActorToken:
		return "access token " + c.Actor.Name
	default:
		return c.Actor.Name
	}
}

// GetHeaders is what a refusal has beside its body, for the HTTP framework.
func (e *Error) GetHeaders() http.Header {
	h := make(http.Header)
	if e.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="polso"`)
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", fmt.Sprint(e.RetryAfter))
	}
	return h
}

// writeProblem answers with a refusal where the HTTP framework does not.
func writeProblem(w http.ResponseWriter, e *Error) {
	for name, values := range e.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemJSON)
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(e) // who asked has gone; there is nobody to tell
}
