package convert

import (
	"fmt"
	"slices"
	"strings"
)

// kaNode is a statement of a keepalived.conf, with the block that it opens.
type kaNode struct {
	at    place
	words []string // the keyword first; never empty
	block bool
	nodes []*kaNode
	read  bool // the block's statements have been read
	told  bool // a note tells of it, with what is in its block
}

// word is the statement's i-th word after the keyword, "" if there is none.
func (n *kaNode) word(i int) string {
	if i+1 < len(n.words) {
		return n.words[i+1]
	}
	return ""
}

// statement is the first statement of the block that begins with word, nil if there is none.
func (n *kaNode) statement(word string) *kaNode {
	i := slices.IndexFunc(n.nodes, func(n *kaNode) bool { return n.words[0] == word })
	if i < 0 {
		return nil
	}
	return n.nodes[i]
}

// kaRoots are the blocks that stand in no other: one that does tells of a missing brace.
var kaRoots = []string{
	"global_defs", "virtual_server", "virtual_server_group", "vrrp_instance", "vrrp_script", "vrrp_sync_group",
	"vrrp_track_process", "static_ipaddress", "static_routes", "static_rules", "bfd_instance", "garp_group",
}

// kaParser makes a tree of lines.
type kaParser struct {
	root  kaNode
	stack []*kaNode // blocks that are open, the root first
	count int       // of statements
	aside []kaRemark
}

func kaParse(lines []place) (nodes []*kaNode, aside []kaRemark, err error) {
	var p kaParser
	p.stack = []*kaNode{&p.root}
	for _, l := range lines {
		p.line(l)
		if p.count > kaMostStatements {
			return nil, nil, kaTooMany(l)
		}
		if len(p.stack) > kaDeepest {
			return nil, nil, &Error{File: l.file, Line: l.line, What: "the blocks are nested too deeply"}
		}
	}
	p.unclosed()
	return p.root.nodes, p.aside, nil
}

func (p *kaParser) put(l place, level Level, what string) {
	p.aside = append(p.aside, kaRemark{kaMasked(l), kaSaid{level, what}})
}

func (p *kaParser) top() *kaNode { return p.stack[len(p.stack)-1] }

func (p *kaParser) line(l place) {
	var words []string
	flush := func() *kaNode {
		if len(words) == 0 {
			return nil
		}
		n := &kaNode{at: kaMasked(place{l.file, l.line, strings.Join(words, " ")}), words: words}
		words = nil
		p.count++
		p.top().nodes = append(p.top().nodes, n)
		return n
	}
	tokens, whole := kaTokens(l.text)
	if !whole {
		p.put(l, Changed, "the closing quote is missing")
	}
	for _, t := range tokens {
		switch t.kind {
		case kaPlain:
			words = append(words, t.text)
		case kaOpen:
			n := flush()
			if n == nil {
				n = p.last()
			}
			if n == nil {
				p.put(l, Changed, "a { that belongs to nothing is passed over")
				continue
			}
			p.open(n)
		case kaClose:
			flush()
			if len(p.stack) == 1 {
				p.put(l, Changed, "one } too many is passed over")
				continue
			}
			p.stack = p.stack[:len(p.stack)-1]
		}
	}
	flush()
}

// last is the statement before a brace that stands on a line of its own.
func (p *kaParser) last() *kaNode {
	nodes := p.top().nodes
	if len(nodes) == 0 || nodes[len(nodes)-1].block {
		return nil
	}
	return nodes[len(nodes)-1]
}

// open opens the block of n, the last statement of the innermost one.
func (p *kaParser) open(n *kaNode) {
	n.block = true
	n.at.text += " {"
	if top := p.top(); top != &p.root && slices.Contains(kaRoots, n.words[0]) {
		top.nodes = top.nodes[:len(top.nodes)-1]
		p.unclosed()
		p.root.nodes = append(p.root.nodes, n)
	}
	p.stack = append(p.stack, n)
}

// unclosed closes every block.
func (p *kaParser) unclosed() {
	for _, n := range p.stack[1:] {
		p.put(n.at, Changed, fmt.Sprintf("the } of %s is missing", n.words[0]))
	}
	p.stack = p.stack[:1]
}

// kaToken is a word or a brace.
type kaToken struct {
	kind kaKind
	text string
}

type kaKind uint8

const (
	kaPlain kaKind = iota
	kaOpen
	kaClose
)

// kaTokens splits a line. Quotes hold what they enclose together and are removed; whole is false if one is missing.
func kaTokens(s string) (tokens []kaToken, whole bool) {
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return tokens, true
		}
		switch s[0] {
		case '{':
			tokens, s = append(tokens, kaToken{kind: kaOpen}), s[1:]
		case '}':
			tokens, s = append(tokens, kaToken{kind: kaClose}), s[1:]
		case '"':
			text, length, closed := kaQuoted(s)
			tokens, s = append(tokens, kaToken{kaPlain, text}), s[length:]
			if !closed {
				return tokens, false
			}
		default:
			n := kaBare(s)
			tokens, s = append(tokens, kaToken{kaPlain, s[:n]}), s[n:]
		}
	}
}

// kaBare is the length of the word without quotes at the beginning of s. A name in braces that nothing defines is part of it.
func kaBare(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t', '"', '}':
			return i
		case '{':
			if i == 0 || s[i-1] != '$' {
				return i
			}
			end := strings.IndexAny(s[i:], "} \t")
			if end < 0 || s[i+end] != '}' {
				return i
			}
			i += end
		}
	}
	return len(s)
}

// kaQuoted reads the text in quotes at the beginning of s; a backslash keeps its meaning for who reads the text, but for a
// quote behind it.
func kaQuoted(s string) (text string, length int, closed bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i + 1, true
		case s[i] == '\\' && i+1 < len(s):
			if s[i+1] != '"' {
				b.WriteByte('\\')
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), len(s), false
}
