package config

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A long text is read in pieces, and every part of it is where the whole has it.
func TestPiecesAreTheWhole(t *testing.T) {
	text := large(200)
	if ends, plain := pieces(text); !plain || len(ends) < 5 || ends[len(ends)-1] != len(text) {
		t.Fatalf("pieces end at %v of %d bytes, plain %v", ends, len(text), plain)
	}
	got, diagnostics := parseHCL(File{"a", text})
	if len(diagnostics) > 0 {
		t.Fatal(diagnostics)
	}
	want, _ := hclsyntax.ParseConfig(text, "a", hcl.InitialPos)
	if a, b := got.Body.(*hclsyntax.Body), want.Body.(*hclsyntax.Body); !reflect.DeepEqual(a.Blocks, b.Blocks) || a.SrcRange != b.SrcRange || a.EndRange != b.EndRange {
		t.Errorf("%d blocks in %v to %v; the whole has %d in %v to %v", len(a.Blocks), a.SrcRange, a.EndRange, len(b.Blocks), b.SrcRange, b.EndRange)
	}
}

// A mistake in the middle of a long text is told as in a short one.
func TestPiecesTellMistakes(t *testing.T) {
	for _, mistake := range []string{"virtual \"w\" {\n", "a = 1\n", "}\n", "virtual \"v3\" {\n}\n"} {
		text := slicesInto(large(200), mistake)
		read := func(parse func(File) (*hcl.File, hcl.Diagnostics)) error {
			r := newReader()
			r.texts["a"] = text
			tree, diagnostics := parse(File{"a", text})
			for _, d := range withoutEchoes(diagnostics) {
				r.syntax(d)
			}
			r.document(tree.Body.(*hclsyntax.Body), diagnostics)
			r.complete()
			return r.problems.orNil()
		}
		got := read(parseHCL)
		want := read(func(f File) (*hcl.File, hcl.Diagnostics) {
			return hclsyntax.ParseConfig(f.Text, f.Name, hcl.InitialPos)
		})
		if want == nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, the whole says %v", mistake, got, want)
		}
	}
}

// slicesInto puts words behind the block in the middle of a text.
func slicesInto(text []byte, words string) []byte {
	at := len(text)/2 + bytes.Index(text[len(text)/2:], []byte("\n}\n")) + 3
	return []byte(string(text[:at]) + words + string(text[at:]))
}

// An edit changes its place alone, wherever the pieces end, and a comment that stands above a block is the block's.
func TestRewriteOfALongText(t *testing.T) {
	text := string(large(200))
	text = strings.ReplaceAll(text, "virtual \"v", "# about it\n# and more\nvirtual \"v")
	inside := func(virtual, server string) (from, to int) {
		from = strings.Index(text, virtual)
		from += strings.Index(text[from:], server)
		return from, from + strings.Index(text[from:], "  }\n") + len("  }\n")
	}
	for _, virtual := range []string{"v0", "v7", "v50", "v123", "v199"} {
		from, to := inside("virtual \""+virtual+"\"", "  server \"s4\"")
		block := text[from:to]
		raised := strings.Replace(block, "weight  = 1", "weight  = 7", 1)
		for want, e := range map[string]Edit{
			text[:from] + raised + text[to:]: {Set, KindServer, virtual + "/s4", []string{"weight=7"}},
			text[:from] + text[to:]:          {Del, KindServer, virtual + "/s4", nil},
		} {
			if got, err := Rewrite([]byte(text), e); err != nil || string(got) != want {
				t.Errorf("%v: %v; %d bytes, want %d", e, err, len(got), len(want))
			}
		}
		start := strings.Index(text, "# about it\n# and more\nvirtual \""+virtual+"\"")
		got, err := Rewrite([]byte(text), Edit{Del, KindVirtual, virtual, nil})
		if err != nil || strings.Contains(string(got), "\""+virtual+"\"") || strings.Count(string(got), "# about it\n") != 199 || string(got[:max(0, start-1)]) != text[:max(0, start-1)] {
			t.Errorf("%s is not removed with its comment: %v", virtual, err)
		}
	}
}

// Revise is Rewrite of what Editable returns.
func TestRevise(t *testing.T) {
	text := large(100)
	running, err := Parse(File{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	e := Edit{Set, KindServer, "v40/s2", []string{"weight=9"}}
	for _, source := range [][]byte{text, nil, []byte("cluster {}\n")} {
		want, err := Rewrite(Editable(source, running), e)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Revise(source, running, e); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%.20q: %v, %d bytes, want %d", source, err, len(got), len(want))
		}
	}
}
