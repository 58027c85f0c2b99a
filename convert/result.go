// Package convert turns the configuration of other load balancers into documents, and documents back into theirs.
//
// An importer never guesses in silence and never gives up for one line: what it could not carry over is a Note at its line, and the
// document that is left is complete, valid, and within what this release can run.
package convert

import (
	"cmp"
	"fmt"
	"slices"

	"polso/config"
)

// MaxText is how many bytes the files of one import may hold together. A configuration of ten thousand servers has about one
// million.
const MaxText = 4 << 20

// File is one text to import; Name is said in notes.
type File struct {
	Name string
	Text []byte
}

// Result is what an importer made of somebody's configuration.
type Result struct {
	Document config.Document // complete, valid, and what this release can run
	Notes    []Note          // in the order of the text

	format string           // of the files: "lvs.cf"
	files  []string         // their names
	asides []config.Virtual // complete and valid, switched off where they come from, and at odds with others: HCL writes them as comments
}

// Level says how much a Note matters.
type Level string

// The levels.
const (
	Lost    Level = "lost"    // it could not be carried over
	Changed Level = "changed" // it is carried over in another form
	Hint    Level = "hint"    // have a look at it
)

// Note is what an importer has to say about one line.
type Note struct {
	File  string `json:"file"`
	Line  int    `json:"line,omitempty"` // from 1; 0: no line in particular
	Text  string `json:"text,omitempty"` // the line as written, trimmed; "": none
	Level Level  `json:"level"`
	About string `json:"about,omitempty"` // the block it is about: `cluster`, `virtual "web" server "a"`, `vip "x"`; "": the head
	What  string `json:"what"`            // what became of it, one short sentence; lower case, no full stop
}

// Lost returns the notes about what could not be carried over.
func (r Result) Lost() []Note { return r.at(Lost) }

func (r Result) at(level Level) []Note {
	var out []Note
	for _, n := range r.Notes {
		if n.Level == level {
			out = append(out, n)
		}
	}
	return out
}

// Error is why nothing could be made of a text.
type Error struct {
	File string
	Line int    // from 1; 0: no line in particular
	What string // lower case, no full stop
	Fix  string // the next step in sentences, or ""
}

// Error returns the place, what and the next step on one line.
func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	text := fmt.Sprintf("%s: %s", config.Printable(at), config.Printable(e.What))
	if e.Fix != "" {
		text += " (" + config.Printable(e.Fix) + ")"
	}
	return text
}

// tooLong refuses what no importer reads: no file at all, or more than MaxText.
func tooLong(files []File) error {
	if len(files) == 0 {
		return &Error{File: "import", What: "there is no file"}
	}
	total := 0
	for _, f := range files {
		if total += len(f.Text); total > MaxText {
			return &Error{File: f.Name, What: fmt.Sprintf("longer than the %d MiB that an import may have", MaxText>>20), Fix: "Split it by virtual server."}
		}
	}
	return nil
}

// inOrder sorts notes by the files' order and the line, those without a line last; equal places keep their order.
func inOrder(notes []Note, files []string) {
	order := make(map[string]int, len(files))
	for i, name := range files {
		order[name] = i
	}
	slices.SortStableFunc(notes, func(a, b Note) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(uint(a.Line-1), uint(b.Line-1)))
	})
}
