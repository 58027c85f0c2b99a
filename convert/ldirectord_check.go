package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"polso/config"
)

// ldCheck is what an ldirectord.cf says of how the servers of one virtual are checked.
type ldCheck struct {
	kind    string // connect, negotiate, combined (of the two), ping, external, external-perl, on, off, or what ldirectord refuses
	service string
	at      directive // the line that chose them
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
	}
	return c
}

// check translates how the servers are checked; written has the line of each server of v.
func (l *ldirectord) check(s *section, v *virtual, written []ldReal) {
	c := l.checkOf(s, v)
	kind, ok := l.checkKind(c, v)
	if d, there := s.take("checkcommand"); there && strings.HasPrefix(c.kind, "external") {
		l.say(d, Lost, "no program checks servers")
	} else if there {
		l.say(d, Hint, "ldirectord runs it with checktype external and external-perl alone")
	}
	if c.kind == "off" {
		for _, x := range v.servers {
			x.Weight = 0
		}
	}
	if !ok {
		l.withoutCheck(s, written)
		return
	}
	check := &config.Check{Kind: kind, Rise: 1, Fall: l.number(s, "failurecount", l.times.failures)}
	l.timing(s, check, c.kind == "connect")
	l.probePort(s, check, c, v, written)
	l.dialogue(s, check, c, written)
	if check.Port == 0 && slices.ContainsFunc(v.servers, func(x *server) bool { return v.portOf(x) == 0 }) {
		l.say(c.at, Lost, "ldirectord finds no port to check; %s", unchecked)
		return
	}
	v.Check = check
	l.at(v.path+" check", l.place(c.at))
}

