package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"polso/config"
)

// ldCheck is what an ldirectord.cf says of how the servers of one virtual are checked.
type ldCheck struct {
	kind    string // connect, negotiate, combined (of the two), ping, external, external-perl, on, off, or what ldirectord refuses
	service string
	at      directive // the line that chose them
	pace    config.Check
	connect time.Duration // how long a connection may take, with combined
	between int           // with combined: so many connections between two negotiations
	port    uint16        // checkport; 0: none
}

// checkOf finds out what ldirectord would do.
func (l *ldirectord) checkOf(s *section, v *virtual) ldCheck {
	c := ldCheck{kind: "negotiate", service: "none", at: s.head}
	if v.FWMark == 0 {
		c.service = ldService(v.Ports[0])
	}
	if d, ok := s.take("service"); ok {
		if word := firstWord(d.value); word == "none" || ldServicePort(word) != 0 || word == "simpletcp" {
			c.service, c.at = word, d
		} else {
			l.say(d, Lost, "ldirectord knows no service %q; the servers are taken for those of %q", word, c.service)
		}
	}
	d, ok := s.take("checktype")
	if !ok {
		return c
	}
	c.kind, c.at = firstWord(d.value), d
	if digits, _ := d.digits(); digits != "" {
		c.kind = "combined"
		if n, err := strconv.Atoi(digits); err != nil || n > mostSeconds {
			c.between = mostSeconds
		} else {
			c.between = n
		}
	}
	return c
}

// check translates how the servers are checked; written has the line of each server of v.
func (l *ldirectord) check(s *section, v *virtual, written []ldReal) {
	c := l.checkOf(s, v)
	ask := l.asker(s, &c, v)
	if c.kind == "off" {
		for _, x := range v.servers {
			x.Weight = 0
		}
		if len(v.Sorry) > 0 {
			v.Sorry = nil
			l.say(c.at, Changed, "ldirectord has no fallback either with it")
		}
	}
	if ask == nil {
		l.withoutCheck(s, written)
		return
	}
	c.pace = l.timing(s, &c)
	l.checkPort(s, &c)
	own := make([]*config.Check, len(written))
	for i, r := range written {
		own[i] = c.with(ask(r))
		if !l.probed(own[i], c, v, r, v.servers[i]) {
			l.say(c.at, Lost, "ldirectord finds no port to check; %s", unchecked)
			return
		}
	}
	if len(written) == 0 {
		own = append(own, c.with(ask(ldReal{})))
	}
	l.about = v.path // the questions of servers have been about these
	v.Check = commonest(own)
	for i, x := range v.servers {
		if own[i].Kind != "" && key(own[i]) != key(v.Check) {
			x.Check = own[i]
		}
	}
	l.at(v.path+" check", l.place(c.at))
}

// commonest returns the check of most servers, of several the first.
func commonest(checks []*config.Check) *config.Check {
	count, most := make(map[string]int), checks[0]
	for _, c := range checks {
		count[key(c)]++
	}
	for _, c := range checks {
		if count[key(c)] > count[key(most)] {
			most = c
		}
	}
	return most
}

// key tells checks apart.
func key(c *config.Check) string { return fmt.Sprintf("%+v", *c) }

// with is a question at the pace of the virtual. With checktype=N the server is asked it now and then, and otherwise has to take a connection.
func (c ldCheck) with(asked config.Check) *config.Check {
	pace := c.pace
	if c.between == 0 || asked.Kind == config.CheckTCP {
		asked.Every, asked.Timeout, asked.Rise, asked.Fall, asked.Fast = pace.Every, pace.Timeout, pace.Rise, pace.Fall, pace.Fast
		return &asked
	}
	connect := config.Check{Kind: config.CheckTCP, Every: pace.Every, Timeout: c.connect, Rise: pace.Rise, Fall: pace.Fall}
	asked.Every = min(pace.Every*time.Duration(c.between+1), seconds(mostSeconds))
	asked.Fast, asked.Timeout, asked.Rise, asked.Fall = pace.Every, pace.Timeout, pace.Rise, pace.Fall
	return &config.Check{Kind: config.CheckAll, Every: pace.Every, Timeout: pace.Timeout, Rise: pace.Rise, Fall: pace.Fall, Of: []config.Check{connect, asked}}
}

