package config

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// MaxText is how many bytes a text may hold at most: HCL is read at about a megabyte a second, and forty thousand servers take three.
const MaxText = 4 << 20

// What else a text may hold at most. A document is plain values in three levels of blocks; the parser and the evaluator descend
// once per bracket and operator, so a hostile text could exhaust the stack, which no program survives.
const (
	maxDepth     = 64
	maxOperators = 4096
)

// tooMuch refuses a text that is too long or nests too deeply, before it is parsed.
func tooMuch(f File) *Problem {
	if len(f.Text) > MaxText {
		return &Problem{
			File: f.Name, What: fmt.Sprintf("the text has %d bytes, at most %d (%d MiB) are possible", len(f.Text), MaxText, MaxText>>20),
			Fix: "Leave out what is the default; polso fmt and fewer comments make it shorter, and the canonical JSON of polso show -o json is.",
		}
	}
	if !utf8.Valid(f.Text) {
		return &Problem{File: f.Name, What: "the text is not UTF-8", Fix: "Save the file as UTF-8."}
	}
	if _, plain := pieces(f.Text); plain {
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(f.Text, f.Name, hcl.InitialPos) // its complaints come again from the parser
	var m meter
	for _, t := range tokens {
		m.add(t.Type)
		if m.depth > maxDepth || m.operators > maxOperators {
			return &Problem{
				File: f.Name, Line: t.Range.Start.Line, Column: t.Range.Start.Column, Width: 1,
				What: "the text nests too deeply", Why: "A document is blocks and plain values; it has no use for this many brackets or operators.",
			}
		}
	}
	return nil
}

// meter counts what nests and what computes.
type meter struct{ depth, operators int }

func (m *meter) add(t hclsyntax.TokenType) {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp,
		hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
		m.depth++
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd,
		hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
		m.depth = max(0, m.depth-1)
	case hclsyntax.TokenMinus, hclsyntax.TokenBang, hclsyntax.TokenQuestion, hclsyntax.TokenPlus, hclsyntax.TokenStar,
		hclsyntax.TokenSlash, hclsyntax.TokenPercent, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp,
		hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan,
		hclsyntax.TokenGreaterThanEq, hclsyntax.TokenDot:
		m.operators++
	}
}

// withoutEchoes drops what only follows from an earlier mistake: a quote left open makes the scanner complain of every line
// after it.
func withoutEchoes(diagnostics hcl.Diagnostics) hcl.Diagnostics {
	const open, unterminated = "Invalid multi-line string", "Unterminated template string"
	var kept hcl.Diagnostics
	left := false
	for _, d := range diagnostics {
		if d.Summary == open || d.Summary == unterminated {
			if left {
				continue
			}
			left = true
		}
		kept = append(kept, d)
	}
	return kept
}

// syntax records one of the HCL parser's complaints, in plainer words where there are some.
func (r *reader) syntax(d *hcl.Diagnostic) {
	p := Problem{What: lowerFirst(d.Summary), Why: d.Detail}
	switch d.Summary {
	case "Invalid single-argument block definition":
		p.What = "a block on one line holds one attribute only"
		p.Why = ""
		p.Fix = "Put each attribute, and the closing brace, on a line of its own."
	case "Invalid multi-line string", "Unterminated template string":
		p.What = "the quote is not closed on its line"
		p.Why = ""
		p.Fix = `Add the closing ".`
	case "Missing newline after argument":
		p.What = "something follows the value on its line"
		p.Why = ""
		p.Fix = "Put each attribute on a line of its own; text is written in quotes."
	case "Argument or block definition required":
		p.What = "an attribute (name = value) or a block is expected here"
		p.Why = ""
		if d.Subject != nil && bytes.HasPrefix(bytes.TrimLeft(r.texts[d.Subject.Filename][d.Subject.End.Byte:], " \t"), []byte(":")) {
			p.Fix = "Write = instead of the colon."
		}
	case "Unclosed configuration block":
		p.What = "the block that begins here is never closed"
		p.Why = "Its closing brace is missing, here or in a block inside it."
	}
	if d.Subject != nil {
		r.locate(&p, *d.Subject)
		r.faulty[spot{d.Subject.Filename, d.Subject.Start.Byte}] = true
	}
	r.problems = append(r.problems, p)
}

func lowerFirst(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + strings.TrimSuffix(s[n:], ".")
}
