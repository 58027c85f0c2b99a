package convert

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"polso/config"
)

// ldQuestion is what a server is asked and what it has to answer, with the lines that say so: the virtual's, or the server's own.
type ldQuestion struct {
	request, receive     string // request without the slash that ldirectord sets in front; receive "": anything
	requestAt, receiveAt directive
	asks, wants          bool // the lines are there
}

// ldTalk is what a virtual says of how a service is spoken to, beside the question.
type ldTalk struct {
	service  string
	protocol config.Protocol
	host     string // virtualhost
	method   string // "": GET
	user     string // who signs in without a password; "": nobody
}

// negotiation returns what asks a server in the service's protocol; nil if nothing can.
func (l *ldirectord) negotiation(s *section, c ldCheck, v *virtual) func(ldReal) config.Check {
	switch c.service {
	case "none":
		l.say(c.at, Hint, "as in ldirectord, which has no service to negotiate with, %s", unchecked)
		return nil
	case "radius":
		l.say(c.at, Lost, `there is no check that speaks radius: %s; a check "script" can run radclient`, unchecked)
		return nil
	}
	_, asks := s.settings["request"]
	_, wants := s.settings["receive"]
	if c.service == "dns" && !(asks && wants) && !everyOwn(s) {
		l.say(c.at, Lost, "without a request and a receive ldirectord takes every name server for down; %s", unchecked)
		return nil
	}
	shared := ldQuestion{}
	shared.requestAt, shared.asks = s.take("request")
	shared.receiveAt, shared.wants = s.take("receive")
	shared.request, shared.receive = strings.TrimLeft(shared.requestAt.quoted(), "/"), shared.receiveAt.quoted()
	if len(s.reals) > 0 && everyOwn(s) {
		for d, there := range map[*directive]bool{&shared.requestAt: shared.asks, &shared.receiveAt: shared.wants} {
			if there {
				l.say(*d, Hint, "no server is asked by it: each has a request of its own")
			}
		}
	}
	talk := l.talk(s, c, v)
	known := make(map[int]config.Check) // by line: a range of servers is asked alike, and notes are said once
	return func(r ldReal) config.Check {
		q, line := shared, 0
		if r.own {
			q = ldQuestion{strings.TrimLeft(r.request, "/"), r.receive, r.directive, r.directive, true, r.receive != ""}
			line = r.line
		}
		check, ok := known[line]
		if !ok {
			check = l.question(talk, q, c.at)
			known[line] = check
		}
		return check
	}
}

// everyOwn reports whether each server line of the virtual has a question of its own.
func everyOwn(s *section) bool {
	for _, d := range s.reals {
		if r, err := parseReal(d); err == nil && !r.own {
			return false
		}
	}
	return true
}

// talk reads what belongs to one service or another. No password goes into a document.
func (l *ldirectord) talk(s *section, c ldCheck, v *virtual) ldTalk {
	t := ldTalk{service: c.service, protocol: v.Protocol}
	web := c.service == "http" || c.service == "https"
	if d, ok := s.take("virtualhost"); ok && web {
		t.host = strings.Trim(d.value, `"`)
	} else if ok {
		l.say(d, Hint, "it belongs to a check over http")
	}
	if d, ok := s.take("httpmethod"); ok && (web || c.service == "http_proxy") {
		if strings.EqualFold(firstWord(d.value), "HEAD") {
			t.method = "HEAD"
		}
	} else if ok {
		l.say(d, Hint, "it belongs to a check over http")
	}
	_, secret := s.settings["passwd"]
	for _, key := range []string{"login", "passwd", "secret", "database"} {
		d, ok := s.take(key)
		sql := c.service == "mysql" || c.service == "pgsql"
		switch {
		case !ok:
		case key == "login" && sql && !secret:
			t.user = d.quoted()
		case c.service == "sip":
			l.say(d, Hint, "the check says OPTIONS in its own name")
		case ldSignsIn(c.service, key):
			l.say(d, Lost, `no check signs in with a password, or asks a database: that the server answers is enough, or write a check "script"`)
		default:
			l.say(d, Hint, "ldirectord does nothing with it here")
		}
	}
	return t
}

// ldSignsIn reports whether ldirectord uses a setting to sign in to a service.
func ldSignsIn(service, key string) bool {
	switch key {
	case "secret":
		return false // radius has it
	case "database":
		return service == "mysql" || service == "pgsql" || service == "oracle"
	}
	switch service {
	case "ftp", "imap", "imaps", "pop", "pops", "ldap", "ldaps", "mysql", "pgsql", "oracle":
		return true
	}
	return false
}

