package agent

import (
	"strings"
	"testing"

	"polso/api"
)

// Any router tells what another one sees of itself: its table, what it lacks, its settings.
func TestOfAnother(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	r1, ctx := w.nodes[0], t.Context()
	r1.status("settled", settled(3, 2))
	table, err := r1.client.IPVS(ctx, api.IPVSRequest{On: "r2", Layout: "save"})
	if err != nil || table.Node != "r2" || !strings.HasPrefix(table.Text, "-A ") {
		t.Errorf("%v: table of %s:\n%s", err, table.Node, table.Text)
	}
	found, err := r1.client.Doctor(ctx, "r2")
	if err != nil || found.Node != "r2" || len(found.Findings) == 0 {
		t.Errorf("%v: findings of %s: %v", err, found.Node, found.Findings)
	}
	st, err := r1.client.BriefLocalOf(ctx, "r2")
	if err != nil || st.Node != "r2" || len(st.Virtuals) != 0 || st.Revision == 0 {
		t.Errorf("%v: status of %s at revision %d with %d virtuals", err, st.Node, st.Revision, len(st.Virtuals))
	}
	for name, ask := range map[string]func(string) error{
		"ipvs":   func(on string) error { _, err := r1.client.IPVS(ctx, api.IPVSRequest{On: on}); return err },
		"doctor": func(on string) error { _, err := r1.client.Doctor(ctx, on); return err },
		"status": func(on string) error { _, err := r1.client.BriefLocalOf(ctx, on); return err },
	} {
		if err := ask("nobody"); api.CodeOf(err) != api.CodeNotFound {
			t.Errorf("%s of nobody: %v", name, err)
		}
	}
}
