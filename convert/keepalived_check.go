package convert

import (
	"cmp"
	"net/netip"
	"strings"
	"time"

	"polso/config"
)

// kaChecker is a kind of checker.
type kaChecker struct {
	kind   config.CheckKind // "": it has no counterpart, and a tcp connect stands in where there is a port
	tls    bool
	read   func(*kaVirtual, *kaReading, *kaServer, kaStatements) // adds what it has of its own
	idle   string                                                // its words that mean nothing where it has no counterpart
	said   kaSaid
	timing kaTiming // its own defaults
}

func kaCheckers() map[string]kaChecker {
	retries := func(n int, pause time.Duration) kaTiming { return kaTiming{-1, -1, pause, n} }
	second := retries(1, time.Second)
	return map[string]kaChecker{
		"HTTP_GET":   {kind: config.CheckHTTP, read: (*kaVirtual).http, timing: retries(1, 3*time.Second)},
		"SSL_GET":    {kind: config.CheckHTTP, tls: true, read: (*kaVirtual).http, timing: retries(1, 3*time.Second)},
		"TCP_CHECK":  {kind: config.CheckTCP, timing: second},
		"SMTP_CHECK": {kind: config.CheckSMTP, read: (*kaVirtual).smtp, timing: second},
		"PING_CHECK": {kind: config.CheckICMP, timing: second},
		"UDP_CHECK":  {kind: config.CheckUDP, read: (*kaVirtual).udp, timing: second},
		"DNS_CHECK":  {kind: config.CheckDNS, read: (*kaVirtual).dns, timing: retries(3, -1)},
		"MISC_CHECK": {kind: config.CheckScript, read: (*kaVirtual).misc, timing: retries(0, time.Second)},
		"BFD_CHECK":  {idle: "name", timing: second, said: kaSaid{Lost, "Polso has no BFD; an icmp check asks the host, every 100ms if need be"}},
		"FILE_CHECK": {idle: "track_file weight dynamic", timing: second,
			said: kaSaid{Lost, "Polso reads no numbers from files; a script check can, and say a weight by its exit status"}},
	}
}

// kaDefaults are those of every checker.
func kaDefaults() kaTiming { return kaTiming{time.Minute, 5 * time.Second, -1, 1} }

// kaCheck is a checker of a server.
type kaCheck struct {
	node    *kaNode
	kind    kaChecker
	parts   []config.Check // what it asks, with Port 0 for the one written for the server; none: there is no counterpart
	alpha   *kaNode        // where it says that the server is down at first
	remarks []kaRemark     // about its statements
}

// kaReading is a checker as its statements are read.
type kaReading struct {
	kaCheck
	check config.Check // what every part has
	when  kaTiming
	pace  place // where delay_before_retry stands
	port  uint16
	host  string
}

// checker reads a checker of s.
func (v *kaVirtual) checker(s *kaServer, n *kaNode) kaCheck {
	r := &kaReading{kaCheck: kaCheck{node: n, kind: v.k.checkers[n.words[0]]}, when: kaNoTiming(), pace: n.at, port: s.port}
	r.check = config.Check{Kind: r.kind.kind, TLS: r.kind.tls, NoVerify: r.kind.tls} // keepalived looks at no certificate
	statements := r.when.statements()
	statements["delay_before_retry"] = r.pacing(statements["delay_before_retry"])
	statements["connect_port"] = kaCount(1, 65535, func(n int) { r.port = uint16(n) })
	statements["connect_ip"] = kaOne(func(value string) kaSaid {
		if a, err := netip.ParseAddr(value); err == nil && a == s.addr {
			return kaSaid{}
		}
		return kaSaid{Lost, "a check asks the server at its own address"}
	})
	statements["alpha"] = kaYes(func(yes bool) {
		if r.alpha = nil; yes {
			r.alpha = n.statement("alpha")
		}
	})
	if r.kind.read != nil {
		r.kind.read(v, r, s, statements)
	}
	for word := range strings.FieldsSeq(r.kind.idle) {
		statements[word] = func(*kaNode) kaSaid { return kaSaid{Hint, "goes with " + n.words[0]} }
	}
	r.remarks = append(r.remarks, kaRead(n, statements, v.k.words.check)...)
	if r.check.Kind == config.CheckHTTP && r.parts == nil {
		r.nothing(kaSaid{Lost, "it has no url with a path"})
	}
	if r.check.Kind == "" {
		return r.kaCheck
	}
	r.finish(v, s)
	return r.kaCheck
}

// finish fills in what all parts have.
func (r *kaReading) finish(v *kaVirtual, s *kaServer) {
	if r.parts == nil {
		r.parts = []config.Check{r.check}
	}
	t := r.when.or(s.timing).or(v.timing).or(r.kind.timing).or(kaDefaults())
	if r.check.Kind == config.CheckScript { // whose own time is the one that counts
		t.timeout = cmp.Or(max(r.when.timeout, 0), t.every)
	}
	var said []kaSaid
	for i := range r.parts {
		c := &r.parts[i]
		if c.Kind == config.CheckHTTP {
			c.Host = cmp.Or(c.Host, r.host, s.host, v.host)
			c.Version, c.ServerName, c.ClientCert, c.ClientKey = r.check.Version, r.check.ServerName, r.check.ClientCert, r.check.ClientKey
		}
		if c.Port == 0 && r.port != s.port {
			c.Port = r.port
		}
		said = t.apply(c)
	}
	for _, said := range said {
		r.remarks = append(r.remarks, kaRemark{r.pace, said})
	}
}

// pacing remembers where the pace after a failure is said.
func (r *kaReading) pacing(read func(*kaNode) kaSaid) func(*kaNode) kaSaid {
	return func(n *kaNode) kaSaid { r.pace = n.at; return read(n) }
}

// nothing says why there is nothing to ask.
func (r *kaReading) nothing(why kaSaid) {
	r.check.Kind, r.parts, r.kind.said = "", nil, why
}
