package convert

import (
	"fmt"
	"strings"
	"time"

	"polso/config"
)

// check writes what nanny asks the servers and what it wants to hear.
func (l *toLVSCF) check(v config.Virtual, port uint16) {
	about, c := block("virtual", v.Name), v.Check
	if c != nil && (c.Kind == config.CheckSend || c.Kind == config.CheckUDP && lvsProtocol(v) == config.UDP) {
		l.talk(about, c)
		return
	}
	if lvsProtocol(v) == config.UDP {
		l.note(Lost, about, "nanny takes a udp server for down that does not answer: write a send and an expect that make it")
		return
	}
	if c == nil {
		l.note(Changed, about, "Piranha checks always: servers that take no connection are down")
		l.connect(about, port)
		return
	}
	if c.Port != 0 && c.Port != port {
		l.note(Lost, about, "check: port = %d: nanny asks at the server's own", c.Port)
	}
	if c.Kind == config.CheckTCP {
		l.connect(about, port)
		return
	}
	send, expect, regex := lvsQuestion(c)
	if send == "" {
		l.note(Lost, about, "nanny cannot ask what the %s check does: a connection is enough", c.Kind)
		l.connect(about, port)
		return
	}
	l.line(lvsInVirtual+`send = "%s"`, send)
	l.line(lvsInVirtual+`expect = "%s"`, expect)
	if regex {
		l.line(lvsInVirtual + "use_regex = 1")
	}
}

// talk writes what is sent and expected.
func (l *toLVSCF) talk(about string, c *config.Check) {
	expect, regex := strings.CutPrefix(c.Expect, "~")
	if strings.ContainsRune(c.Send+expect, '"') || strings.Contains(c.Send+expect, `\x`) || len(c.Send) > lvsLongest || len(expect) > lvsLongest || c.TLS {
		l.note(Lost, about, "nanny cannot send or expect what the check does: a connection is enough")
		return
	}
	if c.Send != "" {
		l.line(lvsInVirtual+`send = "%s"`, c.Send)
	}
	if expect != "" {
		l.line(lvsInVirtual+`expect = "%s"`, expect)
	}
	if regex {
		l.line(lvsInVirtual + "use_regex = 1")
	}
}

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
	every := (c.Every + time.Second - 1).Truncate(time.Second)
	if every != c.Every || c.Timeout != every || c.Fall != 1 {
		l.note(Changed, block("virtual", v.Name), "check: every = %s, timeout = %s, fall = %d: here all of it is %s, and the first failure counts", c.Every, c.Timeout, c.Fall, every)
	}
	l.positive(lvsInVirtual, "timeout", every)
	l.positive(lvsInVirtual, "reentry", every*time.Duration(c.Rise))
}

// lvsLongest is the longest text that nanny sends or expects.
const lvsLongest = 250

// lvsQuestion is the http check as nanny's send and expect, as they stand between double quotes; nothing if there is no way.
func lvsQuestion(c *config.Check) (send, expect string, regex bool) {
	if c.Kind != config.CheckHTTP || c.Method != "" || c.Contains != "" || c.Matches != "" || c.JSON != "" {
		return "", "", false
	}
	host := ""
	if c.Host != "" {
		host = `Host: ` + c.Host + `\r\n`
	}
	send = fmt.Sprintf(`GET %s HTTP/1.0\r\n%s\r\n`, strings.ReplaceAll(c.Path, `\`, `\\`), host)
	expect = "HTTP"
	if len(c.Status) != 1 || c.Status[0] != (config.StatusRange{From: 100, To: 599}) {
		var codes []string
		for _, r := range c.Status {
			codes = append(codes, codePatterns(r.From, r.To)...)
		}
		expect, regex = "^HTTP/1.[01] ("+strings.Join(codes, "|")+")", true
	}
	if c.TLS || strings.Contains(send, `"`) || len(send) > lvsLongest || len(expect) > lvsLongest {
		return "", "", false
	}
	return send, expect, regex
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
