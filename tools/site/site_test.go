package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// real is the site of this tree, as `make site` writes it.
func real(t *testing.T) map[string][]byte {
	t.Helper()
	program := filepath.Join(t.TempDir(), "polso")
	if out, err := exec.Command("go", "build", "-o", program, "polso/cmd/polso").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	manual, err := manualOf(program)
	if err != nil {
		t.Fatal(err)
	}
	files, err := build(os.DirFS("../.."), manual)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The documentation of this tree makes a site: no dead link, anchor or picture, every page whole. And what is made of the code is in it.
func TestSite(t *testing.T) {
	files := real(t)
	for path, wants := range map[string][]string{
		"index.html":                 {`<h1 id="polso">Polso</h1>`, `<a href="install.html">Installing Polso</a>`},
		"changelog.html":             {"Unreleased"},
		"decisions/index.html":       {"0001-lease-at-the-transport.html", `<a href="../operate.html">`},
		"reference/polso-apply.html": {`<dt id="option-check-revision">`, `<a href="polso.html">polso</a>`},
		"reference/polso-user-set-role.html": {`<a href="../reference/polso.html">Every command</a> ›`, `<a href="../reference/polso-user.html">polso user</a> ›`,
			`<a href="../reference/polso.html" aria-current="true">`},
		"reference/polso.hcl.html":              {`<h3 id="cluster-timeouts">`, `<dt id="virtual-server-weight">`},
		"reference/api.html":                    {"POST /v1/document", "<td>operator</td>"},
		"reference/api-types.html":              {`<h2 id="Status">`},
		"reference/metrics.html":                {`<dt id="polso_server_up"><code>polso_server_up{ virtual, server, address }</code>`},
		"tree/contrib/metrics/alerts.yaml.html": {"PolsoNobodyDirects"},
		"static/polso.css":                      {"--ink"},
		"static/index.js":                       {`polsoIndex([["`, "operate.html#at-three-in-the-morning"},
	} {
		for _, want := range wants {
			if !bytes.Contains(files[path], []byte(want)) {
				t.Errorf("%s has no %s", path, want)
			}
		}
	}
	for path, text := range files {
		if what := fetches(path, text); what != "" {
			t.Errorf("%s fetches from elsewhere: %s", path, what)
		}
	}
}

// tree is a small one that makes a site, with changes: a page that is "" is not there.
func tree(changes map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for path, text := range map[string]string{
		"README.md": "# It\n\n[use](docs/use.md#second-part) ![a picture](docs/p/a.svg)\n", "CHANGELOG.md": "# Changelog\n",
		"docs/use.md":        "# Use\n\n## Second part\n\n[back](../README.md), [made](../Makefile), [why](why), [by itself](#second-part)\n",
		"docs/how/README.md": "# How\n\n[one](one.md), [these](.)\n", "docs/how/one.md": "# One\n\n[all](README.md)\n",
		"docs/why/0001-so.md": "# So\n\n| | a |\n|---|--:|\n| b | 1 |\n", "docs/p/a.svg": "<svg/>", "Makefile": "all: <x>\n",
		"docs/access.md": "# Access\n\n![alone](p/a.svg)\n", "docs/metrics.md": "# Metrics\n",
		"docs/ORDER": "# All\nREADME.md\ndocs/why\ndocs/how\n", "api/openapi.yaml": "paths: {}\n",
		"web/static/polso.css": "a{}", "web/static/tables.css": "b{}", "web/static/polso.svg": "<svg/>",
	} {
		fsys[path] = &fstest.MapFile{Data: []byte(text)}
	}
	for path, text := range changes {
		fsys[path] = &fstest.MapFile{Data: []byte(text)}
		if text == "" {
			delete(fsys, path)
		}
	}
	return fsys
}

func manual() map[string]string {
	return map[string]string{"polso.1": ".SH \"NAME\"\npolso \\- it", "polso.hcl.5": ".SH \"NAME\"\nx \\- y", "node.hcl.5": ".SH \"NAME\"\nx \\- y"}
}

func TestSmallSite(t *testing.T) {
	files, err := build(tree(nil), manual())
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"index.html":         `<a href="use.html#second-part">use</a> <img src="p/a.svg" alt="a picture">`, // within a line
		"access.html":        `<p><a class="picture" href="p/a.svg"><img src="p/a.svg" alt="alone"></a></p>`,
		"use.html":           `<a href="index.html">back</a>, <a href="tree/Makefile.html">made</a>, <a href="why/index.html">why</a>`,
		"why/0001-so.html":   `<thead>` + "\n<tr>\n<td></td>\n" + `<th style="text-align:right">a</th>`,
		"why/index.html":     `<a href="../why/0001-so.html">So</a>`,
		"how/index.html":     `<a href="../how/one.html">one</a>, <a href="../how/index.html">these</a>`,
		"how/one.html":       `<a href="../how/index.html">all</a>`,
		"tree/Makefile.html": `all: &lt;x&gt;`,
		"p/a.svg":            "<svg/>",
	} {
		if !bytes.Contains(files[path], []byte(want)) {
			t.Errorf("%s: want %s in\n%s", path, want, files[path])
		}
	}
	unlisted, err := build(tree(map[string]string{"docs/ORDER": "# All\nREADME.md\n"}), manual())
	if err != nil || !strings.Contains(string(unlisted["use.html"]), `<li><a href="why/index.html">Why</a></li>`) || strings.Contains(string(unlisted["use.html"]), "0001-so.html") {
		t.Errorf("a folder that docs/ORDER does not list is not one line under More: %v\n%s", err, unlisted["use.html"])
	}
	want := `polsoIndex([["It","It","index.html"," use"],["How","How","how/index.html"," one , these"],["Access","Access","access.html",""],`
	if index := string(files["static/index.js"]); !strings.HasPrefix(index, want) {
		t.Errorf("the index begins with %.200s\nwant %s", index, want)
	}
	if menu := string(files["index.html"]); !strings.Contains(menu, "<h2>More</h2>\n<ul>\n<li><a href=\"access.html\">") {
		t.Errorf("pages that docs/ORDER does not list are not under More:\n%s", menu)
	}
}

