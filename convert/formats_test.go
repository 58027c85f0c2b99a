package convert

import (
	"os"
	"path/filepath"
	"testing"
)

// Every example of the importers' tests is told for what it is.
func TestGuess(t *testing.T) {
	count := 0
	for _, i := range Importers() {
		dir := map[string]string{"lvs.cf": "lvscf"}[i.Name]
		if dir == "" {
			dir = i.Name
		}
		names, err := filepath.Glob(filepath.Join("testdata", dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if ext := filepath.Ext(name); ext == ".hcl" || ext == ".report" {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				continue // a folder
			}
			count++
			if got := Guess(File{Name: name, Text: text}); got != i.Name {
				t.Errorf("%s: guessed %q", name, got)
			}
		}
	}
	if count < 4 {
		t.Errorf("only %d examples", count)
	}
	if got := Guess(File{Text: []byte("hello\nworld\n")}); got != "" {
		t.Errorf("nothing in particular is %q", got)
	}
}
