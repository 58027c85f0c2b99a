package api

import (
	"strings"
	"testing"
	"time"

	"polso/fsm"
)

// What an operator is told who changes a document while another's waits.
func TestChangeWhileOneWaits(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	apply := func(text string, confirm float64) Applied {
		t.Helper()
		a, err := c.Apply(ctx, ApplyRequest{Files: []File{{Name: "e.hcl", Text: text}}, ConfirmSeconds: confirm})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	warned := func(what string, p Plan, want string) {
		t.Helper()
		if got := strings.Join(p.Warnings, "; "); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: warned %q, want %q", what, got, want)
		}
	}
	const warning = "revision 2, by "
	first := apply(webHCL, 300)
	warned("the first", first.Plan, "")
	if left := time.Until(first.Confirm.Until); left < 290*time.Second || left > 300*time.Second {
		t.Errorf("it waits for %v", left)
	}
	p, err := c.Plan(ctx, PlanRequest{Files: []File{{Name: "e.hcl", Text: "cluster {}"}}})
	if err != nil {
		t.Fatal(err)
	}
	warned("plan", p, warning)
	back, err := c.Rollback(ctx, RollbackRequest{Revision: 1, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	warned("rollback, only shown", back.Plan, warning)

	// The same document changes nothing, not the wait either, and the answer says so.
	if again := apply(webHCL, 0); !again.Unchanged || again.Confirm == nil || !again.Confirm.Until.Equal(first.Confirm.Until) {
		t.Errorf("the same again: %+v", again)
	}
	if longer := apply(webHCL, 3600); !longer.Unchanged || !longer.Confirm.Until.After(first.Confirm.Until) {
		t.Errorf("the same again, to be confirmed: %+v", longer)
	}
	next := apply(strings.Replace(webHCL, "10.0.0.1", "10.0.0.2", 1), 60)
	warned("one on top, to be confirmed", next.Plan, warning)
	if next.Confirm == nil || next.Confirm.Revision != 3 || next.Confirm.BackTo != 1 {
		t.Errorf("one on top: %+v", next.Confirm)
	}
	if _, err := c.Confirm(ctx, ConfirmRequest{Revision: 2}); CodeOf(err) != CodeConflict {
		t.Errorf("confirm the one before: %v", err)
	}
	last := apply(webHCL, 0)
	warned("one on top", last.Plan, "revision 3, by ")
	if last.Confirm != nil || b.fsm.Load().Confirm.Pending() {
		t.Errorf("one on top still waits: %+v", last.Confirm)
	}
	if same := apply(webHCL, 300); !same.Unchanged || same.Confirm != nil {
		t.Errorf("what runs already has nothing to go back to: %+v", same.Confirm)
	}
}

// A document that was waiting when it was saved stays when it is restored, and whoever restores it is told.
func TestRestoreOfWhatWaited(t *testing.T) {
	from := formed(t)
	c, ctx := serve(t, from), t.Context()
	if _, err := c.Apply(ctx, ApplyRequest{Files: []File{{Name: "e.hcl", Text: webHCL}}, ConfirmSeconds: 300}); err != nil {
		t.Fatal(err)
	}
	text, err := c.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	to := formed(t)
	done, err := serve(t, to).Restore(ctx, RestoreRequest{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(done.Plan.Warnings, "; "); got != "the snapshot's revision 2 waited to be confirmed when it was saved, else it was to go back to 1; restored, it stays" {
		t.Errorf("warned %q", got)
	}
	if done.Confirm != nil || to.fsm.Load().Confirm.Pending() {
		t.Errorf("it waits: %+v", done.Confirm)
	}
}

// The audit tells who, from where and through whom, what came of it, and is read from any point on.
func TestAudit(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	ada := fsm.Actor{Kind: "user", Name: "ada", Address: "192.0.2.7", Via: "r2"}
	for _, do := range []fsm.Command{&fsm.TakeLead{Node: "n1", Reason: "first"}, &fsm.SetOverride{Target: "router/r1", Kind: fsm.Drain}, &fsm.RevokeToken{ID: "k9"}} {
		_, _ = b.Propose(ctx, ada, fsm.NewRequest(), do) // the last is refused
	}
	ask := func(r AuditRequest) []AuditEntry {
		t.Helper()
		r.Count = max(r.Count, 1)
		list, err := c.Audit(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	all := ask(AuditRequest{Count: 1000})
	if len(all) != 4 || all[0].Action != "found" || all[3].Index <= all[2].Index {
		t.Fatalf("got %+v", all)
	}
	if e := all[3]; e.By != "ada" || e.Kind != "user" || e.Address != "192.0.2.7" || e.Via != "r2" || e.Action != "revoke_token" || e.Error != "there is no token k9" {
		t.Errorf("the refused one: %+v", e)
	}
	for what, test := range map[string]struct {
		ask  AuditRequest
		want []AuditEntry
	}{
		"the newest two":         {AuditRequest{Count: 2}, all[2:]},
		"since":                  {AuditRequest{Count: 1000, Since: all[1].At}, all[1:]},
		"after":                  {AuditRequest{Count: 1000, After: all[2].Index}, all[3:]},
		"after the last":         {AuditRequest{Count: 1000, After: all[3].Index}, all[4:]},
		"since, the newest one":  {AuditRequest{Count: 1, Since: all[0].At}, all[3:]},
		"of a time that is come": {AuditRequest{Count: 1000, Since: all[3].At.Add(1)}, all[4:]},
	} {
		got := ask(test.ask)
		if len(got) != len(test.want) || len(got) > 0 && got[0] != test.want[0] {
			t.Errorf("%s: got %+v, want %+v", what, got, test.want)
		}
	}
}
