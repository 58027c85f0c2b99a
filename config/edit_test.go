package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const handWritten = `# our edge
cluster { prefer = ["r1"] }

/* the shop */
virtual "web" {
  address = "192.0.2.10" # bought in 2003
  port    = 80
  forward = "nat"
  // gentle
  check "tcp" {}

  # the old one
  server "a" {
    address = "10.0.0.1:8080"
    weight  = 3
  }

  server "b" { address = "10.0.0.2:8080" }
}
`

// What an edit leaves alone stays as it was written: the difference of the texts is all that an edit does.
func TestRewrite(t *testing.T) {
	for _, test := range []struct {
		name string
		edit Edit
		want string // the lines that differ
	}{
		{"one value", Edit{Set, KindVirtual, "web", []string{"port=81"}}, `-  port    = 80|+  port    = 81`},
		{"a value with a comment behind it", Edit{Set, KindVirtual, "web", []string{"address=192.0.2.11"}},
			`-  address = "192.0.2.10" # bought in 2003|+  address = "192.0.2.11" # bought in 2003`},
		{"a new value", Edit{Set, KindServer, "web/a", []string{"forward=dr"}}, `+    forward = "dr"`},
		{"in a block on one line", Edit{Set, KindServer, "web/b", []string{"weight=7"}},
			`-  server "b" { address = "10.0.0.2:8080" }|+  server "b" {|+    address = "10.0.0.2:8080"|+    weight  = 7|+  }`},
		{"in a block with nothing in it", Edit{Set, KindVirtual, "web", []string{"check.every=5s"}},
			`-  check "tcp" {}|+  check "tcp" {|+    every = "5s"|+  }`},
		{"another kind of check", Edit{Set, KindVirtual, "web", []string{"check.http.path=/healthz"}},
			`-  check "tcp" {}|+  check "http" {|+    path = "/healthz"|+  }`},
		{"another kind of check, as it is", Edit{Set, KindVirtual, "web", []string{"check=http"}}, `-  check "tcp" {}|+  check "http" {}`},
		{"a new block", Edit{Set, KindVirtual, "web", []string{"persistent.timeout=10m"}}, `+  persistent {|+    timeout = "10m"|+  }`},
		{"taken out", Edit{Set, KindServer, "web/a", []string{"weight="}}, `-    weight  = 3`},
		{"taken out where it is not", Edit{Set, KindServer, "web/b", []string{"weight="}}, ``},
		{"a block taken out", Edit{Set, KindVirtual, "web", []string{"check="}}, `-  // gentle|-  check "tcp" {}`},
		{"the cluster", Edit{Set, KindCluster, "", []string{"failback=true", "prefer=r2,r1"}},
			`-cluster { prefer = ["r1"] }|+cluster {|+  prefer   = ["r2", "r1"]|+  failback = true|+}`},
		{"a server gone with its comment", Edit{Del, KindServer, "web/a", nil},
			`-  # the old one|-  server "a" {|-    address = "10.0.0.1:8080"|-    weight  = 3|-  }|-`},
		{"the last server gone", Edit{Del, KindServer, "web/b", nil}, `-|-  server "b" { address = "10.0.0.2:8080" }`},
		{"a server more", Edit{Add, KindServer, "web/c", []string{"address=10.0.0.3:8080", "weight=10"}},
			`+|+  server "c" {|+    address = "10.0.0.3:8080"|+    weight  = 10|+  }`},
		{"an address more", Edit{Add, KindVIP, "inside", []string{"address=10.0.0.254/24"}}, `+vip "inside" {|+  address = "10.0.0.254/24"|+}|+`},
		{"somebody more to tell", Edit{Add, KindNotify, "bgp", []string{"command=/usr/local/sbin/announce,--quiet", "events=active,inactive", "limit=10"}},
			`+notify "bgp" {|+  command = ["/usr/local/sbin/announce", "--quiet"]|+  events  = ["active", "inactive"]|+  limit   = 10|+}|+`},
		{"a router check more", Edit{Add, KindRouterCheck, "gateway", []string{"ping=192.0.2.1", "every=5s", "routers=r1,r2"}},
			`+router_check "gateway" {|+  ping    = "192.0.2.1"|+  every   = "5s"|+  routers = ["r1", "r2"]|+}|+`},
		{"quoted as needed", Edit{Set, KindVirtual, "web", []string{`check.http.host=a"${b}`}},
			`-  check "tcp" {}|+  check "http" {|+    host = "a\"$${b}"|+  }`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Rewrite([]byte(handWritten), test.edit)
			if err != nil {
				t.Fatal(err)
			}
			if diff := lineDiff(handWritten, string(got)); diff != test.want {
				t.Errorf("got  %s\nwant %s\n%s", diff, test.want, got)
			}
		})
	}
}

