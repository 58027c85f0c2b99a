package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"

	"polso/fsm"
)

const webHCL = `virtual "web" {
  address = "192.0.2.10"
  port    = 80
  forward = "dr"
  server "a" {
    address = "10.0.0.1"
  }
}
`

func request(h http.Handler, method, path, body string) rawAnswer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return rawAnswer{w.Code, w.Header().Get("Content-Type"), w.Body.String()}
}

// Every method of the client reaches the method of the backend that it is named after, with what it was given.
func TestRoutes(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	files := []File{{Name: "edge.hcl", Text: webHCL}}
	for _, test := range []struct {
		name string
		call func() (any, error)
		note string // what the backend was asked; USER stands for who runs the test
		want string // of the answer, as it prints
	}{
		{"status", func() (any, error) { s, err := c.Status(ctx); return s.Node, err }, "status", "r1"},
		{"local", func() (any, error) { s, err := c.Local(ctx); return s.Node, err }, "local", "r1"},
		{"version", func() (any, error) { v, err := c.Version(ctx); return v.Version, err }, "", "1.2.3"},
		{"ipvs", func() (any, error) { v, err := c.IPVS(ctx, "rate"); return v.Text, err }, "ipvs rate", "layout rate"},
		{"connections", func() (any, error) {
			v, err := c.Connections(ctx, ConnectionsRequest{On: "r 2", Virtual: "web", Server: "a", Client: "198.51.100.0/24", State: "established", Limit: 7, Count: true, Engine: true})
			return v.Total, err
		}, "connections {On:r 2 Virtual:web Server:a Client:198.51.100.0/24 State:established Limit:7 Count:true Engine:true}", "7"},
		{"connections, all", func() (any, error) { v, err := c.Connections(ctx, ConnectionsRequest{}); return v.Total, err },
			"connections {On: Virtual: Server: Client: State: Limit:100 Count:false Engine:false}", "100"},
		{"stats", func() (any, error) {
			v, err := c.Stats(ctx, StatsRequest{On: "r2", Virtual: "web"})
			return v.Node, err
		}, "stats r2 web", "r2"},
		{"stats by processor", func() (any, error) { v, err := c.CPUStats(ctx, "r2"); return v.Node, err }, "cpu stats r2", "r2"},
		{"doctor", func() (any, error) { v, err := c.Doctor(ctx); return v.Findings, err }, "doctor", "[{clock ok  }]"},
		{"announce", func() (any, error) {
			return result(c.Announce(ctx, AnnounceRequest{Addresses: []string{"192.0.2.10"}}))
		}, "announce 192.0.2.10", "[192.0.2.10]"},
		{"init", func() (any, error) {
			a, err := c.Init(ctx, InitRequest{Cluster: "edge", Advertise: []string{"10.9.0.11"}, Profile: "fast"})
			return a.Token, err
		}, "init USER edge fast", "POLSO-1-A-B"},
		{"join", func() (any, error) {
			a, err := c.Join(ctx, JoinRequest{Addresses: []string{"10.9.0.11"}, Token: "T", Advertise: []string{"10.9.0.12"}, Replace: "r3"})
			return a.Learner, err
		}, "join 10.9.0.11 T r3", "true"},
		{"leave", func() (any, error) { return result(c.Leave(ctx, LeaveRequest{})) }, "leave USER", "[left]"},
		{"rejoin", func() (any, error) {
			a, err := c.Rejoin(ctx, RejoinRequest{Addresses: []string{"10.9.0.11"}, Token: "T", Name: "r3"})
			return a.Aside, err
		}, "rejoin 10.9.0.11 T r3", "/d/aside-1"},
		{"recover", func() (any, error) {
			a, err := c.Recover(ctx, RecoverRequest{Cluster: "edge"})
			return a.GivenUp, err
		}, "recover USER edge", "[r2]"},
		{"remove, a name that needs quoting", func() (any, error) { return result(c.Remove(ctx, "r 3")) }, "remove USER r 3", "[removed]"},
		{"drain", func() (any, error) { return result(c.DrainRouter(ctx, "r1", DrainRequest{Reason: "why"})) }, "propose local/USER set_override",
			"[Router r1 is drained. Undo: polso undrain router r1]"},
		{"undrain", func() (any, error) { return result(c.UndrainRouter(ctx, "r1")) }, "propose local/USER clear_override", "[Router r1 may direct again.]"},
		{"certificates", func() (any, error) { p, err := c.Certificates(ctx); return p.Node, err }, "certificates", "r1"},
		{"rotate", func() (any, error) { return result(c.RotateCertificates(ctx, RotateRequest{All: true})) }, "rotate USER true false", "[rotated]"},
		{"profile", func() (any, error) { p, err := c.Profile(ctx); return p.Profile, err }, "profile", "lan"},
		{"set profile", func() (any, error) { return result(c.SetProfile(ctx, ProfileRequest{Profile: "wan"})) }, "set profile USER wan", "[changes]"},
		{"transfer", func() (any, error) { a, err := c.Transfer(ctx, TransferRequest{To: "r2"}); return a.To, err }, "transfer r2\npropose local/USER switched", "r2"},
		{"create token", func() (any, error) { a, err := c.CreateToken(ctx, TokenRequest{Kind: "router"}); return a.Text, err }, "token router", "POLSO-1-A-B"},
		{"tokens", func() (any, error) { return c.Tokens(ctx) }, "", "[]"},
		{"plan", func() (any, error) { p, err := c.Plan(ctx, PlanRequest{Files: files}); return p.Summary, err }, "", "Plan: 2 to add, 0 to change, 0 to remove."},
		{"apply", func() (any, error) {
			a, err := c.Apply(ctx, ApplyRequest{Files: files, Message: "first"})
			return []any{a.Before, a.Revision, a.Unchanged}, err
		}, "propose local/USER set_document", "[1 2 false]"},
		{"apply again", func() (any, error) {
			a, err := c.Apply(ctx, ApplyRequest{Files: files})
			return []any{a.Before, a.Revision, a.Unchanged}, err
		}, "propose local/USER set_document", "[2 2 true]"},
		{"document", func() (any, error) {
			d, err := c.Document(ctx)
			return []any{d.Number, d.Current, d.Source == webHCL}, err
		}, "", "[2 true true]"},
		{"revision", func() (any, error) { d, err := c.Revision(ctx, 1); return []any{d.Number, d.Current, d.Message}, err }, "", "[1 false polso init]"},
		{"history", func() (any, error) {
			h, err := c.History(ctx, 20)
			return []any{len(h), h[0].Summary, h[0].Message}, err
		}, "", "[2 Plan: 2 to add, 0 to change, 0 to remove. first]"},
		{"history, one", func() (any, error) { h, err := c.History(ctx, 1); return len(h), err }, "", "1"},
		{"history with changes", func() (any, error) { h, err := c.HistoryOfChanges(ctx, 1); return h[0].Changes, err }, "",
			"+ virtual \"web\"   192.0.2.10:80/tcp scheduler wlc forward dr\n+ server \"web/a\"  10.0.0.1 weight 1\n"},
		{"compare", func() (any, error) {
			d, err := c.Compare(ctx, 1, 0)
			return []any{d.From, d.To, len(d.Changes), d.Text[strings.Index(d.Text, "Revision"):]}, err
		}, "", "[1 2 2 Revision 1 to 2: 2 to add, 0 to change, 0 to remove.\n]"},
		{"compare backwards", func() (any, error) { d, err := c.Compare(ctx, 2, 1); return d.Summary, err }, "", "Plan: 0 to add, 0 to change, 2 to remove."},
		{"audit", func() (any, error) {
			list, err := c.Audit(ctx, AuditRequest{Count: 1, Since: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), After: 1})
			return []any{len(list), list[0].Action, list[0].By == whoami(t), list[0].Kind}, err
		}, "", "[1 set_document true local]"},
		{"rollback to the one before, only shown", func() (any, error) {
			a, err := c.Rollback(ctx, RollbackRequest{DryRun: true})
			return []any{a.Revision, a.Plan.Summary}, err
		}, "", "[2 Plan: 0 to add, 0 to change, 2 to remove.]"},
		{"rollback", func() (any, error) {
			a, err := c.Rollback(ctx, RollbackRequest{Revision: 1})
			return []any{a.Before, a.Revision}, err
		}, "propose local/USER set_document", "[2 3]"},
		{"apply, to be confirmed", func() (any, error) {
			a, err := c.Apply(ctx, ApplyRequest{Files: files, ConfirmSeconds: 300})
			return []any{a.Revision, a.Confirm.Revision, a.Confirm.BackTo, a.Confirm.By == whoami(t)}, err
		}, "propose local/USER set_document", "[4 4 3 true]"},
		{"confirm", func() (any, error) { return result(c.Confirm(ctx, ConfirmRequest{Revision: 4})) }, "propose local/USER confirm", "[Revision 4 is confirmed: it stays.]"},
		{"rollback, to be confirmed", func() (any, error) {
			a, err := c.Rollback(ctx, RollbackRequest{Revision: 1, ConfirmSeconds: 10})
			return []any{a.Revision, a.Confirm.Revision, a.Confirm.BackTo}, err
		}, "propose local/USER set_document", "[5 5 4]"},
		{"confirm whatever waits", func() (any, error) { return result(c.Confirm(ctx, ConfirmRequest{})) }, "propose local/USER confirm", "[Revision 5 is confirmed: it stays.]"},
		{"what a rollback says of itself", func() (any, error) { d, err := c.Document(ctx); return d.Message, err }, "", "rollback to revision 1"},
	} {
		b.notes()
		got, err := test.call()
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if fmt.Sprint(got) != test.want {
			t.Errorf("%s: got %v, want %s", test.name, got, test.want)
		}
		want := strings.ReplaceAll(test.note, "USER", whoami(t))
		if note := b.notes(); note != want {
			t.Errorf("%s: the backend was asked %q, want %q", test.name, note, want)
		}
	}
}

