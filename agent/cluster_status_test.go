package agent

import (
	"fmt"
	"testing"

	"polso/api"
	"polso/fsm"
)

func TestLagging(t *testing.T) {
	good := api.Member{Kind: fsm.Router, State: "up", Version: "1", AppliedRevision: 7, Converged: true, Age: 0.5}
	for _, tt := range []struct {
		name string
		edit func(*api.Member)
		want string
	}{
		{"as it should be", func(*api.Member) {}, ""},
		{"silent", func(m *api.Member) { m.State, m.Contact = "down", 12.7 }, "does not answer, for 12s"},
		{"new", func(m *api.Member) { m.State = "unknown" }, "has not answered this leader yet"},
		{"no report", func(m *api.Member) { m.Version = "" }, "has said nothing of itself lately"},
		{"old report", func(m *api.Member) { m.Age = 4 }, "has said nothing of itself lately"},
		{"behind", func(m *api.Member) { m.AppliedRevision = 6 }, "its kernel follows revision 6, not 7 yet"},
		{"not converged", func(m *api.Member) { m.Converged = false }, "its kernel is not as the document wants it"},
		{"a witness has no kernel to follow anything", func(m *api.Member) { m.Kind, m.Converged = fsm.Witness, false }, ""},
	} {
		m := good
		tt.edit(&m)
		if got := lagging(m, 7); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestBrokenPath(t *testing.T) {
	path := func(states ...string) (m api.Member) {
		m.Name = "r2"
		for i, s := range states {
			m.Paths = append(m.Paths, api.Path{Address: fmt.Sprintf("10.9.%d.12", i), State: s})
		}
		return m
	}
	for _, tt := range []struct {
		name   string
		member api.Member
		want   string
	}{
		{"one path", path(), ""},
		{"both up", path("up", "up"), ""},
		{"both down", path("down", "down"), ""},
		{"not asked yet", path("up", "unknown"), ""},
		{"one down", path("up", "down"), "r1 does not hear it at 10.9.1.12, only at 10.9.0.12"},
		{"two of three down", path("down", "up", "down"), "r1 does not hear it at 10.9.0.12, 10.9.2.12, only at 10.9.1.12"},
	} {
		p, found := brokenPath("r1", tt.member)
		if p.Why != tt.want || found != (tt.want != "") {
			t.Errorf("%s: %+v, %v; want %q", tt.name, p, found, tt.want)
		}
	}
}