// question is the check that asks q.
func (l *ldirectord) question(t ldTalk, q ldQuestion, at directive) config.Check {
	send := func(text, expect string, tls bool) config.Check {
		return config.Check{Kind: config.CheckSend, Send: text, Expect: expect, TLS: tls, NoVerify: tls} // ldirectord looks at no certificate
	}
	switch t.service {
	case "http", "https":
		return l.web(t, q)
	case "http_proxy":
		return l.proxy(t, q)
	case "dns":
		return l.nameServer(t, q)
	case "simpletcp":
		return l.text(t, q)
	}
	l.unasked(t, q)
	switch t.service {
	case "smtp", "submission":
		return config.Check{Kind: config.CheckSMTP}
	case "pop":
		return config.Check{Kind: config.CheckPOP3}
	case "pops":
		return send("", "+OK", true)
	case "imap":
		return config.Check{Kind: config.CheckIMAP}
	case "imaps":
		return send("", "* OK", true)
	case "ftp":
		return config.Check{Kind: config.CheckFTP}
	case "ldap":
		return config.Check{Kind: config.CheckLDAP}
	case "ldaps": // an anonymous bind, and that it is taken or not wanted
		return send(`\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00`, `~(?s)^0(.|.....)\x02\x01\x01a(.|.....)\x0a\x01[\x00\x08\x30]`, true)
	case "nntp":
		return send("", "2", false)
	case "sip":
		if t.protocol == config.UDP {
			return config.Check{Kind: config.CheckSIP}
		}
		return config.Check{Kind: config.CheckSIPTCP}
	case "mysql":
		return config.Check{Kind: config.CheckMySQL, User: t.user}
	case "pgsql":
		return config.Check{Kind: config.CheckPostgreSQL, User: t.user}
	}
	l.say(at, Changed, `there is no check that speaks %s, so connections have to be taken; a check "script" can run the vendor's client`, t.service)
	return config.Check{Kind: config.CheckTCP}
}

// unasked notes the question of a service whose check has one of its own.
func (l *ldirectord) unasked(t ldTalk, q ldQuestion) {
	level, what := Hint, "ldirectord does nothing with it here"
	switch t.service {
	case "ftp", "ldap", "ldaps", "mysql", "pgsql", "oracle":
		level, what = Lost, fmt.Sprintf(`nothing is fetched: the check is that %s answers; a check "script" can run its client`, t.service)
	}
	if q.asks {
		l.say(q.requestAt, level, "%s", what)
	}
	if q.wants && (!q.asks || q.receiveAt.line != q.requestAt.line) {
		l.say(q.receiveAt, level, "%s", what)
	}
}

// web asks for a page. ldirectord's library follows redirects wherever they lead, and wants success in the end; a check follows them on
// the same server, and who redirects elsewhere is up.
func (l *ldirectord) web(t ldTalk, q ldQuestion) config.Check {
	c := config.Check{
		Kind: config.CheckHTTP, Path: path(q.request), Host: t.host, Method: t.method, Redirects: 7,
		Status: []config.StatusRange{{From: 200, To: 399}}, TLS: t.service == "https", NoVerify: t.service == "https",
	}
	if q.requestAt.key == "real" || q.requestAt.key == "real6" {
		if u, err := url.Parse(q.request); err == nil && u.Scheme == t.service && u.Host != "" {
			l.say(q.requestAt, Changed, "ldirectord asks %s, whichever server that is; here the server itself is asked", u.Host)
			c.Path = path(strings.TrimPrefix(u.RequestURI(), "/"))
			if c.Host == "" {
				c.Host = u.Hostname()
			}
		}
	}
	switch {
	case !q.wants:
	case c.Method == "HEAD":
		l.say(q.receiveAt, Lost, "the answer to HEAD has no content, so ldirectord takes every server for down; remove httpmethod, or this")
	default:
		c.Matches = l.expression(q)
	}
	return c
}

