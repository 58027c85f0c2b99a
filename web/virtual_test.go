package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"polso/api"
	"polso/config"
	"polso/fsm"
)

// edge is a router whose status tells of virtuals, and whose probes answer.
type edge struct {
	*backend
	virtuals []api.Virtual
	tried    []api.CheckRequest
}

const edgeText = `virtual "web" {
  address = "192.0.2.10" # the shop
  port    = 80
  forward = "nat"
  persistent {}
  check "http" {
    path    = "/healthz"
    headers = { "X-A" = "b=c" }
  }
  sorry_server "spare.one" { address = "10.0.0.9:80" }
  server "a" { address = "10.0.0.11:8080" }
  server "b.2" {
    address = "10.0.0.12:8080"
    weight  = 0
    check "all" {
      check "tcp" {}
      check "http" {}
    }
  }
}
`

// newEdge is one where edgeText runs.
func newEdge(t testing.TB) *edge {
	t.Helper()
	e := &edge{backend: newBackend(t), virtuals: []api.Virtual{{
		Name: "web", Address: "192.0.2.10", Ports: []uint16{80}, Protocol: "tcp", Scheduler: "wlc", Forward: "nat", State: "up",
		Rates: api.Rates{Connections: 1200, BytesIn: 12_000_000},
		Servers: []api.Server{
			{Name: "a", Address: "10.0.0.11", Port: 8080, State: "up", Health: "up", Weight: 1, EffectiveWeight: 1, Reason: "200 after 3 ms", Active: 42},
			{Name: "b.2", Address: "10.0.0.12", Port: 8080, State: "drain", Weight: 0, Active: 3, Overrides: []api.Override{{Target: "server/web/b.2", Kind: "drain", By: "alice", Reason: "<new> disk"}},
				Views: []api.View{{Router: "r1", State: "up"}, {Router: "r2", State: "down", Reason: "no route"}}},
			{Name: "spare.one", Address: "10.0.0.9", Port: 80, Sorry: true, State: "up"},
		},
	}}}
	e.run(t, edgeText)
	return e
}

func (e *edge) Status(ctx context.Context, d api.Detail) (api.Status, error) {
	st, err := e.backend.Status(ctx, d)
	st.Virtuals = e.virtuals
	st.Members = []api.Member{{Name: "r1", Kind: "router"}, {Name: "w1", Kind: "witness"}}
	return st, err
}

func (e *edge) Virtuals(_ context.Context, r api.VirtualsRequest) (api.Virtuals, error) {
	out := api.Virtuals{Schema: api.Schema, All: len(e.virtuals), States: map[string]int{}, Virtuals: []api.ListedVirtual{}}
	for _, v := range e.virtuals {
		has := strings.Contains(strings.ToLower(v.Name+" "+v.Address), strings.ToLower(r.Q)) || slices.ContainsFunc(v.Servers, func(s api.Server) bool { return s.Address == r.Q })
		if !has || r.State != "" && v.State != r.State {
			continue
		}
		if out.Total++; out.Total > r.Offset && len(out.Virtuals) < r.Limit {
			out.Virtuals = append(out.Virtuals, api.Listed(v))
		}
	}
	return out, nil
}

func (e *edge) Virtual(_ context.Context, r api.VirtualRequest) (api.VirtualPage, error) {
	for _, v := range e.virtuals {
		if v.Name != r.Name {
			continue
		}
		out := api.VirtualPage{Schema: api.Schema, Virtual: api.Listed(v), Total: len(v.Servers)}
		from := min(r.Offset, len(v.Servers))
		out.Virtual.Servers = v.Servers[from:min(from+r.Limit, len(v.Servers))]
		return out, nil
	}
	return api.VirtualPage{}, api.Errorf(api.CodeNotFound, "virtual %q is not there", r.Name)
}

