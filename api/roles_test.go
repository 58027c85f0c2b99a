package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"polso/fsm"
)

// route is an operation of the description.
type route struct{ method, path, id string }

func routesOf(t testing.TB) []route {
	t.Helper()
	a := newHuma(http.NewServeMux(), "v1")
	(&server{}).routes(a)
	var list []route
	for path, item := range a.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{
			"GET": item.Get, "POST": item.Post, "DELETE": item.Delete, "PUT": item.Put, "PATCH": item.Patch, "HEAD": item.Head, "OPTIONS": item.Options, "TRACE": item.Trace,
		} {
			if op != nil {
				list = append(list, route{method, path, op.OperationID})
			}
		}
	}
	slices.SortFunc(list, func(a, b route) int { return strings.Compare(a.path+" "+a.method, b.path+" "+b.method) })
	return list
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// url is an address that the route answers.
func (r route) url() string { return placeholder.ReplaceAllString(r.path, "1") }

// besideOf are the routes that are no operations.
func besideOf() []route {
	var list []route
	for _, pattern := range slices.Sorted(maps.Keys(beside)) {
		method, path, _ := strings.Cut(pattern, " ")
		list = append(list, route{method, path, "-"})
	}
	return list
}

// served tells whether h has something at a route.
func served(h http.Handler, r route) bool {
	return r.id != "-" || requestAs(fsm.Admin, h, r.method, r.url(), "").code != http.StatusNotFound
}

// The whole of who may do what, written out in testdata/roles.golden: every operation of the description, and what is served beside
// them, asked by everybody. What is written is what happened: 401 and 403, or "in" for a request that came through to be understood or
// not. A route that is added without a thought of who may ask for it makes this fail; go test ./api -run TestRoleMatrix -update writes the file anew, for a person to read.
func TestRoleMatrix(t *testing.T) {
	var got strings.Builder
	fmt.Fprintf(&got, "%-7s %-36s %-20s %-8s %-8s %-8s %s\n", "METHOD", "PATH", "OPERATION", "NOBODY", "VIEWER", "OPERATOR", "ADMIN")
	for _, r := range slices.Concat(routesOf(t), besideOf()) {
		var cells []any
		for _, role := range []fsm.Role{"", fsm.Viewer, fsm.Operator, fsm.Admin} {
			b := formed(t)
			ada := &fsm.SetUser{User: "ada", Role: fsm.Admin, Hash: nobodysHash, New: true} // whom requestAs asks as
			if _, err := b.Propose(t.Context(), fsm.Actor{Kind: "local"}, fsm.NewRequest(), ada); err != nil {
				t.Fatal(err)
			}
			before, _ := b.fsm.Load(), b.notes()
			h := New(b, Version{})
			if !served(h, r) { // the agent does that, with Require
				h = Require(r.method+" "+r.path, http.NotFoundHandler())
			}
			code := requestAs(role, h, r.method, r.url(), `{"nonsense": tr`).code
			switch {
			case code == http.StatusUnauthorized || code == http.StatusForbidden:
				cells = append(cells, fmt.Sprint(code))
				if b.notes() != "" || b.fsm.Load() != before {
					t.Errorf("%s %s as %q: refused, and yet the backend was asked", r.method, r.path, role)
				}
			default:
				cells = append(cells, "in")
			}
		}
		fmt.Fprintf(&got, "%-7s %-36s %-20s %-8s %-8s %-8s %s\n", append([]any{r.method, r.path, r.id}, cells...)...)
	}
	const path = "testdata/roles.golden"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("who may do what (-file +code):\n%s", d)
	}
}

// The table has no operation that there is not: a name that was changed would leave a hole for the next one.
func TestLeastRoleHasNoOther(t *testing.T) {
	ids := make(map[string]bool)
	for _, r := range routesOf(t) {
		ids[r.id] = true
	}
	for id := range leastRole {
		if !ids[id] {
			t.Errorf("roles.go has %s, which is no operation", id)
		}
	}
}

// An operation that says nowhere who may ask for it cannot be built.
func TestOperationWithoutRole(t *testing.T) {
	for name, build := range map[string]func(huma.API){
		"by our words": func(a huma.API) {
			get(a, "secrets", "/v1/secrets", "All of them", func(context.Context, *none) (Done, error) { return Done{}, nil })
		},
		"past them": func(a huma.API) {
			huma.Register(a, huma.Operation{OperationID: "secrets", Method: "GET", Path: "/v1/secrets"}, func(context.Context, *none) (*out[Done], error) { return nil, nil })
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it was built", name)
				}
			}()
			mux := http.NewServeMux()
			a := newHuma(mux, "v1")
			build(a)
			guarded(mux, a)
		}()
	}
}

