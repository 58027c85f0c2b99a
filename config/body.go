package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// blockSpec says how one kind of block is read.
type blockSpec struct {
	label  string // what its one label is; "": it has none
	sample string // a label for an example; "": the word "name"
	merge  string // there is at most one of the kind in its surroundings, and this is what to do with two; "": the label tells them apart
	read   func(b *hclsyntax.Block, p path)
}

// body reads every attribute and block of a body in the order of the text, and refuses the unknown.
func (r *reader) body(body *hclsyntax.Body, in path, attrs map[string]func(value), blocks map[string]blockSpec) {
	known := slices.Sorted(maps.Keys(attrs))
	kinds := slices.Sorted(maps.Keys(blocks))
	written := slices.SortedFunc(maps.Values(body.Attributes), func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.SrcRange.Start.Byte, b.SrcRange.Start.Byte)
	})
	for _, a := range written {
		at := in.attr(a.Name)
		if read, ok := attrs[a.Name]; ok {
			r.places[at] = a.Expr.Range()
			read(value{r, at, a.Expr})
			continue
		}
		if _, ok := blocks[a.Name]; ok {
			r.fail(at, a.NameRange, fmt.Sprintf("%s is a block, not an attribute", a.Name), "", fmt.Sprintf("Write %s.", example(a.Name, blocks[a.Name])))
			continue
		}
		fix := suggestion(a.Name, slices.Concat(known, kinds))
		if len(known) == 0 {
			fix = fmt.Sprintf("Only blocks stand here: %s.", oneOf(kinds))
		}
		r.fail(at, a.NameRange, fmt.Sprintf("unknown attribute %q%s", a.Name, inside(in)), "", fix)
		r.meant(a.Name, in, body, known)
	}
	for _, b := range body.Blocks {
		r.oneBlock(b, in, body, known, kinds, blocks)
	}
}

func (r *reader) oneBlock(b *hclsyntax.Block, in path, body *hclsyntax.Body, known, kinds []string, blocks map[string]blockSpec) {
	spec, ok := blocks[b.Type]
	if !ok {
		what := fmt.Sprintf("unknown block %q%s", b.Type, inside(in))
		fix := suggestion(b.Type, kinds)
		if slices.Contains(known, b.Type) {
			what, fix = fmt.Sprintf("%s is an attribute, not a block", b.Type), fmt.Sprintf("Write %s = value.", b.Type)
		}
		r.fail(in.attr(b.Type), b.TypeRange, what, "", fix)
		r.meant(b.Type, in, body, known)
		return
	}
	at := blockPath(b, in, body.Blocks)
	switch {
	case spec.label == "" && len(b.Labels) > 0:
		r.fail(at, b.LabelRanges[0], fmt.Sprintf("a %s block has no name", b.Type), "", fmt.Sprintf("Write %s.", example(b.Type, spec)))
	case spec.label != "" && len(b.Labels) == 0:
		r.fail(at, b.TypeRange, fmt.Sprintf("a %s block needs a %s", b.Type, spec.label), "", fmt.Sprintf("Write %s.", example(b.Type, spec)))
	case spec.label != "" && len(b.Labels) > 1:
		r.fail(at, b.LabelRanges[1], fmt.Sprintf("a %s block has one %s", b.Type, spec.label), "", fmt.Sprintf("Write %s.", example(b.Type, spec)))
	}
	if _, twice := r.places[at]; twice {
		first := fmt.Sprintf("The first is at %s.", r.where(at))
		if spec.label == "" || spec.merge != "" {
			r.fail(at, b.DefRange(), fmt.Sprintf("there is more than one %s block%s", b.Type, inside(in)), first, cmp.Or(spec.merge, "Merge the two."))
		} else {
			r.fail(at, b.DefRange(), fmt.Sprintf("%s %q is there twice%s", b.Type, b.Labels[0], inside(in)), first, "Rename one of them.")
		}
		return
	}
	r.places[at] = b.DefRange()
	spec.read(b, at)
}

// meant marks what a misspelt name most likely was, so that the rules do not call it missing as well.
func (r *reader) meant(name string, in path, body *hclsyntax.Body, known []string) {
	near := nearest(name, known)
	if _, written := body.Attributes[near]; near != "" && !written {
		r.unread[in.attr(near)] = true
	}
}

// blockPath is the path of one of the blocks of a body. A check's label is its kind, not a name: there is one check, and those
// inside another are told apart by their number.
func blockPath(b *hclsyntax.Block, in path, among hclsyntax.Blocks) path {
	switch {
	case b.Type == "check" && in.isCheck():
		checks := slices.DeleteFunc(slices.Clone(among), func(x *hclsyntax.Block) bool { return x.Type != "check" })
		return in.checkIn(slices.Index(checks, b))
	case b.Type == "check", len(b.Labels) == 0:
		return in.attr(b.Type)
	}
	return in.block(b.Type, b.Labels[0])
}

func inside(in path) string {
	if in == "" {
		return ""
	}
	return " in " + string(in)
}

func example(kind string, spec blockSpec) string {
	if spec.label == "" {
		return kind + " { … }"
	}
	return fmt.Sprintf("%s %q { … }", kind, cmp.Or(spec.sample, "name"))
}