// Whatever would not work on the site is refused, with the page that has it.
func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		changes map[string]string
		want    string
	}{
		"dead link":        {map[string]string{"docs/use.md": "# Use\n\n## Second part\n\n[x](gone.md)\n"}, "docs/use.md: the link gone.md leads nowhere"},
		"dead anchor":      {map[string]string{"docs/use.md": "# Use\n\n## Third part\n"}, "README.md: the link use.html#second-part leads to no heading"},
		"dead own anchor":  {map[string]string{"docs/use.md": "# Use\n\n## Second part\n\n[x](#first)\n"}, "docs/use.md: the link #first leads to no heading"},
		"missing picture":  {map[string]string{"docs/p/a.svg": ""}, "README.md: the link docs/p/a.svg leads nowhere"},
		"mute picture":     {map[string]string{"README.md": "# It\n\n![](docs/p/a.svg)\n"}, "README.md: a picture has no words"},
		"no title":         {map[string]string{"docs/use.md": "## Second part\n"}, "docs/use.md: no title"},
		"HTML":             {map[string]string{"docs/use.md": "# Use\n\n## Second part\n\n<details>x</details>\n"}, "docs/use.md: HTML in Markdown is not shown"},
		"two of one place": {map[string]string{"docs/README.md": "# It, too\n"}, "docs/README.md and README.md would both be index.html"},
		"unknown order":    {map[string]string{"docs/ORDER": "# All\ndocs/gone.md\n"}, "docs/ORDER:2: there is no page docs/gone.md"},
		"no role":          {map[string]string{"api/openapi.yaml": "paths: {/v1/x: {get: {operationId: x}}}\n"}, "GET /v1/x says nowhere who may ask for it"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := build(tree(tt.changes), manual()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// A page that a browser would have to mend is found.
func TestWhole(t *testing.T) {
	for text, want := range map[string]string{
		"<p>a</p>": "", `<p id="a">a<br>b</p>`: "", "<p>a": "does not end", "<p><b>a</p></b>": "</p> within <p><b>", "<br/>": "no HTML",
		`<p id="a"></p><p id="a"></p>`: "two elements", `<img src="a">`: "no words",
	} {
		_, err := whole([]byte(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestRoff(t *testing.T) {
	text := `.TH "POLSO\-X" 1 2026-01-01 "polso 1" Polso
.SH "NAME"
polso\-x \- It does x
.SH "DESCRIPTION"
It does x.
.SH "OPTIONS"
.TP
\fB\-f\fR, \fB\-\-file\fR \fIFILE\fR
a <file>
.PP
See polso(1).
.EX
  a \e b
.EE`
	got, err := roff(text, "polso x", map[string]string{"polso.1": "Every command"})
	if err != nil {
		t.Fatal(err)
	}
	want := `<h1>polso x</h1>
<p>It does x.
</p>
<h2 id="options">Options</h2>
<dl>
<dt id="option-file"><strong>-f</strong>, <strong>--file</strong> <em>FILE</em></dt>
<dd>a &lt;file&gt;
</dd>
</dl>
<p>See <a href="polso.html">polso</a>.
</p>
<pre tabindex="0"><code>  a \ b
</code></pre>
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := roff(".XX", "x", nil); err == nil {
		t.Error("an unknown request is not refused")
	}
}
