package health

import (
	"bytes"
	"fmt"
	"regexp"

	"polso/config"
)

// want says what an answer lacks; "": nothing.
type want func(response) string

// pattern is a regular expression, condition an expression over an answer: the keys under which they are remembered compiled.
type (
	pattern   string
	condition string
)

func (p pattern) compile() (*regexp.Regexp, error)      { return regexp.Compile(string(p)) }
func (c condition) compile() (config.Expression, error) { return config.Compile(string(c)) }

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
		re, err := remember(p.memory, pattern(c.Matches), pattern.compile)
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
	if c.JSON != "" {
		is, err := remember(p.memory, condition(c.JSON), condition.compile)
		if err != nil {
			return nil, err
		}
		wants = append(wants, func(got response) string {
			switch holds, err := is.Holds(got.status, got.body); {
			case err != nil:
				return short(err.Error())
			case !holds:
				return short(c.JSON) + " is not true"
			}
			return ""
		})
	}
	return wants, nil
}
