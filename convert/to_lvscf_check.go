package convert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"polso/config"
)

// check writes what nanny asks the servers and what it wants to hear.
func (l *toLVSCF) check(v config.Virtual, port uint16) {
	about, c := block("virtual", v.Name), v.Check
	udp := lvsProtocol(v) == config.UDP
	if c == nil && !udp {
		l.note(Changed, about, "Piranha checks always: servers that take no connection are down")
		l.connect(about, port)
		return
	}
	asks := lvsAsks{}
	if c != nil {
		asks = lvsQuestion(c)
	}
	if c != nil && c.Port != 0 && c.Port != port {
		l.note(Lost, about, "check: port = %d: nanny asks at the server's own", c.Port)
	}
	switch {
	case asks.program != "":
		l.line(lvsInVirtual+`send_program = "%s"`, asks.program)
		l.line(lvsInVirtual+`expect = "%s"`, asks.expect)
		l.note(Changed, about, "nanny runs the program as root, and looks at what it prints alone")
	case asks.send+asks.expect != "" && udp == (c.Kind == config.CheckUDP):
		if asks.send != "" {
			l.line(lvsInVirtual+`send = "%s"`, asks.send)
		}
		if asks.expect != "" {
			l.line(lvsInVirtual+`expect = "%s"`, asks.expect)
		}
		if asks.regex {
			l.line(lvsInVirtual + "use_regex = 1")
		}
	case udp:
		what := ""
		if c != nil {
			what = " (in the place of " + checkWords(*c) + ")"
		}
		l.note(Lost, about, "nanny takes a udp server for down that does not answer: write a send and an expect that make it%s", what)
		return
	case c.Kind == config.CheckTCP:
		l.connect(about, port)
	default:
		l.note(Lost, about, "nanny cannot ask what the check does: a connection is enough (%s)", checkWords(*c))
		l.connect(about, port)
		return
	}
	for name, value := range c.Says() {
		if !strings.Contains(lvsSays, " "+name+" ") {
			l.note(Lost, about, "check: %s = %s", name, value)
		}
	}
}

// lvsSays are the attributes of a check that nanny asks by, or that have a note when it does not.
const lvsSays = " path host status method headers send expect command port every timeout rise fall "

// connect leaves it at a connection. On port 80 nanny asks for a page unless it has something to send.
func (l *toLVSCF) connect(about string, port uint16) {
	if port == 80 {
		l.note(Changed, about, "on port 80 nanny asks for a page unless told otherwise: it sends an empty line")
		l.line(lvsInVirtual + `send = "\r\n"`)
	}
}

// pace writes how often nanny asks: it has one number for the period and the limit, and one failure takes a server out.
func (l *toLVSCF) pace(v config.Virtual) {
	c := v.Check
	if c == nil {
		return
	}
	every := wholeSeconds(c.Every)
	if every != c.Every || c.Timeout != every || c.Fall != 1 {
		l.note(Changed, block("virtual", v.Name), "check: every = %s, timeout = %s, fall = %d: here all of it is %s, and the first failure counts", c.Every, c.Timeout, c.Fall, every)
	}
	l.positive(lvsInVirtual, "timeout", every)
	l.positive(lvsInVirtual, "reentry", every*time.Duration(c.Rise))
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

// lvsLongest is the longest text that nanny sends or expects.
const lvsLongest = 250

// lvsAsks is what nanny asks, as it stands between double quotes.
type lvsAsks struct {
	program, send, expect string
	regex                 bool
}

// lvsQuestion is what a check asks as nanny's question; nothing if there is no way.
func lvsQuestion(c *config.Check) lvsAsks {
	var q lvsAsks
	switch c.Kind {
	case config.CheckHTTP:
		if c.TLS || c.Redirects > 0 || c.Contains != "" || c.Matches != "" || c.JSON != "" || c.Version == "2" {
			return lvsAsks{}
		}
		q = lvsHTTP(c)
	case config.CheckSend, config.CheckUDP:
		q.send, q.expect = c.Send, c.Expect
		if e, ok := strings.CutPrefix(c.Expect, "~"); ok {
			q.expect, q.regex = e, true
		}
	case config.CheckScript:
		q.program, q.expect = strings.Join(c.Command, " "), c.Expect
		if !lvsWords(c.Command) || c.Expect == "" || c.Expect == "*" || strings.HasPrefix(c.Expect, "~") {
			return lvsAsks{}
		}
	}
	text := q.send + q.expect
	if c.TLS || strings.ContainsRune(text, '"') || strings.Contains(text, `\x`) || len(q.send) > lvsLongest || len(q.expect) > lvsLongest {
		return lvsAsks{}
	}
	return q
}

// lvsHTTP asks for a page.
func lvsHTTP(c *config.Check) lvsAsks {
	headers := ""
	if c.Host != "" {
		headers = `Host: ` + c.Host + `\r\n`
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		headers += strings.ReplaceAll(name+": "+c.Headers[name], `\`, `\\`) + `\r\n`
	}
	q := lvsAsks{expect: "HTTP"}
	q.send = fmt.Sprintf(`%s %s HTTP/1.0\r\n%s\r\n`, cmp.Or(c.Method, "GET"), strings.ReplaceAll(c.Path, `\`, `\\`), headers)
	if len(c.Status) != 1 || c.Status[0] != (config.StatusRange{From: 100, To: 599}) {
		var codes []string
		for _, r := range c.Status {
			codes = append(codes, codePatterns(r.From, r.To)...)
		}
		q.expect, q.regex = "^HTTP/1.[01] ("+strings.Join(codes, "|")+")", true
	}
	return q
}

// codePatterns are regular expressions for the numbers of three digits from one to another.
func codePatterns(from, to int) []string {
	var out []string
	for from <= to {
		step := 1 // all of what begins with the same digits
		for _, size := range []int{10, 100} {
			if from%size == 0 && from+size-1 <= to {
				step = size
			}
		}
		last := from
		for last+2*step-1 <= to && last/(10*step) == (last+step)/(10*step) {
			last += step
		}
		text := digits(from/step%10, last/step%10) + strings.Repeat("[0-9]", len(fmt.Sprint(step))-1)
		if above := from / (10 * step); above > 0 {
			text = fmt.Sprint(above) + text
		}
		out = append(out, text)
		from = last + step
	}
	return out
}

// digits is a regular expression for a digit from one to another.
func digits(from, to int) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("[%d-%d]", from, to)
}
