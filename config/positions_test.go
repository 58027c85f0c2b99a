package config

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPositions(t *testing.T) {
	for _, text := range []string{"", "\n", "é\nab", strings.Repeat("é", stride), strings.Repeat("x", stride) + "\n" + strings.Repeat("aé€\n", stride), "x" + strings.Repeat("€", stride)} {
		p := newPositions([]byte(text))
		for at := range len(text) + 1 {
			if at < len(text) && !utf8.RuneStart(text[at]) {
				continue
			}
			before := text[:at]
			start := strings.LastIndexByte(before, '\n') + 1
			got := p.of(at)
			if got.Byte != at || got.Line != strings.Count(before, "\n")+1 || got.Column != utf8.RuneCountInString(before[start:])+1 {
				t.Fatalf("%.10q: offset %d is %+v", text, at, got)
			}
		}
	}
}

// One line of JSON with a mistake in each of its parts is as long as all its lines: reading it must not take a line for each mistake.
func TestOneLongLine(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(`{"vips":[`)
	const n = 5000
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"name":"` + strings.Repeat("x", 100) + `","address":"nonsense"}`)
	}
	b.WriteString(`]}`)
	_, err := Parse(File{"d.json", b.Bytes()})
	list, _ := err.(Errors)
	if len(list) < n {
		t.Fatalf("%d problems", len(list))
	}
	total := 0
	for _, p := range list {
		total += len(p.Source)
	}
	if total > 10*b.Len() {
		t.Errorf("%d bytes of source lines are kept for a text of %d", total, b.Len())
	}
}
