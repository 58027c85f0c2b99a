package config

import (
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// value is one attribute as written. Its methods return false after they have recorded what is wrong with it.
type value struct {
	r    *reader
	at   path
	expr hclsyntax.Expression
}

// What can be wanted of a value.
const (
	aText       = "text"
	aNumber     = "a number"
	aTruth      = "true or false"
	someTexts   = "a list of texts"
	someNumbers = "a list of numbers"
)

func (v value) fail(what, why, fix string) {
	v.r.fail(v.at, v.expr.Range(), what, why, fix)
}

// plain evaluates the expression, which may use nothing but itself; wanted says what is wanted in case it is a word.
func (v value) plain(wanted string) (cty.Value, bool) {
	if isWord(v.expr) {
		return cty.NilVal, v.unquoted(wanted)
	}
	got, diagnostics := v.expr.Value(nil)
	if diagnostics.HasErrors() {
		v.fail("only a plain value can stand here", diagnostics[0].Detail, "")
		return cty.NilVal, false
	}
	if !got.IsWhollyKnown() || got.IsNull() {
		v.fail("a value is missing here", "", "Leave the attribute out to get its default.")
		return cty.NilVal, false
	}
	return got, true
}

// isWord tells a word without quotes, which HCL takes for a variable.
func isWord(e hclsyntax.Expression) bool {
	_, ok := e.(*hclsyntax.ScopeTraversalExpr)
	return ok
}

// unquoted refuses such a word.
func (v value) unquoted(wanted string) (ok bool) {
	if wanted == aText {
		v.fail(fmt.Sprintf("%s is not in quotes", v.written()), "A document has no variables.", fmt.Sprintf("Write %q.", v.written()))
	} else {
		v.fail(fmt.Sprintf("%s is wanted here, not the word %s", wanted, v.written()), "", "")
	}
	return false
}

// written is the value as it stands in the text.
func (v value) written() string {
	rng := v.expr.Range()
	return string(rng.SliceBytes(v.r.texts[rng.Filename]))
}

func (v value) text() (string, bool) {
	got, ok := v.plain(aText)
	if !ok {
		return "", false
	}
	if got.Type() != cty.String {
		fix := ""
		if got.Type().IsPrimitiveType() {
			fix = fmt.Sprintf("Write it in quotes: %q.", v.written())
		}
		v.fail("text is wanted here, not "+kindOf(got), "", fix)
		return "", false
	}
	return got.AsString(), true
}

func (v value) boolean(set func(bool)) {
	got, ok := v.plain(aTruth)
	if !ok {
		return
	}
	if got.Type() != cty.Bool {
		v.fail("true or false is wanted here, not "+kindOf(got), "", "")
		return
	}
	set(got.True())
}

// number reads a whole number that fits the field it is for; narrower limits are the rules'.
func (v value) number(least, most int64, set func(int64)) {
	if got, ok := v.plain(aNumber); ok {
		if n, ok := v.whole(got, least, most); ok {
			set(n)
		}
	}
}

func (v value) whole(got cty.Value, least, most int64) (int64, bool) {
	if got.Type() != cty.Number {
		fix := ""
		if got.Type() == cty.String {
			if _, ok := new(big.Int).SetString(got.AsString(), 10); ok {
				fix = fmt.Sprintf("Write %s, without quotes.", got.AsString())
			}
		}
		v.fail("a number is wanted here, not "+kindOf(got), "", fix)
		return 0, false
	}
	n, accuracy := got.AsBigFloat().Int64()
	if accuracy != big.Exact || n < least || n > most {
		what := fmt.Sprintf("%s is not a whole number from %d to %d", v.written(), least, most)
		if most == math.MaxInt32 {
			what = fmt.Sprintf("%s is not a whole number, or out of all reason", v.written()) // the rules know the range
		}
		v.fail(what, "", "")
		return 0, false
	}
	return n, true
}

func (v value) duration(set func(time.Duration)) {
	got, ok := v.plain(aText)
	if !ok {
		return
	}
	if got.Type() == cty.Number {
		v.fail("a duration needs its unit", "", fmt.Sprintf(`Write "%ss" for seconds; ms, m and h are known too.`, v.written()))
		return
	}
	text, ok := v.text()
	if !ok {
		return
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		v.fail(fmt.Sprintf("%q is not a duration", text), "", `Write a number with its unit (ms, s, m, h), such as "500ms", "15m" or "1h30m".`)
	case d <= 0:
		v.fail(fmt.Sprintf("%q is not a duration above zero", text), "", "Leave the attribute out to get its default.")
	default:
		set(d)
	}
}

func (v value) texts() ([]string, bool) {
	got, ok := v.list(someTexts)
	if !ok {
		return nil, false
	}
	var out []string
	for _, e := range got {
		if e.IsNull() || e.Type() != cty.String {
			v.fail("a list of texts is wanted here, and it holds "+kindOf(e), "", `Write it as ["one", "two"].`)
			return nil, false
		}
		out = append(out, e.AsString())
	}
	return out, true
}

// list evaluates a list. Unquoted words inside it are found here, where their own place is known.
func (v value) list(wanted string) ([]cty.Value, bool) {
	if tuple, ok := v.expr.(*hclsyntax.TupleConsExpr); ok {
		element := aText
		if wanted == someNumbers {
			element = aNumber
		}
		for _, e := range tuple.Exprs {
			if isWord(e) {
				return nil, value{v.r, v.at, e}.unquoted(element)
			}
		}
	}
	got, ok := v.plain(wanted)
	if !ok {
		return nil, false
	}
	if !got.Type().IsTupleType() {
		fix := fmt.Sprintf("Write [%s].", v.written())
		v.fail(fmt.Sprintf("%s is wanted here, not %s", wanted, kindOf(got)), "", fix)
		return nil, false
	}
	return got.AsValueSlice(), true
}

func kindOf(v cty.Value) string {
	t := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return "text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType():
		return "a list"
	case t.IsObjectType():
		return "a map"
	default:
		return t.FriendlyName()
	}
}
