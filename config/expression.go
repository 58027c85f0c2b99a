package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// maxExpression is how many bytes an expression or a text to compare with may have.
const maxExpression = 1024

// Expression is a condition on the answer to a check, in HCL's own syntax: the variables are status, a number, and body, what
// the JSON of the answer holds; the functions are length and contains. Compile makes one.
type Expression struct{ expr hclsyntax.Expression }

// Compile reads an expression and refuses what could never be true or false, other names, and what takes longer than one
// look at each part of the answer. The result may be used by many goroutines.
func Compile(text string) (Expression, error) {
	if len(text) > maxExpression {
		return Expression{}, fmt.Errorf("it is longer than %d bytes", maxExpression)
	}
	if problem := tooMuch(File{Text: []byte(text)}); problem != nil {
		return Expression{}, errors.New(problem.What)
	}
	expr, diagnostics := hclsyntax.ParseExpression([]byte(text), "", hcl.InitialPos)
	if diagnostics.HasErrors() {
		return Expression{}, errors.New(lowerFirst(diagnostics[0].Summary) + ": " + lowerFirst(diagnostics[0].Detail))
	}
	for _, v := range expr.Variables() {
		if name := v.RootName(); name != "status" && name != "body" {
			return Expression{}, fmt.Errorf("there is no %s; the variables are status and body", name)
		}
	}
	var refused error
	_ = hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.ForExpr:
			refused = errors.New("it has a loop")
		case *hclsyntax.FunctionCallExpr:
			if names := []string{"contains", "length"}; !slices.Contains(names, n.Name) {
				refused = fmt.Errorf("there is no function %s; there are %s", n.Name, strings.Join(names, " and "))
			}
		}
		return nil
	})
	if refused != nil {
		return Expression{}, refused
	}
	e := Expression{expr}
	_, err := e.truth(cty.UnknownVal(cty.Number), cty.DynamicVal)
	return e, err
}

// Holds tells whether the condition is true of an answer. An error says why nothing can be said of it: the body is no JSON, or
// has not what the condition looks at.
func (e Expression) Holds(status int, body []byte) (bool, error) {
	if lack := unwieldy(body); lack != "" {
		return false, errors.New(lack)
	}
	kind, err := ctyjson.ImpliedType(body)
	if err != nil {
		return false, errors.New("the body is no JSON")
	}
	value, err := ctyjson.Unmarshal(body, kind)
	if err != nil {
		return false, errors.New("the body is no JSON")
	}
	truth, err := e.truth(cty.NumberIntVal(int64(status)), value)
	if err != nil {
		return false, err
	}
	return truth.IsKnown() && truth.True(), nil
}

// The bounds of the JSON of an answer. A server says what it likes, to every router, and the library's time grows much faster than
// what it reads: 64 KiB of nothing but braces were minutes of a processor.
const (
	deepest = 64
	widest  = 4096 // values
)

// unwieldy says what is too much of a text that may be JSON; "": nothing.
func unwieldy(text []byte) string {
	depth, values, quoted := 0, 1, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth, values = depth+1, values+1
		case c == ']' || c == '}':
			depth--
		case c == ',':
			values++
		}
		switch {
		case depth > deepest:
			return fmt.Sprintf("the body's JSON is nested more than %d deep", deepest)
		case values > widest:
			return fmt.Sprintf("the body's JSON has more than %d values", widest)
		}
	}
	return ""
}

// truth evaluates the condition, which is unknown where the answer is.
func (e Expression) truth(status, body cty.Value) (cty.Value, error) {
	got, diagnostics := e.expr.Value(&hcl.EvalContext{
		Variables: map[string]cty.Value{"status": status, "body": body},
		Functions: map[string]function.Function{"length": stdlib.LengthFunc, "contains": stdlib.ContainsFunc},
	})
	switch {
	case diagnostics.HasErrors():
		return got, errors.New(lowerFirst(diagnostics[0].Summary) + ": " + lowerFirst(diagnostics[0].Detail))
	case got.IsNull() || got.Type() != cty.Bool && got.Type() != cty.DynamicPseudoType:
		return got, fmt.Errorf("it is %s, neither true nor false", kindOf(got))
	}
	return got, nil
}