// A cluster block that an edit left empty goes, unless it says something all the same: that somebody commented it, or that the
// document is empty on purpose.
func TestRewriteLeavesNoEmptyCluster(t *testing.T) {
	const web = "virtual \"web\" {\n  address = \"192.0.2.10\"\n}\n"
	without := Edit{Set, KindCluster, "", []string{"failback="}}
	for text, want := range map[string]string{
		"cluster {\n  failback = true\n}\n\n" + web: web,
		web + "\ncluster {\n  failback = true\n}\n": web,
		web:                                 web,
		"cluster {\n  failback = true\n}\n": "cluster {\n}\n",
		"# edge\ncluster {\n  failback = true\n}\n" + web:        "# edge\ncluster {\n}\n" + web,
		"cluster {\n  # back?\n  failback = true\n}\n" + web:     "cluster {\n  # back?\n}\n" + web,
		"cluster {\n  failback = true\n  prefer = []\n}\n" + web: "cluster {\n  prefer = []\n}\n" + web,
	} {
		if got, err := Rewrite([]byte(text), without); err != nil || string(got) != want {
			t.Errorf("%q becomes\n%s(%v), want\n%s", text, got, err, want)
		}
	}
}

// Who removes the last part of a document means nothing to be left, and a document says so.
func TestRewriteLeavesNoEmptyText(t *testing.T) {
	for text, want := range map[string]string{
		"vip \"gw\" { address = \"10.1.0.1\" }\n":               "cluster {\n}\n",
		"# edge\n\nvip \"gw\" {\n  address = \"10.1.0.1\"\n}\n": "# edge\n\ncluster {\n}\n",
		"cluster {}\nvip \"gw\" { address = \"10.1.0.1\" }\n":   "cluster {}\n",
	} {
		got, err := Rewrite([]byte(text), Edit{Del, KindVIP, "gw", nil})
		if err != nil || string(got) != want {
			t.Errorf("%q becomes\n%q (%v), want\n%q", text, got, err, want)
		}
		if _, err := Load(File{"t", got}); err != nil {
			t.Errorf("%q: %v", got, err)
		}
	}
}

// lineDiff is the lines that are only in one of two texts, joined by |: those of the first up to where both agree again come first.
func lineDiff(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out []string
	for len(x) > 0 || len(y) > 0 {
		if len(x) > 0 && len(y) > 0 && x[0] == y[0] {
			x, y = x[1:], y[1:]
			continue
		}
		gone, come := resume(x, y)
		for _, l := range x[:gone] {
			out = append(out, "-"+l)
		}
		for _, l := range y[:come] {
			out = append(out, "+"+l)
		}
		x, y = x[gone:], y[come:]
	}
	return strings.Join(out, "|")
}

// resume tells how many lines of each side to pass over until the rest of both is the same for longest.
func resume(x, y []string) (int, int) {
	for n := 0; n <= len(x)+len(y); n++ {
		for i := max(0, n-len(y)); i <= min(n, len(x)); i++ {
			if slices.Equal(x[i:], y[n-i:]) {
				return i, n - i
			}
		}
	}
	return len(x), len(y)
}

// Lists may be written as the document writes them, and maps key by key; checks and sorry servers have names on the way.
func TestRewriteByPath(t *testing.T) {
	text := []byte("virtual \"web\" {\n  address = \"192.0.2.10\"\n  port    = 80\n}\n")
	for _, e := range []Edit{
		{Set, KindVirtual, "web", []string{"port=", `ports=[80, "8000-8100"]`, "sorry_server.spare.address=10.0.0.9:80", "forward=nat"}},
		{Set, KindVirtual, "web", []string{"check.all.every=5s", "check.all.check.tcp.port=22", "check.all.check.https.port=443", "check.all.check.https.headers.X-A=a,b"}},
		{Set, KindCluster, "", []string{"sysctls.net.ipv4.vs.conntrack=1", "sysctls.net.ipv4.vs.drop_entry=1"}},
		{Set, KindCluster, "", []string{"sysctls.net.ipv4.vs.conntrack="}},
	} {
		var err error
		if text, err = Rewrite(text, e); err != nil {
			t.Fatalf("%v: %v", e, err)
		}
	}
	d, err := Parse(File{"a.hcl", text})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	v := d.Virtuals[0]
	got := fmt.Sprint(v.Ports, v.Ranges, v.Sorry[0].Name, v.Sorry[0].Address, len(v.Check.Of), v.Check.Of[0].Every, d.Cluster.Sysctls)
	if want := "[80] [8000-8100]spare10.0.0.9:80 2 5s map[net.ipv4.vs.drop_entry:1]"; got != want {
		t.Errorf("got %s, want %s\n%s", got, want, text)
	}
}

