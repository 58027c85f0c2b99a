package config

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// large is a document with so many virtuals of ten servers each.
func large(virtuals int) []byte {
	var b strings.Builder
	for i := range virtuals {
		fmt.Fprintf(&b, "virtual \"v%d\" { # the %dth\n  address   = \"10.%d.%d.1\"\n  port      = 80\n  scheduler = \"mh\"\n  flags     = [\"fallback\", \"port\"]\n", i, i, i/250, i%250)
		for j := range 10 {
			fmt.Fprintf(&b, "  server \"s%d\" {\n    address = \"10.200.%d.%d:80\"\n    weight  = 1\n  }\n", j, i%250, j+1)
		}
		b.WriteString("}\n\n")
	}
	return []byte(b.String())
}

// The guard of a text that is plain by its bytes, and of one that takes the scanner.
func BenchmarkTooMuch(b *testing.B) {
	plain := large(1000)
	for name, text := range map[string][]byte{"plain": plain, "scanned": append([]byte("/* */\n"), plain...)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if p := tooMuch(File{Name: "a.hcl", Text: text}); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text := large(1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(File{Name: "a.hcl", Text: text}); err != nil {
			b.Fatal(err)
		}
	}
}

// What is plain by its bytes the scanner finds shallow too: of texts made of all that means something to it, none is plain that nests
// or computes.
func TestPlainIsShallow(t *testing.T) {
	if !isPlain(large(3)) {
		t.Error("a document as people write it takes the scanner")
	}
	deep := strings.Repeat("[", maxDepth)
	for text, want := range map[string]bool{
		"":                            true,
		"a = 1 # [[ \"":               true,
		"a = 1 // ${\nb = 2\r\n":      true,
		deep:                          true,
		deep + "[":                    false,
		deep + `""`:                   false,
		`a = "}" [`:                   true,
		`a = "x\"" [`:                 false,
		`a = "${b}"`:                  false,
		`a = "%{if b}"`:               false,
		"a = \"b\n":                   false,
		"a = \"b":                     false,
		"a = <<E\n[\nE\n":             false,
		"/* [ */":                     false,
		"a = 1 / 2":                   false,
		"a = b == c":                  false,
		"a = !b":                      false,
		"a = b.c":                     false,
		strings.Repeat("[ # ]\n", 65): false,
	} {
		if got := isPlain([]byte(text)); got != want {
			t.Errorf("%.40q: plain %v, want %v", text, got, want)
		}
	}
	words := []string{"a", "=", "==", "1", ".5", "\"", "\"", "x", "{", "}", "[", "]", "(", ")", "\n", "\n", "\r", "#", "//", "/*", "*/", "<<E\n", "E\n", "${", "%{", "~}", "\\", "$", "-", "!", " "}
	r := rand.New(rand.NewPCG(1, 2))
	seen := 0
	for range 20000 {
		var b strings.Builder
		for range r.IntN(30) {
			b.WriteString(words[r.IntN(len(words))])
		}
		text := []byte(b.String())
		if !isPlain(text) {
			continue
		}
		seen++
		if depth, operators := measure(text); depth > maxDepth || operators > 0 {
			t.Fatalf("%q is plain, and nests %d deep with %d operators", text, depth, operators)
		}
		if deeper := append([]byte(strings.Repeat("[", maxDepth-1)), text...); isPlain(deeper) {
			if depth, _ := measure(deeper); depth > maxDepth {
				t.Fatalf("%q is plain in %d brackets, and nests %d deep", text, maxDepth-1, depth)
			}
		}
	}
	if seen < 1000 {
		t.Errorf("only %d texts were plain", seen)
	}
}

func isPlain(text []byte) bool {
	_, plain := pieces(text)
	return plain
}

// measure is what the scanner finds in a text.
func measure(text []byte) (deepest, operators int) {
	tokens, _ := hclsyntax.LexConfig(text, "", hcl.InitialPos)
	var m meter
	for _, t := range tokens {
		m.add(t.Type)
		deepest = max(deepest, m.depth)
	}
	return deepest, m.operators
}