func result(d Done, err error) (any, error) { return d.Done, err }

// What is refused before the backend hears of it: each answer is a problem document with a code and every mistake.
func TestRefusedRequests(t *testing.T) {
	for _, test := range []struct {
		name, method, path, body string
		code                     int
		want                     string // code, title, then problems
	}{
		{"unknown field", "POST", "/v1/cluster/init", `{"advertise":["10.0.0.1"],"profil":"fast"}`, 422,
			"invalid; the request is not understood; profil: unexpected property"},
		{"nothing to advertise", "POST", "/v1/cluster/init", `{"advertise":[]}`, 422,
			"invalid; the request is not understood; advertise: expected array length >= 1"},
		{"missing field", "POST", "/v1/cluster/join", `{"addresses":["10.0.0.1"],"advertise":["10.0.0.2"]}`, 422,
			"invalid; the request is not understood; request: expected required property token to be present"},
		{"two mistakes", "POST", "/v1/document", `{"files":[{"name":1,"text":"x"}],"base_revision":-1}`, 422,
			"invalid; the request is not understood; base_revision: expected number >= 0; files[0].name: expected string"},
		{"no JSON", "POST", "/v1/document", `files=1`, 400,
			"invalid; the request is not understood; request: invalid character 'i' in literal false (expecting 'a')"},
		{"no body", "POST", "/v1/document", ``, 400, "invalid; the request is not understood"},
		{"unknown layout", "GET", "/v1/ipvs?layout=nice", ``, 422,
			`invalid; the request is not understood; query.layout: expected value to be one of "list, stats, rate, save"`},
		{"revision that is no number", "GET", "/v1/revisions/first", ``, 422, "invalid; the request is not understood; path.number: invalid integer"},
		{"too many revisions", "GET", "/v1/revisions?n=100000", ``, 422, "invalid; the request is not understood; query.n: expected number <= 1000"},
		{"revision that is not there", "GET", "/v1/revisions/9", ``, 404, "not_found; revision 9 is not in the history"},
		{"compare with what is not there", "GET", "/v1/revisions/1/changes?to=9", ``, 404, "not_found; revision 9 is not in the history"},
		{"too much of the audit", "GET", "/v1/audit?n=1001", ``, 422, "invalid; the request is not understood; query.n: expected number <= 1000"},
		{"audit since when", "GET", "/v1/audit?since=yesterday", ``, 422, "invalid; the request is not understood; query.since: invalid date/time for format 2006-01-02T15:04:05.999999999Z07:00"},
		{"to be confirmed too soon", "POST", "/v1/document", `{"files":[{"name":"e.hcl","text":"cluster {}"}],"confirm_seconds":9}`, 422,
			"invalid; a change can wait from 10s to 24h0m0s to be confirmed, not 9 s; nothing was changed"},
		{"to be confirmed too late", "POST", "/v1/rollback", `{"revision":1,"confirm_seconds":86401}`, 422,
			"invalid; a change can wait from 10s to 24h0m0s to be confirmed, not 86401 s; nothing was changed"},
		{"to be confirmed before", "POST", "/v1/document", `{"files":[{"name":"e.hcl","text":"cluster {}"}],"confirm_seconds":-1}`, 422,
			"invalid; the request is not understood; confirm_seconds: expected number >= 0"},
		{"nothing to confirm", "POST", "/v1/confirm", `{}`, 404, "not_found; no revision waits to be confirmed"},
		{"rollback to nothing", "POST", "/v1/rollback", `{"revision":9}`, 404, "not_found; revision 9 is not in the history"},
		{"drain a router that is not there", "POST", "/v1/cluster/routers/r9/drain", `{}`, 404, `not_found; no router is called "r9"`},
		{"drain with two ends", "POST", "/v1/cluster/routers/r1/drain", `{"for_seconds":60,"until":"2100-01-01T00:00:00Z"}`, 422,
			"invalid; a drain ends after a time or at one, not both"},
		{"drain until the past", "POST", "/v1/cluster/routers/r1/drain", `{"until":"2020-01-01T00:00:00Z"}`, 422, "invalid; a drain cannot end at 2020-01-01T00:00:00Z"},
		{"drain for less than nothing", "POST", "/v1/cluster/routers/r1/drain", `{"for_seconds":-1}`, 422,
			"invalid; the request is not understood; for_seconds: expected number >= 0"},
		{"undrain what is not drained", "DELETE", "/v1/cluster/routers/r1/drain", ``, 404, "not_found; router r1 is not drained"},
		{"token that is not there", "DELETE", "/v1/tokens/zz", ``, 404, "not_found; there is no token zz"},
		{"no such path", "GET", "/v2/status", ``, 404, "not_found; GET /v2/status is not served here"},
		{"conflict", "POST", "/v1/document", `{"files":[{"name":"e.hcl","text":"cluster {}"}],"base_revision":7}`, 409,
			"conflict; the document changed: revision 1 runs now, this change is based on 7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := formed(t)
			got := request(New(b, Version{}), test.method, test.path, test.body)
			e := got.problem(t)
			said := strings.Join(append([]string{string(e.Code), e.Title}, e.Problems...), "; ")
			if got.code != test.code || e.Status != test.code || said != test.want {
				t.Errorf("got %d (%d) %s\nwant %d %s", got.code, e.Status, said, test.code, test.want)
			}
			if got.kind != "application/problem+json" {
				t.Errorf("content type %q", got.kind)
			}
			if b.fsm.Load().Revision != 1 {
				t.Errorf("revision %d: something was changed", b.fsm.Load().Revision)
			}
		})
	}
}

