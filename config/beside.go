package config

import (
	"bytes"
	"strings"
)

// FromCanonicalBeside is FromCanonical of a text that has most virtuals in common with one that was read already: those are taken from what
// was read, which is shared then, and only the others are read. known is FromCanonical of beside, which has no white space.
func FromCanonicalBeside(text, beside []byte, known Document) (Document, error) {
	before, ok := elements(beside)
	now, alike := elements(text)
	if !ok || !alike || len(before) != len(known.Virtuals) {
		return FromCanonical(text)
	}
	said := make(map[string]int, len(before)) // which of known it is, by its text
	for i, e := range before {
		one := beside[e.from:e.to]
		if !bytes.HasPrefix(one, []byte(`{"name":"`+known.Virtuals[i].Name+`"`)) { // nor is it sorted then
			return FromCanonical(text)
		}
		said[string(one)] = i
	}
	var shared []Virtual
	rest := make([]byte, 0, len(text)/8)
	from := 0 // what is not in rest yet
	for i, e := range now {
		at, ok := said[string(text[e.from:e.to])]
		if !ok {
			continue
		}
		shared = append(shared, known.Virtuals[at])
		switch first, last := i == 0, i == len(now)-1; {
		case !last: // with the comma behind it
			rest = append(rest, text[from:e.from]...)
			from = now[i+1].from
		case first:
			rest = append(rest, text[from:e.from]...)
			from = e.to
		default: // the comma before it may be there still
			rest = bytes.TrimSuffix(append(rest, text[from:e.from]...), []byte(","))
			from = e.to
		}
	}
	if len(shared) == 0 {
		return FromCanonical(text)
	}
	doc, err := FromCanonical(append(rest, text[from:]...))
	if err != nil {
		return FromCanonical(text) // which tells it of the whole
	}
	doc.Virtuals = merged(doc.Virtuals, shared)
	return doc, nil
}

// merged is two lists of virtuals in the order of their names.
func merged(a, b []Virtual) []Virtual {
	out := make([]Virtual, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].Name < a[0].Name {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}

// span is where something stands in a text.
type span struct{ from, to int }

// elements finds the virtuals of a canonical text; false if it is not as Canonical writes it. It does not read what is in them.
func elements(text []byte) ([]span, bool) {
	const key = `"virtuals":[`
	if len(text) == 0 || text[0] != '{' {
		return nil, false
	}
	var list []span
	found := false
	depth, start := 0, -1 // of brackets; where the element began
	inside := false       // of the list
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			end := quoteEnd(text, i)
			if end < 0 {
				return nil, false
			}
			word := text[i+1 : end]
			if depth == 1 && end+1 < len(text) && text[end+1] == ':' {
				if bytes.IndexByte(word, '\\') >= 0 { // it may be any name
					return nil, false
				}
				if strings.EqualFold(string(word), "virtuals") { // as encoding/json knows its fields
					if found || !bytes.HasPrefix(text[i:], []byte(key)) {
						return nil, false
					}
					found, inside = true, true
					i += len(key) - 1
					depth, start = 2, i+1
					continue
				}
			}
			i = end
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if inside && depth == 1 {
				if i > start {
					list = append(list, span{start, i})
				} else if len(list) > 0 {
					return nil, false
				}
				inside = false
			}
			if depth < 0 {
				return nil, false
			}
		case ',':
			if inside && depth == 2 {
				if i == start {
					return nil, false
				}
				list = append(list, span{start, i})
				start = i + 1
			}
		case ' ', '\t', '\n', '\r':
			return nil, false
		}
	}
	return list, found && depth == 0
}

// quoteEnd is where the text in quotes that begins at an offset ends; negative if it does not.
func quoteEnd(text []byte, at int) int {
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}
