package convert

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Nothing is dropped in silence: without any one of its lines a file gives another document or another note.
func TestEveryLineLeavesATrace(t *testing.T) {
	asBefore := map[string]bool{
		"protocol=fwm": true, "checkinterval=10": true, "httpmethod=get": true, "fork = no": true, "service=http": true, // so it is anyway
		// What they belong to is named as left out.
		"real=10.0.0.71 gate": true, "real=10.0.0.91 gate": true,
	}
	for _, tt := range []struct {
		pattern string
		convert importer
	}{{"testdata/ldirectord/*.cf", Ldirectord}, {"testdata/ipvsadm/*.txt", IPVSAdm}} {
		paths, _ := filepath.Glob(tt.pattern)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			outcome := func(text string) string {
				r, err := tt.convert(File{Name: "f", Text: []byte(text)})
				if err != nil {
					return err.Error()
				}
				return string(r.HCL())
			}
			whole := outcome(string(text))
			lines := strings.SplitAfter(string(text), "\n")
			for i, line := range lines {
				said := strings.TrimSpace(line)
				if said == "" || strings.HasPrefix(strings.TrimPrefix(said, "\ufeff"), "#") || asBefore[said] {
					continue
				}
				without := strings.Join(lines[:i], "") + "#\n" + strings.Join(lines[i+1:], "")
				if outcome(without) == whole {
					t.Errorf("%s:%d: %s makes no difference", path, i+1, said)
				}
			}
		}
	}
}
