package convert

import "strings"

// lvsBlock is a block of an lvs.cf, or the whole file, with its lines in the order of the text.
type lvsBlock struct {
	kind, name string // kind is "" for the file, else virtual, failover or server
	at         place
	directives []*lvsDirective
	blocks     []*lvsBlock
}

// lvsDirective is `key = word word`.
type lvsDirective struct {
	key   string
	words []string // without their quotes
	quote byte     // of the first word: ', " or 0
	at    place
	used  bool // somebody has dealt with it
}

// value is all the words.
func (d *lvsDirective) value() string { return strings.Join(d.words, " ") }

// lvsParser reads an lvs.cf, both what Piranha's daemons accept and the superset that people write. It goes over the text once and
// refuses nothing: what can be no part of a configuration is a note.
type lvsParser struct {
	b     *builder
	open  []*lvsBlock // the file first
	brace bool        // a block was opened whose { has not come yet
}

// What an lvs.cf may hold, far beyond any real one: the daemons take 255 characters for a text, and 99 words on a line.
const (
	lvsLongestLine = 4096
	lvsMostLines   = 1 << 17
)

// refused is what is said of a form that people write and the daemons do not take.
const refused = "Piranha itself refuses the file for "

func (p *lvsParser) file(f File) *lvsBlock {
	root := &lvsBlock{at: place{file: f.Name}}
	p.open = []*lvsBlock{root}
	text, marked := strings.CutPrefix(string(f.Text), "\ufeff")
	if marked {
		p.b.hint("", place{file: f.Name, line: 1}, refused+"the byte order mark it begins with")
	}
	if strings.Contains(text, "\r\n") {
		p.b.hint("", place{file: f.Name}, "its lines end as in DOS, of which Piranha itself reads the first alone")
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	number := 0
	for line := range strings.Lines(text) {
		number++
		if len(p.b.notes) > mostParts {
			break // LVSCF refuses it
		}
		if len(line) > lvsLongestLine {
			p.b.lost("", place{f.Name, number, line[:longestText]}, "longer than a line of %d bytes", lvsLongestLine)
			continue
		}
		at := place{f.Name, number, strings.TrimSpace(line)}
		for rest := at.text; rest != "" && rest[0] != '#'; {
			if rest = strings.TrimSpace(p.statement(rest, at)); rest != "" && rest[0] != '#' {
				p.b.hint("", at, refused+"two things on a line")
			}
		}
	}
	return root
}

func (p *lvsParser) inner() *lvsBlock { return p.open[len(p.open)-1] }

// statement reads one statement at the beginning of text and returns what follows it.
func (p *lvsParser) statement(text string, at place) (rest string) {
	switch text[0] {
	case '{':
		if !p.brace {
			p.b.lost("", at, "a { that opens nothing")
		} else {
			p.b.hint("", at, refused+"a { on a line of its own")
		}
		p.brace = false
		return text[1:]
	case '}':
		p.brace = false
		if len(p.open) == 1 {
			p.b.hint("", at, "a } that closes nothing")
		} else {
			p.open = p.open[:len(p.open)-1]
		}
		return text[1:]
	}
	end := strings.IndexAny(text, " \t={")
	if end < 0 {
		end = len(text)
	}
	if p.brace {
		p.b.hint("", at, refused+"the { that is missing before this line")
		p.brace = false
	}
	key, rest := text[:end], text[end:]
	if key == "" { // it begins with =
		p.b.lost("", at, "nothing stands before the =")
		return ""
	}
	after := strings.TrimLeft(rest, " \t")
	switch key {
	case "virtual", "failover", "server":
		if !strings.HasPrefix(after, "=") {
			return p.block(key, after, at)
		}
	}
	value, ok := strings.CutPrefix(after, "=")
	if !ok {
		p.b.lost("", at, "it is no directive: there is no = in it")
		return ""
	}
	if rest[0] == '=' || value != "" && value[0] != ' ' && value[0] != '\t' {
		p.b.hint("", at, refused+"an = without blanks around it")
	}
	d := &lvsDirective{key: key, at: at}
	for rest = strings.TrimLeft(value, " \t"); rest != "" && rest[0] != '}'; rest = strings.TrimLeft(rest, " \t") {
		if rest[0] == '#' && len(d.words) > 0 {
			p.b.hint("", at, refused+"the comment behind the value")
			rest = ""
			break
		}
		if len(d.words) == 0 && (rest[0] == '"' || rest[0] == '\'') {
			d.quote = rest[0]
		}
		var word string
		word, rest = p.word(rest, at)
		d.words = append(d.words, word)
	}
	p.inner().directives = append(p.inner().directives, d)
	return rest
}

// block opens a block and returns what follows its {.
func (p *lvsParser) block(kind, text string, at place) (rest string) {
	name := ""
	switch {
	case text == "" || text[0] == '{' || text[0] == '#':
	case text[0] == '"' || text[0] == '\'':
		name, text = p.word(text, at)
	default:
		end := strings.IndexAny(text, " \t{")
		if end < 0 {
			end = len(text)
		}
		name, text = text[:end], text[end:]
		if strings.HasPrefix(text, "{") {
			p.b.hint("", at, refused+"a { without a blank before it")
		}
	}
	depth := 1 // of the blocks around it
	if kind == "server" {
		depth = 2
	}
	if len(p.open) > depth {
		p.b.hint("", at, refused+"a } that is missing before this line")
		p.open = p.open[:depth]
	}
	block := &lvsBlock{kind: kind, name: name, at: at}
	p.inner().blocks = append(p.inner().blocks, block)
	p.open = append(p.open, block)
	text = strings.TrimLeft(text, " \t")
	rest, braced := strings.CutPrefix(text, "{")
	if p.brace = !braced; p.brace && text != "" && text[0] != '#' {
		p.b.lost("", at, "what follows the name is no {")
		return ""
	}
	return rest
}

// word reads a word, quoted or not, and returns what follows it. A quote ends at the next of its kind without a backslash before it;
// if there is none, at the next of its kind; else at the end of the line.
func (p *lvsParser) word(text string, at place) (word, rest string) {
	quote := text[0]
	if quote != '"' && quote != '\'' {
		if end := strings.IndexAny(text, " \t"); end >= 0 {
			return text[:end], text[end:]
		}
		return text, ""
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return text[1:i], text[i+1:]
		}
	}
	if i := strings.IndexByte(text[1:], quote); i >= 0 {
		return text[1 : i+1], text[i+2:]
	}
	p.b.hint("", at, refused+"a quote that is not closed")
	return text[1:], ""
}
