package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with a document: what, where, why and the next step. The place (File to Source) is there when
// the document was read from text; Path always says which part is meant.
type Problem struct {
	Path   string `json:"path,omitempty"`   // such as `virtual "web" server "a" address`; "" for a whole file
	File   string `json:"file,omitempty"`   // as named by the caller; "" without a place
	Line   int    `json:"line,omitempty"`   // from 1; 0 without a place
	Column int    `json:"column,omitempty"` // from 1, in characters; 0 without a place
	Width  int    `json:"width,omitempty"`  // how many characters from Column are meant
	Source string `json:"source,omitempty"` // the line as written; "" if it is longer than anybody reads
	What   string `json:"what"`             // lower case, no full stop
	Why    string `json:"why,omitempty"`    // sentences, or ""
	Fix    string `json:"fix,omitempty"`    // the next step in sentences, or ""
}

// String returns the problem on one line: place or path, what, fix.
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.Line > 0:
		fmt.Fprintf(&b, "%s:%d,%d: ", p.File, p.Line, p.Column)
	case p.File != "":
		fmt.Fprintf(&b, "%s: ", p.File)
	case p.Path != "":
		fmt.Fprintf(&b, "%s: ", p.Path)
	}
	b.WriteString(p.What)
	for _, more := range []string{p.Why, p.Fix} {
		if more != "" {
			fmt.Fprintf(&b, " (%s)", strings.TrimSuffix(more, "."))
		}
	}
	return b.String()
}

// Errors is everything that is wrong with a document, in the order of its text. As an error it is never empty.
type Errors []Problem

// Error returns every problem, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// orNil returns e as an error, or nil when nothing is wrong.
func (e Errors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// sortByPlace orders problems by the files' order and the place in them; equal places keep their order.
func (e Errors) sortByPlace(files []File) {
	order := make(map[string]int, len(files))
	for i, f := range files {
		order[f.Name] = i
	}
	slices.SortStableFunc(e, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// path names a part of a document in the operator's words; it is the key between the rules, which know no text, and the
// text's places.
type path string

// attr is the path of an attribute, or of a block without a label.
func (p path) attr(name string) path {
	if p == "" {
		return path(name)
	}
	return p + " " + path(name)
}

// block is the path of a block with a label.
func (p path) block(kind, label string) path {
	return p.attr(fmt.Sprintf("%s %q", kind, label))
}

// isCheck reports whether p is a check's that is in no other.
func (p path) isCheck() bool { return strings.HasSuffix(string(p), " check") }

// checkIn is the path of the check at place i (from 0) inside the check at p.
func (p path) checkIn(i int) path { return p.attr("check").attr(strconv.Itoa(i + 1)) }

// parent is p without its last word. A label with a space takes more than one step, which is harmless: what lies between is
// no one's path.
func (p path) parent() path {
	i := strings.LastIndexByte(string(p), ' ')
	if i < 0 {
		return ""
	}
	return p[:i]
}

// verdicts collects what the rules find.
type verdicts struct {
	list Errors
}

func (v *verdicts) add(p path, what, why, fix string) {
	v.list = append(v.list, Problem{Path: string(p), What: what, Why: why, Fix: fix})
}
