package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	"golang.org/x/term"
)

// outputHCL is for what a document is made of.
const outputHCL = "hcl"

func (a *app) checkOutput(cmd *cobra.Command) error {
	switch {
	case a.output == outputHCL && (cmd.Name() == "get" || cmd.Name() == "show"):
		return nil
	case a.output == outputHCL:
		return usageError{fmt.Errorf("%s has no output hcl; polso show and polso get virtuals have", cmd.CommandPath())}
	case a.output == "", a.output == "json", a.output == "yaml", a.output == "wide", a.output == "name", strings.HasPrefix(a.output, "template="):
		return nil
	}
	return usageError{fmt.Errorf("output %q is not known; use json, yaml, hcl, wide, name or template=GO-TEMPLATE", a.output)}
}

func (a *app) wide() bool { return a.output == "wide" }

func (a *app) names() bool { return a.quiet || a.output == "name" }

// print writes data in the format asked for, or calls human for the default.
func (a *app) print(data any, human func(io.Writer) error) error {
	switch {
	case a.output == "json":
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(data)
	case a.output == "yaml":
		tree, err := generic(data)
		if err != nil {
			return err
		}
		enc := yaml.NewEncoder(a.stdout)
		enc.SetIndent(2)
		if err := enc.Encode(tree); err != nil {
			return err
		}
		return enc.Close()
	case strings.HasPrefix(a.output, "template="):
		t, err := template.New("output").Parse(strings.TrimPrefix(a.output, "template="))
		if err != nil {
			return usageError{err}
		}
		tree, err := generic(data)
		if err != nil {
			return err
		}
		if err := t.Execute(a.stdout, tree); err != nil {
			return usageError{err}
		}
		_, err = fmt.Fprintln(a.stdout)
		return err
	}
	return human(a.stdout)
}

// printLine is print for one of a series: JSON takes one line.
func (a *app) printLine(data any, human func(io.Writer) error) error {
	if a.output != "json" {
		return a.print(data, human)
	}
	return json.NewEncoder(a.stdout).Encode(data)
}

// generic is data with the names of its JSON form.
func generic(data any) (any, error) {
	b, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	var tree any
	err = json.Unmarshal(b, &tree)
	return tree, err
}

// table writes rows under a header: two spaces between columns, numbers to the right, no lines.
type table struct {
	header []string
	right  map[int]bool
	rows   [][]string
}

func newTable(header ...string) *table {
	t := &table{header: header, right: map[int]bool{}}
	for i, h := range header {
		if n, ok := strings.CutPrefix(h, ">"); ok { // ">" asks for a right-aligned column
			t.header[i], t.right[i] = n, true
		}
	}
	return t
}

// row adds a row; an empty cell is "-".
func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = cmp.Or(oneLine(c), "-")
	}
	t.rows = append(t.rows, cells)
}

// table prints t as the flags want it.
func (a *app) table(w io.Writer, t *table) error {
	if a.sortBy != "" {
		if err := t.sort(a.sortBy); err != nil {
			return err
		}
	}
	rows := t.rows
	if !a.noHeaders {
		rows = append([][]string{t.header}, rows...)
	}
	width := make([]int, len(t.header))
	for _, r := range rows {
		for i, c := range r {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, r := range rows {
		var line strings.Builder
		for i, c := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if t.right[i] {
				line.WriteString(pad + c)
			} else {
				line.WriteString(c + pad)
			}
			line.WriteString("  ")
		}
		b.WriteString(a.paint(strings.TrimRight(line.String(), " ")) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// The words of a state, always with a symbol; colour only adds to them.
var symbols = map[string]struct{ utf, ascii, colour string }{
	"UP": {"●", "*", "32"}, "DOWN": {"○", "o", "31"}, "DRAIN": {"◐", "~", "33"}, "DISABLED": {"◌", "x", "33"}, "LEAVING": {"◐", "~", "33"},
	"UNCHECKED": {"-", "-", "33"}, "UNKNOWN": {"?", "?", "33"}, "HEALTHY": {"●", "*", "32"}, "DEGRADED": {"!", "!", "33"}, "FORMING": {"◌", ".", "33"},
	"PANIC": {"!", "!", "31"}, "INACTIVE": {"◌", "x", "33"},
}

// state is a status word with its symbol.
func (a *app) state(word string) string {
	word = strings.ToUpper(word)
	s := symbols[word]
	if s.utf == "" {
		return word
	}
	if a.ascii() {
		return s.ascii + " " + word
	}
	return s.utf + " " + word
}

func (a *app) ascii() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToUpper(a.getenv(name)); v != "" {
			return !strings.Contains(v, "UTF-8") && !strings.Contains(v, "UTF8")
		}
	}
	return true
}

func (a *app) coloured() bool {
	if a.noColor || a.getenv("NO_COLOR") != "" {
		return false
	}
	if v := a.getenv("CLICOLOR_FORCE"); v != "" && v != "0" {
		return true
	}
	f, ok := a.stdout.(*os.File)
	return ok && a.getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// paint colours the status words of a finished line.
func (a *app) paint(line string) string {
	if !a.coloured() {
		return line
	}
	for _, word := range slices.Sorted(maps.Keys(symbols)) {
		s := a.state(word)
		line = strings.ReplaceAll(line, s, "\x1b["+symbols[word].colour+"m"+s+"\x1b[0m")
	}
	return line
}
