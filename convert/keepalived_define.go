package convert

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// condition reads `@NAME …` and `@^NAME …`: one document is for all routers, so what is said for one of them alone is left
// out, and what is said for all but one is taken. It returns what follows the condition.
func (r *kaReader) condition(at place) (rest string, taken bool) {
	id, rest, _ := strings.Cut(strings.ReplaceAll(at.text, "\t", " "), " ")
	rest = strings.TrimLeft(rest, " ")
	if name, not := strings.CutPrefix(id, "@^"); not {
		if rest != "" {
			r.put(at, Changed, fmt.Sprintf("for every router but %s; taken for all", name))
		}
		return rest, rest != ""
	}
	level := Lost
	if word, _, _ := strings.Cut(rest, " "); r.idle[word] {
		level = Hint
	}
	r.put(at, level, fmt.Sprintf("for the router %s alone; the document is one for all of them", id[1:]))
	return rest, false
}

// kaMasked is the line without what nobody else should read.
func kaMasked(at place) place {
	for _, secret := range []string{"auth_pass", "key", "password"} {
		if before, _, found := strings.Cut(at.text, secret+" "); found {
			at.text = before + secret + " …"
		}
	}
	return at
}

// kaDefinition reads `$NAME=VALUE`.
func kaDefinition(text string) (name, value string, ok bool) {
	if !strings.HasPrefix(text, "$") {
		return "", "", false
	}
	name, value, ok = strings.Cut(text[1:], "=")
	if !ok || kaNameLength(name) != len(name) || name == "" {
		return "", "", false
	}
	return name, strings.Trim(value, " \t"), true
}

// kaNameLength is how many bytes at the beginning of s are a definition's name.
func kaNameLength(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}

// substitute puts in the values of the definitions that a line names, and of those that these name. More is what follows the
// first line of a value of several, which must stand at the line's end.
func (r *kaReader) substitute(at place) (text string, more []string, found bool) {
	text = at.text
	times := 0
	for i := 0; i < len(text); {
		if text[i] != '$' {
			i++
			continue
		}
		name, length := kaReference(text[i:])
		value, ok := r.value(name, at.file)
		if !ok || length == 0 || len(value) > 1 && i+length != len(text) {
			i++
			continue
		}
		first := ""
		if len(value) > 0 {
			first, more = value[0], value[1:]
		}
		if times++; times > kaMostReplaced || len(text)+len(first) > kaLongestLine || !r.charge(at, len(text)) {
			r.put(at, Lost, "a definition that names itself, or a line that gets too long")
			return "", nil, true
		}
		found = true
		text = text[:i] + first + text[i+length:]
		if len(value) > 1 || strings.HasPrefix(strings.TrimLeft(first, " \t"), "~") {
			break
		}
	}
	return text, more, found
}

// kaReference reads `$NAME` and `${NAME}`; the length is 0 if there is none at the beginning of s.
func kaReference(s string) (name string, length int) {
	if braced, ok := strings.CutPrefix(s, "${"); ok {
		n := kaNameLength(braced)
		if n == 0 || !strings.HasPrefix(braced[n:], "}") {
			return "", 0
		}
		return braced[:n], n + 3
	}
	n := kaNameLength(s[1:])
	if n == 0 || n+1 < len(s) && !strings.ContainsRune(" \t,)", rune(s[n+1])) {
		return "", 0
	}
	return s[1 : n+1], n + 1
}

// value is what a name stands for: what was defined, or what keepalived defines itself and is the same everywhere.
func (r *kaReader) value(name, file string) ([]string, bool) {
	if v, ok := r.defined[name]; ok {
		return v, true
	}
	switch name {
	case "_PWD":
		return []string{filepath.Dir(file)}, true
	case "_HASH":
		return []string{`\#`}, true
	case "_BANG":
		return []string{`\!`}, true
	}
	return nil, false
}

// repeat reads `~SEQ(NAME, FROM, STEP, TO) …` and `~LST(NAME, VALUE, …) …`.
func (r *kaReader) repeat(at place, depth int) {
	open, end := strings.IndexByte(at.text, '('), strings.IndexByte(at.text, ')')
	if open < 0 || end < open {
		r.put(at, Lost, "neither ~SEQ(…) nor ~LST(…)")
		return
	}
	arguments, rest := place{at.file, at.line, at.text[open+1 : end]}, at.text[end+1:]
	if text, _, found := r.substitute(arguments); found {
		arguments.text = text
	}
	again := func(names, values []string) bool {
		for i, name := range names {
			value := ""
			if i < len(values) {
				value = values[i]
			}
			r.defined[name] = []string{value}
		}
		r.line(place{at.file, at.line, rest}, depth+1)
		return r.charge(at, 1)
	}
	var err error
	switch kind := strings.TrimRight(at.text[:open], " \t"); kind {
	case "~SEQ", "~SEQx":
		err = kaSequence(arguments.text, kind == "~SEQx", again)
	case "~LST":
		err = kaList(arguments.text, again)
	default:
		err = fmt.Errorf("unknown word %q", kind)
	}
	if err != nil {
		r.put(at, Lost, err.Error())
	}
}

func kaSequence(arguments string, hex bool, again func(names, values []string) bool) error {
	parts := strings.Split(arguments, ",")
	var n []int64
	for _, p := range parts[1:] {
		x, err := strconv.ParseInt(strings.Trim(p, " \t"), 0, 32)
		if err != nil {
			return fmt.Errorf("~SEQ wants whole numbers, not %q", strings.Trim(p, " \t"))
		}
		n = append(n, x)
	}
	var from, step, to int64
	switch len(n) {
	case 1:
		from, step, to = 1, 1, n[0]
		if to < 1 {
			step = -1
		}
		if to < 0 {
			from = -1
		}
	case 2:
		from, step, to = n[0], 1, n[1]
		if to < from {
			step = -1
		}
	case 3:
		from, step, to = n[0], n[1], n[2]
	default:
		return errors.New("~SEQ takes a name and one to three numbers")
	}
	if step == 0 || from < to && step < 0 || from > to && step > 0 || hex && (from < 0 || to < 0) {
		return errors.New("~SEQ that comes to no end")
	}
	base := 10
	if hex {
		base = 16
	}
	name := []string{strings.Trim(parts[0], " \t")}
	for x := from; step > 0 && x <= to || step < 0 && x >= to; x += step {
		if !again(name, []string{strconv.FormatInt(x, base)}) {
			return nil
		}
	}
	return nil
}

// kaList reads `NAME, VALUE, …` and `{NAME, …}, {VALUE, …}, …`.
func kaList(arguments string, again func(names, values []string) bool) error {
	var sets [][]string
	for rest := strings.Trim(arguments, " \t"); rest != ""; {
		set := ""
		if inner, ok := strings.CutPrefix(rest, "{"); ok {
			if set, rest, ok = strings.Cut(inner, "}"); !ok {
				return errors.New("~LST with a { and no }")
			}
			_, rest, _ = strings.Cut(rest, ",")
			sets = append(sets, strings.Split(set, ","))
		} else {
			set, rest, _ = strings.Cut(rest, ",")
			sets = append(sets, []string{set})
		}
		rest = strings.TrimLeft(rest, " \t")
	}
	if len(sets) < 2 {
		return errors.New("~LST takes a name and values")
	}
	for _, set := range sets {
		for i := range set {
			set[i] = strings.Trim(set[i], " \t")
		}
	}
	for _, values := range sets[1:] {
		if !again(sets[0], values) {
			return nil
		}
	}
	return nil
}