// withoutCheck notes what belongs to a check that there is not.
func (l *ldirectord) withoutCheck(s *section, written []ldReal) {
	const what = "it belongs to a check, of which there is none here"
	for _, key := range []string{"checkinterval", "checktimeout", "negotiatetimeout", "failurecount", "checkcount", "checkport", "request", "receive",
		"virtualhost", "httpmethod", "login", "passwd", "secret", "database", "checkcommand"} {
		if d, ok := s.take(key); ok {
			l.say(d, Hint, what)
		}
	}
	for _, r := range eachLine(written) {
		if r.own {
			l.say(r.directive, Hint, "its request: "+what)
		}
	}
}

// eachLine leaves one of the servers of each line.
func eachLine(written []ldReal) []ldReal {
	return slices.CompactFunc(slices.Clone(written), func(a, b ldReal) bool { return a.line == b.line })
}

// unchecked ends the note about a check that there is not.
const unchecked = "the servers count as up without a check"

// asker returns what asks a server, for the checktype; nil if nothing does.
func (l *ldirectord) asker(s *section, c *ldCheck, v *virtual) func(ldReal) config.Check {
	same := func(kind config.CheckKind) func(ldReal) config.Check {
		return func(ldReal) config.Check { return config.Check{Kind: kind} }
	}
	switch c.kind {
	case "negotiate", "combined":
		if c.service == "none" && c.kind == "combined" && v.Protocol != config.UDP {
			return same(config.CheckTCP) // that is all of it that can fail
		}
		if v.Protocol == config.UDP {
			if c.between > 0 {
				l.say(c.at, Changed, "every check asks: a connection by udp says nothing")
			}
			c.between = 0
		}
		return l.negotiation(s, *c, v)
	case "connect":
		if v.Protocol != config.UDP {
			return same(config.CheckTCP)
		}
		l.say(c.at, Hint, "the servers of a udp service are pinged, as ldirectord does")
		c.kind = "ping"
		return same(config.CheckICMP)
	case "ping":
		return same(config.CheckICMP)
	case "external", "external-perl":
		if command := l.command(s, *c, v); command != nil {
			return func(ldReal) config.Check { return config.Check{Kind: config.CheckScript, Command: command} }
		}
	case "on":
		l.say(c.at, Hint, "as in ldirectord %s", unchecked)
	case "off":
		l.say(c.at, Changed, "ldirectord keeps every server out; here they have weight 0 and no check")
	default:
		l.say(c.at, Lost, "ldirectord knows no checktype %q; %s", c.kind, unchecked)
	}
	return nil
}