func (e *edge) RunCheck(_ context.Context, r api.CheckRequest) (api.CheckRun, error) {
	e.tried = append(e.tried, r)
	return api.CheckRun{Schema: api.Schema, Node: "r1", Results: []api.CheckProbe{{
		Virtual: r.Virtual, Server: r.Server, Address: "10.0.0.11:8080", State: "down", Seconds: 0.0123, Reason: "503",
		Steps: []api.CheckStep{{At: 0.001, What: "sent", Bytes: []byte("GET / HTTP/1.1\r\n")}, {At: 0.01, What: "received", Bytes: []byte{0, 255}}}, Cut: true,
	}}}, nil
}

func (e *edge) visitor(t *testing.T, role fsm.Role) visitor {
	return visitor{t, newSite(t, api.New(e, api.Version{})), role}
}

func TestVirtuals(t *testing.T) {
	e := newEdge(t)
	v := e.visitor(t, fsm.Operator)
	v.get("/virtuals").shows(t, 200, `<a href="/virtuals/web">web</a>`, `data-k="v/web/cps">1.2k<`, `data-k="v/web/servers">1/2<`, `data-k="v/web/active">45<`,
		`data-k="s/web/a/state"`, `<a href="/virtuals/web/servers/b.2">b.2</a>`, "drained by alice: &lt;new&gt; disk", "r2 sees it down: no route", "/virtuals/add")
	v.get("/virtuals?q=WEB").shows(t, 200, "1 virtual server found, of 1")
	v.get("/virtuals?q=192.0.2.10&state=up").shows(t, 200, "found, of 1")
	v.get("/virtuals?q=nothing").shows(t, 200, "Nothing is found")
	v.get("/virtuals?state=down").shows(t, 200, "Nothing is found")
	e.visitor(t, fsm.Viewer).get("/virtuals").lacks(t, `href="/virtuals/add"`)

	for i := range 120 {
		e.virtuals = append(e.virtuals, api.Virtual{Name: fmt.Sprintf("v%03d", i), FWMark: 7, State: "down"})
	}
	second := v.get("/virtuals?q=v&page=2")
	second.shows(t, 200, "v025", "v049", "Page 2 of 5", `href="?page=3&amp;q=v"`, "fwmark 7")
	second.lacks(t, ">v024<", ">v050<")
	v.get("/virtuals?page=x").shows(t, 200, "Page 1 of 5")
	v.get("/virtuals?page=99").shows(t, 200, "Page 5 of 5")

	e.virtuals = nil
	v.get("/virtuals").shows(t, 200, "There is no virtual server yet", `href="/virtuals/add"`, `href="/import"`)
}

func TestVirtual(t *testing.T) {
	e := newEdge(t)
	v := e.visitor(t, fsm.Operator)
	v.get("/virtuals/web").shows(t, 200, "192.0.2.10:80 tcp", "spare.one", "/virtuals/web/sorry/spare.one/edit", "45 established connections now", `action="/virtuals/web/delete"`)
	v.get("/virtuals/nope").shows(t, 404, "is not there")
	e.visitor(t, fsm.Viewer).get("/virtuals/web").lacks(t, "/delete", `href="/virtuals/web/edit"`)
	for i := range 150 {
		e.virtuals[0].Servers = append(e.virtuals[0].Servers, api.Server{Name: fmt.Sprintf("s%03d", i), State: "up"})
	}
	v.get("/virtuals/web?page=2").shows(t, 200, "153 servers", ">s149<")
	v.get("/virtuals").shows(t, 200, "133 more")

	odd := `a"><b>/..%2f?x#y`
	e.virtuals = []api.Virtual{{Name: odd, Servers: []api.Server{{Name: odd, State: "up"}}}}
	page := v.get("/virtuals")
	page.shows(t, 200, `<a href="/virtuals/a%22%3E%3Cb%3E%2F..%252f%3Fx%23y">`)
	page.lacks(t, "<b>/")
	v.get("/virtuals/"+url.PathEscape(odd)).shows(t, 200, "a&#34;&gt;&lt;b&gt;")
	v.get("/virtuals/"+url.PathEscape(odd)+"/servers/"+url.PathEscape(odd)).shows(t, 200, "a&#34;&gt;&lt;b&gt;")
}

