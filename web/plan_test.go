package web

import (
	"net/url"
	"strings"
	"testing"

	"polso/api"
	"polso/fsm"
)

const webText = `virtual "web" {
  address = "192.0.2.10"
  port    = 80

  server "a" { address = "10.1.0.1" }
}
`

// A text goes by way of its plan into the cluster, and comes out as it went in.
func TestPlanAndApply(t *testing.T) {
	b := newBackend(t)
	b.routers = []api.RouterPlan{{Name: "r1", Reached: true, Directs: true, Steps: []string{"-A -t 192.0.2.10:80 -s wlc"}}, {Name: "r2", Reason: "no answer"}}
	v := b.visitor(t, fsm.Operator)
	plan := v.post("/changes/plan", url.Values{"base": {"1"}, "text": {strings.ReplaceAll(webText, "\n", "\r\n")}, "message": {"first"}})
	plan.shows(t, 200, "<h1>Plan</h1>", "virtual web", "server web/a", "added", "-A -t 192.0.2.10:80 -s wlc", "not reached, no answer", `value="first"`, "Apply</button>")
	form := plan.fields(t)
	form.Set("message", "first & <best>")
	form.Set("do", "apply")
	form.Set("confirm", "300")
	if got := v.post("/changes/plan", form); got.code != 303 || got.to != "/changes" {
		t.Fatalf("applied: %d to %q\n%s", got.code, got.to, got.text)
	}
	s := b.fsm.Load()
	if r := s.History[len(s.History)-1]; r.Source != webText || r.Message != "first & <best>" || r.Author.Name != "alice" {
		t.Errorf("revision %d by %s, %q:\n%s", r.Number, r.Author.Name, r.Message, r.Source)
	}
	if !s.Confirm.Pending() {
		t.Error("it does not wait to be confirmed")
	}
	if got := v.post("/changes/plan", form); got.code != 303 || b.fsm.Load().Revision != 2 {
		t.Errorf("sent twice: %d, revision %d", got.code, b.fsm.Load().Revision)
	}
	v.post("/changes/plan", url.Values{"text": {webText}}).shows(t, 200, "Nothing to change")
}

// Who may not apply a plan sees it all the same.
func TestPlanOfViewer(t *testing.T) {
	got := newBackend(t).visitor(t, fsm.Viewer).post("/changes/plan", url.Values{"text": {webText}})
	if got.code == 403 { // the interface under /v1 says who may plan
		return
	}
	got.shows(t, 200, "server web/a", "takes the role operator")
	got.lacks(t, "Apply</button>")
}

// What somebody else did meanwhile is shown and not taken back unseen.
func TestPlanConflict(t *testing.T) {
	b := newBackend(t)
	v := b.visitor(t, fsm.Operator)
	form := v.post("/changes/plan", url.Values{"base": {"1"}, "text": {webText}}).fields(t)
	b.run(t, strings.ReplaceAll(webText, `"web"`, `"mail"`))
	form.Set("do", "apply")
	got := v.post("/changes/plan", form)
	got.shows(t, 409, "Revision 2 runs now", "Changed since revision 1", "virtual mail", "Plan it again on revision 2")
	got.lacks(t, `value="apply"`)
	form = got.fields(t)
	if form.Get("base") != "1" {
		t.Errorf("based on %s without a word", form.Get("base"))
	}
	form.Set("do", "rebase")
	again := v.post("/changes/plan", form)
	again.shows(t, 200, `value="apply"`)
	form = again.fields(t)
	form.Set("do", "apply")
	if got := v.post("/changes/plan", form); got.code != 303 {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	if s := b.fsm.Load(); s.Revision != 3 || s.History[2].Source != webText {
		t.Errorf("revision %d", s.Revision)
	}
}

// A cluster that cannot write says so, and the proposal is still there to be sent again.
func TestPlanKeptWhenNotApplied(t *testing.T) {
	b := newBackend(t)
	v := b.visitor(t, fsm.Operator)
	form := v.post("/changes/plan", url.Values{"text": {webText}, "message": {"why"}}).fields(t)
	form.Set("message", "why")
	form.Set("drain", "7")
	form.Set("do", "apply")
	b.refuse = api.Errorf(api.CodeNoLeader, "there is no leader").WithHint("wait for it")
	got := v.post("/changes/plan", form)
	got.shows(t, 503, "there is no leader", "wait for it", `value="why"`, `value="7"`, `value="apply"`)
	if text, err := unpack(got.fields(t).Get("draft")); err != nil || text != webText {
		t.Errorf("%v, kept %q", err, text)
	}
}

// A draft keeps every byte, and nobody sends one that unpacks to more than a document.
func TestDraft(t *testing.T) {
	for _, text := range []string{"", "a\r\nb\n\n", "\x00\xff", strings.Repeat("x", 5<<20)} {
		packed, err := pack(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpack(packed)
		if err != nil || !strings.HasPrefix(text, got) || len(got) < min(len(text), 4<<20) || len(got) > 4<<20+1 {
			t.Errorf("%d bytes came back as %d, %v", len(text), len(got), err)
		}
	}
	for _, broken := range []string{"x", "!", "H4sIAAAAAAAA_w"} {
		if _, err := unpack(broken); err == nil {
			t.Errorf("%q is a draft", broken)
		}
	}
}
