package convert

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"polso/config"
)

// http reads what HTTP_GET and SSL_GET have of their own: each url is a check.
func (v *kaVirtual) http(r *kaReading, _ *kaServer, statements kaStatements) {
	statements["virtualhost"] = kaSet(func(value string) { r.host = value })
	statements["enable_sni"] = func(*kaNode) kaSaid { return kaSaid{} } // host is the name asked for
	statements["sni_name"] = kaSet(func(value string) { r.check.ServerName = value })
	statements["http_protocol"] = kaOne(func(value string) kaSaid {
		if r.check.Version = "1.1"; !strings.HasPrefix(value, "1.1") {
			return kaSaid{Hint, "Polso asks by HTTP/1.1"}
		}
		return kaSaid{}
	})
	if r.kind.tls {
		r.check.ClientCert, r.check.ClientKey = v.k.certificate.cert, v.k.certificate.key
	}
	statements["url"] = func(n *kaNode) kaSaid {
		part := r.check
		said := v.url(r, n, &part)
		if !strings.HasPrefix(part.Path, "/") || strings.ContainsFunc(part.Path, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return kaSaid{Lost, "it has no path that begins with / and is of visible characters"}
		}
		if len(part.Status) == 0 {
			part.Status = []config.StatusRange{{From: 200, To: 299}}
		}
		r.parts = append(r.parts, part)
		r.remarks = append(r.remarks, said...)
		return kaSaid{}
	}
}

// url reads one url.
func (v *kaVirtual) url(r *kaReading, n *kaNode, part *config.Check) []kaRemark {
	expression, options := "", kaRegex{}
	remarks := kaRead(n, kaStatements{
		"path":           kaSet(func(value string) { part.Path = value }),
		"virtualhost":    kaSet(func(value string) { part.Host = value }),
		"status_code":    func(n *kaNode) kaSaid { return kaStatus(n, &part.Status) },
		"regex":          kaSet(func(value string) { expression = value }),
		"regex_no_match": func(*kaNode) kaSaid { options.turned = true; return kaSaid{} },
		"regex_options":  func(n *kaNode) kaSaid { return options.read(n.words[1:]) },
	}, v.k.words.url)
	if expression == "" {
		return remarks
	}
	matches, said := options.expression(expression)
	if part.Matches = matches; matches == "" {
		for _, word := range []string{"regex_options", "regex_no_match"} {
			if n := n.statement(word); n != nil && !options.unknown {
				remarks = append(remarks, kaRemark{n.at, kaSaid{Hint, "goes with regex"}})
			}
		}
	}
	return append(remarks, kaRemark{n.statement("regex").at, said})
}

// kaRegex is how an expression of PCRE is meant.
type kaRegex struct {
	turned, exactEnd, unknown bool
	flags                     string // those of RE2
}

// read reads regex_options.
func (x *kaRegex) read(words []string) kaSaid {
	const idle = " auto_callout dupnames never_ucp never_utf no_auto_capture no_auto_possess no_dotstar_anchor no_start_optimize ucp utf never_backslash_c "
	flags := map[string]string{"caseless": "i", "multiline": "m", "dotall": "s", "ungreedy": "U"}
	for _, word := range words {
		switch {
		case flags[word] != "" && !strings.Contains(x.flags, flags[word]):
			x.flags += flags[word]
		case word == "dollar_endonly":
			x.exactEnd = true
		case flags[word] == "" && !strings.Contains(idle, " "+word+" "):
			x.unknown = true
			return kaSay(Hint, "an expression of a check has no option %q", word)
		}
	}
	return kaSaid{}
}

// kaLongestRegex is the longest expression that a check may have.
const kaLongestRegex = 1000

// expression is a PCRE as RE2, "" if there is none that means the same.
func (x kaRegex) expression(s string) (string, kaSaid) {
	switch {
	case x.turned:
		return "", kaSaid{Lost, "a check can ask that the page matches, not that it does not"}
	case x.unknown:
		return "", kaSaid{Lost, "left out, since one of its regex_options has no counterpart"}
	}
	if bare, ends := strings.CutSuffix(s, "$"); ends && !x.exactEnd && !strings.Contains(x.flags, "m") && !strings.HasSuffix(bare, `\`) {
		s = bare + `\n?$` // where PCRE's $ stands before a last line end too
	}
	if x.flags != "" {
		s = "(?" + x.flags + ")" + s
	}
	if _, err := regexp.Compile(s); err != nil || len(s) > kaLongestRegex {
		return "", kaSaid{Lost, "an expression that RE2 does not have, which knows no look-around and no back-references; contains asks for a plain text"}
	}
	return s, kaSaid{}
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

// kaCertificate is what SSL_GET shows to servers: files.
type kaCertificate struct{ cert, key string }

// ssl reads the SSL block.
func (k *kaImport) ssl(n *kaNode) kaSaid {
	file := func(to *string) func(*kaNode) kaSaid {
		return kaOne(func(value string) kaSaid {
			if !filepath.IsAbs(value) || !kaClean(value) {
				return kaSaid{Lost, "not the absolute path of a file"}
			}
			*to = value
			return kaSaid{}
		})
	}
	locked := false
	k.tell("", kaRead(n, kaStatements{
		"certificate": file(&k.certificate.cert),
		"key":         file(&k.certificate.key),
		"ca":          kaSaid{Hint, "keepalived looks at no certificate for all that; ca and verify of a check would"}.always(),
		"password": func(*kaNode) kaSaid {
			locked = true
			return kaSaid{Lost, "a key with a password is not read: write a key without one, and client_cert and client_key into the checks"}
		},
	}, nil))
	if c := &k.certificate; locked || c.cert == "" || c.key == "" {
		if !locked && *c != (kaCertificate{}) {
			k.say("", n.at, kaSaid{Lost, "a certificate and its key belong together"})
		}
		*c = kaCertificate{}
	}
	return kaSaid{}
}
