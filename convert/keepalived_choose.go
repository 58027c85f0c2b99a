package convert

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"polso/config"
)

// check chooses the virtual's check: of each server's checkers the one that asks the most, of those the most common.
func (v *kaVirtual) check() *config.Check {
	count := make(map[string]int)
	var most *config.Check
	best := make([]*kaCheck, len(v.servers))
	for i, s := range v.servers {
		best[i] = s.best()
		if b := best[i]; b != nil && b.check != nil {
			key := fmt.Sprint(*b.check)
			if count[key]++; most == nil || count[key] > count[fmt.Sprint(*most)] {
				most = b.check
			}
		}
	}
	for i, s := range v.servers {
		if len(s.checks) == 0 && most != nil {
			v.k.say(v.about, s.at, kaSaid{Changed, "it has no checker and always counts as up; here it is asked as the others are"})
		}
		for j := range s.checks {
			c := &s.checks[j]
			v.k.say(v.about, c.node.at, c.verdict(best[i], most))
			if c.node.told = c != best[i] || c.check == nil; !c.node.told {
				v.k.tell(v.about, c.remarks)
				if kaSame(c.check, most) {
					v.k.tell(v.about, c.timing)
				}
			}
		}
	}
	return most
}

// best is the checker that asks the most, nil if there is none.
func (s *kaServer) best() *kaCheck {
	var best *kaCheck
	for i := range s.checks {
		c := &s.checks[i]
		if best == nil || best.check == nil && c.check != nil || c.check != nil && c.kind.rank > best.kind.rank {
			best = c
		}
	}
	return best
}

// verdict is what becomes of a checker, where most is the virtual's check and best the server's.
func (c *kaCheck) verdict(best *kaCheck, most *config.Check) kaSaid {
	said := c.kind.said
	add := func(level Level, format string, args ...any) {
		if said.what == "" {
			said.level = level
		} else {
			said.what += "; "
		}
		said.what += fmt.Sprintf(format, args...)
	}
	switch {
	case most == nil:
		add(Lost, "the server counts as up")
		said.level = Lost
	case c != best:
		add(Changed, "a virtual has one check, and %s is it", best.node.words[0])
	case c.check == nil:
		add(Changed, "asked as the other servers are")
	case !kaSame(c.check, most):
		add(Changed, "asked as most servers are: %s", kaDifference(*c.check, *most))
	case c.kind.kind == "":
		add(Changed, "a tcp connect stands in")
	}
	return said
}

func kaSame(a, b *config.Check) bool { return fmt.Sprint(*a) == fmt.Sprint(*b) }

// kaDifference tells what is not as it was.
func kaDifference(was, is config.Check) string {
	var parts []string
	differ := func(name, was, is string) {
		if was != is {
			parts = append(parts, fmt.Sprintf("%s %s instead of %s", name, cmp.Or(is, "none"), cmp.Or(was, "none")))
		}
	}
	kind := func(c config.Check) string {
		if c.TLS {
			return "https"
		}
		return string(c.Kind)
	}
	port := func(c config.Check) string {
		if c.Port == 0 {
			return "the server's"
		}
		return strconv.Itoa(int(c.Port))
	}
	differ("check", kind(was), kind(is))
	differ("port", port(was), port(is))
	if was.Kind == is.Kind {
		differ("path", was.Path, is.Path)
		differ("host", was.Host, is.Host)
		differ("status", kaStatuses(was.Status), kaStatuses(is.Status))
	}
	differ("every", kaSeconds(was.Every), kaSeconds(is.Every))
	differ("timeout", kaSeconds(was.Timeout), kaSeconds(is.Timeout))
	differ("fall", strconv.Itoa(was.Fall), strconv.Itoa(is.Fall))
	return strings.Join(parts, ", ")
}

// kaStatuses writes status codes as keepalived does.
func kaStatuses(list []config.StatusRange) string {
	var words []string
	for _, s := range list {
		word := strconv.Itoa(s.From)
		if s.To != s.From {
			word += "-" + strconv.Itoa(s.To)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
