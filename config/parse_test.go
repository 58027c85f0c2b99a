package config

import (
	"bytes"
	"errors"
	"os"
	"testing"
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

func TestRender(t *testing.T) {
	for _, tt := range []struct {
		name, golden string
		style        Style
		load         func(...File) (Document, error)
	}{
		{"five.hcl", "five.txt", Plain, Parse},
		{"five.hcl", "five.color.txt", Color, Parse},
		{"example.hcl", "example.txt", Plain, Load},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			d, err := tt.load(mustRead(t, tt.name))
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
