package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// IsJSON tells a document in JSON by its file's name, or by how it begins: nothing in HCL begins with a brace.
func IsJSON(f File) bool {
	return filepath.Ext(f.Name) == ".json" || bytes.HasPrefix(bytes.TrimLeft(f.Text, " \t\r\n"), []byte("{"))
}

// plurals are the lists of the canonical form and the blocks that stand in them.
var plurals = map[string]string{
	"vips": "vip", "virtuals": "virtual", "servers": "server", "sorry_servers": "sorry_server", "checks": "check",
	"notifies": "notify", "router_checks": "router_check",
}

// node is one value of a JSON text with its place.
type node struct {
	value any // nil, bool, string, json.Number, []node, or []member
	rng   hcl.Range
}

// member is one name of an object with its value.
type member struct {
	name string
	at   hcl.Range
	node node
}

// jsonReader reads a JSON text as the tree of the same document in HCL, so that the same words, rules and places hold for both.
// The canonical form writes some things otherwise: durations as seconds, statuses as objects, a mask as a number, one port as a
// list.
type jsonReader struct {
	r    *reader
	file File
	dec  *json.Decoder
	at   positions
}

// errDeep means that a text nests deeper than any document.
var errDeep = errors.New("the text nests too deeply")

// parseJSON parses a text and records what is wrong with its syntax; nil if there is nothing to read.
func (r *reader) parseJSON(f File) *hclsyntax.Body {
	if !utf8.Valid(f.Text) || len(f.Text) > MaxText {
		r.problems = append(r.problems, *tooMuch(f))
		return nil
	}
	j := &jsonReader{r: r, file: f, dec: json.NewDecoder(bytes.NewReader(f.Text)), at: newPositions(f.Text)}
	j.dec.UseNumber()
	root, err := j.value(0)
	if err == nil {
		if _, more := j.dec.Token(); !errors.Is(more, io.EOF) {
			j.problem(j.rng(j.next(), len(f.Text)), "something follows the document", "")
			return nil
		}
	}
	if err != nil {
		j.syntax(err)
		return nil
	}
	members, ok := root.value.([]member)
	if !ok {
		j.problem(root.rng, "a document is an object", `Write { "virtuals": [ … ] }.`)
		return nil
	}
	// What show prints holds the document beside who wrote it and when.
	if i := slices.IndexFunc(members, func(m member) bool { return m.name == "document" }); i >= 0 {
		if inner, ok := members[i].node.value.([]member); ok {
			members = inner
		}
	}
	members = slices.DeleteFunc(members, func(m member) bool {
		number, ok := m.node.value.(json.Number)
		if m.name != "schema" {
			return false
		}
		if !ok || number.String() != fmt.Sprint(Schema) {
			j.problem(m.node.rng, fmt.Sprintf("schema %s is not known; this release reads %d", j.slice(m.node.rng), Schema), "")
		}
		return true
	})
	return j.body(members, root.rng)
}

// value reads the next value.
func (j *jsonReader) value(depth int) (node, error) {
	start := j.next()
	token, err := j.dec.Token()
	if err != nil {
		return node{}, err
	}
	if depth > maxDepth {
		return node{}, errDeep
	}
	var value any = token
	switch token {
	case json.Delim('{'):
		members := []member{}
		for j.dec.More() {
			at := j.next()
			name, err := j.dec.Token()
			if err != nil {
				return node{}, err
			}
			m := member{name: name.(string), at: j.rng(at, j.now())} // a name is text, or Token refuses it
			if m.node, err = j.value(depth + 1); err != nil {
				return node{}, err
			}
			members = append(members, m)
		}
		value = members
	case json.Delim('['):
		list := []node{}
		for j.dec.More() {
			n, err := j.value(depth + 1)
			if err != nil {
				return node{}, err
			}
			list = append(list, n)
		}
		value = list
	default:
		return node{value, j.rng(start, j.now())}, nil
	}
	_, err = j.dec.Token() // the bracket that closes it
	return node{value, j.rng(start, j.now())}, err
}

// now is the offset behind the last token, next that of the one to come.
func (j *jsonReader) now() int { return int(j.dec.InputOffset()) }

func (j *jsonReader) next() int {
	rest := bytes.TrimLeft(j.file.Text[j.now():], " \t\r\n,:")
	return len(j.file.Text) - len(rest)
}

// syntax records an error of the decoder, where it stopped.
func (j *jsonReader) syntax(err error) {
	at := len(j.file.Text) - len(bytes.TrimLeft(j.file.Text[j.now():], " \t\r\n"))
	if s, ok := errors.AsType[*json.SyntaxError](err); ok && int(s.Offset) > at {
		at = int(s.Offset) - 1
	}
	at = min(at, max(0, len(j.file.Text)-1))
	what := err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		what = "the text ends in the middle"
	}
	j.problem(j.rng(at, at), what, "A document is HCL, or JSON that begins with a brace.")
}

func (j *jsonReader) problem(rng hcl.Range, what, fix string) {
	p := Problem{What: what, Fix: fix}
	j.r.locate(&p, rng)
	j.r.problems = append(j.r.problems, p)
}

func (j *jsonReader) rng(from, to int) hcl.Range {
	return hcl.Range{Filename: j.file.Name, Start: j.at.of(from), End: j.at.of(to)}
}

func (j *jsonReader) slice(rng hcl.Range) string { return string(rng.SliceBytes(j.file.Text)) }

