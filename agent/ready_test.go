package agent

import (
	"strings"
	"testing"

	"polso/api"
)

// What speaks against a router: what it says of itself, beside what this router says.
func TestTroubles(t *testing.T) {
	good := func() api.Status { return api.Status{AppliedRevision: 7, Converged: true, Members: []api.Member{{}}} }
	for _, tt := range []struct {
		name   string
		theirs func(*api.Status)
		mine   func(*api.Status)
		want   string
	}{
		{"nothing", nil, nil, ""},
		{"behind", func(s *api.Status) { s.AppliedRevision = 6 }, nil, "its kernel follows revision 6, not 7"},
		{"not converged", func(s *api.Status) { s.Converged = false }, nil, "its kernel is not as the document wants it"},
		{"failing", func(s *api.Status) { s.Members[0].Failing = 2 }, nil, "its last pass failed"},
		{"links", func(s *api.Status) { s.Members[0].Unfit = []string{"link eth0 of vip 192.0.2.10 is down"} }, nil, "link eth0 of vip 192.0.2.10 is down"},
		{"has just booted", func(s *api.Status) { s.Members[0].Undecided = []string{"mail", "web"} }, nil, "its checks have not decided yet about mail, web"},
		{"new to both", func(s *api.Status) { s.Members[0].Undecided = []string{"web"} },
			func(s *api.Status) { s.Members[0].Undecided = []string{"web"} }, ""},
		{"everything at once", func(s *api.Status) {
			s.Converged, s.Members[0].Failing, s.Members[0].Unfit = false, 1, []string{"no link"}
		}, nil, "its kernel is not as the document wants it; its last pass failed; no link"},
	} {
		theirs, mine := good(), good()
		if tt.theirs != nil {
			tt.theirs(&theirs)
		}
		if tt.mine != nil {
			tt.mine(&mine)
		}
		if got := strings.Join(troubles(theirs, mine, 7), "; "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Who moves the addresses away from the preferred router, or to a drained one, is told that they go on.
func TestTransferTellsWhatComesNext(t *testing.T) {
	back := preferring("r9 w r1 r2", "r2")
	back.Document.Cluster.Failback = true
	if got := next(back, "r2"); !strings.Contains(got, "polso undrain router r2") {
		t.Errorf("to a drained router: %q", got)
	}
	for to, want := range map[string]string{"r1": "", "r3": "r1", "r4": "r1"} {
		got := next(back, to)
		if (got == "") != (want == "") || !strings.Contains(got, "polso drain router "+want) && want != "" {
			t.Errorf("to %s: %q, want it to name %q", to, got, want)
		}
	}
	back = preferring("r2 r1", "r2")
	back.Document.Cluster.Failback = true
	if got := next(back, "r1"); got != "" {
		t.Errorf("the preferred one is drained: %q, want nothing", got)
	}
	if got := next(preferring("r1"), "r2"); got != "" {
		t.Errorf("without failback: %q, want nothing", got)
	}
}
