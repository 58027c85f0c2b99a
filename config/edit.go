package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Verb is what an Edit does.
type Verb string

// The verbs.
const (
	Add Verb = "add"
	Set Verb = "set"
	Del Verb = "remove"
)

// Edit is one change of a document's text.
type Edit struct {
	Verb   Verb
	Kind   Kind
	Name   string   // "web"; of a server, sorry or not, "web/a"; "" for the cluster
	Values []string // of Add and Set: PATH=VALUE, such as "check.http.path=/healthz"; without a VALUE it is taken out. See CheckText
}

// String is the edit in one line, as it is typed: "set virtual web scheduler=mh". What is long is cut.
func (e Edit) String() string {
	words := strings.Join(slices.DeleteFunc(slices.Concat([]string{string(e.Verb), string(e.Kind), e.Name}, e.Values), func(s string) bool { return s == "" }), " ")
	if r := []rune(words); len(r) > longestSource {
		return string(r[:longestSource-1]) + "…"
	}
	return words
}

// Why an Edit is not possible.
var (
	// ErrNotThere means that the document has no part of that name.
	ErrNotThere = errors.New("is not in the document")
	// ErrThere means that the document has a part of that name already.
	ErrThere = errors.New("is in the document already")
	// ErrEdit means that the edit itself makes no sense, whatever the document.
	ErrEdit = errors.New("cannot be edited so")
)

// Editable is the text that an edit of the running document begins with: source, as somebody wrote it, if it is HCL and still
// means that, else the document in the canonical layout.
func Editable(source []byte, running Document) []byte {
	if asWritten(source, running) != nil {
		return source
	}
	return Format(running)
}

// asWritten is source as a page, if it is HCL and means the running document; else nil.
func asWritten(source []byte, running Document) *page {
	f := File{Text: source}
	if IsJSON(f) {
		return nil
	}
	r := newReader()
	r.texts[f.Name] = f.Text
	body, diagnostics := r.parse(f)
	if body == nil {
		return nil
	}
	r.document(body, diagnostics)
	r.complete()
	if len(r.problems) > 0 || !r.doc.Equal(Complete(running)) {
		return nil
	}
	return &page{source, body}
}

// Revise is Rewrite of what Editable returns, with one reading of the source for both.
func Revise(source []byte, running Document, e Edit) ([]byte, error) {
	if p := asWritten(source, running); p != nil {
		return p.rewrite(e)
	}
	return Rewrite(Format(running), e)
}

// Rewrite returns text, which must be HCL that parses, with the edit done. Whatever the edit does not concern stays as it is
// written, comments and all; a text that was in the layout of Layout stays in it. The values are not judged: Load the result.
// Errors are ErrNotThere, ErrThere, ErrEdit, ErrNoTopic, or what is wrong with text.
func Rewrite(text []byte, e Edit) ([]byte, error) {
	p, err := newPage(text)
	if err != nil {
		return nil, err
	}
	return p.rewrite(e)
}

// rewrite does the edit, in the pieces of the text that it concerns.
func (p *page) rewrite(e Edit) ([]byte, error) {
	from, to := p.concerned(e)
	if to-from < len(p.text) {
		return rewriteIn(p.text, from, to, e)
	}
	return p.edited(e)
}

// rewriteIn does the edit in what stands between two offsets of a text, which is right by itself.
func rewriteIn(text []byte, from, to int, e Edit) ([]byte, error) {
	part, err := newPage(text[from:to])
	if err != nil {
		return nil, err
	}
	done, err := part.edited(e)
	if err != nil {
		return nil, err
	}
	return slices.Concat(text[:from], done, text[to:]), nil
}

// edited returns the page's text with the edit done.
func (p *page) edited(e Edit) ([]byte, error) {
	topic, err := Explain(strings.Join(e.steps(), "."))
	if err != nil {
		return nil, err
	}
	neat := bytes.Equal(hclwrite.Format(p.text), p.text)
	if err := e.on(p, topic); err != nil {
		return nil, err
	}
	if neat {
		return hclwrite.Format(p.text), nil
	}
	return p.text, nil
}

// concerned returns the bounds of what an edit needs to see: what changes within a block, that block's pieces.
func (p *page) concerned(e Edit) (from, to int) {
	way, err := e.place()
	if err != nil || e.Kind == KindCluster || e.Verb != Set && len(way) == 1 {
		return 0, len(p.text)
	}
	b := p.find(way[:1])
	if b == nil {
		return 0, len(p.text)
	}
	return around(p.text, b.TypeRange.Start.Byte, b.CloseBraceRange.End.Byte)
}

// steps is the way to the part in the manual.
func (e Edit) steps() []string {
	if e.Kind == KindServer || e.Kind == KindSorryServer {
		return []string{string(KindVirtual), string(e.Kind)}
	}
	return []string{string(e.Kind)}
}

// place is the way to the part in a text.
func (e Edit) place() ([]step, error) {
	switch e.Kind {
	case KindCluster:
		return []step{{kind: "cluster"}}, nil
	case KindServer, KindSorryServer:
		virtual, server, ok := strings.Cut(e.Name, "/")
		if !ok || virtual == "" || server == "" {
			return nil, fmt.Errorf("%s %q %w: name its virtual too, as in web/a", e.Kind, e.Name, ErrEdit)
		}
		return []step{{"virtual", virtual}, {string(e.Kind), server}}, nil
	default:
		if e.Name == "" {
			return nil, fmt.Errorf("%s %w: it needs a name", e.Kind, ErrEdit)
		}
		return []step{{string(e.Kind), e.Name}}, nil
	}
}