// body is an object as the body of a block.
func (j *jsonReader) body(members []member, rng hcl.Range) *hclsyntax.Body {
	body := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: rng, EndRange: rng}
	seen := map[string]bool{}
	for _, m := range members {
		if seen[m.name] {
			j.problem(m.at, fmt.Sprintf("%q is there twice", m.name), "Keep one of them.")
			continue
		}
		seen[m.name] = true
		kind, plural := plurals[m.name]
		list, isList := m.node.value.([]node)
		inner, isObject := m.node.value.([]member)
		switch {
		case plural && isList:
			for _, n := range list {
				j.block(body, kind, n)
			}
		case plural:
			j.problem(m.node.rng, fmt.Sprintf("%s is a list of objects", m.name), "")
		case isObject && (m.name == "sysctls" || m.name == "headers"):
			object := &hclsyntax.ObjectConsExpr{SrcRange: m.node.rng, OpenRange: m.node.rng}
			for _, x := range inner {
				key := &hclsyntax.LiteralValueExpr{Val: cty.StringVal(x.name), SrcRange: x.at}
				object.Items = append(object.Items, hclsyntax.ObjectConsItem{KeyExpr: key, ValueExpr: j.expr(x.node)})
			}
			body.Attributes[m.name] = &hclsyntax.Attribute{Name: m.name, Expr: object, SrcRange: m.node.rng, NameRange: m.at, EqualsRange: m.at}
		case isObject && m.name == "check":
			j.block(body, m.name, node{inner, m.node.rng})
		case isObject:
			b := &hclsyntax.Block{Type: m.name, TypeRange: m.at, OpenBraceRange: m.node.rng, CloseBraceRange: m.node.rng}
			b.Body = j.body(inner, m.node.rng)
			body.Blocks = append(body.Blocks, b)
		default:
			name, expr := j.attribute(m)
			body.Attributes[name] = &hclsyntax.Attribute{Name: name, Expr: expr, SrcRange: m.node.rng, NameRange: m.at, EqualsRange: m.at}
		}
	}
	return body
}

// block adds a block to a body; its label is its name, and of a check its kind.
func (j *jsonReader) block(to *hclsyntax.Body, kind string, n node) {
	label := "name"
	if kind == "check" {
		label = "kind"
	}
	members, ok := n.value.([]member)
	if !ok {
		j.problem(n.rng, fmt.Sprintf("a %s is an object", kind), "")
		return
	}
	b := &hclsyntax.Block{Type: kind, TypeRange: n.rng, OpenBraceRange: n.rng, CloseBraceRange: n.rng}
	i := slices.IndexFunc(members, func(m member) bool { return m.name == label })
	if i < 0 {
		j.problem(n.rng, fmt.Sprintf("a %s needs a %s", kind, label), fmt.Sprintf("Add %q.", label))
		return
	}
	text, ok := members[i].node.value.(string)
	if !ok {
		j.problem(members[i].node.rng, fmt.Sprintf("the %s of a %s is text", label, kind), "")
		return
	}
	b.TypeRange, b.Labels, b.LabelRanges = members[i].at, []string{text}, []hcl.Range{members[i].node.rng}
	b.Body = j.body(slices.Delete(slices.Clone(members), i, i+1), n.rng)
	to.Blocks = append(to.Blocks, b)
}

// attribute is a member as HCL has it.
func (j *jsonReader) attribute(m member) (string, hclsyntax.Expression) {
	number, isNumber := m.node.value.(json.Number)
	text, isText := m.node.value.(string)
	list, _ := m.node.value.([]node)
	as := func(s string) hclsyntax.Expression {
		return &hclsyntax.LiteralValueExpr{Val: cty.StringVal(s), SrcRange: m.node.rng}
	}
	switch m.name {
	case "every", "timeout", "tcp", "tcp_fin", "udp", "fast", "flap_window", "flap_hold", "expiry_warn", "slow_start":
		if isNumber {
			return m.name, as(number.String() + "s")
		}
	case "mask":
		if isNumber {
			return "netmask", as("/" + number.String())
		}
	case "ports":
		if len(list) == 1 {
			if _, number := list[0].value.(json.Number); number {
				return "port", j.expr(list[0])
			}
		}
	case "address", "sorry_server":
		if every, err := netip.ParseAddrPort(text); isText && err == nil && every.Port() == 0 {
			return m.name, as(every.Addr().String())
		}
	case "status":
		if ranges, ok := statusRanges(list); ok {
			return m.name, as(ranges)
		}
	}
	return m.name, j.expr(m.node)
}

// statusRanges writes a list of objects with from and to as the document does.
func statusRanges(list []node) (string, bool) {
	var parts []string
	for _, n := range list {
		ends := map[string]json.Number{}
		members, _ := n.value.([]member)
		for _, m := range members {
			ends[m.name], _ = m.node.value.(json.Number)
		}
		if len(members) != 2 || ends["from"] == "" || ends["to"] == "" {
			return "", false
		}
		parts = append(parts, ends["from"].String()+"-"+ends["to"].String())
	}
	return strings.Join(parts, ","), len(parts) > 0
}

func (j *jsonReader) expr(n node) hclsyntax.Expression {
	literal := &hclsyntax.LiteralValueExpr{Val: cty.EmptyObjectVal, SrcRange: n.rng}
	switch v := n.value.(type) {
	case nil:
		literal.Val = cty.NullVal(cty.DynamicPseudoType)
	case bool:
		literal.Val = cty.BoolVal(v)
	case string:
		literal.Val = cty.StringVal(v)
	case json.Number:
		number, err := cty.ParseNumberVal(v.String())
		if err != nil {
			j.problem(n.rng, fmt.Sprintf("%s is no number of any use", v), "")
			number = cty.Zero
		}
		literal.Val = number
	case []node:
		list := &hclsyntax.TupleConsExpr{SrcRange: n.rng, OpenRange: n.rng}
		for _, e := range v {
			list.Exprs = append(list.Exprs, j.expr(e))
		}
		return list
	}
	return literal
}
