package convert

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"polso/config"
)

// check makes one check of what nanny did: timeout is both the period and the limit, one failure takes a server out, and reentry is how
// long it has to be good again. What nanny sent and expected becomes an http check when that asks the same question, else one that sends and
// expects the same.
func (l *lvscf) check(block *lvsBlock, v *virtual, port uint16) *config.Check {
	program := l.take(block, v.path, "send_program")
	send, expect := l.take(block, v.path, "send"), l.take(block, v.path, "expect")
	regex, _ := l.yes(block, v.path, "use_regex")
	c := l.pace(block, v)
	if v.FWMark != 0 {
		c.Port = port
	}
	udp := v.Protocol == config.UDP
	if v.FWMark != 0 {
		d := l.take(block, v.path, "protocol")
		udp = d != nil && strings.EqualFold(d.value(), "udp")
	}
	for _, d := range []*lvsDirective{send, expect} {
		l.text(v.path, d)
	}
	switch {
	case program != nil:
		if l.program(v, c, program, expect) {
			udp = false // it asks whatever it likes
		}
		if expect == nil {
			l.hint(v.path, program.at, "without an expect every server was always down")
		}
		if send != nil {
			l.hint(v.path, send.at, "send_program came before it")
		}
	case send != nil || expect != nil || port != 80:
		if !udp {
			l.question(v, c, send, expect, regex)
		} else if send != nil && send.value() != "" {
			c.Kind, udp = config.CheckUDP, false
			l.talk(v, c, send, expect, regex)
		}
	case !udp: // what nanny does on port 80 when nothing is said
		c.Kind, c.Path, c.Status = config.CheckHTTP, "/", []config.StatusRange{{From: 100, To: 599}}
	}
	if udp {
		at := block.at
		if expect != nil {
			at = expect.at
		}
		l.lost(v.path, at, "nanny heard nothing that it had asked for, and nothing is asked here: the servers count as up without a check; a check \"udp\" or \"icmp\" asks")
		return nil
	}
	return c
}

// pace reads how often nanny asked.
func (l *lvscf) pace(block *lvsBlock, v *virtual) *config.Check {
	every, at := l.number(block, v.path, "timeout", 0, 1<<30, 10)
	reentry, reentryAt := l.number(block, v.path, "reentry", 0, 1<<30, 180)
	switch {
	case every == 0:
		l.hint(v.path, at.at, "nanny would divide by 0; the default of 10 s is taken")
		every = 10
	case every > 3600:
		l.changed(v.path, at.at, "a check is made once an hour at least")
		every = 3600
	}
	if reentry == 0 {
		reentry = 180
	}
	c := &config.Check{Kind: config.CheckTCP, Every: seconds(every), Timeout: seconds(every), Rise: min(max(reentry/every, 1), 1000), Fall: 1}
	if reentry < every && reentryAt != nil {
		l.hint(v.path, reentryAt.at, "shorter than timeout (%d s): a server is back with the first good check", every)
	}
	return c
}

// text says what is odd about how a send or expect is written.
func (l *lvscf) text(about string, d *lvsDirective) {
	if d == nil {
		return
	}
	if d.quote == '\'' {
		l.hint(about, d.at, "nanny took the single quotes for a part of it")
	}
	if _, ok := config.Unescape(d.value()); !ok {
		l.hint(about, d.at, `an escape other than \\ \r \n \t \' \" made nanny spin for ever`)
	}
}

