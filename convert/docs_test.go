package convert

import (
	"os"
	"strings"
	"testing"

	"polso/config"
)

// The lvs.cf that the page shows becomes the document that it shows.
func TestMigrationPage(t *testing.T) {
	page, err := os.ReadFile("../docs/migrate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```lvs.cf\n")
	sample, rest, _ := strings.Cut(rest, "```")
	_, rest, _ = strings.Cut(rest, "```hcl\n")
	want, _, _ := strings.Cut(rest, "```")
	r, err := LVSCF(File{Name: "migrate.md", Text: []byte(sample)})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(config.Format(r.Document)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
