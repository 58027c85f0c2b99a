package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
			"invalid; it ends after a time or at one, not both"},
		{"drain until the past", "POST", "/v1/cluster/routers/r1/drain", `{"until":"2020-01-01T00:00:00Z"}`, 422, "invalid; it cannot end at 2020-01-01T00:00:00Z"},
		{"drain for less than nothing", "POST", "/v1/cluster/routers/r1/drain", `{"for_seconds":-1}`, 422,
			"invalid; the request is not understood; for_seconds: expected number >= 0"},
		{"undrain what is not drained", "DELETE", "/v1/cluster/routers/r1/drain", ``, 404, "not_found; router r1 is not drained"},
		{"override of a virtual that is not there", "POST", "/v1/overrides", `{"target":"server/web/a","kind":"drain"}`, 404, `not_found; virtual "web" is not there`},
		{"override of an address that is not there", "POST", "/v1/overrides", `{"target":"address/10.0.0.1","kind":"drain"}`, 404, "not_found; no server has the address 10.0.0.1"},
		{"override of no address", "POST", "/v1/overrides", `{"target":"address/10.0.0.1:80","kind":"drain"}`, 422, `invalid; "10.0.0.1:80" is not an address`},
		{"override of what is no server", "POST", "/v1/overrides", `{"target":"vip/x","kind":"drain"}`, 422, `invalid; "vip/x" names no server`},
		{"override of a router", "POST", "/v1/overrides", `{"target":"router/r1","kind":"drain"}`, 422, "invalid; a router is drained in other words"},
		{"override of no kind", "POST", "/v1/overrides", `{"target":"server/web/a","kind":"stop"}`, 422,
			`invalid; the request is not understood; kind: expected value to be one of "drain, disable, weight, up, down"`},
		{"nothing to take back", "DELETE", "/v1/overrides?target=server/web/a", ``, 404, `not_found; virtual "web" is not there`},
		{"token that is not there", "DELETE", "/v1/tokens/zz", ``, 404, "not_found; there is no token zz"},
		{"override of what is misspelt", "DELETE", "/v1/overrides?target=server/web/a&abuot=weight", ``, 422,
			"invalid; the request is not understood; query.abuot: unknown query parameter"},
		{"too much", "POST", "/v1/document/plan", `{"files":[{"name":"e.hcl","text":"` + strings.Repeat("#", 20<<20) + `"}]}`, 413,
			"invalid; the request is not understood"},
		{"another method", "PUT", "/v1/document", ``, 405, "invalid; PUT /v1/document is not served here"},
		{"another method of one", "POST", "/v1/overrides/", `{}`, 404, "not_found; POST /v1/overrides/ is not served here"},
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
	later := "vip \"gw\" {\n  address = \"10.0.0.254\"\n  interface = \"inside\"\n  group = \"edge\"\n}\n"
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
	for _, c := range []Code{CodeInvalid, CodeUnsupported, CodeNoLeader, CodeConflict, CodeReused, CodeNotFound, CodeExists, CodeNotFormed, CodeDenied, CodeTimeout, CodeUnknown, CodeUnreachable, CodeInternal, CodeRefused} {
		if e := Errorf(c, "x"); e.Status < 400 || e.Status > 599 {
			t.Errorf("%s: status %d", c, e.Status)
		}
	}
}
