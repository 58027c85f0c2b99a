package agent

import (
	"fmt"
	"strings"
	"testing"

	"polso/api"
)

// Saved on one router, restored on another: all three follow, nothing else changes; then into a cluster that is new.
func TestSnapshotRestored(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	w.form()
	r1, r2, r3 := w.nodes[0], w.nodes[1], w.nodes[2]
	ctx := t.Context()
	text, err := r3.client.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := r1.table.String()
	before := r2.status("before", settled(3, 2))
	if _, err := r1.client.Apply(ctx, api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: strings.Replace(edgeHCL, "10.9.0.21", "10.9.0.29", 1)}}}); err != nil {
		t.Fatal(err)
	}
	r2.status("the other document", settled(3, 3))
	if r1.table.String() == want {
		t.Fatal("the tables did not change: the test sees nothing")
	}
	shown, err := r2.client.Restore(ctx, api.RestoreRequest{Text: text, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r2.client.Restore(ctx, api.RestoreRequest{Text: text, Base: 2})
	refused(t, "restore onto another revision", err, api.CodeConflict, "revision 3 runs now")
	done, err := r2.client.Restore(ctx, api.RestoreRequest{Text: text, Base: shown.Plan.Base})
	if err != nil || done.Revision != 4 || done.Before != 3 {
		t.Fatalf("restored: %+v, %v", done, err)
	}
	after := r3.status("restored everywhere", settled(3, 4))
	for _, m := range before.Members {
		if memberNamed(t, after, m.Name).ID != m.ID {
			t.Errorf("member %s is another one", m.Name)
		}
	}
	w.eventually("the server is back", func() error { // the table has the leaving one too, at weight 0
		for _, r := range w.nodes {
			if !strings.Contains(r.table.String(), "10.9.0.21:80 -g -w 1") {
				return fmt.Errorf("%s has\n%s", r.name, r.table)
			}
		}
		return nil
	})

	for _, r := range w.nodes { // the other cluster is to have the address
		r.halt()
	}
	fresh := w.stranger("n1")
	if _, err := fresh.client.Init(ctx, api.InitRequest{Cluster: "anew", Advertise: []string{fresh.listen}, Profile: testProfile}); err != nil {
		t.Fatal(err)
	}
	done, err = fresh.client.Restore(ctx, api.RestoreRequest{Text: text})
	if err != nil || done.Revision != 3 || done.Snapshot.Brought != 1 {
		t.Fatalf("restored into a new cluster: %+v %+v, %v", done, done.Snapshot, err)
	}
	fresh.halt()
	fresh.start() // what came with the snapshot is in the log
	st := fresh.status("one router", settled(1, 3))
	if st.Cluster != "anew" || len(st.Members) != 1 || st.Members[0].Name != "n1" {
		t.Errorf("cluster %s, members %+v", st.Cluster, st.Members)
	}
	if doc, err := fresh.client.Document(ctx); err != nil || doc.Source != edgeHCL {
		t.Errorf("document %+v, %v", doc, err)
	}
}
