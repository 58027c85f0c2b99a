package config

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The canonical form is a document too, alone or beside who wrote it.
func TestJSONIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := documents().Draw(t, "document")
		text, err := Canonical(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{text, []byte(`{"schema":"polso/v1","revision":7,"document":` + string(text) + `}`)} {
			got, err := Parse(File{"d.json", text})
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if !got.Equal(d) {
				t.Fatalf("%s\n%s", cmp.Diff(d, got, cmpNet), text)
			}
		}
	})
}

// The document's own words do as well, and what is left out has its default.
func TestJSONInTheDocumentsWords(t *testing.T) {
	got, err := Load(File{"<stdin>", []byte(`{"cluster": {"failback": true, "timeouts": {"tcp": "15m"}},
 "virtuals": [{"name": "web", "address": "2001:db8::0", "port": 80, "persistent": {"netmask": "/24"},
  "check": {"kind": "http", "status": "200-299,301", "every": 5, "timeout": "500ms"}, "servers": [{"name": "a", "address": "2001:db8:1::0"}]}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load(File{"x.hcl", []byte(`cluster {
  failback = true
  timeouts { tcp = "15m" }
}
virtual "web" {
  address = "2001:db8::"
  port    = 80
  persistent { netmask = "/24" }
  check "http" {
    status  = "200-299,301"
    every   = "5s"
    timeout = "500ms"
  }
  server "a" { address = "2001:db8:1::" }
}`)})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(want) {
		t.Error(cmp.Diff(want, got, cmpNet))
	}
}

func TestJSONMistakes(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`{"virtuals": [{"name": "web", "fwmark": 7, "shceduler": "mh"}]}`, `d.json:1,44: unknown attribute "shceduler" in virtual "web" (Did you mean "scheduler"?)`},
		{"{\n \"virtuals\": [\n  {\"name\": \"web\", \"fwmark\": \"7\"}]}", `d.json:3,29: a number is wanted here, not text (Write 7, without quotes)`},
		{`{"virtuals": [{"name": "web", "fwmark": 7, "port": 1, "port": 2}]}`, `d.json:1,55: "port" is there twice (Keep one of them)`},
		{`{"virtuals": [{"fwmark": 7}]}`, `d.json:1,15: a virtual needs a name (Add "name")`},
		{`{"virtuals": [{"name": 7}]}`, `d.json:1,24: the name of a virtual is text`},
		{`{"virtuals": [7]}`, `d.json:1,15: a virtual is an object`},
		{`{"virtuals": {"web": {}}}`, `d.json:1,14: virtuals is a list of objects`},
		{`{"virtual": {"web": {}}}`, `a virtual block needs a name`},
		{`{"cluster": {"failback": null}}`, `d.json:1,26: a value is missing here`},
		{`{"schema": 2, "cluster": {}}`, `d.json:1,12: schema 2 is not known; this release reads 1`},
		{`{"cluster": {}} x`, `d.json:1,17: something follows the document`},
		{`{"cluster": {}`, `the text ends in the middle`},
		{"{\n \"cluster\": {,}}", `d.json:2,14: invalid character ','`},
		{``, `the text ends in the middle`},
		{`[]`, `d.json:1,1: a document is an object`},
		{`{}`, `the document is empty`},
		{strings.Repeat(`{"a":`, 1000), `the text nests too deeply`},
		{"{\"a\": \"\xff\"}", `the text is not UTF-8`},
	} {
		_, err := Load(File{"d.json", []byte(test.text)})
		var list Errors
		if !errors.As(err, &list) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60s:\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add(mustRead(f, "canonical.json").Text)
	f.Add([]byte(`{"virtuals": [{"name": "web", "check": {"kind": "http", "status": [{"from": 1}]}}], "vips": [[], null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(File{"fuzz.json", text})
		if err != nil {
			var problems Errors
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("not Errors: %#v", err)
			}
			if err := problems.Render(new(bytes.Buffer), Color); err != nil {
				t.Fatal(err)
			}
			return
		}
		canonical, err := Canonical(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(File{"again.json", canonical})
		if err != nil || !again.Equal(d) {
			t.Fatalf("%v\n%s", err, cmp.Diff(d, again, cmpNet))
		}
		if _, err := Layout(File{"fuzz.json", text}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLayout(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"x.hcl", "# c\ncluster   {\nfailback=true # why\n    prefer = []\n}\n", "# c\ncluster {\n  failback = true # why\n  prefer   = []\n}\n"},
		{"x.json", `{"cluster": {"prefer":["a"],"failback":true}}`, "{\n  \"cluster\": {\n    \"prefer\": [\n      \"a\"\n    ],\n    \"failback\": true\n  }\n}\n"},
	} {
		got, err := Layout(File{test.name, []byte(test.text)})
		if err != nil || string(got) != test.want {
			t.Errorf("%s: got %q, %v, want %q", test.name, got, err, test.want)
		}
	}
	for _, f := range []File{{"x.hcl", []byte("cluster {")}, {"x.json", []byte(`{"cluster": `)}} {
		if _, err := Layout(f); err == nil {
			t.Errorf("%s: a text that does not parse has a layout", f.Name)
		}
	}
}
