package health

import (
	"bytes"
	"fmt"
	"regexp"

	"polso/config"
)

// want says what an answer lacks; "": nothing.
type want func(response) string

// pattern is a regular expression to compile.
type pattern string

// wanted are the conditions that a check puts on the body, compiled at most once for all its probes.
func (p prober) wanted(c config.Check) (wants []want, err error) {
	if c.Contains != "" {
		wants = append(wants, func(got response) string {
			if bytes.Contains(got.body, []byte(c.Contains)) {
				return ""
			}
			return fmt.Sprintf("the body does not contain %q", short(c.Contains))
		})
	}
	if c.Matches != "" {
		re, err := remember(p.memory, pattern(c.Matches), func(text pattern) (*regexp.Regexp, error) { return regexp.Compile(string(text)) })
		if err != nil {
			return nil, err
		}
		wants = append(wants, func(got response) string {
			if re.Match(got.body) {
				return ""
			}
			return fmt.Sprintf("the body does not match %q", short(c.Matches))
		})
	}
	return wants, nil
}
