package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"polso/api"
)

// A member that has several addresses is heard at each of them, and the leader says at which it is not.
func TestPaths(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	r1, r2, r3 := w.nodes[0], w.nodes[1], w.nodes[2]
	for _, r := range w.nodes {
		r.start()
	}
	made, err := r1.client.Init(t.Context(), api.InitRequest{Advertise: []string{r1.listen}, Profile: testProfile})
	if err != nil {
		t.Fatal(err)
	}
	nobody := freePort(t)
	for r, places := range map[*router][]string{r2: {nobody, r2.listen}, r3: {r3.listen}} {
		if _, err := r.client.Join(t.Context(), api.JoinRequest{Addresses: made.Addresses, Token: made.Token, Advertise: places}); err != nil {
			t.Fatal(err)
		}
	}
	r1.status("r2 at one of its two addresses", func(st api.Status) error {
		if st.Quorum.Healthy != 3 || st.Leader != "r1" {
			return fmt.Errorf("leader %q, quorum %+v", st.Leader, st.Quorum)
		}
		want := map[string][]api.Path{"r2": {{Address: nobody, State: "down"}, {Address: r2.listen, State: "up"}}}
		for _, m := range st.Members {
			if !slices.Equal(m.Paths, want[m.Name]) {
				return fmt.Errorf("%s has paths %+v, want %+v", m.Name, m.Paths, want[m.Name])
			}
		}
		for _, p := range st.Problems {
			if p.Node == "r2" && p.What == "path" && strings.Contains(p.Why, nobody) && st.Health == api.Degraded {
				return nil
			}
		}
		return fmt.Errorf("%s, problems %+v", st.Health, st.Problems)
	})
	applied, err := r2.client.Apply(t.Context(), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}})
	if err != nil {
		t.Fatal(err)
	}
	r3.status("revision everywhere", func(st api.Status) error {
		for _, m := range st.Members {
			if m.AppliedRevision != applied.Revision {
				return fmt.Errorf("%s follows revision %d, want %d", m.Name, m.AppliedRevision, applied.Revision)
			}
		}
		return nil
	})
}
