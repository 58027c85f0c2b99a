package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polso/config"
)

// A document that is too long is refused wherever it comes from. Cut off in a comment it would be another document.
func TestTooLong(t *testing.T) {
	text := "cluster {}\n#" + strings.Repeat("x", config.MaxText) + "\nvirtual \"web\" {}\n"
	file := filepath.Join(t.TempDir(), "long.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := serve(t, canned{})
	for _, command := range []string{"validate", "plan", "apply"} {
		for _, from := range []string{"-", file} {
			var out, errs bytes.Buffer
			app := newApp(strings.NewReader(text), &out, &errs, func(string) string { return "" })
			root := app.root()
			root.SetArgs([]string{command, "-f", from, "--addr", addr})
			if code := app.exit(root.ExecuteContext(t.Context())); code != exitFailure || !strings.Contains(errs.String(), "at most 4194304 (4 MiB) are possible") {
				t.Errorf("%s -f %s: exit %d, printed %.200s%.200s", command, from, code, out.String(), errs.String())
			}
		}
	}
}
