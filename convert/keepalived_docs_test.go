package convert

import (
	"os"
	"strings"
	"testing"
)

// What docs/migrate.md shows of a keepalived.conf and of what becomes of it is so.
func TestKeepalivedPage(t *testing.T) {
	page, err := os.ReadFile("../docs/migrate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## From keepalived\n")
	if !found {
		t.Fatal("the page has no such section")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	from, want := fenced(section, "conf"), fenced(section, "hcl")
	r, err := Keepalived(nil, File{"keepalived.conf", []byte(from)})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(r.HCL()); got != want {
		t.Errorf("the page shows\n%s\nbut it is\n%s", want, got)
	}
}

// fenced is the first text of a kind in a page.
func fenced(page, kind string) string {
	_, text, _ := strings.Cut(page, "```"+kind+"\n")
	text, _, _ = strings.Cut(text, "```")
	return text
}