func (e Edit) on(p *page, topic Topic) error {
	steps, err := e.place()
	if err != nil {
		return err
	}
	for i := range steps[:len(steps)-1] {
		if p.find(steps[:i+1]) == nil {
			return fmt.Errorf("%s %q %w", steps[i].kind, steps[i].label, ErrNotThere)
		}
	}
	there := p.find(steps) != nil
	named := strings.TrimSpace(fmt.Sprintf("%s %s", e.Kind, quoted(e.Name)))
	switch {
	case e.Verb == Add && there:
		return fmt.Errorf("%s %w", named, ErrThere)
	case e.Verb == Add, e.Kind == KindCluster && !there:
		if err := p.insert(steps); err != nil {
			return err
		}
	case !there:
		return fmt.Errorf("%s %w", named, ErrNotThere)
	case e.Verb == Del:
		return errors.Join(p.removeBlock(steps), p.notEmpty())
	}
	for _, v := range e.Values {
		if err := assign(p, steps, topic, v); err != nil {
			return err
		}
	}
	if e.Kind == KindCluster {
		return p.tidy(steps)
	}
	return nil
}

func quoted(name string) string {
	if name == "" {
		return ""
	}
	return strconv.Quote(name)
}

// assign does one PATH=VALUE inside the block at in, whose attributes topic has.
func assign(p *page, in []step, topic Topic, assignment string) error {
	path, value, ok := strings.Cut(assignment, "=")
	words := strings.Split(path, ".")
	if !ok || path == "" {
		return fmt.Errorf("%q %w: write ATTRIBUTE=VALUE, or ATTRIBUTE= to take it out", assignment, ErrEdit)
	}
	for ; len(words) > 0; words = words[1:] {
		next, err := topic.topic(words[0], in[len(in)-1].kind)
		if err != nil {
			return err
		}
		topic = next
		if topic.Form != "" && (len(topic.Topics) == 0 || len(words) == 1) {
			break
		}
		in = append(slices.Clip(in), step{kind: topic.Name})
		if named := topic.Label == "name" || topic.Name == "sorry_server"; named && len(words) > 1 {
			in[len(in)-1].label, words = words[1], words[1:]
		}
		if topic.Name == "check" && len(words) > 1 && isCheck(words[1]) {
			in[len(in)-1].label, words = words[1], words[1:]
		}
	}
	switch {
	case len(words) > 1 && topic.Form == TextMap:
		return assignKey(p, in, topic.Name, strings.Join(words[1:], "."), value)
	case len(words) > 1:
		_, err := topic.topic(words[1], words[0])
		return err
	case len(words) == 1:
		return assignAttribute(p, in, topic, value)
	default:
		return assignBlock(p, in, value)
	}
}

// assignKey sets one key of a map of texts, or takes it out.
func assignKey(p *page, in []step, name, key, text string) error {
	texts := map[string]string{}
	if b := p.find(in); b != nil && b.Body.Attributes[name] != nil {
		r := newReader()
		value{r, path(name), b.Body.Attributes[name].Expr}.textMap(func(m map[string]string) { texts = m })
		if err := r.problems.orNil(); err != nil {
			return err
		}
	}
	texts[key] = text
	if text == "" {
		delete(texts, key)
	}
	if len(texts) == 0 {
		return assignAttribute(p, in, Topic{Name: name}, "")
	}
	if err := p.ensure(in); err != nil {
		return err
	}
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		parts = append(parts, literal(Text, key)+" = "+literal(Text, texts[key]))
	}
	return p.setAttribute(in, name, "{\n"+strings.Join(parts, "\n")+"\n}")
}

func assignAttribute(p *page, in []step, topic Topic, value string) error {
	switch {
	case value == "" && p.find(in) == nil:
		return nil // nothing to take out
	case value == "":
		return p.removeAttribute(in, topic.Name)
	}
	if err := p.ensure(in); err != nil {
		return err
	}
	return p.setAttribute(in, topic.Name, literal(topic.Form, value))
}

// assignBlock takes a block out, or makes a check one of another kind.
func assignBlock(p *page, in []step, value string) error {
	last := in[len(in)-1]
	switch {
	case value == "" && p.find(in) == nil:
		return nil
	case value == "":
		return p.removeBlock(in)
	case last.kind == "check" && last.label == "" && isCheck(value):
		in[len(in)-1].label = value
		return p.ensure(in)
	case last.kind == "check" && last.label == "" && strings.HasPrefix(strings.TrimSpace(value), "check"):
		return p.write(in, strings.TrimSpace(value))
	}
	return fmt.Errorf("%s %w: it is a block; set what stands in it, as in %s.ATTRIBUTE=VALUE, or take it out with %s=", last.kind, ErrEdit, last.kind, last.kind)
}

// literal is value as HCL writes it. What does not have the form becomes a text, so that Load says what is wrong with it.
func literal(form Form, value string) string {
	if list := strings.HasPrefix(value, "["); list && (form == Texts || form == Numbers) {
		if _, diagnostics := hclsyntax.ParseExpression([]byte(value), "", hcl.InitialPos); !diagnostics.HasErrors() {
			return value // as the document writes it
		}
	}
	switch form {
	case Number:
		if _, err := strconv.ParseInt(value, 10, 64); err == nil {
			return value
		}
	case Truth:
		if value == "true" || value == "false" {
			return value
		}
	case Texts, Numbers:
		element := Text
		if form == Numbers {
			element = Number
		}
		var parts []string
		for part := range strings.SplitSeq(value, ",") {
			parts = append(parts, literal(element, strings.TrimSpace(part)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case TextMap:
		var parts []string
		for part := range strings.SplitSeq(value, ",") {
			key, text, _ := strings.Cut(strings.TrimSpace(part), "=")
			parts = append(parts, literal(Text, key)+" = "+literal(Text, text))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return string(hclwrite.TokensForValue(cty.StringVal(value)).Bytes())
}
