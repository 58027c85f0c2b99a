package main

import (
	"fmt"
	"strings"
)

// roff is a page of the manual in the language of man(7).
type roff struct{ b strings.Builder }

// newRoff begins a page. The date, as 2006-01-02, is that of the program, so that the same program writes the same page.
func newRoff(name, section, date, source string) *roff {
	r := new(roff)
	fmt.Fprintf(&r.b, ".TH %s %s %s %s Polso\n", quoted(strings.ToUpper(name)), section, date, quoted(source))
	return r
}

func (r *roff) section(title string) { fmt.Fprintf(&r.b, ".SH %s\n", quoted(strings.ToUpper(title))) }

func (r *roff) subsection(title string) { fmt.Fprintf(&r.b, ".SS %s\n", quoted(title)) }

// item begins an entry of a list: its head, in roff, and what is said of it.
func (r *roff) item(head, text string) {
	fmt.Fprintf(&r.b, ".TP\n%s\n", head)
	r.text(text)
}

func (r *roff) paragraph() { r.b.WriteString(".PP\n") }

// text is prose: paragraphs apart by an empty line; lines that are indented stay as they are.
func (r *roff) text(s string) {
	for i, p := range strings.Split(strings.Trim(s, "\n"), "\n\n") {
		if i > 0 {
			r.paragraph()
		}
		if strings.HasPrefix(p, " ") || strings.HasPrefix(p, "\t") {
			r.verbatim(p)
		} else {
			r.lines(p)
		}
	}
}

// verbatim is what is typed or shown.
func (r *roff) verbatim(s string) {
	r.b.WriteString(".EX\n")
	r.lines(strings.Trim(s, "\n"))
	r.b.WriteString(".EE\n")
}

func (r *roff) lines(s string) {
	for line := range strings.SplitSeq(s, "\n") {
		fmt.Fprintln(&r.b, plain(strings.TrimRight(strings.ReplaceAll(line, "\t", "    "), " ")))
	}
}

// plain is text that troff takes for nothing else: no request, no escape, and hyphens that can be copied and typed.
func plain(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "^", `\(ha`, "~", `\(ti`, "`", `\(ga`, "'", `\(aq`).Replace(s)
	if strings.HasPrefix(s, ".") {
		return `\&` + s
	}
	return s
}

func bold(s string) string { return `\fB` + plain(s) + `\fR` }

func italic(s string) string { return `\fI` + plain(s) + `\fR` }

func quoted(s string) string { return `"` + strings.ReplaceAll(plain(s), `"`, `\(dq`) + `"` }
