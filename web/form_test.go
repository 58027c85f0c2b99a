package web

import (
	"bytes"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"polso/config"
)

// sent is what a browser posts of the first form of a page that goes to that address, if nobody touched it and pressed the button
// that says do ("": none).
func sent(t testing.TB, page, action, do string) url.Values {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Data == "form" && attr(n, "action") == action && attr(n, "method") != "get" {
			return values(n, do)
		}
	}
	t.Fatalf("there is no form to %s in\n%s", action, page)
	return nil
}

func values(form *html.Node, do string) url.Values {
	out := url.Values{}
	add := func(name, value string) {
		value = strings.NewReplacer("\r\n", "\r\n", "\r", "\r\n", "\n", "\r\n").Replace(value) // HTML, section 4.10.21.4
		out.Add(name, value)
	}
	for n := range form.Descendants() {
		name := attr(n, "name")
		if n.Type != html.ElementNode || name == "" {
			continue
		}
		switch kind := attr(n, "type"); {
		case n.Data == "input" && (kind == "checkbox" || kind == "radio"):
			if has(n, "checked") {
				add(name, attr(n, "value"))
			}
		case n.Data == "input" && kind == "hidden":
			add(name, attr(n, "value"))
		case n.Data == "input" && kind != "file":
			add(name, strings.NewReplacer("\r", "", "\n", "").Replace(attr(n, "value")))
		case n.Data == "textarea":
			add(name, text(n))
		case n.Data == "button" && attr(n, "value") == do:
			add(name, do)
		case n.Data == "select":
			var chosen *html.Node
			for o := range n.Descendants() {
				if o.Data == "option" && (chosen == nil || has(o, "selected")) {
					chosen = o
				}
			}
			if value := text(chosen); has(chosen, "value") {
				add(name, attr(chosen, "value"))
			} else {
				add(name, value)
			}
		}
	}
	return out
}

func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// drawn is a form as a page has it.
func drawn(t testing.TB, f *form) string {
	t.Helper()
	set, err := parseViews()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString(`<form method="post" action="/x">`)
	if err := set["global"].ExecuteTemplate(&b, "form", f); err != nil {
		t.Fatal(err)
	}
	b.WriteString(`</form>`)
	return b.String()
}

const formText = `cluster {
  standby = "warm"
  prefer  = ["r2", "r1"]
  sysctls = { "net.ipv4.vs.conn_reuse_mode" = "1" }
  timeouts { tcp = "1h" }
}

notify "ops" {
  events  = ["server_down", "active"]
  command = ["/bin/tell", "two\nlines", "a \"b\" ${"x"}"]
}

router_check "uplink" {
  file     = "/run/up"
  contains = " yes\r\nor\rno\n\n"
  every    = "1500ms"
}

vip "gw" { address = "10.1.0.254/24" }
`

// A form that nobody touched changes nothing, whatever stands in it.
func TestFormUntouched(t *testing.T) {
	doc, err := config.Load(config.File{Name: "t", Text: []byte(formText)})
	if err != nil {
		t.Fatal(err)
	}
	for kind, name := range map[config.Kind]string{config.KindCluster: "", config.KindNotify: "ops", config.KindRouterCheck: "uplink", config.KindVIP: "gw"} {
		written, err := config.Written([]byte(formText), doc, kind, name)
		if err != nil {
			t.Fatal(err)
		}
		topic, err := config.Explain(string(kind))
		if err != nil {
			t.Fatal(err)
		}
		f := newForm(topic, written)
		for path, want := range written {
			found := false
			for field := range f.all {
				found = found || field.Path == path && field.Value == want
			}
			if _, group := map[string]bool{"timeouts": true}[path]; !found && !group {
				t.Errorf("%s %s: %s does not stand in the form", kind, name, path)
			}
		}
		if got := f.read(sent(t, drawn(t, f), "/x", "")); len(got) > 0 {
			t.Errorf("%s %s: untouched, and it would set %q", kind, name, got)
		}
	}
}

