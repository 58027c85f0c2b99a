package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"polso/config"
)

// New returns the HTTP interface to b, for callers that a request's context names (WithCaller, ConnContext, Authenticate). version is what the OpenAPI description and /v1/version say of this build.
func New(b Backend, version Version) http.Handler {
	mux := http.NewServeMux()
	s := &server{Backend: b, version: version, hashes: make(hashing, 2), streams: make(streams, streamsOpen)}
	a := newHuma(mux, version.Version)
	s.routes(a)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("/", elsewhere(mux))
	return guarded(mux, a)
}

// OpenAPI is the description of the interface (OpenAPI 3.1, YAML).
func OpenAPI() ([]byte, error) {
	a := newHuma(http.NewServeMux(), "v1")
	(&server{}).routes(a)
	return a.OpenAPI().YAML()
}

func newHuma(mux *http.ServeMux, version string) huma.API {
	c := huma.DefaultConfig("Polso", version)
	c.DocsPath = "" // the built-in pages load scripts from elsewhere; a router has no elsewhere
	c.CreateHooks = nil
	c.RejectUnknownQueryParameters = true // a word that was meant to narrow a request and is misspelt must not widen it
	c.Components.SecuritySchemes = securitySchemes()
	c.Transformers = []huma.Transformer{inOurWords}
	return humago.New(mux, c)
}

type server struct {
	Backend
	version Version
	hashes  hashing
	streams streams
	texts   config.Memory // of documents that came in
}

