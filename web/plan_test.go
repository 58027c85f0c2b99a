package web

import (
	"bytes"
	"flag"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// A plan asks every router what it would do, so who only looks gets none, neither of a text nor of an old revision; the text is not lost.
func TestPlanOfViewer(t *testing.T) {
	b := newBackend(t)
	b.run(t, webText)
	v := b.visitor(t, fsm.Viewer)
	for _, form := range []url.Values{{"text": {webText + "# mine\n"}}, {"text": {webText + "# mine\n"}, "do": {"apply"}}, {"rollback": {"1"}}, {"rollback": {"1"}, "do": {"apply"}}} {
		got := v.post("/changes/plan", form)
		got.shows(t, 403, "user alice may not do this", "it needs the role operator; user alice has the role viewer", "polso user set-role")
		got.lacks(t, "<h1>Plan</h1>", "Apply</button>")
		if form.Has("text") {
			got.shows(t, 403, "# mine\n</pre>")
		}
	}
	if n := b.fsm.Load().Revision; n != 2 {
		t.Errorf("revision %d runs", n)
	}
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

var update = flag.Bool("update", false, "write the golden pages anew")

// The page of a plan with all that one can have.
func TestPlanPage(t *testing.T) {
	seconds := 7.0
	view := planView{
		proposal: proposal{Base: 41, Message: `add "d" & <e>`, Drain: &seconds, Confirm: 300, Adopt: true, Request: "r"}, Draft: "d",
		Plan: api.Plan{
			Base: 42, Summary: "Plan: 1 to add, 1 to change, 1 to remove.", Warnings: []string{"cluster prefer: no router is called \"r9\" now"},
			Changes: []api.Change{
				{Symbol: "~", Kind: "virtual", Name: "web", Fields: []api.FieldChange{{Name: "scheduler", From: "wlc", To: "mh"}, {Name: "flags", To: "fallback"}}, Note: "in place, existing connections stay"},
				{Symbol: "+", Kind: "server", Name: "web/d", Text: "10.1.0.4 weight 1"},
				{Symbol: "-", Kind: "server", Name: "web/<b>", Text: "10.1.0.2 weight 1", Note: "drain 7s, then remove; 3 102 active connections now", Active: 3102},
				{Symbol: "-/+", Kind: "virtual", Name: "mail", Note: "new service: connections of the old one end"},
			},
			Routers: []api.RouterPlan{
				{Name: "r1", Reached: true, Directs: true, Steps: []string{"-E -t 192.0.2.10:80 -s mh"}, Rules: []string{"add rule"}, Drift: []string{"-a -t x"}, Problems: []api.Problem{{What: "w", Why: "y", Fix: "f"}}},
				{Name: "r2", Reached: true}, {Name: "r3", Reason: "no answer"},
			},
		},
		Since:   &api.Comparison{From: 41, To: 42, Changes: []api.Change{{Symbol: "+", Kind: "vip", Name: "gw"}}},
		Refused: api.Errorf(api.CodeConflict, "the document changed").WithHint("look"),
	}
	set, err := parseViews()
	if err != nil {
		t.Fatal(err)
	}
	applicable := view
	applicable.Base, applicable.Since, applicable.Refused = 42, nil, nil
	for name, view := range map[string]planView{"moved": view, "plan": applicable} {
		var b bytes.Buffer
		if err := set["plan"].ExecuteTemplate(&b, "main", page{Caller: api.Caller{Role: fsm.Operator}, Data: view}); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name+".html")
		if *update {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s (-update writes it anew):\n%s", file, diff)
		}
	}
}

// Every page of these can be shown before there is anything in it.
func TestPagesOfNothing(t *testing.T) {
	set, err := parseViews()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]any{
		"plan": planView{}, "changes": changesView{}, "revision": revisionView{}, "compare": compareView{}, "audit": auditView{}, "export": exportsView{}, "text": textView{},
		"import": importView{}, "global": globalView{Cluster: &form{}}, "block": settingView{Form: &form{}}, "notice": api.NoticeTest{}, "kept": keptView{},
	} {
		for _, role := range []fsm.Role{"", fsm.Viewer, fsm.Operator, fsm.Admin} {
			if err := set[name].ExecuteTemplate(io.Discard, "layout", page{Caller: api.Caller{Role: role}, Data: data}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
