package main

import (
	"os"
	"strings"
	"testing"
)

// exception is what testdata/docs.txt says of a line that pages have typed.
type exception struct {
	line       int
	page, text string // "*" is every page; a text that ends in … is a beginning
	rules      map[string]string
	used       bool
}

// exceptions reads testdata/docs.txt, whose head says what it is.
func exceptions(t *testing.T) (all []*exception) {
	t.Helper()
	text, err := os.ReadFile("testdata/docs.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimRight(line, "\n")
		rule, indented := strings.CutPrefix(line, "\t")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case indented:
			verb, rest, _ := strings.Cut(rule, " ")
			if len(all) == 0 || !strings.Contains(" elsewhere first as on until then ", " "+verb+" ") || rest == "" {
				t.Fatalf("testdata/docs.txt:%d: %q is no rule", n, rule)
			}
			all[len(all)-1].rules[verb] = rest
		default:
			page, text, ok := strings.Cut(line, ": ")
			if !ok {
				t.Fatalf("testdata/docs.txt:%d: want PAGE: COMMAND", n)
			}
			all = append(all, &exception{line: n, page: page, text: text, rules: make(map[string]string)})
		}
	}
	return all
}

// of is what is said of a command: the first entry that is about it, or one without rules.
func of(all []*exception, c command) *exception {
	for _, e := range all {
		start, isStart := strings.CutSuffix(e.text, "…")
		if (e.page == "*" || e.page == c.page) && (e.text == c.text || e.text == c.text+" # "+c.says || isStart && strings.HasPrefix(c.text, start)) {
			e.used = true
			return e
		}
	}
	return &exception{}
}

// Every entry of testdata/docs.txt is about something that a page has typed, and where it says that another test runs it, that one has it.
func TestDocsTable(t *testing.T) {
	all := exceptions(t)
	for _, c := range commands(documentation(t)) {
		of(all, c)
	}
	for _, e := range all {
		if !e.used {
			t.Errorf("testdata/docs.txt:%d: no page has `%s`, or an entry above takes it", e.line, e.text)
		}
		if len(e.rules) == 0 {
			t.Errorf("testdata/docs.txt:%d: nothing is said of `%s`", e.line, e.text)
		}
		where, elsewhere := e.rules["elsewhere"]
		if !elsewhere {
			continue
		}
		where, why, ok := strings.Cut(where, " -- ")
		if !ok || why == "" {
			t.Errorf("testdata/docs.txt:%d: why is it not typed here?", e.line)
		}
		file, has, _ := strings.Cut(where, " ")
		if file == "nowhere" {
			continue
		}
		text, err := os.ReadFile(tree + file)
		if err != nil {
			t.Errorf("testdata/docs.txt:%d: %v", e.line, err)
		} else if has == "" || !strings.Contains(string(text), has) {
			t.Errorf("testdata/docs.txt:%d: %s has no %q", e.line, file, has)
		}
	}
}
