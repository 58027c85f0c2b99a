package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"polso/config"
)

// wrongDocuments are config's, which has a document for every mistake that it has a sentence for: their files by the mistakes' names.
func wrongDocuments(t *testing.T) map[string][]File {
	t.Helper()
	text, err := os.ReadFile("../config/testdata/mistakes.txt")
	if err != nil {
		t.Fatal(err)
	}
	all, name := make(map[string][]File), ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if begins, ok := strings.CutPrefix(line, "== "); ok {
			name = begins
			continue
		}
		file, err := strconv.Unquote(line)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = append(all[name], File{Name: fmt.Sprintf("%c.hcl", 'a'+len(all[name])), Text: file})
	}
	if len(all) < 100 {
		t.Fatalf("there are %d documents only", len(all))
	}
	return all
}

// arriving are files as they come out of a request: JSON has no bytes that are not UTF-8.
func arriving(t *testing.T, files []File) []File {
	t.Helper()
	data, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	var out []File
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever config refuses, plan and apply refuse, with all of config's mistakes in config's words and order, and nothing is proposed.
func TestMistakesInTheWordsOfConfig(t *testing.T) {
	b := formed(t)
	c := serve(t, b)
	b.notes()
	began := b.fsm.Load()
	for name, files := range wrongDocuments(t) {
		files = arriving(t, files)
		var in []config.File
		for _, f := range files {
			in = append(in, config.File{Name: f.Name, Text: []byte(f.Text)})
		}
		_, err := config.Load(in...)
		mistakes, ok := errors.AsType[config.Errors](err)
		if !ok {
			t.Errorf("%s: config says %v", name, err)
			continue
		}
		var want []string
		for _, p := range mistakes {
			var text strings.Builder
			if err := (config.Errors{p}).Render(&text, config.Plain); err != nil {
				t.Fatal(err)
			}
			want = append(want, text.String())
		}
		_, errPlan := c.Plan(t.Context(), PlanRequest{Files: files})
		_, errApply := c.Apply(t.Context(), ApplyRequest{Files: files})
		for what, err := range map[string]error{"plan": errPlan, "apply": errApply} {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != CodeInvalid || e.Status != 422 {
				t.Errorf("%s, %s: got %#v", name, what, err)
				continue
			}
			if d := cmp.Diff(want, e.Problems); d != "" {
				t.Errorf("%s, %s (-config +/v1):\n%s", name, what, d)
			}
		}
	}
	if note := b.notes(); note != "" || b.fsm.Load() != began {
		t.Errorf("the backend was asked: %s", note)
	}
}
