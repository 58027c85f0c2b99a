package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A document in several files is kept as one text that says which part came from where.
func TestSourceOfSeveralFiles(t *testing.T) {
	b := formed(t)
	c := serve(t, b)
	files := []File{{"a.hcl", "cluster {\n  standby = \"warm\"\n}"}, {"b.hcl", webHCL}}
	if _, err := c.Apply(t.Context(), ApplyRequest{Files: files}); err != nil {
		t.Fatal(err)
	}
	d, err := c.Document(t.Context())
	if want := "# a.hcl\ncluster {\n  standby = \"warm\"\n}\n# b.hcl\n" + webHCL; err != nil || d.Source != want {
		t.Errorf("got %q, %v\nwant %q", d.Source, err, want)
	}
	if _, err := c.Apply(t.Context(), ApplyRequest{Files: []File{{"again.hcl", d.Source}}}); err != nil {
		t.Errorf("the kept text does not apply again: %v", err)
	}
	if b.fsm.Load().Revision != 2 {
		t.Errorf("revision %d, want 2: the kept text is the same document", b.fsm.Load().Revision)
	}
}

// A request that is repeated with its ID is answered, not done again; another one with the same ID is refused.
func TestRequestID(t *testing.T) {
	b := formed(t)
	c := serve(t, b)
	apply := func(port, id string) (Applied, error) {
		return c.Apply(t.Context(), ApplyRequest{Files: []File{{"e.hcl", strings.Replace(webHCL, "80", port, 1)}}, RequestID: id})
	}
	for _, test := range []struct {
		port, id string
		want     uint64 // 0: it is refused
		runs     uint64
	}{{"80", "once", 2, 2}, {"80", "once", 2, 2}, {"81", "once", 0, 2}, {"81", "twice", 3, 3}, {"80", "once", 2, 3}} {
		got, err := apply(test.port, test.id)
		if test.want == 0 && CodeOf(err) != CodeReused || test.want != 0 && err != nil || got.Revision != test.want || b.fsm.Load().Revision != test.runs {
			t.Errorf("port %s as %q: revision %d, running %d (%v); want %d, %d", test.port, test.id, got.Revision, b.fsm.Load().Revision, err, test.want, test.runs)
		}
	}
	back := func(r RollbackRequest) (Applied, error) {
		r.RequestID = "back"
		return c.Rollback(t.Context(), r)
	}
	if _, err := back(RollbackRequest{}); CodeOf(err) != CodeInvalid {
		t.Errorf("back to whatever was before: %v, want it refused", err)
	}
	for range 2 {
		if got, err := back(RollbackRequest{Base: 3}); err != nil || got.Revision != 4 || b.fsm.Load().Revision != 4 {
			t.Errorf("back from 3: %+v, %v; want revision 4 both times", got, err)
		}
	}
}

// A rollback does what was shown or nothing: a document that came in between is a conflict, and "the one before" is that of
// the revision that was seen.
func TestRollbackToWhatWasShown(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	apply := func(port string) {
		t.Helper()
		if _, err := c.Apply(ctx, ApplyRequest{Files: []File{{"e.hcl", strings.Replace(webHCL, "80", port, 1)}}}); err != nil {
			t.Fatal(err)
		}
	}
	apply("80")
	apply("81")
	shown, err := c.Rollback(ctx, RollbackRequest{DryRun: true})
	if err != nil || shown.Rollback != 2 || shown.Plan.Base != 3 {
		t.Fatalf("shown: back to %d from %d, %v; want to 2 from 3", shown.Rollback, shown.Plan.Base, err)
	}
	apply("82")
	for what, r := range map[string]RollbackRequest{
		"as shown":                       {Revision: shown.Rollback, Base: shown.Plan.Base},
		"to the one before what was":     {Base: shown.Plan.Base},
		"the same, only to be shown":     {Base: shown.Plan.Base, DryRun: true},
		"on a revision that is yet none": {Revision: 2, Base: 9},
	} {
		if _, err := c.Rollback(ctx, r); CodeOf(err) != CodeConflict || b.fsm.Load().Revision != 4 {
			t.Errorf("%s: %v, running %d; want a conflict and revision 4", what, err, b.fsm.Load().Revision)
		}
	}
	done, err := c.Rollback(ctx, RollbackRequest{Base: 4})
	if err != nil || done.Rollback != 3 || done.Revision != 5 || b.fsm.Load().Document.Virtuals[0].Ports[0] != 81 {
		t.Errorf("the one before 4: %+v, %v; want the document of 3", done, err)
	}
	if done, err = c.Rollback(ctx, RollbackRequest{Revision: 2}); err != nil || done.Rollback != 2 || done.Before != 5 {
		t.Errorf("without a base: %+v, %v; want it done", done, err)
	}
}

// A conflict says who changed what since the revision that the loser began at.
func TestConflictNamesTheChange(t *testing.T) {
	c, ctx := serve(t, formed(t)), t.Context()
	apply := func(text, message string, base uint64) error {
		_, err := c.Apply(ctx, ApplyRequest{Files: []File{{Name: "edge.hcl", Text: text}}, Message: message, Base: base})
		return err
	}
	if err := apply(webHCL, "the shop", 1); err != nil {
		t.Fatal(err)
	}
	if err := apply(strings.Replace(webHCL, `"dr"`, `"tun"`, 1), "tunnels", 2); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"revision 3, 2026-11-22T10:00:03Z, by " + whoami(t) + ": tunnels",
		`~ virtual "web"   forward  dr -> tun  (in place, existing connections stay)`,
		`~ server "web/a"  forward  dr -> tun  (in place, existing connections stay)`,
	}
	for name, err := range map[string]error{
		"apply": apply(webHCL, "", 2),
		"rollback": func() error {
			_, err := c.Rollback(ctx, RollbackRequest{Revision: 1, Base: 2, DryRun: true})
			return err
		}(),
	} {
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != CodeConflict {
			t.Errorf("%s: got %v, want a conflict", name, err)
			continue
		}
		if diff := cmp.Diff(want, e.Changes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if e, _ := errors.AsType[*Error](apply(webHCL, "", 77)); e == nil || len(e.Changes) != 0 {
		t.Errorf("based on a revision that never was: got %+v", e)
	}
}
