package config

import (
	"strconv"
	"strings"
)

// Unescape is what send and expect stand for: nanny's escapes \\ \r \n \t \' \" and, for bytes that no text has, \xHH. Another one
// stays as it is, and ok is false: nanny never came to an end of it.
func Unescape(s string) (text string, ok bool) {
	const escapes = `\rnt'"`
	const meanings = "\\\r\n\t'\""
	var out strings.Builder
	ok = true
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) {
			if at := strings.IndexByte(escapes, s[i+1]); at >= 0 {
				out.WriteByte(meanings[at])
				i++
				continue
			}
		}
		if i+3 < len(s) && s[i+1] == 'x' {
			if b, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				out.WriteByte(byte(b))
				i += 3
				continue
			}
		}
		ok = false
		out.WriteByte('\\')
	}
	return out.String(), ok
}
