package agent

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"polso/api"
	"polso/steward"
)

// TestStewardReport: what a router says of itself arrives; a status without a member of its own says only what its kernel is like.
func TestStewardReport(t *testing.T) {
	started := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	self := api.Member{Started: &started, Unfit: []string{"a", "b"}, Undecided: []string{"web"}, Failing: 3}
	st := api.Status{AppliedRevision: 7, Converged: true, Members: []api.Member{self}}
	want := steward.Report{Revision: 7, Converged: true, Failing: 3, Unfit: "a; b", Undecided: []string{"web"}, Started: started}
	if diff := cmp.Diff(want, stewardReport(st)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	st.Members = nil
	if diff := cmp.Diff(steward.Report{Revision: 7, Converged: true}, stewardReport(st)); diff != "" {
		t.Errorf("without a member (-want +got):\n%s", diff)
	}
}