// What is changed in a form becomes the values of an edit, and nothing else does.
func TestFormRead(t *testing.T) {
	doc, err := config.Load(config.File{Name: "t", Text: []byte(formText)})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		kind   config.Kind
		part   string
		change url.Values
		want   []string
	}{
		{"a word", config.KindCluster, "", url.Values{"standby": {"cold"}}, []string{"standby=cold"}},
		{"back to the default", config.KindCluster, "", url.Values{"standby": {""}}, []string{"standby="}},
		{"a list", config.KindCluster, "", url.Values{"prefer": {"r3\r\n r1 \r\n\r\n"}}, []string{`prefer=["r3", "r1"]`}},
		{"a map", config.KindCluster, "", url.Values{"sysctls": {"net.ipv4.ip_forward = keep"}}, []string{"sysctls.net.ipv4.ip_forward=keep", "sysctls.net.ipv4.vs.conn_reuse_mode="}},
		{"a block begun", config.KindCluster, "", url.Values{"sync_daemon.interface": {" sync "}, "sync_daemon.id": {"7"}}, []string{"sync_daemon.interface=sync", "sync_daemon.id=7"}},
		{"a block emptied", config.KindCluster, "", url.Values{"timeouts.tcp": {" "}}, []string{"timeouts="}},
		{"a block taken out", config.KindCluster, "", url.Values{"out:timeouts": {"1"}, "timeouts.udp": {"1m"}}, []string{"timeouts="}},
		{"words ticked", config.KindNotify, "ops", url.Values{"events": {"active", "conflict"}}, []string{`events=["active", "conflict"]`}},
		{"the same words", config.KindNotify, "ops", url.Values{"events": {"active", "server_down"}}, nil},
		{"none", config.KindNotify, "ops", url.Values{"events": nil}, []string{"events="}},
		{"spaces that are meant", config.KindRouterCheck, "uplink", url.Values{"contains": {" y "}}, []string{"contains= y "}},
		{"nothing of what is not there", config.KindVIP, "gw", url.Values{"weight": {"3"}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			written, err := config.Written([]byte(formText), doc, test.kind, test.part)
			if err != nil {
				t.Fatal(err)
			}
			topic, err := config.Explain(string(test.kind))
			if err != nil {
				t.Fatal(err)
			}
			f := newForm(topic, written)
			posted := sent(t, drawn(t, f), "/x", "")
			for name, v := range test.change {
				posted[name] = v
			}
			got := f.read(posted)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Fatal(diff)
			}
			if len(got) == 0 {
				return
			}
			if _, err := config.Revise([]byte(formText), doc, config.Edit{Verb: config.Set, Kind: test.kind, Name: test.part, Values: got}); err != nil {
				t.Error(err)
			}
		})
	}
}

// Mistakes stand beside the field that they are about.
func TestFormMark(t *testing.T) {
	f := newForm(must(config.Explain("cluster")), nil)
	rest := f.mark("cluster", mistakes("cluster {\n  standby = \"hot\"\n  sync_daemon { id = 300 }\n}\nvip \"gw\" {}\n"))
	var got []string
	for field := range f.all {
		for _, p := range field.Problems {
			got = append(got, field.Path+": "+p.What)
		}
	}
	if len(got) != 3 || !strings.HasPrefix(got[0], "standby: ") || len(rest) != 1 || !strings.Contains(rest[0].Path, "gw") {
		t.Errorf("%q; left: %v; %v", got, rest, f.Other)
	}
	page := drawn(t, f)
	if !strings.Contains(page, `aria-describedby="f-standby-help"`) || !strings.Contains(page, template.HTMLEscapeString(strings.TrimPrefix(got[0], "standby: "))) {
		t.Error(page)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Whatever the manual has of a part can be filled in.
func TestFormHasAll(t *testing.T) {
	for _, kind := range []string{"cluster", "vip", "notify", "router_check"} {
		topic := must(config.Explain(kind))
		fields := map[string]bool{}
		for field := range newForm(topic, nil).all {
			fields[field.Path] = true
		}
		var walk func(config.Topic, string)
		walk = func(topic config.Topic, in string) {
			for _, x := range topic.Topics {
				if x.Form == "" {
					walk(x, in+x.Name+".")
				} else if !fields[in+x.Name] {
					t.Errorf("%s: %s%s has no field", kind, in, x.Name)
				}
			}
		}
		walk(topic, "")
	}
}
