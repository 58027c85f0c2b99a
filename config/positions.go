package config

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// positions tells the line and the column of each place of a text, in a time that does not grow with the line: JSON is often one.
type positions struct {
	text  []byte // UTF-8
	lines []int  // where each line begins
	chars []int  // how many characters begin before each multiple of stride
}

const stride = 1 << 10

func newPositions(text []byte) positions {
	p := positions{text: text, lines: []int{0}}
	n := 0
	for i, b := range text {
		if i%stride == 0 {
			p.chars = append(p.chars, n)
		}
		if begins(b) {
			n++
		}
		if b == '\n' {
			p.lines = append(p.lines, i+1)
		}
	}
	if len(text)%stride == 0 {
		p.chars = append(p.chars, n)
	}
	return p
}

// begins reports whether a character begins with b.
func begins(b byte) bool { return b&0xc0 != 0x80 }

// before counts the characters that begin before the offset at.
func (p positions) before(at int) int {
	n := p.chars[at/stride]
	for _, b := range p.text[at/stride*stride : at] {
		if begins(b) {
			n++
		}
	}
	return n
}

// of returns the position of the offset at, 0 to the text's length.
func (p positions) of(at int) hcl.Pos {
	line, exact := slices.BinarySearch(p.lines, at)
	if !exact {
		line--
	}
	return hcl.Pos{Line: line + 1, Column: p.before(at) - p.before(p.lines[line]) + 1, Byte: at}
}
