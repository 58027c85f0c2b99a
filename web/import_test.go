package web

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polso/convert"
	"polso/fsm"
)

// sends sends the form of the page Import: its fields, and files by their names.
func (v visitor) sends(fields map[string]string, files ...convert.File) shown {
	v.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, value := range fields {
		if err := m.WriteField(name, value); err != nil {
			v.t.Fatal(err)
		}
	}
	for _, f := range files {
		name := strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A").Replace(f.Name)
		w, err := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename="%s"`, name)}})
		if err != nil {
			v.t.Fatal(err)
		}
		if _, err := w.Write(f.Text); err != nil {
			v.t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		v.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/import", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return v.do(r)
}

// Every example of the importers becomes a document that has a plan, its format guessed.
func TestImport(t *testing.T) {
	for format, pattern := range map[string]string{"lvs.cf": "lvscf/*.cf", "ldirectord": "ldirectord/*.cf", "ipvsadm": "ipvsadm/*.txt"} {
		paths, err := filepath.Glob("../convert/testdata/" + pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("no %s (%v)", pattern, err)
		}
		v := newBackend(t).visitor(t, fsm.Operator)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := v.sends(map[string]string{"format": ""}, convert.File{Name: filepath.Base(path), Text: text})
			got.shows(t, 200, "Read as "+format+", by the look of it", "<h2>The document</h2>", "Plan</button>")
			plan := v.post("/changes/plan", sent(t, got.text, "/changes/plan", "plan"))
			plan.shows(t, 200, "<h1>Plan</h1>")
		}
	}
}

// Pasted text comes back, to be read as something else; what was sent along is included.
func TestImportAgainAndIncludes(t *testing.T) {
	v := newBackend(t).visitor(t, fsm.Operator)
	main := "include conf.d/*.conf\ninclude missing.conf\n"
	web := "virtual_server 192.0.2.10 80 {\n protocol TCP\n lb_kind DR\n real_server 10.1.0.1 80 {\n weight 1\n }\n}\n"
	files := []convert.File{{Name: "web1.conf", Text: []byte(web)}, {Name: "keepalived.conf", Text: []byte(main)}, {Name: "other.txt", Text: []byte("x")}}
	got := v.sends(nil, files...)
	got.shows(t, 200, "1 virtual, 1 server", "it was not sent along", "Nothing includes other.txt", "10.1.0.1", "revision 1, it would change this: 2 to add, 0 to change, 0 to remove.")
	again := sent(t, got.text, "/import", "")
	v.sends(map[string]string{"sources": again.Get("sources"), "format": "keepalived"}).shows(t, 200, "Read as keepalived:", "1 virtual, 1 server")
	wrong := v.sends(map[string]string{"text": web, "format": "lvs.cf"})
	wrong.shows(t, 422, "no virtual and no failover", "virtual_server 192.0.2.10")
	v.sends(map[string]string{"sources": sent(t, wrong.text, "/import", "").Get("sources")}).shows(t, 200, "1 virtual, 1 server")
	v.sends(map[string]string{"text": "hello\n"}).shows(t, 422, "cannot be guessed", "hello")
	v.sends(nil).shows(t, 422, "there is nothing to read")
	v.sends(map[string]string{"sources": "H4sIAAAAAAAA_w"}).shows(t, 422, "came back damaged")
	v.get("/import").shows(t, 200, "ldirectord.cf", `enctype="multipart/form-data"`)
	b := newBackend(t).visitor(t, fsm.Viewer).sends(map[string]string{"text": web})
	b.shows(t, 200, "takes the role operator")
	b.lacks(t, `value="plan"`)
}

// Names and bytes of any kind do no harm, and too much is refused.
func TestImportHostile(t *testing.T) {
	v := newBackend(t).visitor(t, fsm.Operator)
	evil := `../../etc/<script>alert(1)</script>` + "\u202e\"'.cf"
	for _, text := range []string{
		"<script>alert(2)</script>\x00\xff\xfe\n", "virtual_server \x00 {\n", "serial_no = 1\nvirtual <script>alert(3)</script> {\n address = 192.0.2.1 eth0:1\n port = 80\n server \x1b[31m {\n address = 10.0.0.1\n active = 1\n }\n}\n",
		"-A -t 192.0.2.1:80 -s </textarea><script>alert(4)</script>\n", strings.Repeat("{", 1<<16), "virtual=192.0.2.1:80\n\treal=10.0.0.1:80 gate </pre><script>\n",
	} {
		for _, format := range []string{"", "lvs.cf", "keepalived", "ldirectord", "ipvsadm"} {
			got := v.sends(map[string]string{"format": format}, convert.File{Name: evil, Text: []byte(text)})
			if got.code != 200 && got.code != 422 {
				t.Errorf("%s %.40q: %d", format, text, got.code)
			}
			got.lacks(t, "<script>", "\x1b", "\u202e", "\x00", "</textarea><script", "../etc")
		}
	}
	v.sends(map[string]string{"format": "ldirectord"}, convert.File{Name: "long.cf", Text: bytes.Repeat([]byte("# x\n"), 5<<18)}).shows(t, 422, "MiB")
	v.sends(nil, convert.File{Name: "longer.cf", Text: bytes.Repeat([]byte("#"), 17<<20)}).shows(t, 422, "longer than 16 MiB")
	many := make([]convert.File, 101)
	for i := range many {
		many[i] = convert.File{Name: "x.cf", Text: []byte("x")}
	}
	v.sends(nil, many...).shows(t, 422, "101 files")
	r := httptest.NewRequest(http.MethodPost, "/import", strings.NewReader("x"))
	v.do(r).shows(t, 422, "not understood")
}
