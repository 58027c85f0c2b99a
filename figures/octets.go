package figures

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Octets are bytes that passed over a connection, by lines: quoted where it is text, else as hexdump -C.
func Octets(b []byte) []string {
	if len(b) == 0 {
		return nil
	}
	if !isText(b) {
		return strings.Split(strings.TrimSuffix(hex.Dump(b), "\n"), "\n")
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		lines = append(lines, fmt.Sprintf("%q", line))
	}
	return lines
}

// isText tells whether b is UTF-8 without control characters beside those of lines.
func isText(b []byte) bool {
	return utf8.Valid(b) && strings.IndexFunc(string(b), func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune("\r\n\t", r)
	}) < 0
}

// Milliseconds is a short time, of a probe: 3.2 ms.
func Milliseconds(seconds float64) string { return fmt.Sprintf("%.1f ms", seconds*1000) }
