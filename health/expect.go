package health

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"polso/config"
)

// maxAnswer is how much of a server's answer is read at most.
const maxAnswer = 64 << 10

// expectation is what an answer has to be: nil for a prefix, or the expression that it has to match.
type expectation struct {
	prefix  []byte // with nothing else: any answer that is not empty
	pattern *regexp.Regexp
}

// expect returns what the check's words stand for: a prefix with nanny's escapes, * for any answer, or ~ and an expression (RE2),
// whose escapes are its own.
func (p prober) expect(words string) (expectation, error) {
	if text, ok := strings.CutPrefix(words, "~"); ok {
		re, err := remember(p.memory, pattern(text), pattern.compile)
		return expectation{pattern: re}, err
	}
	if words == "*" {
		return expectation{}, nil
	}
	prefix, _ := config.Unescape(words) // the document refuses others
	return expectation{prefix: []byte(prefix)}, nil
}

// met tells whether what has arrived so far is an answer as expected.
func (e expectation) met(got []byte) bool {
	if e.pattern != nil {
		return e.pattern.Match(got)
	}
	return len(got) > 0 && bytes.HasPrefix(got, e.prefix)
}

// hopeless tells whether nothing that may still arrive can make of got an answer as expected.
func (e expectation) hopeless(got []byte) bool {
	return e.pattern == nil && !bytes.HasPrefix(e.prefix, got) && !bytes.HasPrefix(got, e.prefix)
}

// said quotes what a server answered, for a reason.
func said(got []byte) string {
	const enough = 90
	if len(got) > enough {
		return strconv.QuoteToASCII(string(got[:enough])) + "…"
	}
	return strconv.QuoteToASCII(string(got))
}
