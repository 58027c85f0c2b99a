package agent

import (
	"testing"
)

// A brief status says the same of routers and addresses, whoever is asked, and nothing of servers.
func TestBriefStatus(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	w.nodes[0].status("settled", settled(3, 2))
	for _, r := range w.nodes {
		whole, err := r.client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		brief, err := r.client.BriefStatus(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(whole.Virtuals) == 0 || len(brief.Virtuals) != 0 {
			t.Errorf("%s: %d virtual servers, briefly %d", r.name, len(whole.Virtuals), len(brief.Virtuals))
		}
		if len(brief.VIPs) != len(whole.VIPs) || len(brief.Members) != 3 || brief.Active != whole.Active || brief.Revision != 2 || brief.Quorum != whole.Quorum {
			t.Errorf("%s: briefly %+v, want as in %+v", r.name, brief, whole)
		}
	}
}
