package convert

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// The limits of a keepalived.conf. A definition can name others, so that a few lines may stand for any number of them.
const (
	kaMostStatements = 1 << 18 // as many lines may have some
	kaMostReplaced   = 1024    // names in a line
	kaLongestLine    = 1 << 16 // bytes of a line after substitution
	kaDeepest        = 64      // includes, substitutions and blocks within each other
)

func kaTooMany(at place) *Error {
	return &Error{File: at.file, Line: at.line, What: fmt.Sprintf("more than %d statements", kaMostStatements), Fix: "Split it by virtual server."}
}

// kaReader makes one sequence of lines of the files of a configuration.
type kaReader struct {
	include func(pattern string) ([]File, error)
	open    []string            // files being read, the outermost first
	idle    map[string]bool     // words that no document needs, for any router
	opened  []string            // names of all files, in the order of their reading
	defined map[string][]string // a definition's lines
	left    int                 // bytes that may still be read, or come of definitions
	lines   []place
	aside   []kaRemark
	err     error
}

// read reads the files one after the other; the error says that they are too long.
func (r *kaReader) read(files []File) error {
	for _, f := range files {
		r.file(f)
	}
	return r.err
}

func (r *kaReader) charge(at place, bytes int) bool {
	r.left -= bytes
	if r.left < 0 && r.err == nil {
		r.err = &Error{
			File: at.file, Line: at.line, Fix: "Split it by virtual server.",
			What: fmt.Sprintf("longer than the %d MiB that an import may have, with all that is included and repeated", MaxText>>20),
		}
	}
	return r.err == nil
}

func (r *kaReader) put(l place, level Level, what string) {
	r.aside = append(r.aside, kaRemark{kaMasked(l), kaSaid{level, what}})
}

func (r *kaReader) file(f File) {
	if !r.charge(place{file: f.Name}, len(f.Text)) {
		return
	}
	r.open = append(r.open, f.Name)
	if !slices.Contains(r.opened, f.Name) {
		r.opened = append(r.opened, f.Name)
	}
	defer func() { r.open = r.open[:len(r.open)-1] }()
	defining := ""
	number := 0
	for raw := range strings.SplitSeq(string(f.Text), "\n") {
		number++
		text, goesOn := kaDecomment(strings.TrimRight(raw, "\r"))
		at := place{f.Name, number, text}
		switch {
		case defining != "":
			if text != "" {
				r.defined[defining] = append(r.defined[defining], text)
			}
			if !goesOn && (text != "" || strings.TrimSpace(raw) == "") {
				defining = ""
			}
		default:
			defining = r.logical(at, goesOn)
		}
		if r.err != nil {
			return
		}
	}
}

// logical reads a line; the answer is the name of the definition that goes on in the next one, "" if there is none.
func (r *kaReader) logical(at place, goesOn bool) string {
	if name, value, ok := kaDefinition(at.text); ok && goesOn {
		r.defined[name] = nil
		if value != "" {
			r.defined[name] = []string{value}
		}
		return name
	}
	if strings.HasPrefix(at.text, "@") && goesOn { // of a definition for some routers: its further lines must not be taken for others
		if rest, taken := r.condition(at); taken {
			return r.logical(place{at.file, at.line, rest}, true)
		} else if name, _, ok := kaDefinition(rest); ok {
			delete(r.defined, name)
			return "@" + name // no name has an @: the lines go where nobody asks for them
		}
		return ""
	}
	r.line(at, 0)
	return ""
}

// line reads a line that came from a file or a definition.
func (r *kaReader) line(at place, depth int) {
	at.text = strings.Trim(at.text, " \t")
	if at.text == "" || depth > 0 && !r.charge(at, len(at.text)+1) {
		return
	}
	if len(at.text) > kaLongestLine {
		at.text = ""
		r.put(at, Lost, fmt.Sprintf("longer than %d KiB", kaLongestLine>>10))
		return
	}
	if depth > kaDeepest {
		r.put(at, Lost, "definitions that name each other without end")
		return
	}
	switch at.text[0] {
	case '@':
		if rest, ok := r.condition(at); ok {
			r.line(place{at.file, at.line, rest}, depth+1)
		}
		return
	case '$':
		if name, value, ok := kaDefinition(at.text); ok {
			r.defined[name] = []string{value}
			return
		}
	case '~':
		r.repeat(at, depth)
		return
	}
	if strings.Contains(at.text, "$") {
		text, more, found := r.substitute(at)
		if found {
			first, _ := kaDecomment(text)
			r.line(place{at.file, at.line, first}, depth+1)
			for _, text := range more {
				r.line(place{at.file, at.line, text}, depth+1)
			}
			return
		}
	}
	if pattern, ok := kaIncluded(at.text); ok {
		r.included(at, pattern)
		return
	}
	if r.lines = append(r.lines, at); len(r.lines) > kaMostStatements {
		r.err = kaTooMany(at)
	}
}

// kaIncluded reads `include PATTERN` and its kin, which differ in what they complain of.
func kaIncluded(text string) (pattern string, ok bool) {
	word, pattern, _ := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	kind, ok := strings.CutPrefix(word, "include")
	if !ok || len(kind) > 1 || kind != "" && !strings.Contains("rmwba", kind) {
		return "", false
	}
	pattern = strings.Trim(pattern, ` "`)
	return pattern, pattern != ""
}

// included reads the files that a pattern names, in the place of the line that does.
func (r *kaReader) included(at place, pattern string) {
	if r.include == nil || len(r.open) > kaDeepest {
		r.put(at, Lost, "this file is not read")
		return
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(at.file), pattern)
	}
	files, err := r.include(pattern)
	switch {
	case err != nil:
		r.put(at, Lost, "not read: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	case len(files) == 0:
		r.put(at, Lost, "no file is named so")
	}
	for _, f := range files {
		if slices.Contains(r.open, f.Name) {
			r.put(at, Lost, fmt.Sprintf("%s includes itself", f.Name))
			continue
		}
		r.file(f)
	}
}

// kaDecomment removes what is around a line and the comment at its end. A backslash at the very end says that a definition
// goes on.
func kaDecomment(s string) (text string, goesOn bool) {
	s = strings.Trim(s, " \t")
	if !strings.ContainsAny(s, `!#\`) {
		return s, false
	}
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 == len(s):
			goesOn = true
			continue
		case c == '\\' && !quoted && (s[i+1] == '#' || s[i+1] == '!'):
			i++
			c = s[i]
		case c == '\\':
			b.WriteByte(c)
			i++
			c = s[i]
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '!' || c == '#'):
			return strings.TrimRight(b.String(), " \t"), false
		}
		b.WriteByte(c)
	}
	return strings.TrimRight(b.String(), " \t"), goesOn
}
