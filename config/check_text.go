package config

import (
	"fmt"
	"strings"
)

// CheckText is the check block of a part as it is written, "" for none. An Edit that assigns it to "check" changes nothing. Errors are
// ErrNotThere, ErrEdit, or what is wrong with text.
func CheckText(text []byte, kind Kind, name string) (string, error) {
	way, err := Edit{Kind: kind, Name: name}.place()
	if err != nil {
		return "", err
	}
	p, err := newPage(text)
	if err != nil {
		return "", err
	}
	if p.find(way) == nil {
		return "", fmt.Errorf("%s %q %w", kind, name, ErrNotThere)
	}
	c := p.find(append(way, step{kind: "check"}))
	if c == nil {
		return "", nil
	}
	from := c.TypeRange.Start.Byte
	return indented(string(p.text[from:c.CloseBraceRange.End.Byte]), p.indent(from), ""), nil
}

// indented is a block's text in a place that is indented otherwise; one with a heredoc, whose lines mean what they begin with, is as it was.
func indented(block, from, to string) string {
	if strings.Contains(block, "<<") {
		return block
	}
	return strings.ReplaceAll(block, "\n"+from, "\n"+to)
}
