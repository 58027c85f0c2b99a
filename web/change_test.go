package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"polso/fsm"
)

// The page of changes tells what runs and what ran, and leads to both and back.
func TestChanges(t *testing.T) {
	b := newBackend(t)
	b.run(t, webText)
	b.run(t, strings.ReplaceAll(webText, "10.1.0.1", "10.1.0.2"))
	v := b.visitor(t, fsm.Operator)
	v.get("/changes").shows(t, 200, "What runs", `href="/changes/3"`, "bob", `href="/changes/compare?from=2"`, "10.1.0.1:80 -&gt; 10.1.0.2:80", `value="1"`, "Edit the text")
	v.get("/changes/2").shows(t, 200, "10.1.0.1", "Roll back to it", "Compare it with what runs")
	v.get("/changes/3").shows(t, 200, "Revision 3, which runs")
	v.get("/changes/9").shows(t, 404, "revision 9 is not in the history")
	v.get("/changes/nine").shows(t, 404, "is no revision")
	v.get("/changes/compare?from=2").shows(t, 200, "From revision 2 to 3", "<del>10.1.0.1:80</del>")
	v.get("/changes/compare?from=2&to=x").shows(t, 404, "nothing is compared", `id="to-error">&#34;x&#34; is no revision`, `value="2"`)
	v.get("/changes/compare?from=0").shows(t, 404, `id="from-error">&#34;0&#34; is no revision`, `value="0"`)
	v.get("/changes/compare?from=99").shows(t, 404, "99")
	v.get("/changes/compare").shows(t, 200, "what runs")
	looking := b.visitor(t, fsm.Viewer).get("/changes")
	looking.shows(t, 200, "What runs")
	looking.lacks(t, "Roll back", "Edit the text")
}

