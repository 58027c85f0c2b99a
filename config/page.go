package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// page is a text in HCL that is edited in place. It is parsed again after every edit, so that every edit knows the places.
type page struct {
	text []byte
	body *hclsyntax.Body
}

// step is one block on the way to a part of a text. A check's label is its kind, which may be "": whichever there is.
type step struct{ kind, label string }

func newPage(text []byte) (*page, error) {
	p := &page{}
	return p, p.become(text)
}

// become reads the text as it is now.
func (p *page) become(text []byte) error {
	r := newReader()
	f := File{Name: "the document", Text: text}
	r.texts[f.Name] = f.Text
	p.text = text
	p.body, _ = r.parse(f)
	return r.problems.orNil()
}

// splice puts with in the place of what is between two offsets.
func (p *page) splice(from, to int, with string) error {
	return p.become(slices.Concat(p.text[:from], []byte(with), p.text[to:]))
}

// find returns the block at the end of the way, or nil.
func (p *page) find(way []step) *hclsyntax.Block {
	body, found := p.body, (*hclsyntax.Block)(nil)
	for i, s := range way {
		only := s.kind == "check" && way[i-1].kind != "check" // of whatever kind
		i := slices.IndexFunc(body.Blocks, func(b *hclsyntax.Block) bool {
			return b.Type == s.kind && (only || s.label == "" || len(b.Labels) > 0 && b.Labels[0] == s.label)
		})
		if i < 0 {
			return nil
		}
		found = body.Blocks[i]
		body = found.Body
	}
	return found
}

// ensure makes sure that there is the block at the end of the way, and that a check is of the kind that the way names.
func (p *page) ensure(way []step) error {
	last, b := way[len(way)-1], p.find(way)
	switch {
	case b == nil && last.kind == "check" && last.label == "":
		return fmt.Errorf("check %w: there is none yet; say which, as in check.http.path=/", ErrEdit)
	case b == nil:
		return p.insert(way)
	case last.kind == "check" && last.label != "" && len(b.Labels) > 0 && b.Labels[0] != last.label:
		return p.splice(b.LabelRanges[0].Start.Byte, b.LabelRanges[0].End.Byte, fmt.Sprintf("%q", last.label))
	}
	return nil
}

// insert makes an empty block at the end of the way: a part with a name of its own after everything, others after the attributes.
func (p *page) insert(way []step) error {
	last := way[len(way)-1]
	head := last.kind + " "
	if last.label != "" {
		head += fmt.Sprintf("%q ", last.label)
	}
	if len(way) == 1 {
		gap := ""
		switch {
		case len(p.text) > 0 && p.text[len(p.text)-1] != '\n':
			gap = "\n\n"
		case len(p.text) > 0:
			gap = "\n"
		}
		return p.splice(len(p.text), len(p.text), gap+head+"{\n}\n")
	}
	outer := way[:len(way)-1]
	if err := p.expand(outer); err != nil {
		return err
	}
	b := p.find(outer)
	inner := p.inside(b)
	block := inner + head + "{\n" + inner + "}\n"
	if last.kind != "server" {
		at := p.afterAttributes(b)
		return p.splice(at, at, block)
	}
	at := p.lineStart(b.CloseBraceRange.Start.Byte)
	if len(b.Body.Attributes)+len(b.Body.Blocks) > 0 {
		block = "\n" + block
	}
	return p.splice(at, at, block)
}

// expand gives a block that is written on one line lines of its own.
func (p *page) expand(way []step) error {
	b := p.find(way)
	line, oneLine := b.OpenBraceRange.Start.Line, b.CloseBraceRange.Start.Line == b.OpenBraceRange.Start.Line
	for _, a := range b.Body.Attributes {
		oneLine = oneLine || a.SrcRange.Start.Line == line
	}
	if !oneLine {
		return nil
	}
	from, to := b.OpenBraceRange.End.Byte, b.CloseBraceRange.Start.Byte
	content := strings.TrimSpace(string(p.text[from:to]))
	if content != "" {
		content = p.inside(b) + content + "\n"
	}
	return p.splice(from, to, "\n"+content+p.indent(b.TypeRange.Start.Byte))
}

// write puts a block as somebody has written it in the place of the one at the end of the way, or where there was none.
func (p *page) write(way []step, text string) error {
	kind := way[len(way)-1].kind
	one, err := newPage([]byte(text))
	switch {
	case err != nil:
		return err
	case len(one.body.Attributes) > 0 || len(one.body.Blocks) != 1 || one.body.Blocks[0].Type != kind:
		return fmt.Errorf("%s %w: write one block, %s \"KIND\" { … }", kind, ErrEdit, kind)
	}
	if p.find(way) == nil {
		if err := p.insert(way); err != nil {
			return err
		}
	}
	b := p.find(way)
	from := b.TypeRange.Start.Byte
	return p.splice(from, b.CloseBraceRange.End.Byte, indented(text, "", p.indent(from)))
}

