package agent

import (
	"net/http"
	"testing"

	"polso/api"
)

// What routers say to the leader once a second does not grow with the document, unless somebody wants it all.
func TestReportsAreBrief(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	st := w.nodes[0].status("settled", settled(3, 2))
	if len(st.Virtuals) == 0 {
		t.Error("the cluster's status has no virtual servers")
	}
	m := w.router(st.Active).agent.Load().current.Load().member
	for id := range m.reports.others() {
		rep, ok := m.reports.of(id)
		if s := rep.status; !ok || len(s.Virtuals) != 0 || len(s.VIPs) == 0 || s.AppliedRevision != 2 || len(s.Members) != 1 {
			t.Errorf("%s reported %+v, want addresses and no virtual servers", m.nameOf(id), s)
		}
		whole, err := askPeer[api.Status](t.Context(), m, id, http.MethodGet, pathLocal, nil)
		if err != nil || len(whole.Virtuals) != len(st.Virtuals) {
			t.Errorf("%s has %d virtual servers, want %d (%v)", m.nameOf(id), len(whole.Virtuals), len(st.Virtuals), err)
		}
	}
}
