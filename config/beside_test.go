package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A text that is read beside another one says what it says alone, whichever they are.
func TestReadBesideIsReadAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := documents().Draw(t, "one")
		other := one.Clone()
		for i := 0; i < len(other.Virtuals); i++ {
			switch rapid.IntRange(0, 3).Draw(t, "what becomes of it") {
			case 0:
				other.Virtuals = append(other.Virtuals[:i], other.Virtuals[i+1:]...)
			case 1:
				other.Virtuals[i].MinServers++
			}
		}
		beside := canonicalText(t, one)
		text := canonicalText(t, other)
		if at := rapid.IntRange(-3*len(text), len(text)-1).Draw(t, "damaged at"); at >= 0 {
			text[at] = rapid.SampledFrom([]byte(`{}[],:"\a `)).Draw(t, "with")
		}
		known, err := FromCanonical(beside)
		if err != nil {
			t.Skip(err)
		}
		want, wrong := FromCanonical(text)
		got, err := FromCanonicalBeside(text, beside, known)
		if fmt.Sprint(err) != fmt.Sprint(wrong) || err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\nbeside %s:\n%+v, %v, want\n%+v, %v", text, beside, got, err, want, wrong)
		}
	})
}

func canonicalText(t *rapid.T, d Document) []byte {
	text, err := Canonical(d)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What is alike is shared, not read again.
func TestReadBesideShares(t *testing.T) {
	doc, err := Load(File{Text: large(20)})
	if err != nil {
		t.Fatal(err)
	}
	beside, err := Canonical(doc)
	if err != nil {
		t.Fatal(err)
	}
	known, err := FromCanonical(beside)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{"", `"name":"v0"`, `"name":"v19"`, `"name":"v9"`} {
		text := beside
		if change != "" {
			text = bytes.Replace(beside, []byte(change), []byte(strings.Replace(change, `"v`, `"v0`, 1)), 1)
		}
		got, err := FromCanonicalBeside(text, beside, known)
		want, _ := FromCanonical(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v", change, err)
		}
		anew := 0
		for _, v := range got.Virtuals {
			alike := func(k Virtual) bool { return &k.Servers[0] == &v.Servers[0] }
			found := false
			for _, k := range known.Virtuals {
				found = found || alike(k)
			}
			if !found {
				anew++
			}
		}
		if want := min(1, len(change)); anew != want {
			t.Errorf("%s: %d virtuals are read anew, want %d", change, anew, want)
		}
	}
}
