package config

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// piece is how many bytes of a text are parsed at a time. The scanner makes one list of all tokens, a hundred times as large as the
// text and copied whenever it grows.
const piece = 16 << 10

// pieces cuts a plain text behind blocks, into pieces of about that size, and returns where each ends: what is written above a block
// is in its piece. Plain is a text that surely
// nests no deeper than maxDepth and has no operators, by its bytes alone: the scanner takes a hundred times as long. Where a byte's
// meaning takes a scanner to tell (templates, escapes, heredocs, comments in several lines, whatever may be an operator) it is not plain.
func pieces(text []byte) (ends []int, plain bool) {
	depth, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\n':
			if depth == 0 && i+1-from >= piece && text[i-1] == '}' {
				from = i + 1
				ends = append(ends, from)
			}
		case '{', '[', '(':
			depth++
			if depth > maxDepth {
				return nil, false
			}
		case '}', ']', ')':
			depth = max(0, depth-1)
		case '"':
			n := bytes.IndexAny(text[i+1:], "\"\\$%\r\n")
			if n < 0 || text[i+1+n] != '"' || depth == maxDepth {
				return nil, false
			}
			i += 1 + n
		case '#', '/':
			if c == '/' && !bytes.HasPrefix(text[i:], []byte("//")) {
				return nil, false
			}
			n := bytes.IndexByte(text[i:], '\n')
			if n < 0 {
				n = len(text) - i
			}
			i += n - 1
		case '=':
			if bytes.HasPrefix(text[i:], []byte("==")) {
				return nil, false
			}
		case '-', '!', '?', '+', '*', '%', '&', '|', '<', '>', '.':
			return nil, false
		}
	}
	if from < len(text) {
		ends = append(ends, len(text))
	}
	return ends, true
}

// parseHCL parses a text, a long one in pieces. What is wrong is told by the whole: only it knows what surrounds a mistake.
func parseHCL(f File) (*hcl.File, hcl.Diagnostics) {
	whole := func() (*hcl.File, hcl.Diagnostics) { return hclsyntax.ParseConfig(f.Text, f.Name, hcl.InitialPos) }
	ends, _ := pieces(f.Text)
	if len(ends) < 2 {
		return whole()
	}
	all := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}
	at := hcl.InitialPos
	for _, end := range ends {
		text := f.Text[at.Byte:end]
		tree, diagnostics := hclsyntax.ParseConfig(text, f.Name, at)
		if len(diagnostics) > 0 {
			return whole()
		}
		body, ok := tree.Body.(*hclsyntax.Body)
		if !ok || len(body.Attributes) > 0 { // there are none outside of blocks, and one twice is a mistake
			return whole()
		}
		if at == hcl.InitialPos {
			all.SrcRange = body.SrcRange
		}
		all.Blocks = append(all.Blocks, body.Blocks...)
		all.SrcRange.End, all.EndRange = body.SrcRange.End, body.EndRange
		at = hcl.Pos{Line: at.Line + bytes.Count(text, []byte("\n")), Column: 1, Byte: end}
	}
	return &hcl.File{Body: all, Bytes: f.Text}, nil
}

// around returns the bounds of the pieces of a text that hold what is between two offsets; of one that is not plain, its own.
func around(text []byte, first, last int) (from, to int) {
	ends, _ := pieces(text)
	for _, end := range ends {
		switch {
		case end <= first:
			from = end
		case end >= last:
			return from, end
		}
	}
	return 0, len(text)
}
