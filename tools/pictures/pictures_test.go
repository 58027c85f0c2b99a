package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What is committed is what is drawn, and nothing else lies beside it.
func TestCommitted(t *testing.T) {
	pictures, err := draw("../../web/static/polso.css")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pictures {
		got, err := os.ReadFile(filepath.Join("../../docs/pictures", name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/pictures/%s is not what is drawn (%v): make pictures draws it anew", name, err)
		}
	}
	files, err := os.ReadDir("../../docs/pictures")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if pictures[f.Name()] == nil {
			t.Errorf("docs/pictures/%s is drawn by nobody", f.Name())
		}
	}
}

// Every picture is well-formed, says in words what it shows, and has colours for light and dark.
func TestPictures(t *testing.T) {
	pictures, err := draw("../../web/static/polso.css")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range pictures {
		words := map[string]string{}
		element := ""
		for dec := xml.NewDecoder(bytes.NewReader(text)); ; {
			token, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch token := token.(type) {
			case xml.StartElement:
				element = token.Name.Local
			case xml.CharData:
				words[element] += string(token)
			}
		}
		if len(words["title"]) < 5 || len(words["desc"]) < 100 {
			t.Errorf("%s: title %q, description %q: too little for who cannot see it", name, words["title"], words["desc"])
		}
		for _, colour := range []string{"fill:#f6f7f5", "fill:#14181b"} {
			if !strings.Contains(words["style"], colour) {
				t.Errorf("%s: no %s", name, colour)
			}
		}
	}
}

// A text that is too long for its place is not drawn over what is beside it.
func TestTooLong(t *testing.T) {
	for name, draw := range map[string]func(*drawing){
		"box":    func(d *drawing) { d.box(10, 10, 60, 30, plain, "much too long for it") },
		"lines":  func(d *drawing) { d.box(10, 10, 60, 30, plain, "a", "b", "c") },
		"side":   func(d *drawing) { d.text(700, 50, left, ink, "out of the picture") },
		"bottom": func(d *drawing) { d.text(10, 99, left, ink, "below") },
	} {
		d := newDrawing(100, "", "")
		draw(d)
		if d.wrong == nil {
			t.Errorf("%s: nothing is said of it", name)
		}
	}
}

// The times are those of the profile: a tenth of H between the fence, the lease and the promises.
func TestEnds(t *testing.T) {
	fence, until, promise := ends(lan())
	if fence != 320*time.Millisecond || until != 360*time.Millisecond || promise != 400*time.Millisecond {
		t.Errorf("%v %v %v", fence, until, promise)
	}
}

func TestColoursMissing(t *testing.T) {
	if _, err := parseColours(":root { --ink: #000000; }\n@media (prefers-color-scheme: dark) { :root { --ink: #ffffff; }\n}\n"); err == nil {
		t.Error("a style sheet without the colours that are used is taken")
	}
}

// The page shows every picture, and says the same times in words.
func TestConcepts(t *testing.T) {
	page, err := os.ReadFile("../../docs/concepts.md")
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := draw("../../web/static/polso.css")
	if err != nil {
		t.Fatal(err)
	}
	var wants []string
	for name := range pictures {
		wants = append(wants, "](pictures/"+name+")")
	}
	fence, until, promise := ends(lan())
	wants = append(wants, "shuts "+ms(fence)+" after the last heartbeat", "ends after "+ms(until), "after "+ms(promise)+" another may stand",
		"ends "+ms(until)+" after the heartbeat was sent", "end "+ms(promise)+" after they were given")
	for _, want := range wants {
		if !strings.Contains(string(page), want) {
			t.Errorf("docs/concepts.md has no %q", want)
		}
	}
}
