package convert

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"polso/config"
)

// talk makes c send and expect what nanny did.
func (l *lvscf) talk(v *virtual, c *config.Check, send, expect *lvsDirective, regex bool) {
	if expect == nil && c.Kind != config.CheckUDP {
		l.hint(v.path, send.at, "nanny read no answer without an expect: that the server takes a connection is all there is to check")
		return
	}
	l.at(v.path+" check", firstOf(send, expect))
	if c.Kind != config.CheckUDP {
		c.Kind = config.CheckSend
	}
	if send != nil {
		if c.Send = nannyText(send.value()); c.Send == "" {
			l.hint(v.path, send.at, "nothing is sent")
		}
	}
	switch {
	case expect == nil:
	case regex:
		c.Expect = "~" + expect.value()
		if _, err := regexp.Compile(expect.value()); err != nil {
			c.Expect = "*"
			l.changed(v.path, expect.at, "any answer will do: the expression is none of RE2")
		}
	case expect.value() == "":
		c.Expect = "*"
	case strings.HasPrefix(expect.value(), "~"):
		c.Expect = `\x7e` + nannyText(expect.value()[1:])
	default:
		c.Expect = nannyText(expect.value())
	}
}

// nannyText is a text of lvs.cf as a document has it: the same, but for a backslash that begins no escape.
func nannyText(s string) string {
	if _, ok := config.Unescape(s); ok {
		return s
	}
	return strings.ReplaceAll(s, `\`, `\\`)
}

// program makes c run a program whose output has to be what nanny expected. It answers false if no check can.
func (l *lvscf) program(v *virtual, c *config.Check, program, expect *lvsDirective) bool {
	words := strings.Fields(program.value())
	wanted := ""
	if expect != nil {
		wanted, _ = config.Unescape(expect.value())
	}
	if len(words) == 0 || !strings.HasPrefix(words[0], "/") || strings.ContainsFunc(wanted, unicode.IsControl) {
		l.lost(v.path, program.at, "no check runs this: it needs an absolute path, and an expect of one line")
		return false
	}
	c.Kind, c.Command, c.Expect = config.CheckScript, words, strings.ReplaceAll(wanted, `\`, `\\`)
	if wanted == "*" || strings.HasPrefix(wanted, "~") { // which nanny took for itself
		c.Expect = fmt.Sprintf(`\x%02x`, wanted[0]) + c.Expect[1:]
	}
	l.at(v.path+" check", program.at)
	l.changed(v.path, program.at, `it is run as nobody, has to end with status 0, and is ended with all that it started when its time is over`)
	return true
}
