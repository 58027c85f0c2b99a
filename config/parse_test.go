package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustRead(t testing.TB, name string) File {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return File{Name: name, Text: text}
}

func TestParseExample(t *testing.T) {
	d, err := Parse(mustRead(t, "example.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Canonical(d)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "example.json", append(text, '\n'))
}

// The example of the pages runs as it stands.
func TestExampleLoads(t *testing.T) {
	if _, err := Load(mustRead(t, "example.hcl")); err != nil {
		t.Error(err)
	}
}

func TestRender(t *testing.T) {
	for _, tt := range []struct {
		name, golden string
		style        Style
	}{
		{"five.hcl", "five.txt", Plain},
		{"five.hcl", "five.color.txt", Color},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			d, err := Parse(mustRead(t, tt.name))
			var problems Errors
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want Errors", err)
			}
			if !d.Equal(Document{}) {
				t.Error("a document came with the error")
			}
			var b bytes.Buffer
			if err := problems.Render(&b, tt.style); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.golden, b.Bytes())
		})
	}
}

// TestLoadRefusesNothing: what removes everything is written, not left out.
func TestLoadRefusesNothing(t *testing.T) {
	const why = " (What a document does not name is removed, and this one names nothing) (Write cluster {} to remove everything)"
	const web = "virtual \"web\" {\n  address = \"192.0.2.10\"\n  port = 80\n}\n"
	for _, tt := range []struct {
		name, want string
		texts      []string
	}{
		{"no text", "0.hcl: the document is empty" + why, []string{""}},
		{"blank lines", "0.hcl: the document is empty" + why, []string{"\n \t\r\n"}},
		{"comments only", "0.hcl: the document is empty" + why, []string{"# nothing\n// yet\n/* virtual \"web\" {} */\n"}},
		{"two texts", "the document is empty" + why, []string{"", "# nothing\n"}},
		{"no file", "the document is empty" + why, nil},
		{"everything removed", "", []string{"cluster {}\n"}},
		{"one of two", "", []string{"", web}},
		{"another mistake", "0.hcl:1,1: unknown attribute \"port\" (Only blocks stand here: cluster, notify, router_check, vip or virtual)", []string{"port = 80\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var files []File
			for i, text := range tt.texts {
				files = append(files, File{fmt.Sprintf("%d.hcl", i), []byte(text)})
			}
			got := ""
			if _, err := Load(files...); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