// withoutCheck notes what belongs to a check that there is not.
func (l *ldirectord) withoutCheck(s *section, written []ldReal) {
	const what = "it belongs to a check, of which there is none here"
	for _, key := range []string{"checkinterval", "checktimeout", "negotiatetimeout", "failurecount", "checkport", "request", "receive",
		"virtualhost", "httpmethod", "login", "passwd", "secret", "database"} {
		if d, ok := s.take(key); ok {
			l.say(d, Hint, what)
		}
	}
	for _, r := range eachLine(written) {
		if r.request+r.receive != "" {
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

// checkKind returns the nearest check that there is; false if there is none.
func (l *ldirectord) checkKind(c ldCheck, v *virtual) (config.CheckKind, bool) {
	switch c.kind {
	case "negotiate", "combined":
		return l.negotiation(c, v.Protocol == config.UDP)
	case "connect":
		if v.Protocol != config.UDP {
			return config.CheckTCP, true
		}
		l.say(c.at, Lost, "ldirectord pings the servers of a udp service, and there is no such check; %s", unchecked)
	case "ping":
		l.say(c.at, Lost, "there is no check by ping; %s", unchecked)
	case "external", "external-perl":
		l.say(c.at, Lost, "there is no check by a program of one's own; %s", unchecked)
	case "on":
		l.say(c.at, Hint, "as in ldirectord %s", unchecked)
	case "off":
		l.say(c.at, Changed, "ldirectord keeps every server out; here they have weight 0 and no check")
	default:
		l.say(c.at, Lost, "ldirectord knows no checktype %q; %s", c.kind, unchecked)
	}
	return "", false
}

// negotiation is the nearest check to one that speaks the service's protocol.
func (l *ldirectord) negotiation(c ldCheck, udp bool) (config.CheckKind, bool) {
	switch {
	case c.service == "none":
		l.say(c.at, Hint, "as in ldirectord, which has no service to negotiate with, %s", unchecked)
		return "", false
	case c.service == "http", c.service == "https":
		if c.kind == "combined" {
			l.say(c.at, Changed, "every check asks for the page, not only one of several")
		}
		return config.CheckHTTP, true
	case !udp:
		l.say(c.at, Changed, "there is no check that speaks %s; it is checked that connections are accepted", c.service)
	case c.service == "dns":
		l.say(c.at, Changed, "there is no check that asks a name server; it is checked that TCP connections to its port are accepted")
	default:
		l.say(c.at, Lost, "there is no check that speaks %s; %s", c.service, unchecked)
		return "", false
	}
	return config.CheckTCP, true
}

// timing translates how often, and how long an answer may take. ldirectord's two timeouts stand in for each other.
func (l *ldirectord) timing(s *section, check *config.Check, connect bool) {
	own, every := ldTimes{check: l.number(s, "checktimeout", 0), negotiate: l.number(s, "negotiatetimeout", 0)}, l.times.every
	if d, ok := s.settings["checkinterval"]; ok && !l.forks {
		s.take(d.key)
		l.say(d, Hint, "ldirectord heeds it with fork=yes alone; the interval is %d seconds", every)
	}
	every = min(l.number(s, "checkinterval", every), mostSeconds)
	written := cmp.Or(own.negotiate, own.check, l.times.negotiate, l.times.check)
	if connect {
		written = cmp.Or(own.check, own.negotiate, l.times.check, l.times.negotiate, 5)
	}
	timeout := min(cmp.Or(written, 30), mostSeconds)
	switch {
	case timeout <= every:
	case written != 0:
		l.say(s.head, Changed, "an answer may take %d seconds, so a server is asked every %[1]d seconds, not every %d: a check ends before the next begins", timeout, every)
		every = timeout
	default:
		timeout = every // nobody has asked for ldirectord's half a minute
	}
	check.Every, check.Timeout = time.Duration(every)*time.Second, time.Duration(timeout)*time.Second
}

// mostSeconds is the longest interval of a check.
const mostSeconds = int(time.Hour / time.Second)

// ldTimes are the timings of ldirectord in seconds; 0 is not set.
type ldTimes struct{ every, check, negotiate, failures int }

// probePort translates which port is asked: ldirectord asks the one written for the real server, though with gate and ipip
// clients get to the virtual's.
func (l *ldirectord) probePort(s *section, check *config.Check, c ldCheck, v *virtual, written []ldReal) {
	if d, ok := s.take("checkport"); ok {
		if port, err := parsePort(firstWord(d.value)); err == nil && port != 0 {
			if slices.ContainsFunc(v.servers, func(x *server) bool { return v.portOf(x) != port }) {
				check.Port = port
			}
			return
		}
		l.say(d, Lost, "%q is not a port", d.value)
	}
	asked := make(map[uint16]bool)
	own := true // each server is asked at the port that its clients get to
	for i, r := range written {
		port := r.port
		if port == 0 {
			port = ldServicePort(c.service)
		}
		asked[port] = true
		own = own && port == v.portOf(v.servers[i])
	}
	if own {
		return
	}
	for port := range asked {
		if len(asked) == 1 {
			check.Port = port
			return
		}
	}
	l.say(s.head, Changed, "ldirectord asks each server at the port written beside it; here every server is asked at its own port")
}

// dialogue translates what is asked and what is expected.
func (l *ldirectord) dialogue(s *section, check *config.Check, c ldCheck, written []ldReal) {
	request, asks := s.take("request")
	ask := path(commonRequest(request.quoted(), written))
	for _, r := range eachLine(written) {
		switch {
		case r.request != "" && (check.Kind != config.CheckHTTP || path(r.request) != ask):
			l.say(r.directive, Lost, "a request of this server's own: there is one check for all servers of a virtual")
		case r.receive != "":
			l.say(r.directive, Lost, "what the answer must contain is not looked at")
		}
	}
	if d, ok := s.take("receive"); ok {
		l.say(d, Lost, "what the answer must contain is not looked at")
	}
	for _, key := range []string{"login", "passwd", "secret", "database"} {
		if d, ok := s.take(key); ok {
			l.say(d, Lost, "no check logs in")
		}
	}
	switch {
	case !asks:
	case check.Kind != config.CheckHTTP:
		l.say(request, Lost, "nothing is asked: it is checked that connections are accepted")
	case path(request.quoted()) != ask:
		l.say(request, Hint, "no server is asked for it: each has a request of its own")
	}
	if check.Kind != config.CheckHTTP {
		for _, key := range []string{"virtualhost", "httpmethod"} {
			if d, ok := s.take(key); ok {
				l.say(d, Hint, "it belongs to a check over http")
			}
		}
		return
	}
	check.TLS = c.service == "https"
	check.NoVerify = check.TLS // ldirectord looks at no certificate
	check.Path = ask
	// ldirectord follows a redirect and wants success in the end; who redirects is alive.
	check.Status = []config.StatusRange{{From: 200, To: 399}}
	if d, ok := s.take("virtualhost"); ok {
		check.Host = strings.Trim(d.value, `"`)
	}
	if d, ok := s.take("httpmethod"); ok && !strings.EqualFold(firstWord(d.value), "GET") {
		l.say(d, Changed, "the page is asked for with GET")
	}
}

// commonRequest is what the servers are asked for: the one request that they all have of their own, or else the virtual's.
func commonRequest(ask string, written []ldReal) string {
	if len(written) == 0 || slices.ContainsFunc(written, func(r ldReal) bool { return r.request == "" || r.request != written[0].request }) {
		return ask
	}
	return written[0].request
}

// path is a request as a document wants it: ldirectord sets a slash in front, and its library escapes what cannot stand in a URL.
func path(request string) string {
	var b strings.Builder
	if !strings.HasPrefix(request, "/") {
		b.WriteByte('/')
	}
	for _, c := range []byte(request) {
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
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
