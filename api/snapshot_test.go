package api

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"polso/config"
	"polso/fsm"
)

var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// saved is a snapshot of a cluster at revision 3, and the cluster.
func saved(t *testing.T) ([]byte, *Client, *backend) {
	t.Helper()
	b := formed(t)
	c := serve(t, b)
	for _, text := range []string{webHCL, strings.Replace(webHCL, "10.0.0.1", "10.0.0.99", 1)} {
		if _, err := c.Apply(t.Context(), ApplyRequest{Files: []File{{Name: "edge.hcl", Text: text}}}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.notes()
	return text, c, b
}

func TestInspectSnapshot(t *testing.T) {
	text, _, b := saved(t)
	s, err := InspectSnapshot("edge.snap", text)
	if err != nil {
		t.Fatal(err)
	}
	if s.Cluster != "edge" || s.ClusterID != "c1" || s.Revision != b.fsm.Load().Revision || len(s.Revisions) != 3 || !s.Revisions[0].Current ||
		s.Revisions[0].Summary == "" || len(s.Audit) != len(b.fsm.Load().Audit) || s.Audit[0].Action != "found" || s.At.IsZero() {
		t.Errorf("%+v", s)
	}
	for _, tt := range []struct{ name, text, title, detail string }{
		{"torn", string(text[:len(text)/2]), "edge.snap cannot be used; nothing was changed", "damaged: it ends too early"},
		{"altered", strings.Replace(string(text), "10.0.0.99", "10.0.0.66", 1), "edge.snap cannot be used; nothing was changed", "number or checksum of the records is wrong"},
		{"something else", webHCL, "edge.snap cannot be used; nothing was changed", "first line: damaged: it is not the head of a snapshot"},
		{"newer", strings.Replace(string(text), `"format":1`, `"format":9`, 1), "edge.snap cannot be read", "first line: written by a newer release: format 9"},
	} {
		_, err := InspectSnapshot("edge.snap", []byte(tt.text))
		e, ok := err.(*Error)
		if !ok || e.Code != CodeInvalid || e.Title != tt.title || !strings.Contains(e.Detail, tt.detail) || e.Hint == "" {
			t.Errorf("%s: %+v", tt.name, err)
		}
	}
}

func TestRestore(t *testing.T) {
	text, c, b := saved(t)
	ctx := t.Context()
	if _, err := c.Apply(ctx, ApplyRequest{Files: []File{{Name: "edge.hcl", Text: "cluster {}\n"}}}); err != nil {
		t.Fatal(err)
	}
	shown, err := c.Restore(ctx, RestoreRequest{Text: text, DryRun: true})
	if err != nil || shown.Plan.Base != 4 || len(shown.Plan.Changes) == 0 || shown.Revision != 4 || shown.Snapshot.Revision != 3 || b.fsm.Load().Revision != 4 {
		t.Fatalf("dry run: %+v, %v", shown, err)
	}
	for _, req := range []RestoreRequest{{Text: text, Base: 3}, {Text: text, Base: 3, DryRun: true}} {
		if _, err := c.Restore(ctx, req); CodeOf(err) != CodeConflict {
			t.Errorf("based on another revision: %v", err)
		}
	}
	if _, err := c.Restore(ctx, RestoreRequest{Text: text, RequestID: "once"}); CodeOf(err) != CodeInvalid {
		t.Errorf("a request ID without a base: %v", err)
	}
	if _, err := c.Restore(ctx, RestoreRequest{Text: text[:len(text)-5]}); CodeOf(err) != CodeInvalid || b.fsm.Load().Revision != 4 {
		t.Errorf("torn: %v", err)
	}
	done, err := c.Restore(ctx, RestoreRequest{Text: text, Base: 4, RequestID: "once"})
	if err != nil || done.Revision != 5 || done.Before != 4 || done.Unchanged {
		t.Fatalf("restored: %+v, %v", done, err)
	}
	again, err := c.Restore(ctx, RestoreRequest{Text: text, Base: 4, RequestID: "once"})
	if err != nil || again.Revision != 5 {
		t.Errorf("the same request again: %+v, %v", again, err)
	}
	s := b.fsm.Load()
	last := s.History[len(s.History)-1]
	if !strings.HasPrefix(last.Message, "restored from revision 3 of edge, saved 2") || !strings.Contains(last.Source, "10.0.0.99") {
		t.Errorf("last revision: %+v", last)
	}
	done, err = c.Restore(ctx, RestoreRequest{Text: text})
	if err != nil || !done.Unchanged || done.Revision != 5 {
		t.Errorf("restored twice: %+v, %v", done, err)
	}
}

// A new cluster gets the history with its numbers.
func TestRestoreIntoANewCluster(t *testing.T) {
	text, _, _ := saved(t)
	b := formed(t)
	c := serve(t, b)
	shown, err := c.Restore(t.Context(), RestoreRequest{Text: text, DryRun: true})
	if err != nil || shown.Snapshot.Brought != 2 {
		t.Fatalf("dry run: %+v, %v", shown.Snapshot, err)
	}
	done, err := c.Restore(t.Context(), RestoreRequest{Text: text, Base: shown.Plan.Base, Message: "all anew"})
	if err != nil || done.Revision != 4 || done.Before != 1 {
		t.Fatalf("restored: %+v, %v", done, err)
	}
	list, err := c.History(t.Context(), 10)
	if err != nil || len(list) != 4 || list[0].Message != "all anew" || list[2].Number != 2 {
		t.Errorf("history %+v, %v", list, err)
	}
}

// A document that this release would not apply is not restored either.
func TestRestoreValidates(t *testing.T) {
	_, c, b := saved(t)
	doc, err := config.Load(config.File{Name: "e.hcl", Text: []byte(webHCL)})
	if err != nil {
		t.Fatal(err)
	}
	doc.Virtuals[0].Scheduler = "fastest"
	text, err := config.Canonical(doc)
	if err != nil {
		t.Fatal(err)
	}
	backup := b.fsm.Load().Backup(t0)
	backup.Revision, backup.History = 9, []fsm.Revision{{Number: 9, At: t0, Document: text}}
	var out strings.Builder
	if err := backup.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		_, err := c.Restore(t.Context(), RestoreRequest{Text: []byte(out.String()), DryRun: dry})
		if CodeOf(err) != CodeInvalid || !strings.Contains(fmt.Sprint(err.(*Error).Problems), "fastest") || b.fsm.Load().Revision != 3 {
			t.Errorf("dry run %v: %v, %+v", dry, err, err.(*Error).Problems)
		}
	}
}

// A history that is too large for one entry of the log loses its oldest revisions, never the document that is to run.
func TestRestoreOfALargeHistory(t *testing.T) {
	_, c, b := saved(t)
	backup := b.fsm.Load().Backup(t0)
	noise := rand.New(rand.NewPCG(1, 2))
	for n := backup.Revision + 1; n <= backup.Revision+10; n++ {
		r := backup.History[int(n)%2]
		r.Number = n
		var text strings.Builder // which does not compress well: 200 kB of noise in 400 kB
		for range 400_000 {
			text.WriteByte("0123456789abcdef"[noise.IntN(16)])
		}
		r.Source = text.String()
		backup.History = append(backup.History, r)
	}
	backup.Revision += 10
	var out strings.Builder
	if err := backup.Write(&out); err != nil {
		t.Fatal(err)
	}
	shown, err := c.Restore(t.Context(), RestoreRequest{Text: []byte(out.String()), DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := shown.Snapshot.Brought; n < 3 || n > 5 {
		t.Errorf("%d revisions come along; 5 fit into 1 MiB, the one that is to run among them", n)
	}
	done, err := c.Restore(t.Context(), RestoreRequest{Text: []byte(out.String())})
	if err != nil || done.Revision != 14 {
		t.Fatalf("restored: %+v, %v", done, err)
	}
	s := b.fsm.Load()
	if got := len(s.History); got != 3+shown.Snapshot.Brought+1 || s.Source != backup.History[len(backup.History)-1].Source {
		t.Errorf("%d revisions in the history, promised %d more than 3", got, shown.Snapshot.Brought)
	}
}

func TestSnapshotNeedsACluster(t *testing.T) {
	b := newBackend(t)
	b.status.Formed = false
	c := serve(t, b)
	if _, err := c.Snapshot(t.Context()); CodeOf(err) != CodeNotFormed {
		t.Errorf("save: %v", err)
	}
	text, _, _ := saved(t)
	if _, err := c.Restore(t.Context(), RestoreRequest{Text: text}); CodeOf(err) != CodeNotFormed {
		t.Errorf("restore: %v", err)
	}
}