// expression is what the answer has to match; "" if a check cannot.
func (l *ldirectord) expression(q ldQuestion) string {
	e := q.receive
	if end, ok := strings.CutSuffix(e, "$"); ok && !strings.HasSuffix(end, `\`) {
		e = end + `\n?$` // Perl's $ stands in front of the last line end too
	}
	if _, err := regexp.Compile(e); err != nil || len(e) > mostExpression {
		l.say(q.receiveAt, Lost, "what the answer must contain is not looked at: the expression is none of RE2, which has no look-around and no back-references")
		return ""
	}
	return e
}

// mostExpression leaves room in the longest text that a check takes.
const mostExpression = 900

// proxy asks a proxy for a page elsewhere.
func (l *ldirectord) proxy(t ldTalk, q ldQuestion) config.Check {
	u, err := url.Parse(q.request)
	if err != nil || u.Scheme != "http" || u.Host == "" || len(q.request) > mostExpression/2 {
		l.say(q.requestAt, Lost, "it is not the whole address of a page, http://HOST/PATH; connections have to be taken")
		return config.Check{Kind: config.CheckTCP}
	}
	method := "GET"
	if t.method != "" {
		method = t.method
	}
	c := config.Check{Kind: config.CheckSend, Expect: `~^HTTP/1\.[01] [23]`}
	c.Send = escaped(fmt.Sprintf("%s %s HTTP/1.0\r\nHost: %s\r\n\r\n", method, u, u.Host))
	if q.wants {
		if e := l.expression(q); e != "" {
			c.Expect = `~(?s)^HTTP/1\.[01] [23].*?\r?\n\r?\n.*(?:` + e + ")"
		}
	}
	return c
}

// text sends a text, and looks for what is expected in each line of the answer.
func (l *ldirectord) text(t ldTalk, q ldQuestion) config.Check {
	c := config.Check{Kind: config.CheckSend, Send: escaped(strings.ReplaceAll(q.request, `\n`, "\n")), Expect: "*"}
	if t.protocol == config.UDP && c.Send != "" {
		c.Kind = config.CheckUDP
	}
	if q.wants {
		if e := l.expression(ldQuestion{receive: q.receive, receiveAt: q.receiveAt}); e != "" {
			c.Expect = "~(?m)" + e
		}
	}
	if len(c.Send) > mostExpression {
		l.say(q.requestAt, Lost, "longer than a check sends; connections have to be taken")
		return config.Check{Kind: config.CheckTCP}
	}
	return c
}

// escaped is a text as send has it.
func escaped(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// nameServer asks for an address of a name, or for the name of an address.
func (l *ldirectord) nameServer(t ldTalk, q ldQuestion) config.Check {
	c := config.Check{Kind: config.CheckDNS, Query: q.request, Type: "A"}
	if a, err := netip.ParseAddr(q.request); err == nil {
		c.Query, c.Type = reverse(a), "PTR"
	}
	if t.protocol == config.TCP {
		l.say(q.requestAt, Changed, "ldirectord asks over TCP, and the check over UDP as long as the answer fits")
	}
	plain := strings.ReplaceAll(strings.Trim(q.receive, "^$"), `\.`, ".")
	a, err := netip.ParseAddr(plain)
	switch {
	case !dnsName.MatchString(c.Query) || len(c.Query) > longestHost:
		l.say(q.requestAt, Lost, "%q is no name of the DNS; connections have to be taken", c.Query)
		return config.Check{Kind: config.CheckTCP}
	case !q.wants:
		l.say(q.requestAt, Changed, "ldirectord takes a server for down without a receive; here any answer will do")
	case c.Type == "A" && err == nil && a.Is4(), c.Type == "PTR" && dnsName.MatchString(plain):
		c.Answer = plain
	default:
		l.say(q.receiveAt, Lost, "an answer is compared with one value, not with an expression; any answer will do")
	}
	return c
}

// dnsName is a name as a check of kind dns asks for it.
var dnsName = regexp.MustCompile(`^([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?$`)

const longestHost = 253

// reverse is the name that an address has in the DNS.
func reverse(a netip.Addr) string {
	var b strings.Builder
	bytes := a.Unmap().AsSlice()
	for i := len(bytes) - 1; i >= 0; i-- {
		if a.Unmap().Is4() {
			fmt.Fprintf(&b, "%d.", bytes[i])
		} else {
			fmt.Fprintf(&b, "%x.%x.", bytes[i]&15, bytes[i]>>4)
		}
	}
	if a.Unmap().Is4() {
		return b.String() + "in-addr.arpa"
	}
	return b.String() + "ip6.arpa"
}

// path is a request as a document wants it: ldirectord sets a slash in front, and its library escapes what cannot stand in a URL.
func path(request string) string {
	var b strings.Builder
	b.WriteByte('/')
	for _, c := range []byte(request) {
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
