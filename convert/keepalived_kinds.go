package convert

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// smtp reads what SMTP_CHECK has of its own: hosts that are asked instead of the server.
func (v *kaVirtual) smtp(r *kaReading, s *kaServer, statements kaStatements) {
	statements["helo_name"] = func(*kaNode) kaSaid { return kaSaid{Hint, "a check says EHLO with a name of its own"} }
	statements["host"] = func(n *kaNode) kaSaid {
		part := r.check
		for _, n := range n.nodes {
			if a, err := netip.ParseAddr(n.word(0)); n.words[0] == "connect_ip" && (err != nil || a != s.addr) {
				return kaSay(Lost, "a check asks the server at its own address, not %s; make it a server of its own, or ask there by a script check", n.word(0))
			}
		}
		r.remarks = append(r.remarks, kaRead(n, kaStatements{
			"connect_ip":   func(*kaNode) kaSaid { return kaSaid{} },
			"connect_port": kaCount(1, 65535, func(n int) { part.Port = uint16(n) }),
		}, v.k.words.check)...)
		r.parts = append(r.parts, part)
		return kaSaid{}
	}
}

// dns reads what DNS_CHECK has of its own.
func (v *kaVirtual) dns(r *kaReading, _ *kaServer, statements kaStatements) {
	r.check.Query, r.check.Type = ".", "SOA"
	statements["name"] = kaOne(func(value string) kaSaid {
		if strings.Trim(value, ".") != "" && legal(value) != value || len(value) > 253 {
			return kaSay(Lost, "%q is no name of the DNS; a check asks for %q", value, r.check.Query)
		}
		r.check.Query = value
		return kaSaid{}
	})
	statements["type"] = kaOne(func(value string) kaSaid {
		if !strings.Contains(" A NS CNAME SOA MX TXT AAAA ", " "+value+" ") {
			return kaSay(Lost, "no type of record is called %q; a check asks for %s", value, r.check.Type)
		}
		r.check.Type = value
		return kaSaid{}
	})
}

// udp reads what UDP_CHECK has of its own. Without a payload keepalived sends a datagram of nothing.
func (v *kaVirtual) udp(r *kaReading, _ *kaServer, statements kaStatements) {
	const most = 1024 / len(`\x00`) // bytes that a check can write
	r.check.Send = `\n`
	payload := false
	statements["payload"] = func(n *kaNode) kaSaid {
		text, masked, ok := kaHex(strings.Join(n.words[1:], " "))
		if !ok || masked || len(text) > most*len(`\x00`) {
			return kaSay(Lost, "not bytes in hexadecimal, or more than %d", most)
		}
		r.check.Send, payload = text, true
		return kaSaid{}
	}
	statements["require_reply"] = func(n *kaNode) kaSaid {
		r.check.Expect = "*"
		if len(n.words) == 1 {
			return kaSaid{}
		}
		text, masked, ok := kaHex(strings.Join(n.words[1:], " "))
		switch {
		case !ok || len(text) > most*len(`\x00`):
			return kaSay(Lost, "not bytes in hexadecimal, or more than %d; any answer will do", most)
		case masked:
			r.check.Expect = text
			if text == "" {
				r.check.Expect = "*"
			}
			return kaSaid{Changed, "an answer is compared up to the first x"}
		}
		r.check.Expect = text
		return kaSaid{}
	}
	for _, word := range []string{"min_reply_length", "max_reply_length"} {
		statements[word] = func(*kaNode) kaSaid { return kaSaid{Changed, "an answer may be of any length"} }
	}
	if r.node.statement("payload") == nil && !payload {
		r.remarks = append(r.remarks, kaRemark{r.node.at, kaSaid{Changed, "keepalived sends nothing in a datagram, a check the end of a line: write what the server answers to"}})
	}
}

// kaHex reads bytes in hexadecimal, with blanks between them and x for any digit; what stands behind the first x is left out.
// The text is written as a check writes bytes.
func kaHex(s string) (text string, masked, ok bool) {
	var b strings.Builder
	for word := range strings.FieldsSeq(s) {
		for len(word) > 0 {
			digits := word[:min(2, len(word))]
			word = word[len(digits):]
			wild := strings.ContainsAny(digits, "xX")
			n, err := strconv.ParseUint(strings.NewReplacer("x", "0", "X", "0").Replace(digits), 16, 8)
			if err != nil {
				return "", false, false
			}
			if masked = masked || wild; !masked {
				fmt.Fprintf(&b, `\x%02x`, n)
			}
		}
	}
	return b.String(), masked, b.Len() > 0 || masked
}

// misc reads what MISC_CHECK has of its own. Without misc_dynamic every exit status but 0 is down, which is what a check with an
// expectation has.
func (v *kaVirtual) misc(r *kaReading, s *kaServer, statements kaStatements) {
	user := v.k.user
	if n := r.node.statement("user"); n != nil && n.word(0) != "" {
		user = n.word(0)
	}
	r.check.Expect = "~.*"
	statements["user"] = kaSet(func(string) {})
	statements["misc_dynamic"] = func(*kaNode) kaSaid { r.check.Expect = ""; return kaSaid{} }
	statements["misc_timeout"] = kaTimer(r.when.setTimeout)
	statements["connect_timeout"] = kaSaid{Hint, "a script has misc_timeout"}.always()
	statements["misc_path"] = func(n *kaNode) kaSaid {
		script, said := v.k.script(&kaNode{at: n.at, words: n.words[:min(len(n.words), 2)]}, user)
		if r.check.Command, r.check.User = kaTargeted(script.command, s), script.user; script.command == nil {
			r.nothing(said)
			return kaSaid{}
		}
		if strings.Contains(n.word(0), "%h") || strings.Contains(n.word(0), "%p") {
			said = kaAlso(said, kaSaid{Changed, "in a check %h and %p stand for the server's address and port"})
		}
		return said
	}
	if n := r.node.statement("misc_path"); n == nil {
		r.nothing(kaSaid{Lost, "it has no misc_path"})
	}
}

// kaTargeted puts %h in the place of the server's address, so that one check does for all servers.
func kaTargeted(command []string, s *kaServer) []string {
	var out []string
	for _, word := range command {
		if a, err := netip.ParseAddr(word); err == nil && a == s.addr {
			word = "%h"
		}
		out = append(out, word)
	}
	return out
}
