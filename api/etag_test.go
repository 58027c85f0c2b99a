package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"polso/fsm"
)

// A document is written against the tag of the one that was read, in the words of base_revision.
func TestIfMatch(t *testing.T) {
	b := formed(t)
	v1 := New(b, Version{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v1.ServeHTTP(w, r.WithContext(WithCaller(r.Context(), Caller{Role: fsm.Operator})))
	})
	ask := func(method, path, tag string, body any) (int, string, string) {
		t.Helper()
		text := ""
		if body != nil {
			b, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		a := asking{method: method, path: path, body: text, header: http.Header{}}
		if tag != "" {
			a.header.Set("If-Match", tag)
		}
		w := askOf(h, a)
		defer w.Body.Close()
		var p struct {
			Code  Code
			Title string
		}
		_ = json.NewDecoder(w.Body).Decode(&p)
		return w.StatusCode, w.Header.Get("ETag"), string(p.Code) + " " + p.Title
	}
	document := func(port string) ApplyRequest {
		return ApplyRequest{Files: []File{{"edge.hcl", strings.Replace(webHCL, "80", port, 1)}}}
	}
	based := document("82")
	based.Base = 1
	first80, reused := document("80"), document("83")
	first80.RequestID, reused.RequestID = "mine", "mine"
	_, first, _ := ask("GET", "/v1/document", "", nil)
	if first != `"1"` {
		t.Fatalf("the tag is %q", first)
	}
	for _, test := range []struct {
		name, path, tag string
		body            any
		status          int
		says            string
	}{
		{"the running one", "/v1/document", first, first80, 200, ""},
		{"by a request ID of something else", "/v1/document", `"2"`, reused, 409, "reused the request ID"},
		{"and with a tag of before", "/v1/document", first, reused, 409, "reused the request ID"},
		{"one of before", "/v1/document", first, document("81"), 412, "conflict the document changed"},
		{"in the body", "/v1/document", "", based, 409, "conflict the document changed"},
		{"roll back from one of before", "/v1/rollback", first, RollbackRequest{Revision: 1}, 412, "conflict the document changed"},
		{"even to try", "/v1/rollback", first, RollbackRequest{Revision: 1, DryRun: true}, 412, "conflict the document changed"},
		{"two that differ", "/v1/document", `"2"`, based, 422, "invalid If-Match says revision 2, base_revision 1"},
		{"a weak one", "/v1/document", `W/"2"`, document("81"), 422, "invalid If-Match"},
		{"none", "/v1/document", `2`, document("81"), 422, "invalid If-Match"},
		{"several", "/v1/document", `"1", "2"`, document("81"), 422, "invalid If-Match"},
		{"any, and another in the body", "/v1/document", "*", based, 409, "conflict the document changed"},
		{"any", "/v1/document", "*", document("81"), 200, ""},
		{"roll back from the running one", "/v1/rollback", `"3"`, RollbackRequest{}, 200, ""},
	} {
		if status, _, says := ask("POST", test.path, test.tag, test.body); status != test.status || !strings.Contains(says, test.says) {
			t.Errorf("%s: %d %s, want %d %s", test.name, status, says, test.status, test.says)
		}
	}
	if _, tag, _ := ask("GET", "/v1/document?bare=true", "", nil); tag != `"4"` || b.fsm.Load().Revision != 4 {
		t.Errorf("at last the tag is %s, the revision %d", tag, b.fsm.Load().Revision)
	}
}
