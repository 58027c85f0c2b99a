package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"polso/config"
)

// Every command has a page, with every flag of its own, and the pages that a page names are there.
func TestManualIsWhole(t *testing.T) {
	pages := manual("2026-01-31")
	root := newApp(strings.NewReader(""), new(strings.Builder), new(strings.Builder), func(string) string { return "" }).root()
	var each func(*cobra.Command)
	each = func(c *cobra.Command) {
		page := pages["man1/"+strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"]
		if !strings.Contains(page, ".SH \"SYNOPSIS\"") {
			t.Errorf("%s has no page", c.CommandPath())
		}
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(page, plain("--"+f.Name)) {
				t.Errorf("%s: --%s is not on its page", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			if sub.Name() != "help" {
				each(sub)
			}
		}
	}
	each(root)
	named := regexp.MustCompile(`(?:^|\s)(?:\\fB)?((?:polso|node)[a-z.\\_-]*)(?:\\fR)?\((\d)\)`)
	seen := 0
	for path, page := range pages {
		for _, found := range named.FindAllStringSubmatch(page, -1) {
			seen++
			name := strings.ReplaceAll(found[1], `\-`, "-")
			if pages["man"+found[2]+"/"+name+"."+found[2]] == "" {
				t.Errorf("%s names %s(%s), which is not there", path, name, found[2])
			}
		}
	}
	if seen < 200 {
		t.Errorf("only %d references were found: the test no longer sees them", seen)
	}
}

// polso.hcl(5) has everything that a document can hold, and the examples of both pages are good.
func TestManualOfTheFiles(t *testing.T) {
	page := manual("2026-01-31")["man5/polso.hcl.5"]
	var each func(config.Topic)
	each = func(topic config.Topic) {
		if !strings.Contains(page, topic.Text[:min(20, len(topic.Text))]) && !strings.Contains(page, plain(topic.Text)) {
			t.Errorf("%s is not on the page", topic.Name)
		}
		for _, x := range topic.Topics {
			each(x)
		}
	}
	each(config.Manual())
	if !regexp.MustCompile(`(?s)\.SS "virtual\.sorry_server\.check LABEL"\n[^"]*is as in virtual\.check\.`).MatchString(page) {
		t.Error("what a check is stands elsewhere than in the virtual's")
	}
	if _, err := config.Parse(config.File{Name: "example", Text: []byte(manDocument)}); err != nil {
		t.Error(err)
	}
	n, err := config.LoadNode(config.File{Name: "example", Text: []byte(manNode)})
	if err != nil || reflect.ValueOf(n).IsZero() {
		t.Error(n, err)
	}
}

// The settings that the packages bring change nothing, name every one there is, and are good once the comments are taken away.
func TestShippedSettings(t *testing.T) {
	text, err := os.ReadFile("../../contrib/node.hcl")
	if err != nil {
		t.Fatal(err)
	}
	n, err := config.LoadNode(config.File{Name: "node.hcl", Text: text})
	if err != nil || !reflect.ValueOf(n).IsZero() {
		t.Errorf("%+v, %v", n, err)
	}
	text = regexp.MustCompile(`(?m)^# ([a-z_]+ +=)`).ReplaceAll(text, []byte("$1"))
	n, err = config.LoadNode(config.File{Name: "node.hcl", Text: text})
	if err != nil {
		t.Error(err)
	}
	for i, v := 0, reflect.ValueOf(n); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not named", v.Type().Field(i).Name)
		}
	}
}

// The same program and date write the same pages, whatever the environment says.
func TestManualIsReproducible(t *testing.T) {
	t.Setenv("POLSO_ADDR", "unix:///elsewhere")
	t.Setenv("SOURCE_DATE_EPOCH", "1769853600")
	read := func() map[string]string {
		dir := t.TempDir()
		var out bytes.Buffer
		if code := run(t.Context(), []string{"man", dir}, strings.NewReader(""), &out, &out); code != exitOK {
			t.Fatal(code, out.String())
		}
		pages := map[string]string{}
		for _, path := range glob(t, dir+"/man*/*") {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			pages[strings.TrimPrefix(path, dir+"/")] = string(text)
		}
		return pages
	}
	first := read()
	if !reflect.DeepEqual(first, read()) {
		t.Error("two runs differ")
	}
	if !reflect.DeepEqual(first, manual("2026-01-31")) {
		t.Error("the pages are not those of the date in SOURCE_DATE_EPOCH and no environment")
	}
}

// mandoc has nothing to say against the pages. It is Debian's package mandoc.
func TestManualIsClean(t *testing.T) {
	if _, err := exec.LookPath("mandoc"); err != nil {
		if os.Getenv("POLSO_PACKAGES") == "require" {
			t.Fatal(err)
		}
		t.Skip("no mandoc here")
	}
	dir := t.TempDir()
	var out bytes.Buffer
	if code := run(t.Context(), []string{"man", dir}, strings.NewReader(""), &out, &out); code != exitOK {
		t.Fatal(code, out.String())
	}
	lint, err := exec.Command("mandoc", append([]string{"-T", "lint", "-W", "warning"}, glob(t, dir+"/man*/*")...)...).CombinedOutput()
	// It looks for the pages named among those that are installed.
	for line := range strings.Lines(string(lint)) {
		if !strings.Contains(line, "referenced manual not found") {
			t.Error(strings.TrimPrefix(line, dir))
		}
	}
	if err != nil && len(lint) == 0 {
		t.Error(err)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatal(pattern, err)
	}
	return found
}