// A document with mistakes is refused with all of them, each with its place, and nothing is proposed.
func TestDocumentWithMistakes(t *testing.T) {
	bad := "virtual \"web\" {\n  address = \"192.0.2.10\"\n  schedular = \"wlc\"\n  port = 99999\n  server \"a\" {\n    address = \"10.0.0.1\"\n    weight = \"heavy\"\n  }\n}\n"
	later := "virtual \"web\" {\n  address = \"192.0.2.10\"\n  port = 80\n  sorry_server = \"10.0.0.9\"\n  server \"a\" {\n    address = \"10.0.0.1\"\n  }\n}\n"
	for _, test := range []struct {
		name, text, title string
		problems          []string // a part of each
	}{
		{"mistakes", bad, "the document has 3 mistakes; nothing was changed", []string{"edge.hcl:3", "edge.hcl:4", "edge.hcl:7"}},
		{"not yet", later, "the document has a mistake; nothing was changed", []string{"not supported yet"}},
	} {
		b := formed(t)
		c := serve(t, b)
		b.notes()
		files := []File{{Name: "edge.hcl", Text: test.text}}
		_, errPlan := c.Plan(t.Context(), PlanRequest{Files: files})
		_, errApply := c.Apply(t.Context(), ApplyRequest{Files: files})
		for what, err := range map[string]error{"plan": errPlan, "apply": errApply} {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != CodeInvalid || e.Title != test.title || len(e.Problems) != len(test.problems) {
				t.Errorf("%s, %s: got %#v", test.name, what, err)
				continue
			}
			for i, part := range test.problems {
				if !strings.Contains(e.Problems[i], part) {
					t.Errorf("%s, %s: problem %d is\n%s\nwant %q in it", test.name, what, i, e.Problems[i], part)
				}
			}
		}
		if note := b.notes(); note != "" {
			t.Errorf("%s: the backend was asked: %s", test.name, note)
		}
	}
}