// Going back to an old revision is planned first, and noted as what it is.
func TestRollback(t *testing.T) {
	b := newBackend(t)
	b.run(t, webText)
	v := b.visitor(t, fsm.Operator)
	plan := v.post("/changes/plan", url.Values{"rollback": {"1"}})
	plan.shows(t, 200, "revision 1 run again", "removed", "Apply")
	plan.lacks(t, "Go on writing")
	if got := v.post("/changes/plan", sent(t, plan.text, "/changes/plan", "apply")); got.code != 303 {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	s := b.fsm.Load()
	if r := s.History[2]; r.Message != "rollback to revision 1" || len(s.Document.Virtuals) != 0 {
		t.Errorf("revision %d %q, %d virtuals", r.Number, r.Message, len(s.Document.Virtuals))
	}
	v.post("/changes/plan", url.Values{"rollback": {"77"}}).shows(t, 404, "revision 77 is not in the history")
}

// A revision that waits is confirmed, or goes back, by a button; a second press finds nothing that waits.
func TestConfirmAndRevert(t *testing.T) {
	b := newBackend(t)
	v := b.visitor(t, fsm.Operator)
	wait := func(text string) {
		form := sent(t, v.post("/changes/plan", url.Values{"text": {text}}).text, "/changes/plan", "apply")
		form.Set("confirm", "60")
		if got := v.post("/changes/plan", form); got.code != 303 {
			t.Fatalf("%d\n%s", got.code, got.text)
		}
	}
	wait(webText)
	page := v.get("/changes")
	page.shows(t, 200, "Revision 2 waits to be confirmed", "data-until=", "back to revision 1")
	b.visitor(t, fsm.Viewer).get("/changes").lacks(t, "Confirm: it stays", "Revert now")
	confirm := sent(t, page.text, "/changes/confirm", "")
	if got := v.post("/changes/confirm", confirm); got.code != 303 || b.fsm.Load().Confirm.Pending() {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	if got := v.post("/changes/confirm", confirm); got.code < 400 {
		t.Errorf("confirmed twice: %d", got.code)
	}
	wait(strings.ReplaceAll(webText, "80", "81"))
	plan := v.post("/changes/plan", sent(t, v.get("/changes").text, "/changes/plan", ""))
	plan.shows(t, 200, "revision 2 run again", "revision 3 is not confirmed")
	if got := v.post("/changes/plan", sent(t, plan.text, "/changes/plan", "apply")); got.code != 303 {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	if s := b.fsm.Load(); s.Confirm.Pending() || s.Document.Virtuals[0].Ports[0] != 80 {
		t.Errorf("pending %v, port %v", s.Confirm.Pending(), s.Document.Virtuals[0].Ports)
	}
}

// The audit is paged and filtered.
func TestAudit(t *testing.T) {
	b := newBackend(t)
	for i := range 60 {
		b.run(t, strings.ReplaceAll(webText, "80", fmt.Sprint(1000+i)))
	}
	v := b.visitor(t, fsm.Viewer)
	first := v.get("/changes/audit")
	first.shows(t, 200, "page 1 of 2", "page=2", "bob")
	v.get("/changes/audit?page=2&who=BOB").shows(t, 200, "page 2 of 2", "who=BOB")
	v.get("/changes/audit?page=99").shows(t, 200, "page 2 of 2")
	v.get("/changes/audit?who=root").shows(t, 200, "Entries: 1,")
	v.get("/changes/audit?since=2027-01-01").shows(t, 200, "Nothing of that")
	v.get("/changes/audit?until=2020-01-01T00:00").shows(t, 200, "Nothing of that")
	v.get("/changes/audit?since=yesterday").shows(t, 422, "A time is written as", `value="yesterday"`)
}

// Mistakes are told with their place and what stands there, and the text comes back as it was sent.
func TestTextMistakes(t *testing.T) {
	b := newBackend(t)
	v := b.visitor(t, fsm.Operator)
	page := v.get("/changes/edit")
	page.shows(t, 200, "<textarea", "Plan</button>")
	form := sent(t, page.text, "/changes/plan", "plan")
	wrong := "# ü\nvirtual \"web\" {\n  address = \"192.0.2.10\"\n  port = \"80\"\n  sheduler = \"rr\"\n  server \"<a>\" { address = \"10.1.0.1\" }\n}\n"
	for _, do := range []string{"plan", "check"} {
		form.Set("text", strings.ReplaceAll(wrong, "\n", "\r\n"))
		form.Set("do", do)
		got := v.post("/changes/plan", form)
		got.shows(t, 422, `data-line="4" data-column="10"`, "Line 4, column 10", `port = <mark>&#34;80&#34;</mark>`, "Line 5, column 3", "scheduler", "3 mistakes")
		if back := sent(t, got.text, "/changes/plan", "plan"); back.Get("text") != strings.ReplaceAll(wrong, "\n", "\r\n") || back.Get("base") != "1" {
			t.Errorf("%s: the text came back as %q", do, back)
		}
	}
	form.Set("text", webText)
	form.Set("do", "check")
	v.post("/changes/plan", form).shows(t, 200, "No mistakes: 1 virtual, 0 vips.")
	form.Set("text", strings.Repeat("virtual \"x\" {}\n", 300))
	v.post("/changes/plan", form).shows(t, 422, "more mistakes", "And ")
	b.visitor(t, fsm.Viewer).get("/changes/edit").shows(t, 200, "takes the role operator", "<pre")
}

// Who goes on writing after a plan has the text, and is told what runs meanwhile.
func TestTextGoOn(t *testing.T) {
	b := newBackend(t)
	v := b.visitor(t, fsm.Operator)
	plan := v.post("/changes/plan", url.Values{"base": {"1"}, "text": {webText}, "message": {"why"}})
	b.run(t, strings.ReplaceAll(webText, `"web"`, `"mail"`))
	got := v.post("/changes/plan", sent(t, plan.text, "/changes/plan", "write"))
	got.shows(t, 200, "Revision 2 runs now; this text was made from revision 1", `value="why"`)
	if back := sent(t, got.text, "/changes/plan", "plan").Get("text"); strings.ReplaceAll(back, "\r\n", "\n") != webText {
		t.Errorf("the text came back as %q", back)
	}
}

func TestExport(t *testing.T) {
	b := newBackend(t)
	b.run(t, webText)
	v := b.visitor(t, fsm.Viewer)
	v.get("/changes/export").shows(t, 200, "Export revision 2", "/changes/export/lvs.cf?revision=2", "ipvsadm")
	got := v.get("/changes/export/hcl")
	if got.text != webText || !strings.Contains(got.header.Get("Content-Disposition"), `filename="revision-2.hcl"`) || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Errorf("%v\n%s", got.header, got.text)
	}
	v.get("/changes/export/ipvsadm").shows(t, 200, "-A -t 192.0.2.10:80")
	v.get("/changes/export/json?revision=1").shows(t, 200, `{"`)
	v.get("/changes/export/doc").shows(t, 404, "there is no format")
}
