package agent

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"polso/api"
	"polso/fsm"
)

// A test is told by each router, or by the one that is named; the audit knows who asked.
func TestNotice(t *testing.T) {
	h := new(hook)
	server := httptest.NewServer(h)
	defer server.Close()
	w := newNetwork(t, 3)
	w.form()
	c := w.nodes[0].client
	text := edgeHCL + fmt.Sprintf("notify \"hook\" {\n  webhook = %q\n  limit = 1\n}\n", server.URL)
	if _, err := c.Apply(t.Context(), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: text}}}); err != nil {
		t.Fatal(err)
	}
	w.eventually("every router has the block", func() error {
		got, err := c.TestNotice(t.Context(), api.NoticeTestRequest{Notify: "hook"})
		if err != nil {
			return err
		}
		for i, one := range got.Results {
			if !one.Told || one.Router != fmt.Sprint("r", i+1) || one.Answer != "200 OK" {
				return fmt.Errorf("%+v", got)
			}
		}
		if len(got.Results) != 3 || got.To != "webhook "+server.URL {
			return fmt.Errorf("%+v", got)
		}
		return h.has("test r1", "test r2", "test r3")
	})
	got, err := c.TestNotice(t.Context(), api.NoticeTestRequest{Notify: "hook", Router: "r2"})
	if err != nil || len(got.Results) != 1 || got.Results[0].Router != "r2" || !got.Results[0].Told {
		t.Errorf("by r2: %+v, %v", got, err)
	}
	if list, err := c.Audit(t.Context(), api.AuditRequest{Count: 1}); err != nil || list[0].Detail != "notify hook was tested; told by r2" || list[0].Via != "r1" {
		t.Errorf("audit: %+v, %v", list, err)
	}
	for r, says := range map[api.NoticeTestRequest]string{{Notify: "pager"}: "it has hook", {Notify: "hook", Router: "r9"}: "r1, r2, r3"} {
		if _, err := c.TestNotice(t.Context(), r); api.CodeOf(err) != api.CodeNotFound || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want not found, and %s", r, err, says)
		}
	}
	w.router("r3").halt()
	w.eventually("a router that is gone tells nobody, and the others do", func() error {
		got, err := c.TestNotice(t.Context(), api.NoticeTestRequest{Notify: "hook"})
		if err != nil {
			return err
		}
		if r := got.Results; !r[0].Told || !r[1].Told || r[2].Told || !strings.Contains(r[2].Answer, "router r3 does not answer") {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
}

// A witness tells nobody, and is told so when it is named.
func TestTellers(t *testing.T) {
	s := &fsm.Snapshot{Nodes: []fsm.Node{{ID: "n3", Name: "w", Kind: fsm.Witness}, {ID: "n2", Name: "r2", Kind: fsm.Router}, {ID: "n1", Name: "r1", Kind: fsm.Router}}}
	if got, err := tellers(s, ""); err != nil || !slices.Equal(got, []string{"r1", "r2"}) {
		t.Errorf("all of them: %v, %v", got, err)
	}
	if _, err := tellers(s, "w"); api.CodeOf(err) != api.CodeRefused {
		t.Errorf("the witness: %v, want refused", err)
	}
}
