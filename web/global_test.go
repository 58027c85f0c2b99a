package web

import (
	"net/url"
	"strings"
	"testing"

	"polso/config"
	"polso/fsm"
)

// The cluster block is shown as it is written, changed by its form, and what is not touched stays as it is written.
func TestGlobalCluster(t *testing.T) {
	b := newBackend(t)
	b.run(t, "# mine\n"+formText)
	v := b.visitor(t, fsm.Operator)
	page := v.get("/global")
	page.shows(t, 200, "<h1>Global settings</h1>", "router_check/edit/uplink", "10.1.0.254/24", "command /bin/tell", `id="g-sync_daemon"`, "Where did Piranha")
	form := sent(t, page.text, "/global", "")
	if got := v.post("/global", form); got.code != 303 || got.to != "/global" {
		t.Errorf("untouched: %d to %q\n%s", got.code, got.to, got.text)
	}
	form.Set("standby", "cold")
	form.Set("timeouts.udp", "90s")
	plan := v.post("/global", form)
	plan.shows(t, 200, "<h1>Plan</h1>", "standby: <del>warm</del>", "timeouts udp: <del>none</del>", `value="set cluster standby=cold timeouts.udp=90s"`)
	if got := v.post("/changes/plan", sent(t, plan.text, "/changes/plan", "apply")); got.code != 303 {
		t.Fatalf("%d\n%s", got.code, got.text)
	}
	source := b.fsm.Load().History[2].Source
	if !strings.HasPrefix(source, "# mine\ncluster {\n  standby = \"cold\"\n") || !strings.Contains(source, `contains = " yes\r\nor\rno\n\n"`) {
		t.Error(source)
	}
	form.Set("standby", "cold")
	form.Set("timeouts.udp", "90 weeks")
	bad := v.post("/global", form)
	bad.shows(t, 422, `value="90 weeks"`, `aria-invalid="true"`, "nothing was changed")
}

// Parts are added, edited and removed, each by way of its plan.
func TestGlobalParts(t *testing.T) {
	b := newBackend(t)
	v := b.visitor(t, fsm.Operator)
	apply := func(plan shown) {
		t.Helper()
		plan.shows(t, 200, "<h1>Plan</h1>")
		if got := v.post("/changes/plan", sent(t, plan.text, "/changes/plan", "apply")); got.code != 303 {
			t.Fatalf("%d\n%s", got.code, got.text)
		}
	}
	for _, test := range []struct {
		kind   config.Kind
		first  url.Values
		second url.Values
		want   string
	}{
		{config.KindVIP, url.Values{"address": {"10.1.0.254/24"}}, url.Values{"interface": {"lan"}}, `vip "x"`},
		{config.KindNotify, url.Values{"command": {"/bin/tell\r\nall"}}, url.Values{"events": {"active"}, "limit": {"7"}}, `notify "x"`},
		{config.KindRouterCheck, url.Values{"ping": {"192.0.2.1"}}, url.Values{"penalty": {"5"}}, `router_check "x"`},
	} {
		at := "/global/" + string(test.kind)
		page := v.get(at + "/add")
		page.shows(t, 200, "Add a "+string(test.kind), topicOf(test.kind).Text[:20])
		form := sent(t, page.text, at+"/add", "")
		form.Set("name", "x y")
		v.post(at+"/add", form).shows(t, 422, `value="x y"`)
		form.Set("name", "x")
		for name, value := range test.first {
			form[name] = value
		}
		apply(v.post(at+"/add", form))
		v.post(at+"/add", form).shows(t, 409, "is in the document already")
		form = sent(t, v.get(at+"/edit/x").text, at+"/edit/x", "")
		for name, value := range test.second {
			form[name] = value
		}
		apply(v.post(at+"/edit/x", form))
		if source := b.fsm.Load().History[len(b.fsm.Load().History)-1].Source; !strings.Contains(source, test.want) {
			t.Error(source)
		}
		apply(v.post(at+"/remove/x", nil))
		v.get(at+"/edit/x").shows(t, 404, "is not in the document")
		v.post(at+"/remove/x", nil).shows(t, 404, "is not in the document")
	}
	if d := b.fsm.Load().Document; len(d.VIPs)+len(d.Notifies)+len(d.RouterChecks) > 0 {
		t.Errorf("left: %+v", d)
	}
	v.get("/global/virtual/add").shows(t, 404, "there is no page for")
}

// A notify block is tried from the page, and what each router got is told.
func TestNoticeFromPage(t *testing.T) {
	b := newBackend(t)
	b.run(t, formText)
	v := b.visitor(t, fsm.Operator)
	v.post("/global/notify/test/ops", nil).shows(t, 200, "exit status 0", "not reached", "is it up?", "FAIL")
	if len(b.tested) != 1 || b.tested[0].Notify != "ops" {
		t.Errorf("%+v", b.tested)
	}
}

// Who may not change it can read it.
func TestGlobalOfViewer(t *testing.T) {
	b := newBackend(t)
	b.run(t, formText)
	v := b.visitor(t, fsm.Viewer)
	for _, path := range []string{"/global", "/global/vip/edit/gw"} {
		page := v.get(path)
		page.shows(t, 200, "<fieldset disabled>")
		page.lacks(t, `class="primary"`, "Remove…")
	}
}
