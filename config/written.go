package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Written returns what a part of the running document says in the text that Revise edits, by the paths that an Edit takes: a text,
// number or truth as it is; of a list one element a line, or, if that does not tell them apart, the list in HCL; of a map one
// "name = value" a line. A block is there by its own path, with "" or, of a check, its kind. Blocks that have their own Edit (a
// virtual's servers), and the checks inside a check, are not among it. The cluster is always there. Errors are ErrNotThere and ErrEdit.
func Written(source []byte, running Document, kind Kind, name string) (map[string]string, error) {
	p := asWritten(source, running)
	if p == nil {
		var err error
		if p, err = newPage(Format(running)); err != nil {
			return nil, err
		}
	}
	way, err := Edit{Kind: kind, Name: name}.place()
	if err != nil {
		return nil, err
	}
	said := make(map[string]string)
	switch b := p.find(way); {
	case b != nil:
		collect(said, b.Body, "")
	case kind != KindCluster:
		return nil, fmt.Errorf("%s %q %w", kind, name, ErrNotThere)
	}
	return said, nil
}

// collect adds what a block says.
func collect(said map[string]string, body *hclsyntax.Body, in string) {
	for name, a := range body.Attributes {
		if v, diagnostics := a.Expr.Value(nil); !diagnostics.HasErrors() { // it was read before
			said[in+name] = fieldText(v)
		}
	}
	for _, b := range body.Blocks {
		at := in + b.Type
		switch {
		case b.Type == "server", b.Type == "check" && strings.HasSuffix("."+in, ".check."):
			continue
		case b.Type == "check":
			said[at] = b.Labels[0]
		case len(b.Labels) > 0:
			at += "." + b.Labels[0]
			said[at] = ""
		default:
			said[at] = ""
		}
		collect(said, b.Body, at+".")
	}
}

// fieldText is a value as it stands in a field.
func fieldText(v cty.Value) string {
	switch {
	case v.Type().IsPrimitiveType():
		return plainText(v)
	case v.Type().IsObjectType():
		var lines []string
		for it := v.ElementIterator(); it.Next(); {
			key, element := it.Element()
			lines = append(lines, key.AsString()+" = "+plainText(element))
		}
		return strings.Join(lines, "\n")
	}
	var lines []string
	for it := v.ElementIterator(); it.Next(); {
		_, element := it.Element()
		lines = append(lines, plainText(element))
	}
	together := strings.Join(lines, "\n")
	if !slices.Equal(listLines(together), lines) {
		return string(hclwrite.TokensForValue(v).Bytes())
	}
	return together
}

// listLines are the elements of a list that stands in a field; nil for one in HCL.
func listLines(field string) []string {
	if strings.HasPrefix(field, "[") {
		return nil
	}
	var out []string
	for line := range strings.Lines(field) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// Assign returns the Values of an Edit after which the attribute at path, which has that form, says what the field to says, and not
// what from does. Fields are as Written has them; a list of numbers may have commas in the place of line ends.
func Assign(path string, form Form, from, to string) []string {
	switch {
	case from == to:
		return nil
	case form == TextMap:
		return assignKeys(path, mapLines(from), mapLines(to))
	case form == Texts && len(listLines(to)) > 0:
		var values []cty.Value
		for _, line := range listLines(to) {
			values = append(values, cty.StringVal(line))
		}
		to = string(hclwrite.TokensForValue(cty.TupleVal(values)).Bytes())
	case form == Numbers && !strings.HasPrefix(to, "["):
		to = strings.Join(strings.FieldsFunc(to, func(r rune) bool { return r == ',' || r == '\n' || r == ' ' }), ",")
	case form != Text && strings.TrimSpace(to) == "":
		to = ""
	}
	return []string{path + "=" + to}
}

func mapLines(field string) map[string]string {
	out := make(map[string]string)
	for line := range strings.Lines(field) {
		if key, value, _ := strings.Cut(line, "="); strings.TrimSpace(key) != "" {
			out[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return out
}

// assignKeys sets the keys that differ, and takes out those that are gone.
func assignKeys(path string, from, to map[string]string) []string {
	var values []string
	for key, value := range to {
		if was, ok := from[key]; !ok || was != value {
			values = append(values, path+"."+key+"="+value)
		}
	}
	for key := range from {
		if _, ok := to[key]; !ok {
			values = append(values, path+"."+key+"=")
		}
	}
	slices.Sort(values)
	return values
}

var aWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// Words are what an attribute takes, if the manual names all of it: warm and cold; else nil.
func (t Topic) Words() []string {
	if t.Form != Text && t.Form != Texts || t.Value == "" {
		return nil
	}
	words := strings.Split(strings.ReplaceAll(t.Value, " or ", ", "), ", ")
	for _, w := range words {
		if !aWord.MatchString(w) {
			return nil
		}
	}
	return words
}

// Otherwise is the attribute's default as a field would have it: the value, or the manual's words about it.
func (t Topic) Otherwise() string {
	switch {
	case t.Default == "[]":
		return "none"
	case t.Form == Text:
		return strings.Trim(t.Default, `"`)
	}
	return t.Default
}
