package convert

import (
	"os"
	"strings"
	"testing"

	"polso/config"
)

// The files that the page shows become the documents that it shows.
func TestMigrationPage(t *testing.T) {
	page, err := os.ReadFile("../docs/migrate.md")
	if err != nil {
		t.Fatal(err)
	}
	for format, convert := range map[string]importer{"lvs.cf": LVSCF, "ldirectord.cf": Ldirectord} {
		_, rest, _ := strings.Cut(string(page), "```"+format+"\n")
		sample, rest, _ := strings.Cut(rest, "```")
		_, rest, _ = strings.Cut(rest, "```hcl\n")
		want, _, _ := strings.Cut(rest, "```")
		r, err := convert(File{Name: "migrate.md", Text: []byte(sample)})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(config.Format(r.Document)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", format, got, want)
		}
	}
}