// question makes c ask what nanny asked, as far as a check can.
func (l *lvscf) question(v *virtual, c *config.Check, send, expect *lvsDirective, regex bool) {
	var asked, wanted string
	if send != nil {
		asked, _ = config.Unescape(send.value())
	}
	if expect != nil {
		wanted, _ = config.Unescape(expect.value())
		if regex {
			wanted = expect.value() // the backslashes are the expression's
		}
	}
	request, isHTTP := parseRequest(asked)
	if expect == nil || !isHTTP {
		if send != nil || expect != nil {
			l.talk(v, c, send, expect, regex)
		}
		return
	}
	status := l.status(wanted, regex)
	if len(status) == 0 {
		l.talk(v, c, send, expect, regex)
		return
	}
	c.Kind, c.Path, c.Host, c.Method, c.Headers, c.Status = config.CheckHTTP, request.path, request.host, request.method, request.headers, status
	switch {
	case regex:
		l.changed(v.path, expect.at, "an http check wants a status instead; these are the ones that the expression matches")
	case wanted == "*" || wanted == "":
		l.changed(v.path, expect.at, "any answer counted; here it has to be one of HTTP")
	}
}

// firstOf is the place of the first of two directives, one of which may be missing.
func firstOf(a, b *lvsDirective) place {
	switch {
	case a == nil && b == nil:
		return place{}
	case a == nil || b != nil && b.at.line < a.at.line:
		return b.at
	default:
		return a.at
	}
}

// lvsRequest is what an http check asks.
type lvsRequest struct {
	path, host, method string
	headers            map[string]string
}

// parseRequest reads a request as nanny sends it: GET or HEAD, a path, and headers. It answers false if an http check does not ask so.
func parseRequest(text string) (lvsRequest, bool) {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	words := strings.Fields(lines[0])
	if len(words) < 2 || words[0] != "GET" && words[0] != "HEAD" || len(words) > 3 {
		return lvsRequest{}, false
	}
	r := lvsRequest{path: words[1]}
	if words[0] == "HEAD" {
		r.method = "HEAD"
	}
	for _, line := range lines[1:] {
		name, value, header := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case line == "" || strings.EqualFold(name, "connection"): // an http check closes it too
		case !header:
			return r, false
		case strings.EqualFold(name, "host"):
			r.host = value
		case r.headers == nil:
			r.headers = map[string]string{name: value}
		default:
			r.headers[name] = value
		}
	}
	return r, probeable(r)
}

// probeable reports whether the document takes the request.
func probeable(r lvsRequest) bool {
	probe := config.Complete(config.Document{Virtuals: []config.Virtual{{
		Name: "probe", FWMark: 1, Scheduler: "rr", Forward: config.NAT, MinServers: 1, OnFailure: config.Remove,
		Check: &config.Check{Kind: config.CheckHTTP, Every: time.Second, Rise: 1, Fall: 1, Port: 80, Path: r.path, Host: r.host, Method: r.method, Headers: r.headers},
	}}})
	return probe.Validate() == nil
}

// mostAnswers bounds how many different expects are tried: real files have a handful.
const mostAnswers = 64

// status returns the status codes whose first line nanny would have taken; none if it wanted more than that line. It tries the line of
// every code instead of reading the expression.
func (l *lvscf) status(expect string, regex bool) (ranges []config.StatusRange) {
	first := expect
	if !regex {
		first = strings.TrimRight(expect, "\r\n")
		if strings.ContainsAny(first, "\r\n") {
			return nil
		}
	}
	key := fmt.Sprint(regex, first)
	if known, ok := l.answers[key]; ok {
		return known
	}
	if len(l.answers) >= mostAnswers || len(first) > 255 {
		return nil
	}
	takes := func(line string) bool { return strings.HasPrefix(line, first) || first == "*" }
	if regex {
		e, err := regexp.CompilePOSIX(first)
		if err != nil {
			return nil
		}
		takes = e.MatchString
	}
	for code := 100; code <= 599; code++ {
		rest := strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code)))
		if !takes("HTTP/1.1 "+rest) && !takes("HTTP/1.0 "+rest) {
			continue
		}
		if n := len(ranges); n > 0 && ranges[n-1].To == code-1 {
			ranges[n-1].To = code
		} else {
			ranges = append(ranges, config.StatusRange{From: code, To: code})
		}
	}
	l.answers[key] = ranges
	return ranges
}
