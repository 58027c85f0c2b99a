package main

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"polso/config"
)

// Every command that README and docs tell a reader to type exists, with its flags and its number of arguments, every make target they name is in the
// Makefile, and of every other program testdata/docs.txt says who runs it. Whether it does what the page says is TestDocsAreTyped's to find out.
func TestDocumentedCommandsExist(t *testing.T) {
	makefile, err := os.ReadFile(tree + "Makefile")
	if err != nil {
		t.Fatal(err)
	}
	table, seen := exceptions(t), 0
	for _, c := range commands(documentation(t)) {
		for _, words := range simple(c.text) {
			seen++
			switch name := words[0]; {
			case name == "polso" || name == "bin/polso":
				if err := understood(words[1:]); err != nil {
					t.Errorf("%s: `%s`: %v", c.where(), c.text, err)
				}
			case name == "make":
				if !strings.Contains(string(makefile), "\n"+words[1]+":") {
					t.Errorf("%s: `%s`: the Makefile has no such target", c.where(), c.text)
				}
			case slices.Contains([]string{"ip", "sysctl", "tar", "df", "install", "groupadd"}, name): // typed, as they are everywhere
			default:
				if e := of(table, c); e.rules["elsewhere"] == "" && e.rules["as"] == "" {
					t.Errorf("%s: `%s`: testdata/docs.txt does not say who runs %s", c.where(), c.text, name)
				}
			}
		}
	}
	if seen < 200 {
		t.Errorf("only %d documented commands were found: the test no longer sees them", seen)
	}
}

// The settings that the manual shows are read, and it shows every one.
func TestDocumentedSettings(t *testing.T) {
	page, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```hcl\n")
	text, _, _ := strings.Cut(rest, "```")
	n, err := config.LoadNode(config.File{Name: "operate.md", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := 0, reflect.ValueOf(n); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not shown", v.Type().Field(i).Name)
		}
	}
}

// shellLines are the lines of ```sh blocks without their comments and redirections.
func shellLines(page string) []string {
	var lines []string
	inside := false
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case inside:
			for _, end := range []string{" #", " > ", " < "} { // what is a comment, or the shell's
				line, _, _ = strings.Cut(line, end)
			}
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// understood parses a command line without running it.
func understood(words []string) error {
	root := newApp(strings.NewReader(""), new(strings.Builder), new(strings.Builder), func(string) string { return "" }).root()
	cmd, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if left := cmd.Flags().Args(); cmd.HasSubCommands() && len(left) > 0 {
		return fmt.Errorf("there is no command %s below %s", left[0], cmd.CommandPath())
	}
	if cmd.Args == nil {
		return nil
	}
	return cmd.Args(cmd, cmd.Flags().Args())
}

// fields splits a command line at its spaces outside double quotes.
func fields(line string) []string {
	quoted := false
	words := strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
	for i, w := range words {
		words[i] = strings.Trim(w, `"`)
	}
	return words
}

// Every command begins its help with two to four examples, and they can be typed.
func TestExamples(t *testing.T) {
	root := newApp(strings.NewReader(""), new(strings.Builder), new(strings.Builder), func(string) string { return "" }).root()
	var each func(*cobra.Command)
	each = func(c *cobra.Command) {
		if c.Name() == "help" || c.Name() == "completion" {
			return
		}
		lines := shellLines("```sh\n" + c.Example + "\n```")
		if len(lines) < 2 || len(lines) > 4 {
			t.Errorf("%s has %d examples, want 2 to 4", c.CommandPath(), len(lines))
		}
		for _, line := range lines {
			words := fields(line[strings.LastIndex(" "+line, " polso "):]) // the last, behind a pipe
			if err := understood(words[1:]); err != nil {
				t.Errorf("%s: `%s`: %v", c.CommandPath(), line, err)
			}
		}
		for _, sub := range c.Commands() {
			each(sub)
		}
	}
	each(root)
}