// timing translates how often, and how long an answer may take. ldirectord's two timeouts stand in for each other.
func (l *ldirectord) timing(s *section, c *ldCheck) config.Check {
	own, every := ldTimes{check: l.number(s, "checktimeout", 0), negotiate: l.number(s, "negotiatetimeout", 0)}, l.times.every
	if d, ok := s.settings["checkinterval"]; ok && !l.forks {
		s.take(d.key)
		l.say(d, Hint, "ldirectord heeds it with fork=yes alone; the interval is %d seconds", every)
	}
	every = min(l.number(s, "checkinterval", every), mostSeconds)
	connect := min(cmp.Or(own.check, own.negotiate, l.times.check, l.times.negotiate, 5), mostSeconds)
	written := cmp.Or(own.negotiate, own.check, l.times.negotiate, l.times.check)
	timeout := min(cmp.Or(written, 30), mostSeconds)
	if c.kind != "negotiate" && c.kind != "combined" {
		written, timeout = connect, connect
	}
	longest := timeout
	if c.between > 0 {
		longest = max(timeout, connect)
	}
	switch {
	case longest <= every:
	case written != 0:
		l.say(s.head, Changed, "an answer may take %d seconds, so a server is asked every %[1]d seconds, not every %d: a check ends before the next begins", longest, every)
		every = longest
	default:
		timeout = every // nobody has asked for ldirectord's half a minute
	}
	c.connect = seconds(min(connect, every))
	pace := config.Check{Every: seconds(every), Timeout: seconds(timeout), Rise: 1, Fall: min(l.number(s, "failurecount", l.times.failures), mostFailures)}
	if c.kind == "ping" {
		if count := l.number(s, "checkcount", l.pings()); count > 1 { // so many pings, one after another, are one failure
			pace.Fall, pace.Fast = pace.Fall*min(count, mostFailures), pace.Timeout
		}
	}
	pace.Fall = min(pace.Fall, mostFailures)
	return pace
}

// pings is the global part's number of pings, which is read for the first virtual that is pinged.
func (l *ldirectord) pings() int {
	if l.times.pings == 0 {
		l.times.pings = l.number(l.global, "checkcount", 1)
	}
	return l.times.pings
}

// mostFailures is the largest fall of a check.
const mostFailures = 1000

// mostSeconds is the longest interval of a check.
const mostSeconds = int(time.Hour / time.Second)

// ldTimes are the timings of ldirectord in seconds, and its counts; 0 is not set.
type ldTimes struct{ every, check, negotiate, failures, pings int }

// checkPort reads which port is asked instead of the servers' own.
func (l *ldirectord) checkPort(s *section, c *ldCheck) {
	d, ok := s.take("checkport")
	if !ok {
		return
	}
	port, err := parsePort(firstWord(d.value))
	switch {
	case err != nil || port == 0:
		l.say(d, Lost, "%q is not a port", d.value)
	case c.kind == "ping" || strings.HasPrefix(c.kind, "external"):
		l.say(d, Hint, "ldirectord heeds it with connect and negotiate alone")
	default:
		c.port = port
	}
}

// probed gives a check the port that is asked, if that is not the one that the server's clients get to: ldirectord asks the one written
// for the real server, though with gate and ipip clients get to the virtual's. It answers false if there is no port.
func (l *ldirectord) probed(check *config.Check, c ldCheck, v *virtual, r ldReal, x *server) bool {
	if check.Kind == config.CheckICMP {
		return true
	}
	port := cmp.Or(c.port, r.port, ldServicePort(c.service))
	if check.Kind == config.CheckScript {
		port = cmp.Or(r.port, v.portOf(x)) // ldirectord tells the program no other
	}
	clients := v.portOf(x)
	if cmp.Or(port, clients) == 0 {
		return check.Kind == config.CheckScript
	}
	for _, asked := range append([]*config.Check{check}, pointers(check.Of)...) {
		if asked.Kind != config.CheckAll && port != 0 && (port != clients || v.Protocol == config.UDP && streams(asked.Kind)) {
			asked.Port = port
		}
	}
	return true
}

func pointers(list []config.Check) []*config.Check {
	var out []*config.Check
	for i := range list {
		out = append(out, &list[i])
	}
	return out
}

// streams reports whether a check of that kind goes over TCP alone, so that with a udp virtual the document wants its port written.
func streams(k config.CheckKind) bool {
	return k == config.CheckHTTP || k == config.CheckSend || k == config.CheckSMTP
}

func firstWord(value string) string {
	words := strings.Fields(value)
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// portOf is the port of a server of v, 0 if it has none of its own and the virtual none or several.
func (v *virtual) portOf(x *server) uint16 {
	if port := x.Address.Port(); port != 0 || len(v.Ports) != 1 {
		return port
	}
	return v.Ports[0]
}
