package convert

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polso/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

type importer func(...File) (Result, error)

// goldens compares what becomes of files with FILE.hcl and FILE.report beside them.
func goldens(t *testing.T, pattern string, convert importer) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no %s (%v)", pattern, err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			r, err := convert(File{Name: name, Text: text})
			if err != nil {
				t.Fatal(err)
			}
			var report bytes.Buffer
			if err := r.Report(&report); err != nil {
				t.Fatal(err)
			}
			golden(t, path+".hcl", r.HCL())
			golden(t, path+".report", report.Bytes())
			if _, err := config.Load(config.File{Name: name, Text: r.HCL()}); err != nil {
				t.Errorf("what was made of it is no document:\n%v", err)
			}
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

// fuzz checks that whatever a text is, reading it ends and what comes out is a document.
func fuzz(f *testing.F, pattern string, convert importer) {
	paths, _ := filepath.Glob(pattern)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for some := range slices.Chunk(strings.SplitAfter(string(text), "\n"), 6) { // short ones are quick to vary
			f.Add([]byte(strings.Join(some, "")))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := convert(File{Name: "f", Text: text})
		if err != nil {
			return
		}
		if _, err := config.Load(config.File{Name: "f", Text: r.HCL()}); err != nil {
			t.Fatalf("%v\n%s", err, r.HCL())
		}
	})
}

// eachSample calls f with the name and the text of every sample.
func eachSample(t *testing.T, pattern string, f func(name, text string)) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no %s (%v)", pattern, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f(filepath.Base(path), string(text))
	}
}
