package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"polso/config"
)

// form is the fields of one part of the document, made from the manual: what may be written there, and what is. Everything it says
// comes from config.Manual, so that an attribute that is new has its field.
type form struct {
	Groups []formGroup
	Other  []config.Problem // what is wrong with the part and belongs to no field
}

// formGroup is the fields of one block.
type formGroup struct {
	Path   string // "" of the part itself; "timeouts", "check", "sorry_server.spare"
	Title  string // "" of the part itself
	Help   string
	There  bool // the block is written now, and can be taken out
	Fields []formField
}

// formField is one attribute.
type formField struct {
	Path    string // as an Edit takes it: "timeouts.tcp"; also the name of the field
	ID      string
	Label   string
	Help    string
	Form    config.Form
	Was     string // what the document says; "" is nothing
	Value   string // what stands in the field
	Default string // what holds if nothing stands there
	Words   []string
	Lines   bool // it takes several lines

	Problems []config.Problem
}

// newForm is the form of a part that is written as config.Written says; topic is what the manual says of it. Blocks inside get their
// own group, but for those with a name of their own and for checks, whose fields depend on their kind: see add.
func newForm(topic config.Topic, written map[string]string) *form {
	f := &form{}
	f.add("", topic, written)
	f.Groups[0].Title, f.Groups[0].There = "", false
	for _, x := range topic.Topics {
		if x.Form == "" && x.Label == "" {
			f.add(x.Name, x, written)
		}
	}
	return f
}

// add adds the group of the block at path.
func (f *form) add(path string, topic config.Topic, written map[string]string) {
	_, there := written[path]
	g := formGroup{Path: path, Title: strings.ReplaceAll(topic.Name, "_", " "), Help: topic.Text, There: there}
	for _, x := range topic.Topics {
		if x.Form == "" {
			continue
		}
		at := x.Name
		if path != "" {
			at = path + "." + x.Name
		}
		was := written[at]
		words := x.Words()
		if was != "" && x.Form == config.Text && words != nil && !slices.Contains(words, was) {
			words = append(words, was)
		}
		g.Fields = append(g.Fields, formField{
			Path: at, ID: "f-" + strings.ReplaceAll(at, ".", "-"), Label: strings.ReplaceAll(x.Name, "_", " "), Help: help(x), Form: x.Form,
			Was: was, Value: was, Default: x.Otherwise(), Words: words,
			Lines: x.Form == config.Texts || x.Form == config.TextMap || x.Name == "ca" || strings.Contains(was, "\n"),
		})
	}
	f.Groups = append(f.Groups, g)
}

// help is what the manual says of an attribute, and what it takes.
func help(t config.Topic) string {
	text := t.Text
	if t.Words() == nil && t.Value != "" {
		text += " It takes " + t.Value + "."
	}
	switch {
	case t.Form == config.Texts && t.Words() == nil:
		text += " One a line."
	case t.Form == config.TextMap:
		text += " One a line, as NAME = VALUE."
	}
	if t.Default != "" {
		text += " Default: " + t.Otherwise() + "."
	}
	return strings.Replace(text, "Default: required", "Required", 1)
}

// all are the fields of every group.
func (f *form) all(yield func(*formField) bool) {
	for g := range f.Groups {
		for i := range f.Groups[g].Fields {
			if !yield(&f.Groups[g].Fields[i]) {
				return
			}
		}
	}
}

// Field names in a posted form: the attribute itself, what it said when the page was made, and what takes a block out.
const (
	wasPrefix = "was:"
	outPrefix = "out:"
)

// read takes what was posted into the fields and returns the Values of the Edit that makes the document say so: only of what was
// changed in the page, so that what others changed meanwhile stays.
func (f *form) read(posted url.Values) []string {
	var values []string
	for i := range f.Groups {
		values = append(values, f.Groups[i].read(posted)...)
	}
	return values
}

func (g *formGroup) read(posted url.Values) []string {
	var values []string
	filled := false
	for i := range g.Fields {
		field := &g.Fields[i]
		if !posted.Has(wasPrefix + field.Path) {
			continue // the page had no such field
		}
		field.Was, field.Value = lines(posted.Get(wasPrefix+field.Path)), field.posted(posted)
		filled = filled || field.Value != ""
		values = append(values, config.Assign(field.Path, field.Form, field.Was, field.Value)...)
	}
	if g.Path != "" && g.There && (posted.Get(outPrefix+g.Path) != "" || !filled && len(values) > 0) {
		return []string{g.Path + "="}
	}
	return values
}

// posted is what stands in the field that was sent.
func (f formField) posted(posted url.Values) string {
	if f.Form == config.Texts && f.Words != nil {
		return f.chosen(posted[f.Path])
	}
	value := lines(posted.Get(f.Path))
	switch {
	case value == f.Was:
	case strings.TrimSpace(value) == "":
		value = ""
	case !f.Lines && !slices.Contains(spaced, f.Path[strings.LastIndexByte(f.Path, '.')+1:]):
		value = strings.TrimSpace(value)
	}
	return value
}

// chosen are words that were ticked, in the order in which they were written if they are the same.
func (f formField) chosen(words []string) string {
	was := strings.Fields(f.Was)
	if slices.Equal(slices.Sorted(slices.Values(was)), slices.Sorted(slices.Values(words))) {
		return f.Was
	}
	return strings.Join(words, "\n")
}

// spaced are attributes in which a space at an end may be meant.
var spaced = []string{"send", "expect", "contains", "matches"}

// lines is a text with the line ends of a document: a browser sends others.
func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// Has tells whether a word stands in the field.
func (f formField) Has(word string) bool {
	return slices.Contains(strings.Split(f.Value, "\n"), word)
}

// Rows is how many lines of the field are shown.
func (f formField) Rows() int { return min(max(2, strings.Count(f.Value, "\n")+2), 12) }

// InputMode is what a telephone's keyboard offers.
func (f formField) InputMode() string {
	if f.Form == config.Number {
		return "numeric"
	}
	return "text"
}

// mistakes are what is wrong with a text, with their places; none: it can run.
func mistakes(text string) config.Errors {
	_, err := config.Load(config.File{Name: textName, Text: []byte(text)})
	list, _ := errors.AsType[config.Errors](err)
	return list
}

// mark puts what is wrong with the document to the fields it is about: part is the path of the form's part in config's problems, as
// `virtual "web"`. It returns what is about other parts.
func (f *form) mark(part string, list config.Errors) config.Errors {
	var rest config.Errors
	for _, p := range list {
		in, ok := strings.CutPrefix(p.Path, part)
		if !ok || in != "" && in[0] != ' ' {
			rest = append(rest, p)
			continue
		}
		in = strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(in), `"`, ""), " ", ".")
		found := false
		for field := range f.all {
			if found = field.Path == in; found {
				field.Problems = append(field.Problems, p)
				break
			}
		}
		if !found {
			f.Other = append(f.Other, p)
		}
	}
	return rest
}
