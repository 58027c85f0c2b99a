package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"polso/config"
	"polso/convert"
	"polso/fsm"
)

const lvsCF = `serial_no = 7
service = lvs
heartbeat = 1
network = direct
virtual web {
	active = 1
	address = 192.0.2.10 eth0:1
	port = 80
	persistent = 60
	tos = 4
	scheduler = wlc
	protocol = tcp
	server a {
		address = 10.0.0.1
		active = 1
		weight = 2
	}
}
`

// What can be said of formats is what there is.
func TestConvertFormats(t *testing.T) {
	words := func(v any, field string) []string {
		f, _ := reflect.TypeOf(v).FieldByName(field)
		return strings.Split(f.Tag.Get("enum"), ",")
	}
	var in []string
	for _, i := range convert.Importers() {
		in = append(in, i.Name)
	}
	out := []string{"hcl", "json"}
	for _, x := range convert.Exporters() {
		out = append(out, x.Name)
	}
	for _, v := range []any{ImportRequest{}, Imported{}} {
		if got := words(v, "Format"); !reflect.DeepEqual(got, in) {
			t.Errorf("%T: %v, want %v", v, got, in)
		}
	}
	for _, v := range []any{ExportRequest{}, Exported{}} {
		if got := words(v, "Format"); !reflect.DeepEqual(got, out) {
			t.Errorf("%T: %v, want %v", v, got, out)
		}
	}
}

// An import tells what was made, how, and what it would change, and changes nothing; what it made can be applied, and exported again.
func TestImport(t *testing.T) {
	b := formed(t)
	c, ctx := serve(t, b), t.Context()
	before, _ := b.fsm.Load(), b.notes()
	made, err := c.Import(ctx, ImportRequest{Files: []ImportFile{{Name: "lvs.cf", Text: lvsCF}}})
	if err != nil {
		t.Fatal(err)
	}
	if b.fsm.Load() != before || b.notes() != "" {
		t.Error("an import did something")
	}
	if made.Format != "lvs.cf" || !made.Guessed || made.Plan == nil || made.Plan.Base != 1 || made.Plan.Summary != "Plan: 2 to add, 0 to change, 0 to remove." {
		t.Errorf("%+v, plan %+v", made, made.Plan)
	}
	told := false
	for _, n := range made.Notes {
		told = told || n.Level == convert.Lost && n.Line == 10 && strings.HasPrefix(n.Text, "tos")
	}
	if !told || made.Lost == 0 {
		t.Errorf("%d lost: %+v", made.Lost, made.Notes)
	}
	doc, err := config.FromCanonical(made.Document)
	if err != nil || len(doc.Virtuals) != 1 || doc.Virtuals[0].Name != "web" {
		t.Errorf("document %s: %v", made.Document, err)
	}
	if _, err := c.Apply(ctx, ApplyRequest{Files: []File{{Name: "made.hcl", Text: made.HCL}}, Base: made.Plan.Base}); err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{"": `virtual "web"`, "hcl": `virtual "web"`, "json": `{"`, "ipvsadm": "-A -t 192.0.2.10:80", "lvs.cf": "address = 192.0.2.10"} {
		x, err := c.Export(ctx, ExportRequest{Format: format})
		if err != nil || x.Revision != 2 || !strings.Contains(x.Text, want) || x.Notes == nil {
			t.Errorf("%s: %+v, %v", format, x, err)
		}
	}
	old, err := c.Export(ctx, ExportRequest{Format: "ipvsadm", Revision: 1})
	if err != nil || old.Revision != 1 || strings.Contains(old.Text, "192.0.2.10") {
		t.Errorf("revision 1: %+v, %v", old, err)
	}
	// Bytes that are no text come as they are.
	latin := strings.Replace(lvsCF, "serial_no", "# caf\xe9\nserial_no", 1)
	again, err := c.Import(ctx, ImportRequest{Format: "lvs.cf", Files: []ImportFile{{Name: "lvs.cf", Bytes: []byte(latin)}}})
	if err != nil || again.Guessed || string(again.Document) != string(made.Document) || again.Plan.Summary != "Plan: nothing to change." && again.Plan.Summary == made.Plan.Summary {
		t.Errorf("%+v, %v", again, err)
	}
}

// The files of a keepalived.conf are found among those that were sent, and nowhere else.
func TestImportIncludes(t *testing.T) {
	c := serve(t, formed(t))
	web := "virtual_server 192.0.2.10 80 {\n protocol TCP\n lb_kind DR\n real_server 10.1.0.1 80 {\n weight 1\n }\n}\n"
	made, err := c.Import(t.Context(), ImportRequest{Files: []ImportFile{
		{Name: "/etc/keepalived/conf.d/web.conf", Text: web}, {Name: "/etc/keepalived/keepalived.conf", Text: "include conf.d/*.conf\ninclude /etc/hostname\n"}, {Name: "other.txt", Text: "x"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if made.Format != "keepalived" || !strings.Contains(made.HCL, "10.1.0.1") || fmt.Sprint(made.Unread) != "[other.txt]" {
		t.Errorf("%+v", made)
	}
	if text, _ := json.Marshal(made.Notes); !strings.Contains(string(text), "it was not sent along") {
		t.Errorf("notes: %s", text)
	}
}

// What cannot be read or said is refused as everything else is.
func TestConvertRefuses(t *testing.T) {
	h := New(formed(t), Version{})
	for _, tt := range []struct{ method, path, body, title string }{
		{"POST", "/v1/import", `{"files":[{"name":"x","text":"hello"}]}`, "what that is cannot be guessed"},
		{"POST", "/v1/import", `{"format":"lvs.cf","files":[{"name":"x","text":"hello"}]}`, "x: "},
		{"POST", "/v1/import", `{"format":"ldirectord","files":[{"name":"x","text":"` + strings.Repeat("x", convert.MaxText+1) + `"}]}`, "x: longer than the 4 MiB"},
		{"POST", "/v1/import", `{"format":"haproxy","files":[{"name":"x","text":""}]}`, "the request is not understood"},
		{"POST", "/v1/import", `{"files":[]}`, "the request is not understood"},
		{"GET", "/v1/export?format=yaml", "", "the request is not understood"},
		{"GET", "/v1/export?revision=9", "", "revision 9 is not in the history"},
	} {
		got := requestAs(fsm.Viewer, h, tt.method, tt.path, tt.body)
		if e := got.problem(t); !strings.HasPrefix(e.Title, tt.title) || e.Status != http.StatusUnprocessableEntity && e.Status != http.StatusNotFound {
			t.Errorf("%s %s %.60s: %+v", tt.method, tt.path, tt.body, e)
		}
	}
}
