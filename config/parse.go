package config

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// File is one text of a document; Name is only said in problems.
type File struct {
	Name string
	Text []byte
}

// Parse reads a document from text in HCL or JSON (the canonical form, or the document's own words), one file or several that count as one: one cluster block overall, names unique across
// files. Every default is filled in. The error is Errors with everything that is wrong at once, in syntax or in meaning, and
// the document is then the zero one. What is right but not supported yet passes; see Load.
func Parse(files ...File) (Document, error) {
	r := read(files)
	if err := r.problems.orNil(); err != nil {
		return Document{}, err
	}
	return r.doc, nil
}

// Load is Parse for what is to run: it refuses, with the place and the words "not supported yet", what this release understands
// but cannot do, and a text without any block. What a document does not name is removed, and nobody removes everything by saying
// nothing: an empty pipe is a slip, `cluster {}` is a wish.
func Load(files ...File) (Document, error) {
	r := read(files)
	r.judge(unsupported(r.doc))
	if !r.written && len(r.problems) == 0 {
		r.problems = Errors{nothing(files)}
	}
	r.problems.sortByPlace(files)
	if err := r.problems.orNil(); err != nil {
		return Document{}, err
	}
	return r.doc, nil
}

// nothing is what is wrong with files that hold no block.
func nothing(files []File) Problem {
	p := Problem{
		What: "the document is empty",
		Why:  "What a document does not name is removed, and this one names nothing.",
		Fix:  "Write cluster {} to remove everything.",
	}
	if len(files) == 1 {
		p.File = files[0].Name
	}
	return p
}

// reader turns syntax trees into a document and remembers where everything was written.
type reader struct {
	doc      Document
	written  bool // there is a block
	problems Errors
	texts    map[string][]byte
	places   map[path]hcl.Range
	faulty   map[spot]bool // where the parser has complained
	unread   map[path]bool // written, but not understood: the rules must not complain of its absence
	damaged  map[path]bool // blocks with a mistake of syntax: what is missing in them may have been written
}

// spot is a place in a text.
type spot struct {
	file string
	byte int
}

func newReader() *reader {
	return &reader{
		texts:   make(map[string][]byte),
		places:  make(map[path]hcl.Range),
		faulty:  make(map[spot]bool),
		unread:  make(map[path]bool),
		damaged: make(map[path]bool),
	}
}

func read(files []File) *reader {
	r := newReader()
	for _, f := range files {
		if _, twice := r.texts[f.Name]; twice {
			r.problems = append(r.problems, Problem{File: f.Name, What: "the file is named twice"})
			continue
		}
		r.texts[f.Name] = f.Text
		r.file(f)
	}
	r.complete()
	r.problems.sortByPlace(files)
	return r
}

// complete fills in the defaults when everything is read, and looks at what it means.
func (r *reader) complete() {
	r.doc = Complete(r.doc)
	r.judge(validate(r.doc))
}

func (r *reader) file(f File) {
	if IsJSON(f) {
		if body := r.parseJSON(f); body != nil {
			r.document(body, nil)
		}
		return
	}
	if body, diagnostics := r.parse(f); body != nil {
		r.document(body, diagnostics)
	}
}

// parse parses a text and records what the parser complains of; nil if there is nothing to read. r.texts has the text.
func (r *reader) parse(f File) (*hclsyntax.Body, hcl.Diagnostics) {
	if problem := tooMuch(f); problem != nil {
		r.problems = append(r.problems, *problem)
		return nil, nil
	}
	tree, diagnostics := parseHCL(f)
	for _, d := range withoutEchoes(diagnostics) {
		r.syntax(d)
	}
	if tree == nil {
		return nil, diagnostics
	}
	body, _ := tree.Body.(*hclsyntax.Body) // the native syntax has no other
	return body, diagnostics
}

// judge adds what the rules found, each at the place of the innermost thing that was written, but nothing about what could
// not be read in the first place.
func (r *reader) judge(found Errors) {
	for _, p := range found {
		at := path(p.Path)
		if r.unread[at] || r.inDamaged(at) {
			continue
		}
		for place := at; ; place = place.parent() {
			if rng, ok := r.places[place]; ok {
				r.locate(&p, rng)
				break
			}
			if place == "" {
				break
			}
		}
		r.problems = append(r.problems, p)
	}
}

func (r *reader) inDamaged(p path) bool {
	for ; p != ""; p = p.parent() {
		if r.damaged[p] {
			return true
		}
	}
	return false
}

// fail records a mistake at a place of the text.
func (r *reader) fail(at path, rng hcl.Range, what, why, fix string) {
	p := Problem{Path: string(at), What: what, Why: why, Fix: fix}
	r.locate(&p, rng)
	r.unread[at] = true
	if !r.faulty[spot{rng.Filename, rng.Start.Byte}] {
		r.problems = append(r.problems, p) // else the parser has complained of this very spot
	}
}

func (r *reader) locate(p *Problem, rng hcl.Range) {
	p.File, p.Line, p.Column = rng.Filename, rng.Start.Line, rng.Start.Column
	text := r.texts[rng.Filename]
	from := max(0, rng.Start.Byte-longestLine)
	to := min(len(text), rng.Start.Byte+longestLine)
	start := from + bytes.LastIndexByte(text[from:rng.Start.Byte], '\n') + 1
	end := to
	if i := bytes.IndexByte(text[rng.Start.Byte:to], '\n'); i >= 0 {
		end = rng.Start.Byte + i
	}
	p.Width = max(1, utf8.RuneCount(text[rng.Start.Byte:max(rng.Start.Byte, min(rng.End.Byte, end))]))
	if end-start <= longestLine {
		p.Source = string(bytes.TrimRight(text[start:end], "\r"))
	}
}

// longestLine is up to how many bytes of a line stay with a problem in it: nobody looks at a longer one, and a text may be one line
// with many problems.
const longestLine = 4 << 10

// where names the line of something written, for a sentence.
func (r *reader) where(p path) string {
	return fmt.Sprintf("%s:%d", r.places[p].Filename, r.places[p].Start.Line)
}

// document reads the top level of one file.
func (r *reader) document(body *hclsyntax.Body, diagnostics hcl.Diagnostics) {
	r.written = r.written || len(body.Blocks) > 0
	r.damage(body.Blocks, "", diagnostics)
	r.body(body, "", nil, map[string]blockSpec{
		"cluster": {read: r.cluster},
		"vip":     {label: "name", read: r.vip},
		"virtual": {label: "name", read: r.virtual},
		"notify":  {label: "name", read: r.notify},

		"router_check": {label: "name", read: r.routerCheck},
	})
}

// damage marks the innermost block around each mistake of syntax.
func (r *reader) damage(blocks hclsyntax.Blocks, in path, diagnostics hcl.Diagnostics) {
	for _, d := range diagnostics {
		if d.Subject == nil {
			continue
		}
		i := slices.IndexFunc(blocks, func(b *hclsyntax.Block) bool {
			return b.Range().Start.Byte <= d.Subject.Start.Byte && d.Subject.Start.Byte <= b.Range().End.Byte
		})
		if i < 0 {
			r.damaged[in] = true
			continue
		}
		r.damage(blocks[i].Body.Blocks, blockPath(blocks[i], in, blocks), hcl.Diagnostics{d})
	}
}
