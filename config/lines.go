package config

import (
	"cmp"
	"fmt"
	"strings"
)

// Lines returns the changes as aligned lines for a person, without a line's end: the symbol and what it is about, what
// becomes of it, and what it means for connections. A part with several changed attributes takes as many lines.
func (c Changes) Lines() []string {
	var rows [][3]string
	for _, x := range c {
		rows = append(rows, x.rows()...)
	}
	widths := [2]int{}
	for _, r := range rows {
		widths[0], widths[1] = max(widths[0], len(r[0])), max(widths[1], len(r[1]))
	}
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = strings.TrimRight(fmt.Sprintf("%-*s  %-*s  %s", widths[0], r[0], widths[1], r[1], r[2]), " ")
	}
	return lines
}

// String returns the change as lines of its own.
func (c Change) String() string {
	return strings.Join(Changes{c}.Lines(), "\n")
}

// String returns the lines and the summary, each on a line.
func (c Changes) String() string {
	return strings.Join(append(c.Lines(), c.Summary()), "\n")
}

func (c Change) rows() [][3]string {
	head := fmt.Sprintf("%s %s", c.Symbol, c.Kind)
	if c.Name != "" {
		head += fmt.Sprintf(" %q", c.Name)
	}
	note := ""
	if c.Note != "" {
		note = "(" + c.Note + ")"
	}
	if len(c.Fields) == 0 {
		return [][3]string{{head, c.Text, note}}
	}
	longest := 0
	for _, f := range c.Fields {
		longest = max(longest, len(f.Name))
	}
	rows := make([][3]string, len(c.Fields))
	for i, f := range c.Fields {
		rows[i] = [3]string{"", fmt.Sprintf("%-*s  %s -> %s", longest, f.Name, cmp.Or(f.From, "none"), cmp.Or(f.To, "none")), ""}
	}
	rows[0][0], rows[0][2] = head, note
	return rows
}