func TestRewriteRefuses(t *testing.T) {
	for _, test := range []struct {
		edit Edit
		want error
		says string
	}{
		{Edit{Set, KindVirtual, "wbe", []string{"port=1"}}, ErrNotThere, `virtual "wbe" is not in the document`},
		{Edit{Set, KindServer, "web/z", []string{"weight=1"}}, ErrNotThere, `server "web/z" is not in the document`},
		{Edit{Add, KindServer, "wbe/a", nil}, ErrNotThere, `virtual "wbe" is not in the document`},
		{Edit{Add, KindServer, "web", nil}, ErrEdit, `server "web" cannot be edited so: name its virtual too, as in web/a`},
		{Edit{Del, KindVIP, "inside", nil}, ErrNotThere, `vip "inside" is not in the document`},
		{Edit{Add, KindVirtual, "web", nil}, ErrThere, `virtual "web" is in the document already`},
		{Edit{Set, KindVirtual, "web", []string{"shceduler=mh"}}, ErrNoTopic, `did you mean "scheduler"?`},
		{Edit{Set, KindVirtual, "web", []string{"check.http.status_code=200"}}, ErrNoTopic, `did you mean "status"?`},
		{Edit{Set, KindVirtual, "web", []string{"port.of=1"}}, ErrNoTopic, `port is an attribute`},
		{Edit{Set, KindVirtual, "web", []string{"port"}}, ErrEdit, `write ATTRIBUTE=VALUE`},
		{Edit{Set, KindVirtual, "web", []string{"persistent=5m"}}, ErrEdit, `it is a block`},
		{Edit{Set, KindVirtual, "", []string{"port=1"}}, ErrEdit, `it needs a name`},
		{Edit{Set, KindNotify, "pager", []string{"limit=1"}}, ErrNotThere, `notify "pager" is not in the document`},
		{Edit{Add, KindNotify, "pager", []string{"evnets=active"}}, ErrNoTopic, `did you mean "events"?`},
		{Edit{Del, KindRouterCheck, "web", nil}, ErrNotThere, `router_check "web" is not in the document`},
	} {
		_, err := Rewrite([]byte(handWritten), test.edit)
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v: got %v, want %v saying %s", test.edit, err, test.want, test.says)
		}
	}
	bare := []byte("virtual \"web\" {\n  fwmark = 1\n}\n")
	if _, err := Rewrite(bare, Edit{Set, KindVirtual, "web", []string{"check.every=1s"}}); !errors.Is(err, ErrEdit) {
		t.Errorf("a check of no kind: got %v, want ErrEdit", err)
	}
	if _, err := Rewrite([]byte("virtual \"web\" {"), Edit{Set, KindVirtual, "web", nil}); err == nil {
		t.Error("a text that does not parse was edited")
	}
}

// What is set is read back; what is not meant stays; what was in the layout stays in it.
func TestRewriteIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := documents().Draw(t, "document")
		if len(d.Virtuals) == 0 {
			return
		}
		i := rapid.IntRange(0, len(d.Virtuals)-1).Draw(t, "virtual")
		v := &d.Virtuals[i]
		text := Format(d)
		weight := rapid.IntRange(0, 65535).Draw(t, "weight")
		s := &v.Servers[rapid.IntRange(0, len(v.Servers)-1).Draw(t, "server")]
		name := v.Name + "/" + s.Name
		s.Weight, v.Scheduler = weight, "rr"
		v.Persistent = &Persistent{Timeout: drawSeconds(t, "timeout")}
		v.Flags = nil
		for _, e := range []Edit{
			{Set, KindServer, name, []string{fmt.Sprintf("weight=%d", weight)}},
			{Set, KindVirtual, v.Name, []string{"scheduler=rr", "flags=", "persistent=", "persistent.timeout=" + Brief(v.Persistent.Timeout)}},
			{Add, KindVIP, "zz", []string{"address=203.0.113.1/24"}},
			{Del, KindVIP, "zz", nil},
		} {
			var err error
			if text, err = Rewrite(text, e); err != nil {
				t.Fatal(err)
			}
			if again, err := Layout(File{"", text}); err != nil || !bytes.Equal(again, text) {
				t.Fatalf("%v: it is not in the layout any more (%v):\n%s", e, err, text)
			}
		}
		got, err := Parse(File{"edited.hcl", text})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !got.Equal(d) {
			t.Fatalf("%s\n%s", cmp.Diff(d, got, cmpNet), text)
		}
	})
}

func TestEditable(t *testing.T) {
	d, err := Parse(File{Text: []byte(handWritten)})
	if err != nil {
		t.Fatal(err)
	}
	if got := Editable([]byte(handWritten), d); string(got) != handWritten {
		t.Errorf("a text that means the document was not kept:\n%s", got)
	}
	canonical, err := Canonical(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range [][]byte{nil, []byte("cluster {}\n"), canonical, []byte("x")} {
		if got := Editable(source, d); !bytes.Equal(got, Format(d)) {
			t.Errorf("%q: got\n%s", source, got)
		}
	}
}
