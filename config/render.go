package config

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Style says how Render writes.
type Style uint8

// The styles.
const (
	Plain Style = iota // text alone
	Color              // with ANSI colours: for a terminal
)

// String returns the style's name.
func (s Style) String() string {
	switch s {
	case Plain:
		return "plain"
	case Color:
		return "color"
	default:
		return fmt.Sprintf("style %d", uint8(s))
	}
}

// longestSource bounds how much of a source line is shown, in characters.
const longestSource = 120

// Render writes every problem for a person: the place, what, the line as written with a mark below it, why, the fix; and
// how many there are, when there is more than one. Control characters of the text are not let through to the terminal.
func (e Errors) Render(w io.Writer, style Style) error {
	b := bufio.NewWriter(w)
	red, dim, off := "", "", ""
	if style == Color {
		red, dim, off = "\x1b[1;31m", "\x1b[2m", "\x1b[0m"
	}
	for i, p := range e {
		if i > 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprintf(b, "%sError:%s %s%s\n", red, off, p.head(), Printable(p.What))
		if p.Line > 0 && p.Source != "" {
			source, mark := p.excerpt()
			number := fmt.Sprintf("%5d", p.Line)
			fmt.Fprintf(b, "%s%s |%s %s\n", dim, number, off, source)
			fmt.Fprintf(b, "%s%s |%s %s%s%s\n", dim, strings.Repeat(" ", len(number)), off, red, mark, off)
		}
		for _, text := range []string{p.Why, p.Fix} {
			if text != "" {
				fmt.Fprintf(b, "  %s\n", Printable(text))
			}
		}
	}
	if len(e) > 1 {
		fmt.Fprintf(b, "\n%d errors\n", len(e))
	}
	return b.Flush()
}

func (p Problem) head() string {
	switch {
	case p.Line > 0:
		return fmt.Sprintf("%s:%d,%d: ", Printable(p.File), p.Line, p.Column)
	case p.File != "":
		return Printable(p.File) + ": "
	case p.Path != "":
		return Printable(p.Path) + ": "
	default:
		return ""
	}
}

// excerpt returns the part of the line around the mark, and the mark in the same columns.
func (p Problem) excerpt() (source, mark string) {
	line := []rune(p.Source)
	column := min(max(p.Column-1, 0), len(line))
	width := max(min(p.Width, len(line)-column), 1)
	if start := column - longestSource/2; len(line) > longestSource && start > 0 {
		line, column = line[start:], column-start
	}
	line = line[:min(len(line), longestSource)]
	width = max(min(width, len(line)-column), 1)
	var indent strings.Builder
	for _, r := range line[:column] {
		if r != '\t' { // a tab stays one, so that the mark stands where the terminal puts the text
			r = ' '
		}
		indent.WriteRune(r)
	}
	return Printable(string(line)), indent.String() + strings.Repeat("^", width)
}

// Printable replaces in s what could steer a terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