// Before a cluster is formed, and while a router that restarted knows nothing of it yet, what needs the state says so.
func TestStateIsNotThere(t *testing.T) {
	for _, test := range []struct {
		formed bool
		status int
		code   Code
	}{{false, 409, CodeNotFormed}, {true, 503, CodeNoLeader}} {
		b := newBackend(t)
		b.status.Formed = test.formed
		h := New(b, Version{})
		for _, r := range [][3]string{
			{"GET", "/v1/document"}, {"GET", "/v1/revisions"}, {"GET", "/v1/revisions/1"}, {"GET", "/v1/revisions/1/changes"}, {"GET", "/v1/audit"}, {"POST", "/v1/confirm", "{}"}, {"GET", "/v1/tokens"}, {"DELETE", "/v1/tokens/x"},
			{"POST", "/v1/rollback", "{}"}, {"POST", "/v1/document", `{"files":[{"name":"e.hcl","text":""}]}`},
			{"POST", "/v1/document/plan", `{"files":[{"name":"e.hcl","text":""}]}`},
			{"POST", "/v1/cluster/routers/r1/drain", "{}"}, {"DELETE", "/v1/cluster/routers/r1/drain"},
		} {
			got := request(h, r[0], r[1], r[2])
			if e := got.problem(t); got.code != test.status || e.Code != test.code || e.Hint == "" {
				t.Errorf("formed %v, %v: got %d %+v", test.formed, r, got.code, e)
			}
		}
	}
}

