package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// oneLine is text of somebody else's as it can stand in a line: quoted, with escapes, if it would break the line or steer the
// terminal.
func oneLine(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 && utf8.ValidString(s) {
		return s
	}
	return strconv.Quote(s)
}
