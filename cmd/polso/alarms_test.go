package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const alarms = "../../docs/alarms/"

// Every alert names its page, which begins with the alert's name and says all that a page must; every page has its alert, and stands in the
// index; every alert is tried on series that it fires on, and on some that it does not.
func TestEveryAlertHasItsPage(t *testing.T) {
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Annotations map[string]string
			}
		}
	}
	var tried struct {
		Tests []struct {
			Alerts []struct {
				Name string      `yaml:"alertname"`
				Want []yaml.Node `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	read(t, "../../contrib/metrics/alerts.yaml", &rules)
	read(t, "../../contrib/metrics/alerts_test.yaml", &tried)
	fires, silent := make(map[string]bool), make(map[string]bool)
	for _, test := range tried.Tests {
		for _, a := range test.Alerts {
			fires[a.Name] = fires[a.Name] || len(a.Want) > 0
			silent[a.Name] = silent[a.Name] || len(a.Want) == 0
		}
	}
	index, err := os.ReadFile(alarms + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages := make(map[string]bool)
	for _, r := range rules.Groups[0].Rules {
		name := filepath.Base(r.Annotations["runbook_url"])
		pages[name] = true
		if want := "docs/alarms/" + name; r.Annotations["runbook_url"] != want {
			t.Errorf("%s has its page at %q, want %s", r.Alert, r.Annotations["runbook_url"], want)
		}
		page, err := os.ReadFile(alarms + name)
		if err != nil {
			t.Errorf("%s: %v", r.Alert, err)
			continue
		}
		for _, part := range []string{"# " + r.Alert + "\n\n**For users now:** ", "\n## Look first\n", "\n## Do not\n", "\n## It ends\n"} {
			if !strings.Contains(string(page), part) {
				t.Errorf("%s has no %q", name, part)
			}
		}
		if n := strings.Count(string(page), "\n"); n > 60 {
			t.Errorf("%s has %d lines: more than a screen and a half", name, n)
		}
		if !strings.Contains(string(index), "["+r.Alert+"]("+name+")") {
			t.Errorf("the index does not have %s at %s", r.Alert, name)
		}
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s fires in a test: %v; is silent in one: %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
	for _, path := range alarmPages(t) {
		if name := filepath.Base(path); name != "README.md" && !pages[name] {
			t.Errorf("%s is the page of no alert", name)
		}
	}
}

// What status calls a problem is explained, whatever part of the agent says it.
func TestEveryProblemIsExplained(t *testing.T) {
	page, err := os.ReadFile(alarms + "problems.md")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, dir := range []string{"../../agent", "../../director"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				kinds = append(kinds, problemKinds(t, file)...)
			}
		}
	}
	slices.Sort(kinds)
	if kinds = slices.Compact(kinds); len(kinds) < 12 {
		t.Errorf("only %q were found: the test no longer sees them", kinds)
	}
	for _, k := range kinds {
		if !strings.Contains(string(page), "`"+k) {
			t.Errorf("problems.md does not explain `%s`", k)
		}
	}
}

// problemKinds are the first words of the problems that a file writes down: the beginning of What, or of the first field.
func problemKinds(t *testing.T, file string) (kinds []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) == 0 || !isProblem(lit.Type) {
			return true
		}
		what := lit.Elts[0]
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "What" {
				what = kv.Value
			}
		}
		for b, ok := what.(*ast.BinaryExpr); ok; b, ok = what.(*ast.BinaryExpr) {
			what = b.X
		}
		if s, ok := what.(*ast.BasicLit); ok && s.Kind == token.STRING {
			text, err := strconv.Unquote(s.Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, strings.TrimSpace(text))
		}
		return true
	})
	return kinds
}

func isProblem(t ast.Expr) bool {
	if s, ok := t.(*ast.SelectorExpr); ok {
		t = s.Sel
	}
	id, ok := t.(*ast.Ident)
	return ok && id.Name == "Problem"
}

// Commands that stand in a sentence of a page exist, with their flags.
func TestCommandsInAlarms(t *testing.T) {
	inline := regexp.MustCompile("`(polso [^`]+)`")
	seen := 0
	for _, path := range alarmPages(t) {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range inline.FindAllStringSubmatch(string(page), -1) {
			seen++
			err := understood(fields(m[1])[1:])
			if err != nil && !strings.Contains(err.Error(), "arg") { // a sentence may leave arguments away
				t.Errorf("%s: `%s`: %v", filepath.Base(path), m[1], err)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d commands were found: the test no longer sees them", seen)
	}
}

func alarmPages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob(alarms + "*.md")
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