// ready answers 200 on a router whose kernel follows the cluster's document.
func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	st := s.Local(Brief)
	if !st.Formed || !st.Converged || st.Leader == "" {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// in and out are what the HTTP framework fills and writes.
type (
	in[T any]  struct{ Body T }
	out[T any] struct{ Body T }
	none       struct{}
)

// get, post and del register one operation each.
func get[I, O any](a huma.API, id, path, summary string, h func(context.Context, *I) (O, error)) {
	register(a, http.MethodGet, id, path, summary, h)
}

func post[I, O any](a huma.API, id, path, summary string, h func(context.Context, *I) (O, error)) {
	register(a, http.MethodPost, id, path, summary, h)
}

func del[I, O any](a huma.API, id, path, summary string, h func(context.Context, *I) (O, error)) {
	register(a, http.MethodDelete, id, path, summary, h)
}

func register[I, O any](a huma.API, method, id, path, summary string, h func(context.Context, *I) (O, error)) {
	huma.Register(a, operation(a, method, id, path, summary), func(ctx context.Context, i *I) (*out[O], error) {
		o, err := h(ctx, i)
		if err != nil {
			return nil, wireError(err)
		}
		return &out[O]{Body: o}, nil
	})
}

func operation(a huma.API, method, id, path, summary string) huma.Operation {
	return secured(huma.Operation{
		OperationID: id, Method: method, Path: path, Summary: summary, MaxBodyBytes: 20 << 20,
		Responses: map[string]*huma.Response{"default": refusalResponse(a)},
	})
}

func (s *server) routes(a huma.API) {
	get(a, "status", "/v1/status", "The cluster as the leader sees it, or this router alone", s.getStatus)
	get(a, "version", "/v1/version", "What runs", func(context.Context, *none) (Version, error) { return s.version, nil })
	get(a, "upgrade", "/v1/upgrade", "Which version and command level each member has, and which is next", s.upgrade)
	get(a, "ipvs", "/v1/ipvs", "A router's kernel table", func(ctx context.Context, i *IPVSRequest) (IPVS, error) { return s.IPVS(ctx, *i) })
	get(a, "doctor", "/v1/doctor", "What a router lacks", func(ctx context.Context, i *struct {
		On string `query:"on" maxLength:"128" doc:"the member that looks at itself; default: the one that is asked"`
	}) (Findings, error) {
		return s.Doctor(ctx, i.On)
	})
	post(a, "announce", "/v1/announce", "Announce held addresses again", func(ctx context.Context, i *in[AnnounceRequest]) (Done, error) {
		return s.Announce(ctx, i.Body)
	})

	post(a, "init", "/v1/cluster/init", "Make a new cluster", func(ctx context.Context, i *in[InitRequest]) (InitAnswer, error) {
		return s.Init(ctx, actorOf(ctx), i.Body)
	})
	post(a, "join", "/v1/cluster/join", "Join a cluster", func(ctx context.Context, i *in[JoinRequest]) (JoinAnswer, error) {
		return s.Join(ctx, i.Body)
	})
	post(a, "leave", "/v1/cluster/leave", "Leave the cluster", func(ctx context.Context, i *in[LeaveRequest]) (Done, error) {
		return s.Leave(ctx, actorOf(ctx), i.Body)
	})
	post(a, "rejoin", "/v1/cluster/rejoin", "Put this router's data aside and join again under its old name", func(ctx context.Context, i *in[RejoinRequest]) (JoinAnswer, error) {
		return s.Rejoin(ctx, i.Body)
	})
	post(a, "recover", "/v1/cluster/recover", "Go on alone, as a new generation, when a majority is lost for ever", func(ctx context.Context, i *in[RecoverRequest]) (Recovered, error) {
		return s.Recover(ctx, actorOf(ctx), i.Body)
	})
	del(a, "remove-router", "/v1/cluster/routers/{name}", "Remove a router", func(ctx context.Context, i *named) (Done, error) {
		return s.Remove(ctx, actorOf(ctx), i.Name)
	})
	post(a, "drain-router", "/v1/cluster/routers/{name}/drain", "Keep a router from directing", func(ctx context.Context, i *struct {
		Name string `path:"name" maxLength:"128"`
		Body DrainRequest
	}) (Done, error) {
		return s.drainRouter(ctx, i.Name, i.Body)
	})
	del(a, "undrain-router", "/v1/cluster/routers/{name}/drain", "Let a router direct again", s.undrainRouter)
	post(a, "transfer", "/v1/transfer", "Planned switchover", func(ctx context.Context, i *in[TransferRequest]) (Transferred, error) {
		return s.transfer(ctx, i.Body)
	})
	get(a, "certificates", "/v1/certificates", "This router's certificate and its CA's", func(ctx context.Context, _ *none) (Certificates, error) { return s.Certificates(ctx) })
	post(a, "rotate-certificates", "/v1/certificates/rotate", "Make new certificates", func(ctx context.Context, i *in[RotateRequest]) (Done, error) {
		return s.RotateCertificates(ctx, actorOf(ctx), i.Body)
	})
	get(a, "profile", "/v1/profile", "The cluster's timing", func(ctx context.Context, _ *none) (Profile, error) { return s.Profile(ctx) })
	post(a, "set-profile", "/v1/profile", "Change the cluster's timing", func(ctx context.Context, i *in[ProfileRequest]) (Done, error) {
		return s.SetProfile(ctx, actorOf(ctx), i.Body)
	})
	get(a, "list-tokens", "/v1/tokens", "Join tokens", s.listTokens)
	post(a, "create-token", "/v1/tokens", "Make a join token", func(ctx context.Context, i *in[TokenRequest]) (Token, error) {
		return s.CreateToken(ctx, actorOf(ctx), i.Body)
	})
	del(a, "revoke-token", "/v1/tokens/{name}", "Revoke a join token", s.revokeToken)

	s.taggedRoutes(a)
	s.editRoutes(a)
	post(a, "plan", "/v1/document/plan", "What a document would change", func(ctx context.Context, i *in[PlanRequest]) (Plan, error) {
		return s.plan(ctx, i.Body)
	})
	post(a, "confirm", "/v1/confirm", "Have the revision that waits to be confirmed stay", func(ctx context.Context, i *in[ConfirmRequest]) (Done, error) {
		return s.confirm(ctx, i.Body)
	})
	get(a, "history", "/v1/revisions", "The history, newest first", s.history)
	get(a, "revision", "/v1/revisions/{number}", "One document of the history", s.revision)
	get(a, "compare", "/v1/revisions/{number}/changes", "What tells one revision from another", s.compare)
	get(a, "audit", "/v1/audit", "Every change and every change of the lead, oldest first", s.audit)
	s.convertRoutes(a)
	s.eventRoutes(a)
	s.virtualRoutes(a)
	s.historyRoutes(a)
	s.snapshotRoutes(a)
	s.connectionRoutes(a)
	s.statsRoutes(a)
	s.debugRoutes(a)
	s.overrideRoutes(a)
	s.checkRoutes(a)
	s.noticeRoutes(a)
	s.sessionRoutes(a)
	s.userRoutes(a)
	s.accessRoutes(a)
}

type named struct {
	Name string `path:"name" maxLength:"128"`
}

func (s *server) getStatus(ctx context.Context, i *struct {
	Local bool   `query:"local" doc:"this router alone; needs no leader"`
	On    string `query:"on" maxLength:"128" doc:"that member alone, as it sees itself; its kernel settings too"`
	Brief bool   `query:"brief" doc:"without virtuals and their servers, of which there may be thousands"`
}) (Status, error) {
	detail := Whole
	if i.Brief {
		detail = Brief
	}
	switch {
	case i.On != "":
		return s.LocalOf(ctx, i.On, detail)
	case i.Local:
		return s.Local(detail), nil
	default:
		return s.Status(ctx, detail)
	}
}
