package agent

import (
	"fmt"
	"strings"
	"testing"

	"polso/api"
)

// form makes a cluster of all routers and has them follow edgeHCL: revision 2.
func (w *network) form() api.InitAnswer {
	t := w.t
	t.Helper()
	for _, r := range w.nodes {
		r.start()
	}
	r1 := w.nodes[0]
	made, err := r1.client.Init(t.Context(), api.InitRequest{Cluster: "edge", Advertise: []string{r1.listen}, Profile: testProfile})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range w.nodes[1:] {
		if _, err := r.client.Join(t.Context(), api.JoinRequest{Addresses: made.Addresses, Token: made.Token, Advertise: []string{r.listen}}); err != nil {
			t.Fatalf("%s joins: %v", r.name, err)
		}
	}
	if _, err := r1.client.Apply(t.Context(), api.ApplyRequest{Files: []api.File{{Name: "edge.hcl", Text: edgeHCL}}, Message: "first"}); err != nil {
		t.Fatal(err)
	}
	voters := len(w.nodes)
	if voters == 2 {
		voters = 1 // the second has none before the third is there
	}
	for _, r := range w.nodes {
		r.status("all follow", func(st api.Status) error {
			if st.Quorum.Voters != voters {
				return settled(voters, 2)(st)
			}
			st.Quorum = api.Quorum{Voters: len(w.nodes), Healthy: len(w.nodes)}
			return settled(len(w.nodes), 2)(st)
		})
	}
	return made
}

// Saved on one router, restored on another: all three follow, nothing else changes; then into a cluster that is new.
func TestSnapshotRestored(t *testing.T) {
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
