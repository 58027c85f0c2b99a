package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Node is what node.hcl says: the settings of one router, which are no part of the document. What is not written is zero; the
// defaults are the agent's.
type Node struct {
	Name       string
	DataDir    string
	Socket     string
	Listen     []string          // ADDRESS:PORT for the other routers
	Interfaces map[string]string // logical name -> device
	Kernel     string            // real, simulated or none

	API         []string // ADDRESS:PORT for browsers and the command line from elsewhere; "none" alone: nowhere
	Certificate string   // path of what is shown there, PEM; with it goes Key
	Key         string

	FlightRecorder bool // keep what the agent did last, of takeovers that are slow
}

// LoadNode reads node.hcl: attributes alone, each at most once, and nothing that is not known. The error is Errors with
// everything that is wrong at once, and the settings are then zero.
func LoadNode(f File) (Node, error) {
	r, n := newReader(), Node{}
	r.texts[f.Name] = f.Text
	if body, diagnostics := r.parse(f); body != nil {
		r.damage(body.Blocks, "", diagnostics)
		r.body(body, "", map[string]func(value){
			"name":      setText(&n.Name),
			"data_dir":  setText(&n.DataDir),
			"socket":    setText(&n.Socket),
			"listen":    setTexts(&n.Listen),
			"interface": func(v value) { v.textMap(func(m map[string]string) { n.Interfaces = m }) },
			"kernel":    setText(&n.Kernel),
			"api":       setTexts(&n.API),

			"api_certificate": setText(&n.Certificate),
			"api_key":         setText(&n.Key),

			"flight_recorder": setBool(&n.FlightRecorder),
		}, nil)
		r.judge(n.validate())
	}
	r.problems.sortByPlace([]File{f})
	if err := r.problems.orNil(); err != nil {
		return Node{}, err
	}
	return n, nil
}

// validate is every rule that needs nothing but the settings. Whether an address can be listened at, the agent finds out.
func (n Node) validate() Errors {
	var v verdicts
	if n.Name != "" {
		v.name("name", "name", n.Name)
	}
	for _, p := range []struct{ attr, path string }{
		{"data_dir", n.DataDir}, {"socket", n.Socket}, {"api_certificate", n.Certificate}, {"api_key", n.Key},
	} {
		if p.path != "" && !filepath.IsAbs(p.path) {
			v.add(path(p.attr), fmt.Sprintf("path %q is not absolute", p.path), "What it is relative to depends on who starts the agent.", "")
		}
	}
	for _, logical := range slices.Sorted(maps.Keys(n.Interfaces)) {
		v.name("interface", "interface", logical)
		if n.Interfaces[logical] == "" {
			v.add("interface", fmt.Sprintf("interface %q has no device", logical), "", "")
		}
	}
	for _, p := range []struct{ attr, other, path, missing string }{
		{"api_certificate", "api_key", n.Certificate, n.Key}, {"api_key", "api_certificate", n.Key, n.Certificate},
	} {
		if p.path != "" && p.missing == "" {
			v.add(path(p.attr), p.attr+" needs "+p.other+" beside it", "", "")
		}
	}
	if n.Kernel != "" {
		enum(&v, "kernel", "kernel", n.Kernel, "real", "simulated", "none")
	}
	return v.list
}

// textMap reads a map of texts. Its keys are words or texts, each there once.
func (v value) textMap(set func(map[string]string)) {
	const wanted = "a map of texts"
	object, ok := v.expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		if got, ok := v.plain(wanted); ok {
			v.fail(fmt.Sprintf("%s is wanted here, not %s", wanted, kindOf(got)), "", `Write it as { outside = "eth0" }.`)
		}
		return
	}
	m := map[string]string{}
	for _, item := range object.Items {
		key, ok := value{v.r, v.at, item.KeyExpr}.plain(aText)
		if !ok {
			return
		}
		text, ok := value{v.r, v.at, item.ValueExpr}.text()
		if !ok {
			return
		}
		if key.Type() != cty.String {
			value{v.r, v.at, item.KeyExpr}.fail("text is wanted here, not "+kindOf(key), "", "")
			return
		}
		if _, twice := m[key.AsString()]; twice {
			value{v.r, v.at, item.KeyExpr}.fail(fmt.Sprintf("%q is there twice", key.AsString()), "", "Remove one of the two.")
			return
		}
		m[key.AsString()] = text
		v.r.places[v.at.attr(key.AsString())] = item.ValueExpr.Range()
	}
	set(m)
}
