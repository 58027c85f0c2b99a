package config

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestFormatGolden(t *testing.T) {
	golden(t, "format.hcl", Format(fullDocument()))
	d, err := Parse(mustRead(t, "example.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "example.formatted.hcl", Format(d))
	if got, want := string(Format(Document{})), "cluster {\n  standby = \"warm\"\n}\n"; got != want {
		t.Errorf("the first document of a cluster: got %q, want %q", got, want)
	}
}

func TestFormatIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := documents().Draw(t, "document")
		text := Format(d)
		got, err := Parse(File{"formatted.hcl", text})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !got.Equal(d) {
			t.Fatalf("%s\n%s", cmp.Diff(d, got, cmpNet), text)
		}
		alone, err := Parse(File{"virtuals.hcl", FormatVirtuals(d.Virtuals)})
		if err != nil || !alone.Equal(Complete(Document{Virtuals: d.Virtuals})) {
			t.Fatalf("virtuals alone: %v\n%s", err, FormatVirtuals(d.Virtuals))
		}
		if again := Format(got); !bytes.Equal(again, text) {
			t.Fatal(cmp.Diff(string(text), string(again)))
		}
		if err := d.Validate(); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"example.hcl", "five.hcl", "format.hcl"} {
		f.Add(mustRead(f, name).Text)
	}
	for _, m := range mistakes() {
		f.Add([]byte(m.texts[0]))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(File{"fuzz.hcl", text})
		if err != nil {
			var problems Errors
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("not Errors: %#v", err)
			}
			var b bytes.Buffer
			if err := problems.Render(&b, Color); err != nil {
				t.Fatal(err)
			}
			return
		}
		again, err := Parse(File{"again.hcl", Format(d)})
		if err != nil {
			t.Fatalf("%v\n%s", err, Format(d))
		}
		if !again.Equal(d) {
			t.Fatal(cmp.Diff(d, again, cmpNet))
		}
	})
}