func (p *page) setAttribute(way []step, name, value string) error {
	b := p.find(way)
	if a, ok := b.Body.Attributes[name]; ok {
		rng := a.Expr.Range()
		if p.text[rng.End.Byte-1] == '\n' { // a heredoc ends with its line
			value += "\n"
		}
		return p.splice(rng.Start.Byte, rng.End.Byte, value)
	}
	if err := p.expand(way); err != nil {
		return err
	}
	b = p.find(way)
	at := p.afterAttributes(b)
	return p.splice(at, at, fmt.Sprintf("%s%s = %s\n", p.inside(b), name, value))
}

// removeAttribute removes an attribute with its line; a comment above it stays.
func (p *page) removeAttribute(way []step, name string) error {
	if p.find(way).Body.Attributes[name] == nil {
		return nil
	}
	if err := p.expand(way); err != nil {
		return err
	}
	a := p.find(way).Body.Attributes[name]
	return p.splice(p.lineStart(a.SrcRange.Start.Byte), p.behind(a.SrcRange.End.Byte), "")
}

// removeBlock removes a block with the comment directly above it, and a blank line that would be left beside another.
func (p *page) removeBlock(way []step) error {
	b := p.find(way)
	from, to := p.lineStart(b.TypeRange.Start.Byte), p.behind(b.CloseBraceRange.End.Byte)
	for from > 0 && comment(p.lineBefore(from)) {
		from = p.lineStart(from - 1)
	}
	next := p.lineEnd(to)
	after := bytes.TrimSpace(p.text[to:next])
	switch {
	case from == 0 && len(after) == 0:
		to = next
	case from > 0 && len(bytes.TrimSpace(p.lineBefore(from))) == 0 && (len(after) == 0 || after[0] == '}'):
		from = p.lineStart(from - 1)
	}
	return p.splice(from, to, "")
}

// tidy removes a block with nothing in it and no comment above, unless it is all that stands in the text: a document has one at least.
func (p *page) tidy(way []step) error {
	b := p.find(way)
	inside := p.text[b.OpenBraceRange.End.Byte:b.CloseBraceRange.Start.Byte]
	from := p.lineStart(b.TypeRange.Start.Byte)
	if len(bytes.TrimSpace(inside)) > 0 || len(p.body.Blocks) == 1 || from > 0 && comment(p.lineBefore(from)) {
		return nil
	}
	return p.removeBlock(way)
}

// notEmpty has a text without a block say so: nobody removes everything by saying nothing.
func (p *page) notEmpty() error {
	if len(p.body.Blocks) > 0 {
		return nil
	}
	return p.insert([]step{{kind: "cluster"}})
}

// comment reports whether a line is a comment and nothing else.
func comment(line []byte) bool {
	line = bytes.TrimSpace(line)
	return bytes.HasPrefix(line, []byte("#")) || bytes.HasPrefix(line, []byte("//"))
}

// afterAttributes is where the line behind the last attribute of b begins, or the one behind its opening brace.
func (p *page) afterAttributes(b *hclsyntax.Block) int {
	at := b.OpenBraceRange.End.Byte
	for _, a := range b.Body.Attributes {
		at = max(at, a.SrcRange.End.Byte)
	}
	return p.behind(at)
}

// inside is the indentation of what stands in b.
func (p *page) inside(b *hclsyntax.Block) string {
	for _, a := range b.Body.Attributes {
		if a.SrcRange.Start.Line != b.OpenBraceRange.Start.Line {
			return p.indent(a.SrcRange.Start.Byte)
		}
	}
	return p.indent(b.TypeRange.Start.Byte) + "  "
}

// indent is the white space that the line of an offset begins with.
func (p *page) indent(at int) string {
	line := p.text[p.lineStart(at):at]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

func (p *page) lineStart(at int) int { return bytes.LastIndexByte(p.text[:at], '\n') + 1 }

// lineEnd is where the line behind the one of an offset begins.
func (p *page) lineEnd(at int) int {
	if i := bytes.IndexByte(p.text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(p.text)
}

// behind is where the line behind something that ends at an offset begins; a heredoc ends with its line.
func (p *page) behind(at int) int {
	if p.text[at-1] == '\n' {
		return at
	}
	return p.lineEnd(at)
}

// lineBefore is the line that ends at an offset.
func (p *page) lineBefore(at int) []byte { return p.text[p.lineStart(at-1):at] }
