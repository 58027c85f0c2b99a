package convert

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"polso/config"
)

// kaChecker is a kind of checker.
type kaChecker struct {
	rank   int              // which one stays when a server has several
	kind   config.CheckKind // "": it has no counterpart, and a tcp connect stands in where there is a port
	tls    bool
	said   kaSaid
	timing kaTiming // its own defaults
}

func kaCheckers() map[string]kaChecker {
	retries := func(n int, pause time.Duration) kaTiming { return kaTiming{-1, -1, pause, n} }
	second := retries(1, time.Second)
	return map[string]kaChecker{
		"HTTP_GET":   {rank: 3, kind: config.CheckHTTP, timing: retries(1, 3*time.Second)},
		"SSL_GET":    {rank: 3, kind: config.CheckHTTP, tls: true, timing: retries(1, 3*time.Second)},
		"TCP_CHECK":  {rank: 2, kind: config.CheckTCP, timing: second},
		"SMTP_CHECK": {rank: 1, kind: config.CheckTCP, timing: second, said: kaSaid{Changed, "nobody waits for the greeting; a tcp connect stands in"}},
		"PING_CHECK": {timing: second, said: kaSaid{Changed, "nobody pings"}},
		"UDP_CHECK":  {timing: second, said: kaSaid{Lost, "Polso does not ask by UDP"}},
		"DNS_CHECK":  {timing: retries(3, -1), said: kaSaid{Lost, "Polso asks no name servers"}},
		"MISC_CHECK": {timing: retries(0, time.Second), said: kaSaid{Lost, kaNoScript}},
		"BFD_CHECK":  {timing: second, said: kaSaid{Lost, "Polso has no BFD"}},
		"FILE_CHECK": {timing: second, said: kaSaid{Lost, "Polso watches no files"}},
	}
}

// kaDefaults are those of every checker.
func kaDefaults() kaTiming { return kaTiming{time.Minute, 5 * time.Second, -1, 1} }

// kaCheck is a checker of a server.
type kaCheck struct {
	node    *kaNode
	kind    kaChecker
	check   *config.Check // Port 0: the one written for the server; nil: there is nothing that Polso could ask
	remarks []kaRemark    // about its statements
	timing  []kaRemark    // about when it asks
}

// kaReading is a checker as its statements are read.
type kaReading struct {
	kaCheck
	when kaTiming
	pace place // where delay_before_retry stands
	port uint16
	host string
}

// checker reads a checker of s.
func (v *kaVirtual) checker(s *kaServer, n *kaNode) kaCheck {
	r := &kaReading{kaCheck: kaCheck{node: n, kind: v.k.checkers[n.words[0]]}, when: kaNoTiming(), pace: n.at, port: s.port}
	r.check = &config.Check{Kind: r.kind.kind, TLS: r.kind.tls, NoVerify: r.kind.tls} // keepalived looks at no certificate
	statements := r.when.statements()
	statements["delay_before_retry"] = r.pacing(statements["delay_before_retry"])
	statements["connect_port"] = kaCount(1, 65535, func(n int) { r.port = uint16(n) })
	statements["connect_ip"] = kaOne(func(value string) kaSaid {
		if a, err := netip.ParseAddr(value); err == nil && a == s.addr {
			return kaSaid{}
		}
		return kaSaid{Lost, "a check asks the server at its own address"}
	})
	switch {
	case r.kind.kind == config.CheckHTTP:
		v.http(r, statements)
	case n.words[0] == "SMTP_CHECK":
		v.smtp(r, s, statements)
	case r.kind.kind == "":
		for word := range strings.FieldsSeq("misc_path misc_timeout misc_dynamic user type name payload require_reply min_reply_length max_reply_length track_file weight dynamic") {
			statements[word] = func(*kaNode) kaSaid { return kaSaid{Hint, "goes with " + n.words[0]} }
		}
		r.check.Kind = config.CheckTCP
		if v.protocol != config.TCP || r.port == 0 {
			r.check = nil
		}
	}
	r.remarks = append(r.remarks, kaRead(n, statements, v.k.words.check)...)
	if r.check == nil {
		return r.kaCheck
	}
	if r.check.Kind == config.CheckHTTP {
		r.check.Host = cmp.Or(r.check.Host, r.host, s.host, v.host)
		if len(r.check.Status) == 0 {
			r.check.Status = []config.StatusRange{{From: 200, To: 299}}
		}
		if r.check.Path == "" {
			r.check = nil
			r.kind.said = kaSaid{Lost, "it has no url with a path"}
			return r.kaCheck
		}
	}
	if r.port != s.port {
		r.check.Port = r.port
	}
	t := r.when.or(s.timing).or(v.timing).or(r.kind.timing).or(kaDefaults())
	for _, said := range t.apply(r.check) {
		r.timing = append(r.timing, kaRemark{r.pace, said})
	}
	return r.kaCheck
}

// pacing remembers where the pace after a failure is said.
func (r *kaReading) pacing(read func(*kaNode) kaSaid) func(*kaNode) kaSaid {
	return func(n *kaNode) kaSaid { r.pace = n.at; return read(n) }
}

// smtp reads what SMTP_CHECK has of its own: hosts that are asked instead of the server.
func (v *kaVirtual) smtp(r *kaReading, s *kaServer, statements kaStatements) {
	statements["helo_name"] = func(*kaNode) kaSaid { return kaSaid{Hint, "nobody greets"} }
	statements["host"] = func(n *kaNode) kaSaid {
		for _, n := range n.nodes {
			if a, err := netip.ParseAddr(n.word(0)); n.words[0] == "connect_ip" && (err != nil || a != s.addr) {
				return kaSay(Lost, "a check asks the server at its own address, not %s", n.word(0))
			}
		}
		r.remarks = append(r.remarks, kaRead(n, statements, v.k.words.check)...)
		return kaSaid{}
	}
}

// http reads what HTTP_GET and SSL_GET have of their own. The first url is what is asked.
func (v *kaVirtual) http(r *kaReading, statements kaStatements) {
	asked := false
	statements["virtualhost"] = kaSet(func(value string) { r.host = value })
	statements["enable_sni"] = func(*kaNode) kaSaid { return kaSaid{} } // host is the name asked for
	statements["sni_name"] = kaSaid{Changed, "over TLS the name asked for is that of virtualhost"}.always()
	statements["url"] = func(n *kaNode) kaSaid {
		if asked {
			return kaSay(Changed, "a check asks one path: %s", r.check.Path)
		}
		asked = true
		r.remarks = append(r.remarks, kaRead(n, kaStatements{
			"path":        kaSet(func(value string) { r.check.Path = value }),
			"virtualhost": kaSet(func(value string) { r.check.Host = value }),
			"status_code": func(n *kaNode) kaSaid { return kaStatus(n, &r.check.Status) },
		}, v.k.words.url)...)
		return kaSaid{}
	}
}

// kaStatus reads status codes and ranges of them.
func kaStatus(n *kaNode, status *[]config.StatusRange) kaSaid {
	for _, word := range n.words[1:] {
		first, last, ranged := strings.Cut(word, "-")
		if !ranged {
			last = first
		}
		from, errFrom := strconv.Atoi(first)
		to, errTo := strconv.Atoi(last)
		if errFrom != nil || errTo != nil || from < 100 || to > 599 || from > to {
			*status = nil
			return kaSay(Changed, "%q is not a status from 100 to 599; 200-299 is good", word)
		}
		*status = append(*status, config.StatusRange{From: from, To: to})
	}
	if len(*status) == 0 {
		return kaSaid{Lost, "it has no value"}
	}
	return kaSaid{}
}