// What is around the routes: other methods, other ways to write a path, what is no operation.
func TestAroundTheRoutes(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		nobody       int
		viewer       int
	}{
		{"HEAD", "/v1/users", 401, 403},
		{"HEAD", "/v1/status", 401, 200},
		{"OPTIONS", "/v1/status", 401, 405},
		{"TRACE", "/v1/status", 401, 405},
		{"PROPFIND", "/v1/users", 401, 405},
		{"GET", "//v1/users", 401, 403},
		{"GET", "/v1//users", 401, 403},
		{"GET", "/v1/./users", 401, 403},
		{"GET", "/livez/../v1/users", 401, 403},
		{"GET", "/livez/..%2fv1/users", 401, 404},
		{"GET", "/v1/users/", 401, 404},
		{"GET", "/V1/users", 401, 404},
		{"POST", "/v1/session/", 401, 404},
		{"DELETE", "/v1/session", 401, 409},
		{"GET", "/nowhere", 401, 404},
		{"GET", "/openapi.yaml", 401, 200},
		{"GET", "/schemas/Error.json", 401, 200},
		{"GET", "/livez", 200, 200},
		{"GET", "/readyz", 200, 200},
		{"POST", "/livez", 401, 405},
	} {
		for role, want := range map[fsm.Role]int{"": tt.nobody, fsm.Viewer: tt.viewer} {
			b := formed(t)
			got := requestAs(role, New(b, Version{}), tt.method, tt.path, "")
			for got.code/100 == 3 { // what a client does
				got = requestAs(role, New(b, Version{}), tt.method, got.to, "")
			}
			if got.code != want {
				t.Errorf("%s %s as %q: %d, want %d", tt.method, tt.path, role, got.code, want)
			}
		}
	}
}

// unread is a body that must not be asked for.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("a body was read of somebody who may not send it")
	return 0, http.ErrBodyReadAfterClose
}

// A large or slow body costs nothing before it is known who sends it.
func TestBodyIsReadLast(t *testing.T) {
	for _, role := range []fsm.Role{"", fsm.Viewer} {
		for _, r := range routesOf(t) {
			if !leastRole[r.id].Valid() || role.May(leastRole[r.id]) || r.method == "GET" {
				continue
			}
			req := httptest.NewRequest(r.method, r.url(), unread{t})
			if role != "" {
				req = req.WithContext(WithCaller(req.Context(), Caller{Role: role}))
			}
			New(formed(t), Version{}).ServeHTTP(httptest.NewRecorder(), req)
		}
	}
	req := httptest.NewRequest("POST", "/v1/session", strings.NewReader(`{"user":"`+strings.Repeat("a", 5000)+`"}`))
	w := httptest.NewRecorder()
	New(formed(t), Version{}).ServeHTTP(w, req)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large sign-in: %d", w.Code)
	}
}

// Who would ask about an operation first is told what the operation would tell.
func TestMay(t *testing.T) {
	as := func(role fsm.Role) context.Context {
		return WithCaller(t.Context(), Caller{Actor: fsm.Actor{Kind: fsm.ActorUser, Name: "ada"}, Role: role})
	}
	for _, role := range []fsm.Role{fsm.Viewer, fsm.Operator, fsm.Admin} {
		want := requestAs(role, New(formed(t), Version{}), "POST", "/v1/cluster/leave", `{`).code == http.StatusForbidden
		if got := May(as(role), "leave"); (got != nil) != want {
			t.Errorf("leave as %s: %v", role, got)
		}
	}
	if got := May(t.Context(), "status"); got == nil || got.Status != http.StatusUnauthorized {
		t.Errorf("nobody: %v", got)
	}
}

// A refusal says what is needed and what one has, and shows nothing else.
func TestWhatARefusalSays(t *testing.T) {
	got := requestAs(fsm.Viewer, New(formed(t), Version{}), "POST", "/v1/document", `{}`).problem(t)
	if got.Title != "user ada may not do this" || got.Detail != "it needs the role operator; user ada has the role viewer" || got.Code != CodeDenied || got.Status != 403 {
		t.Errorf("got %+v", got)
	}
	for _, c := range []Caller{{}, {Role: "root"}, {Role: anybody}} {
		if err := permit(WithCaller(t.Context(), c), fsm.Viewer); err == nil {
			t.Errorf("%+v is let in", c)
		}
	}
}