// The backend's errors arrive whole; what is none of the API's own is told as internal, with its cause, and a time that
// ran out as that.
func TestBackendErrorsOnTheWire(t *testing.T) {
	whole := Errorf(CodeRefused, "no other router could take over").WithDetail("r2 is behind").WithHint("polso members")
	whole.Problems = []string{"one", "two"}
	internal := Errorf(CodeInternal, "something went wrong on this router").WithDetail("ipvs: operation not permitted").
		WithHint("the agent's log says more; polso doctor looks for what this router lacks")
	late := Errorf(CodeTimeout, "it took too long; it may still be done").WithHint("polso status")
	for _, test := range []struct {
		name string
		err  error
		want *Error
	}{
		{"ours", whole, whole},
		{"ours, wrapped", fmt.Errorf("transfer: %w", whole), whole},
		{"any other", errors.New("ipvs: operation not permitted"), internal},
		{"out of time", fmt.Errorf("asking: %w", context.DeadlineExceeded), late},
	} {
		b := formed(t)
		c := serve(t, b)
		b.fail = test.err
		_, err := c.Transfer(t.Context(), TransferRequest{})
		got, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%s: got %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// Every code has an HTTP status of an error.
func TestCodesHaveAStatus(t *testing.T) {
	for _, c := range []Code{CodeInvalid, CodeUnsupported, CodeNoLeader, CodeConflict, CodeNotFound, CodeExists, CodeNotFormed, CodeDenied, CodeTimeout, CodeUnknown, CodeUnreachable, CodeInternal, CodeRefused} {
		if e := Errorf(c, "x"); e.Status < 400 || e.Status > 599 {
			t.Errorf("%s: status %d", c, e.Status)
		}
	}
}

func TestReadiness(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(*Status)
		want int
	}{
		{"ready", func(*Status) {}, 200},
		{"in no cluster", func(s *Status) { s.Formed = false }, 503},
		{"kernel behind", func(s *Status) { s.Converged = false }, 503},
		{"no leader", func(s *Status) { s.Leader = "" }, 503},
	} {
		b := newBackend(t)
		test.edit(&b.status)
		h := New(b, Version{})
		if got := request(h, "GET", "/readyz", "").code; got != test.want {
			t.Errorf("%s: readyz %d, want %d", test.name, got, test.want)
		}
		if got := request(h, "GET", "/livez", "").code; got != 200 {
			t.Errorf("%s: livez %d, want 200", test.name, got)
		}
	}
}

// A document in several files is kept as one text that says which part came from where.
func TestSourceOfSeveralFiles(t *testing.T) {
	b := formed(t)
	c := serve(t, b)
	files := []File{{"a.hcl", "cluster {\n  standby = \"warm\"\n}"}, {"b.hcl", webHCL}}
	if _, err := c.Apply(t.Context(), ApplyRequest{Files: files}); err != nil {
		t.Fatal(err)
	}
	d, err := c.Document(t.Context())
	if want := "# a.hcl\ncluster {\n  standby = \"warm\"\n}\n# b.hcl\n" + webHCL; err != nil || d.Source != want {
		t.Errorf("got %q, %v\nwant %q", d.Source, err, want)
	}
	if _, err := c.Apply(t.Context(), ApplyRequest{Files: []File{{"again.hcl", d.Source}}}); err != nil {
		t.Errorf("the kept text does not apply again: %v", err)
	}
	if b.fsm.Load().Revision != 2 {
		t.Errorf("revision %d, want 2: the kept text is the same document", b.fsm.Load().Revision)
	}
}

// A request that is repeated with its ID is answered, not done again; another one with the same ID is refused.
func TestRequestID(t *testing.T) {
	b := formed(t)
	c := serve(t, b)
	apply := func(port, id string) (Applied, error) {
		return c.Apply(t.Context(), ApplyRequest{Files: []File{{"e.hcl", strings.Replace(webHCL, "80", port, 1)}}, RequestID: id})
	}
	for _, test := range []struct {
		port, id string
		want     uint64 // 0: a conflict
		runs     uint64
	}{{"80", "once", 2, 2}, {"80", "once", 2, 2}, {"81", "once", 0, 2}, {"81", "twice", 3, 3}, {"80", "once", 2, 3}} {
		got, err := apply(test.port, test.id)
		if test.want == 0 && CodeOf(err) != CodeConflict || test.want != 0 && err != nil || got.Revision != test.want || b.fsm.Load().Revision != test.runs {
			t.Errorf("port %s as %q: revision %d, running %d (%v); want %d, %d", test.port, test.id, got.Revision, b.fsm.Load().Revision, err, test.want, test.runs)
		}
	}
	back := func(r RollbackRequest) (Applied, error) {
		r.RequestID = "back"
		return c.Rollback(t.Context(), r)
	}
	if _, err := back(RollbackRequest{}); CodeOf(err) != CodeInvalid {
		t.Errorf("back to whatever was before: %v, want it refused", err)
	}
	for range 2 {
		if got, err := back(RollbackRequest{Base: 3}); err != nil || got.Revision != 4 || b.fsm.Load().Revision != 4 {
			t.Errorf("back from 3: %+v, %v; want revision 4 both times", got, err)
		}
	}
}

// A rollback does what was shown or nothing: a document that came in between is a conflict, and "the one before" is that of
// the revision that was seen.
func TestRollbackToWhatWasShown(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	apply := func(port string) {
		t.Helper()
		if _, err := c.Apply(ctx, ApplyRequest{Files: []File{{"e.hcl", strings.Replace(webHCL, "80", port, 1)}}}); err != nil {
			t.Fatal(err)
		}
	}
	apply("80")
	apply("81")
	shown, err := c.Rollback(ctx, RollbackRequest{DryRun: true})
	if err != nil || shown.Rollback != 2 || shown.Plan.Base != 3 {
		t.Fatalf("shown: back to %d from %d, %v; want to 2 from 3", shown.Rollback, shown.Plan.Base, err)
	}
	apply("82")
	for what, r := range map[string]RollbackRequest{
		"as shown":                       {Revision: shown.Rollback, Base: shown.Plan.Base},
		"to the one before what was":     {Base: shown.Plan.Base},
		"the same, only to be shown":     {Base: shown.Plan.Base, DryRun: true},
		"on a revision that is yet none": {Revision: 2, Base: 9},
	} {
		if _, err := c.Rollback(ctx, r); CodeOf(err) != CodeConflict || b.fsm.Load().Revision != 4 {
			t.Errorf("%s: %v, running %d; want a conflict and revision 4", what, err, b.fsm.Load().Revision)
		}
	}
	done, err := c.Rollback(ctx, RollbackRequest{Base: 4})
	if err != nil || done.Rollback != 3 || done.Revision != 5 || b.fsm.Load().Document.Virtuals[0].Ports[0] != 81 {
		t.Errorf("the one before 4: %+v, %v; want the document of 3", done, err)
	}
	if done, err = c.Rollback(ctx, RollbackRequest{Revision: 2}); err != nil || done.Rollback != 2 || done.Before != 5 {
		t.Errorf("without a base: %+v, %v; want it done", done, err)
	}
}

// Only tokens that still admit somebody are listed.
func TestTokenList(t *testing.T) {
	b := formed(t)
	at := time.Now()
	entry := 0
	for _, c := range []fsm.Command{
		&fsm.AddToken{Token: fsm.Token{ID: "good", Hash: strings.Repeat("a", 64), Kind: fsm.Router, Uses: 1, Expires: at.Add(time.Hour)}},
		&fsm.AddToken{Token: fsm.Token{ID: "ended", Hash: strings.Repeat("b", 64), Kind: fsm.Router, Uses: 1, Expires: at.Add(-time.Hour)}},
		&fsm.AddToken{Token: fsm.Token{ID: "used", Hash: strings.Repeat("c", 64), Kind: fsm.Router, Uses: 1, Expires: at.Add(time.Hour)}},
		&fsm.AddNode{Node: fsm.Node{ID: "n2", Name: "r2", Kind: fsm.Router, Addresses: []string{"10.9.0.12:5390"}}, Token: "used"},
	} {
		entry++
		data, err := fsm.Encode(fsm.Envelope{Request: fmt.Sprint(entry), At: at.Add(-2 * time.Hour), Command: c})
		if err != nil {
			t.Fatal(err)
		}
		b.index++
		res, err := fsm.DecodeResult(b.fsm.Apply(&raft.Log{Index: b.index, Term: 1, Data: data}).([]byte))
		if err = errors.Join(err, res.Err()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := serve(t, b).Tokens(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != "good" {
		t.Errorf("listed %+v, %v; want the good one alone", list, err)
	}
}

// A drain may leave nobody who is not drained: whoever does it is told.
func TestDrainOfTheLastRouter(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	d, err := c.DrainRouter(ctx, "r1", DrainRequest{For: 60})
	if err != nil || strings.Join(d.Warnings, "; ") != "it is the only router, so it goes on directing" {
		t.Errorf("the only one: %+v, %v", d, err)
	}
	o, _ := b.fsm.Load().Override("router/r1")
	if left := time.Until(o.Until); left < 59*time.Second || left > 61*time.Second || o.Until.Nanosecond() != 0 {
		t.Errorf("it ends in %v, want a minute and whole seconds", left)
	}
	for _, n := range []fsm.Node{{Name: "r2", Kind: fsm.Router}, {Name: "w", Kind: fsm.Witness}} {
		snap := *b.fsm.Load()
		snap.Nodes = append(append([]fsm.Node(nil), snap.Nodes...), n)
		want := map[string]int{"r2": 0, "w": 1}[n.Name]
		if got := nobodyLeft(&snap); len(got) != want {
			t.Errorf("with %s beside: %q, want %d warnings", n.Name, got, want)
		}
		snap.Overrides = append(append([]fsm.Override(nil), snap.Overrides...), fsm.Override{Target: "router/r2", Kind: fsm.Drain})
		if got := nobodyLeft(&snap); len(got) != 1 {
			t.Errorf("all drained, with %s: %q, want a warning", n.Name, got)
		}
	}
}

// A conflict says who changed what since the revision that the loser began at.
func TestConflictNamesTheChange(t *testing.T) {
	c, ctx := serve(t, formed(t)), t.Context()
	apply := func(text, message string, base uint64) error {
		_, err := c.Apply(ctx, ApplyRequest{Files: []File{{Name: "edge.hcl", Text: text}}, Message: message, Base: base})
		return err
	}
	if err := apply(webHCL, "the shop", 1); err != nil {
		t.Fatal(err)
	}
	if err := apply(strings.Replace(webHCL, `"dr"`, `"tun"`, 1), "tunnels", 2); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"revision 3, 2026-11-22T10:00:03Z, by " + whoami(t) + ": tunnels",
		`~ virtual "web"   forward  dr -> tun  (in place, existing connections stay)`,
		`~ server "web/a"  forward  dr -> tun  (in place, existing connections stay)`,
	}
	for name, err := range map[string]error{
		"apply": apply(webHCL, "", 2),
		"rollback": func() error {
			_, err := c.Rollback(ctx, RollbackRequest{Revision: 1, Base: 2, DryRun: true})
			return err
		}(),
	} {
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != CodeConflict {
			t.Errorf("%s: got %v, want a conflict", name, err)
			continue
		}
		if diff := cmp.Diff(want, e.Changes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if e, _ := errors.AsType[*Error](apply(webHCL, "", 77)); e == nil || len(e.Changes) != 0 {
		t.Errorf("based on a revision that never was: got %+v", e)
	}
}