// Whoever may not change anything is shown everything, and no button that would.
func TestViewerHasNoButtons(t *testing.T) {
	v := newEdge(t).visitor(t, fsm.Viewer)
	for _, path := range append([]string{"/virtuals", "/virtuals/web", "/virtuals/web/servers/a", "/virtuals/add", "/virtuals/web/servers/add"}, forms...) {
		page := v.get(path)
		page.shows(t, 200)
		page.lacks(t, `class="primary"`, `class="danger"`, "Try it</button>")
	}
}

func TestVirtualCalledAdd(t *testing.T) {
	e := newEdge(t)
	e.virtuals[0].Name, e.virtuals[0].Servers[0].Name = "add", "add"
	v := e.visitor(t, fsm.Operator)
	v.get("/virtuals").shows(t, 200, `href="/virtuals/add/"`, `href="/virtuals/add/servers/add/"`)
	v.get("/virtuals/add/").shows(t, 200, "192.0.2.10:80 tcp", `href="/virtuals/add/edit"`)
	v.get("/virtuals/add/servers/add/").shows(t, 200, "The operator's hand")
	v.get("/virtuals/add").shows(t, 200, "Add a virtual server")
}

// The forms of the example in the tree, each of them, propose nothing that nobody asked for.
func TestFormsOfTheExampleUntouched(t *testing.T) {
	e := newEdge(t)
	text, err := os.ReadFile("../config/testdata/example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	e.run(t, string(text))
	v := e.visitor(t, fsm.Operator)
	for _, x := range e.fsm.Load().Document.Virtuals {
		paths := []string{"/virtuals/" + x.Name + "/edit"}
		if x.Check != nil {
			paths = append(paths, "/virtuals/"+x.Name+"/monitoring")
		}
		for _, s := range x.Servers {
			paths = append(paths, "/virtuals/"+x.Name+"/servers/"+s.Name+"/edit")
			if s.Check != nil {
				paths = append(paths, "/virtuals/"+x.Name+"/servers/"+s.Name+"/monitoring")
			}
		}
		for _, path := range paths {
			v.post(path, sent(t, v.get(path).text, path, "save")).shows(t, 422, "nothing was changed in the form")
		}
	}
}

// forms are the pages with a form of a part, and where the form goes.
var forms = []string{
	"/virtuals/web/edit", "/virtuals/web/servers/a/edit", "/virtuals/web/servers/b.2/edit", "/virtuals/web/sorry/spare.one/edit", "/virtuals/web/monitoring",
	"/virtuals/web/servers/b.2/monitoring", "/virtuals/web/sorry/spare.one/monitoring?kind=tcp",
}

func TestFormsUntouched(t *testing.T) {
	v := newEdge(t).visitor(t, fsm.Operator)
	for _, path := range forms[:6] {
		page := v.get(path)
		page.shows(t, 200)
		v.post(path, sent(t, page.text, path, "save")).shows(t, 422, "nothing was changed in the form")
	}
}

// Whatever a document can say of a virtual has a field: the manual is walked.
func TestEverythingHasAField(t *testing.T) {
	v := newEdge(t).visitor(t, fsm.Viewer)
	has := func(path string, topic config.Topic, in string) {
		t.Helper()
		page := v.get(path)
		page.shows(t, 200)
		var walk func(config.Topic, string)
		walk = func(topic config.Topic, in string) {
			for _, x := range topic.Topics {
				switch {
				case x.Form != "":
					page.shows(t, 200, fmt.Sprintf(`name="%s%s"`, in, x.Name))
				case x.Label == "": // a block; what has a name has a page of its own
					walk(x, in+x.Name+".")
				}
			}
		}
		walk(topic, in)
	}
	has("/virtuals/add", partTopic(config.KindVirtual), "")
	has("/virtuals/web/edit", partTopic(config.KindVirtual), "")
	has("/virtuals/web/servers/a/edit", partTopic(config.KindServer), "")
	has("/virtuals/web/servers/add", partTopic(config.KindServer), "")
	has("/virtuals/web/sorry/spare.one/edit", partTopic(config.KindSorryServer), "")
	for _, kind := range checkKinds() {
		topic, err := config.Explain("virtual.check." + string(kind))
		if err != nil {
			t.Fatal(err)
		}
		page := v.get("/virtuals/web/monitoring?kind=" + string(kind))
		page.shows(t, 200, fmt.Sprintf("<option selected>%s</option>", kind))
		if combines(string(kind)) {
			page.shows(t, 200, fmt.Sprintf("check &#34;%s&#34; {", kind), "path    = &#34;/healthz&#34;")
			continue
		}
		has("/virtuals/web/monitoring?kind="+string(kind), topic, "check.")
	}
	has("/virtuals/web/servers/b.2/monitoring", must(config.Explain("virtual.check.all")), "check.")
}

func TestEditVirtual(t *testing.T) {
	e := newEdge(t)
	v := e.visitor(t, fsm.Operator)
	const path = "/virtuals/web/edit"
	form := sent(t, v.get(path).text, path, "")
	form.Set("scheduler", "mh")
	form.Set("persistent.timeout", "10m")
	form.Set("sorry_server", "")
	planned := v.post(path, form)
	planned.shows(t, 200, "<h1>Plan</h1>", "scheduler: <del>wlc</del> → <ins>mh</ins>", "persistent: <del>5m</del> → <ins>10m</ins>")
	sentOn := sent(t, planned.text, "/changes/plan", "apply")
	v.post("/changes/plan", sentOn).shows(t, 303)
	source := e.fsm.Load().History[len(e.fsm.Load().History)-1].Source
	for _, want := range []string{"# the shop", `scheduler = "mh"`, `timeout = "10m"`} {
		if !strings.Contains(source, want) {
			t.Errorf("%q is not in\n%s", want, source)
		}
	}
	form = sent(t, v.get(path).text, path, "")
	form.Set("port", "http")
	form.Set("min_servers", "9")
	wrong := v.post(path, form)
	wrong.shows(t, 422, `<div class="field bad">`, `name="port" value="http"`, "the document has")
	form.Set("out:persistent", "1")
	form.Set("port", "80")
	form.Set("min_servers", "")
	v.post(path, form).shows(t, 200, "persistent: <del>10m</del> → <ins>none</ins>")
}

func TestAddVirtual(t *testing.T) {
	e := newEdge(t)
	v := e.visitor(t, fsm.Operator)
	form := sent(t, v.get("/virtuals/add").text, "/virtuals/add", "")
	form.Set("name", "mail")
	form.Set("address", "192.0.2.11")
	form.Set("port", "25")
	form.Set("servers", "10.0.0.21\r\nm2 10.0.0.22 5\r\n\r\n")
	form.Set("check", "smtp")
	planned := v.post("/virtuals/add", form)
	planned.shows(t, 200, "<h1>Plan</h1>", "virtual mail", "server mail/a", "server mail/m2", "weight 5")
	v.post("/changes/plan", sent(t, planned.text, "/changes/plan", "apply")).shows(t, 303)
	if doc := e.fsm.Load().Document; len(doc.Virtuals) != 2 || doc.Virtuals[0].Check.Kind != config.CheckSMTP || doc.Virtuals[0].Servers[1].Weight != 5 {
		t.Errorf("%+v", doc.Virtuals[0])
	}

	for change, want := range map[[2]string]string{
		{"name", ""}:                    "needs a name",
		{"name", "web"}:                 "is in the document already",
		{"name", "a b"}:                 "has characters that a name cannot have",
		{"address", "nowhere"}:          "nowhere",
		{"servers", "10.0.0.300"}:       "is not understood",
		{"servers", "m1 10.0.0.21 5 6"}: "is not understood",
		{"servers", "10.0.0.21:26"}:     "cannot change the port",
	} {
		bad, _ := url.ParseQuery(form.Encode())
		bad.Set("name", "other")
		bad.Set("address", "192.0.2.12")
		bad.Set(change[0], change[1])
		page := v.post("/virtuals/add", bad)
		if page.code < 400 || !strings.Contains(page.text, want) || !strings.Contains(page.text, "Add a virtual server") {
			t.Errorf("%v: %d, without %q:\n%s", change, page.code, want, page.text)
		}
	}
}

func TestParts(t *testing.T) {
	e := newEdge(t)
	v := e.visitor(t, fsm.Operator)
	form := sent(t, v.get("/virtuals/web/servers/add").text, "/virtuals/web/servers/add", "")
	form.Set("name", "c")
	form.Set("address", "10.0.0.13:8080")
	v.post("/virtuals/web/servers/add", form).shows(t, 200, "server web/c")
	form.Set("name", "a")
	v.post("/virtuals/web/servers/add", form).shows(t, 409, "is in the document already")
	form = sent(t, v.get("/virtuals/web/sorry/spare.one/edit").text, "/virtuals/web/sorry/spare.one/edit", "")
	form.Set("weight", "7")
	v.post("/virtuals/web/sorry/spare.one/edit", form).shows(t, 200, "<h1>Plan</h1>", "sorry_server")
	v.post("/virtuals/web/active", url.Values{"do": {"off"}}).shows(t, 200, "<h1>Plan</h1>", "active: <del>true</del> → <ins>false</ins>", "its connections end")
	v.post("/virtuals/web/active", url.Values{"do": {"on"}}).shows(t, 200, "Nothing to change")
	v.post("/virtuals/web/delete", nil).shows(t, 200, "<h1>Plan</h1>", "virtual web")
	v.post("/virtuals/web/servers/a/delete", nil).shows(t, 200, "server web/a")
	v.post("/virtuals/web/servers/nope/delete", nil).shows(t, 404, "is not in the document")
	for _, path := range []string{"/virtuals/nope/edit", "/virtuals/web/servers/nope/edit", "/virtuals/nope/servers/add", "/virtuals/nope/monitoring"} {
		v.get(path).shows(t, 404)
	}
}

func TestHand(t *testing.T) {
	e := newEdge(t)
	v := e.visitor(t, fsm.Operator)
	const page, hand = "/virtuals/web/servers/a", "/virtuals/web/servers/a/hand"
	v.get(page).shows(t, 200, "42 established connections now", "no other server of web is up", "10.0.0.11:8080")
	say := func(do string, more ...string) shown {
		form := url.Values{"do": {do}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return v.post(hand, form)
	}
	words := func() (out []string) {
		for _, o := range e.fsm.Load().Overrides {
			out = append(out, o.Target+" "+o.Kind)
		}
		return out
	}
	check := func(want ...string) {
		t.Helper()
		if got := words(); !slices.Equal(got, want) {
			t.Errorf("operators said %q, want %q", got, want)
		}
	}
	if got := say("drain", "for", "2h", "reason", "new disk"); got.code != http.StatusSeeOther || got.to != page {
		t.Fatalf("%d %s\n%s", got.code, got.to, got.text)
	}
	check("server/web/a drain")
	if o := e.fsm.Load().Overrides[0]; o.Reason != "new disk" || o.Until.IsZero() {
		t.Errorf("%+v", o)
	}
	say("disable", "reason", "r").shows(t, 200, "Disable: web/a?", "42 established connections now", `name="reason" value="r"`)
	check("server/web/a drain")
	say("disable", "sure", "yes").shows(t, 303)
	check("server/web/a disable")
	say("enable").shows(t, 303)
	check()
	say("weight", "weight", "7").shows(t, 303)
	say("weight", "weight", "x").shows(t, 422, "nothing is said of the server", `id="weight-weight-error">Write a number from 0 to 65535.`, `value="x"`)
	say("up").shows(t, 303)
	check("server/web/a up", "server/web/a weight")
	say("off").shows(t, 303)
	say("reset").shows(t, 303)
	say("drain", "for", "2 weeks").shows(t, 422, `id="traffic-for-error">Write a time such as 90m`, `value="2 weeks"`)
	say("maintain-now").shows(t, 200, "everything at 10.0.0.11", "web/a: 42 established")
	say("maintain").shows(t, 303)
	check("address/10.0.0.11 drain")
	say("maintain-end").shows(t, 303)
	check()
	say("enable").shows(t, 404, "neither drained nor disabled")
	say("nonsense").shows(t, 422, "does nothing")
	v.get("/virtuals/web/servers/spare.one").shows(t, 404)
}

func TestMonitoring(t *testing.T) {
	e := newEdge(t)
	v := e.visitor(t, fsm.Operator)
	const path = "/virtuals/web/monitoring"
	page := v.get(path)
	page.shows(t, 200, "probed by <strong>http</strong>", `href="/virtuals/web/servers/b.2/monitoring"`, "X-A = b=c", "<option>r1</option>")
	page.lacks(t, "<option>w1</option>")
	change := func(at, query string, set ...string) shown {
		t.Helper()
		form := sent(t, v.get(at+query).text, at, "save")
		for i := 0; i < len(set); i += 2 {
			form.Set(set[i], set[i+1])
		}
		return v.post(at, form)
	}
	change(path, "", "check.path", "/alive", "check.tls", "true").shows(t, 200, "check path: <del>/healthz</del> → <ins>/alive</ins>", "check tls: <del>none</del> → <ins>true</ins>")
	change(path, "?kind=tcp", "check.every", "5s").shows(t, 200, "check: <del>http</del> → <ins>tcp</ins>", "check every: <del>2s</del> → <ins>5s</ins>")
	change(path, "?kind=udp").shows(t, 422, `<div class="field bad">`, "needs what to send", "not what runs")
	change(path, "?kind=https").shows(t, 200, "check tls: <del>none</del> → <ins>true</ins>")
	const own = "/virtuals/web/servers/b.2/monitoring"
	v.get(own).shows(t, 200, "a check of its own, <strong>all</strong>", "check &#34;tcp&#34;")
	change(own, "?kind=tcp", "check.rise", "4").shows(t, 200, "check: <del>all</del> → <ins>tcp</ins>", "check rise: <del>2</del> → <ins>4</ins>")
	v.post(own, url.Values{"do": {"none"}}).shows(t, 200, "<h1>Plan</h1>")
	v.post(path, url.Values{"do": {"text"}, "text": {"check \"any\" {\r\n  check \"tcp\" {}\r\n}"}}).shows(t, 200, "check: <del>http</del> → <ins>any</ins>")
	v.post(path, url.Values{"do": {"text"}, "text": {"check \"any\" {"}}).shows(t, 422, "check &#34;any&#34; {</textarea>")
	v.get(path+"?kind=nonsense").shows(t, 422, "there is no check of kind")
	change("/virtuals/web/servers/a/monitoring", "?kind=icmp").shows(t, 200, "<h1>Plan</h1>", "web/a")

	v.post(path+"/try", url.Values{"server": {"a"}, "on": {"r1"}}).shows(t, 200, "web/a from r1", "DOWN", "12.3 ms", "503", `&#34;GET / HTTP/1.1\r\n&#34;`, "00000000  00 ff", "more than is shown")
	if len(e.tried) != 1 || e.tried[0] != (api.CheckRequest{On: "r1", Virtual: "web", Server: "a", Steps: true}) {
		t.Errorf("tried %+v", e.tried)
	}
}
