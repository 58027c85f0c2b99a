package convert

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// directive is one line of ldirectord.cf that says something: key = value.
type directive struct {
	line  int
	text  string // as written, without the blanks around it
	key   string // in front of the =
	value string // behind it
	bare  bool   // there is no =
}

// section is the global part of an ldirectord.cf, or one virtual of it.
type section struct {
	head     directive            // virtual, virtual6; zero for the global part
	settings map[string]directive // the last of a key counts, as in ldirectord
	reals    []directive
	replaced []directive // those that did not count
	adrift   []directive // those that ldirectord would not have read as part of this virtual
}

// readLdirectord splits a text into its global part and its virtuals, in the order of the text. ldirectord ends a virtual at the
// first line that is not indented by four blanks or a tab, an empty one too, and refuses the file if the next indented line finds
// no virtual; here such a line belongs to the virtual above, and is remembered as adrift. The answer is not
// whole if there are more than mostParts virtuals and servers.
func readLdirectord(text []byte) (global *section, virtuals []*section, whole bool) {
	global = &section{settings: make(map[string]directive)}
	var in *section // the virtual that indented lines belong to
	ended := false  // ldirectord has left it
	number, parts := 0, 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		line = strings.TrimRight(line, "\r\n")
		content := strings.TrimSpace(line)
		if strings.HasPrefix(content, "#") {
			continue
		}
		if content == "" {
			ended = true
			continue
		}
		indented := line[0] == ' ' || line[0] == '\t'
		d := newDirective(number, content, indented)
		switch d.key {
		case "virtual", "virtual6", "real", "real6":
			if parts++; parts > mostParts {
				return global, virtuals, false
			}
		}
		switch {
		case d.text == "":
		case d.key == "virtual" || d.key == "virtual6":
			in, ended = &section{head: d, settings: make(map[string]directive)}, false
			virtuals = append(virtuals, in)
			if indented {
				in.adrift = append(in.adrift, d)
			}
		case indented && in != nil:
			if ended || !deep(line) {
				in.adrift = append(in.adrift, d)
			}
			in.add(d)
		default:
			if indented {
				global.adrift = append(global.adrift, d)
			}
			global.add(d)
			ended = true
		}
	}
	return global, virtuals, true
}

// deep reports whether a line is indented as ldirectord wants a virtual's.
func deep(line string) bool {
	return strings.HasPrefix(strings.ReplaceAll(line, "\t", "    "), "    ")
}

// newDirective takes a line apart. In a virtual ldirectord cuts at every #, also within quotes; in the global part it knows no
// comment behind a value, and one that stands apart is taken for one here.
func newDirective(number int, text string, indented bool) directive {
	if indented {
		text, _, _ = strings.Cut(text, "#")
	} else if i := strings.Index(text, " #"); i >= 0 {
		text = text[:i]
	}
	text = strings.TrimSpace(text)
	key, value, found := strings.Cut(text, "=")
	d := directive{line: number, text: text, key: strings.TrimSpace(key), value: strings.TrimSpace(value), bare: !found}
	if d.key == "passwd" || d.key == "secret" {
		d.text = d.key + "=…" // no secret goes into a document or a report
	}
	return d
}

func (s *section) add(d directive) {
	if d.key == "real" || d.key == "real6" {
		s.reals = append(s.reals, d)
		return
	}
	if before, ok := s.settings[d.key]; ok {
		s.replaced = append(s.replaced, before)
	}
	s.settings[d.key] = d
}

// take returns a setting and removes it: what nobody has taken in the end is what has no counterpart.
func (s *section) take(key string) (directive, bool) {
	d, ok := s.settings[key]
	delete(s.settings, key)
	return d, ok
}

// rest yields what nobody has taken, in the order of the text.
func (s *section) rest() iter.Seq[directive] {
	return slices.Values(slices.SortedFunc(maps.Values(s.settings), func(a, b directive) int { return a.line - b.line }))
}

// quoted returns what stands between a value's first and last quote, as ldirectord takes it, or the value itself if it does not
// begin with one.
func (d directive) quoted() string {
	if !strings.HasPrefix(d.value, `"`) {
		return d.value
	}
	inner := d.value[1:]
	if i := strings.LastIndexByte(inner, '"'); i >= 0 {
		return inner[:i]
	}
	return inner
}

// digits returns the first digits of a value, which is all that ldirectord looks for; exact says that there is nothing else.
func (d directive) digits() (digits string, exact bool) {
	from := strings.IndexAny(d.value, "0123456789")
	if from < 0 {
		return "", false
	}
	digits = d.value[from:]
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	return digits, digits == d.value
}
