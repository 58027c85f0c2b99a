package config

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	methodPattern = regexp.MustCompile(`^[A-Z]{1,16}$`)
	headerPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$") // a token, RFC 9110, section 5.6.2
	userPattern   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}$`)
	dnsPattern    = regexp.MustCompile(`^(\.|([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?)$`)
	dnsTypes      = []string{"A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"}
)

const (
	maxHeaders   = 32
	maxRedirects = 10
	maxArguments = 64
)

func (v *verdicts) http(p path, c Check) {
	v.path(p.attr("path"), c.Path)
	v.hostName(p.attr("host"), "host", c.Host, "It is what the Host header says.")
	if len(c.Status) == 0 {
		v.add(p.attr("status"), "an http check needs the status codes that count as up", "", `Add status = "200-299".`)
	}
	for _, s := range c.Status {
		if s.From < 100 || s.To > 599 || s.From > s.To {
			v.add(p.attr("status"), fmt.Sprintf("%d-%d is not a range of status codes", s.From, s.To), "Status codes are 100 to 599, the smaller first.", "")
		}
	}
	if c.Method != "" && !methodPattern.MatchString(c.Method) || c.Method == "CONNECT" {
		v.add(p.attr("method"), fmt.Sprintf("method %q is not one that asks for a path", c.Method), "", `Write it in capitals, such as "HEAD".`)
	}
	v.headers(p.attr("headers"), c.Headers)
	if c.Version != "" {
		enum(v, p.attr("version"), "version of HTTP", c.Version, "1.1", "2")
	}
	if c.Redirects < 0 || c.Redirects > maxRedirects {
		v.add(p.attr("redirects"), fmt.Sprintf("redirects %d is not between 0 and %d", c.Redirects, maxRedirects), "", "")
	}
	for _, a := range []struct{ name, text string }{{"contains", c.Contains}, {"matches", c.Matches}, {"json", c.JSON}} {
		if a.text != "" && c.Method == "HEAD" {
			v.add(p.attr(a.name), fmt.Sprintf("%s does not go with method HEAD", a.name), "Its answers have no body.", "Remove one of the two.")
		}
	}
	if len(c.Contains) > maxExpression {
		v.add(p.attr("contains"), fmt.Sprintf("contains is longer than %d bytes", maxExpression), "", "")
	}
	v.expression(p.attr("matches"), c.Matches)
	if c.JSON != "" {
		if _, err := Compile(c.JSON); err != nil {
			v.add(p.attr("json"), fmt.Sprintf("%q is not an expression that can be used: %v", c.JSON, err), "It is over status and body.", `Write one such as "status == 200 && body.queue < 100".`)
		}
	}
}

// path checks what is asked for.
func (v *verdicts) path(p path, asked string) {
	switch {
	case !strings.HasPrefix(asked, "/"):
		v.add(p, fmt.Sprintf("path %q does not begin with /", asked), "", "")
	case len(asked) > maxPath:
		v.add(p, fmt.Sprintf("path is longer than %d bytes", maxPath), "", "")
	case !visible(asked):
		v.add(p, fmt.Sprintf("path %q has more than visible ASCII characters", asked), "", "Write a space as %20, and other characters percent-encoded alike.")
	}
}

func (v *verdicts) hostName(p path, what, name, fix string) {
	if len(name) > maxHost || !visible(name) || strings.ContainsAny(name, "/@") {
		v.add(p, fmt.Sprintf("%s %q is not a host name", what, name), "", fix)
	}
}

func (v *verdicts) headers(p path, headers map[string]string) {
	if len(headers) > maxHeaders {
		v.add(p, fmt.Sprintf("%d headers are more than %d", len(headers), maxHeaders), "", "")
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := headers[name]
		switch lower := strings.ToLower(name); {
		case !headerPattern.MatchString(name):
			v.add(p, fmt.Sprintf("%q is not the name of a header", name), "", "")
		case lower == "host":
			v.add(p, "the Host header has an attribute of its own", "", "Write host = \"…\".")
		case slices.Contains([]string{"connection", "content-length", "transfer-encoding", "upgrade"}, lower):
			v.add(p, fmt.Sprintf("header %q is not for a check to set", name), "It says how the request itself is sent.", "Remove it.")
		case len(value) > maxExpression || strings.ContainsFunc(value, unicode.IsControl):
			v.add(p, fmt.Sprintf("header %q has a value that cannot be sent", name), fmt.Sprintf("It is one line of at most %d bytes.", maxExpression), "")
		}
	}
}

// expression checks a regular expression.
func (v *verdicts) expression(p path, text string) {
	if len(text) > maxExpression {
		v.add(p, fmt.Sprintf("the expression is longer than %d bytes", maxExpression), "", "")
	} else if _, err := regexp.Compile(text); err != nil {
		v.add(p, fmt.Sprintf("%q is not a regular expression: %s", text, strings.TrimPrefix(err.Error(), "error parsing regexp: ")), "It is one of RE2, which has no look-around and no back-references.", "")
	}
}

// dialogue checks what is sent and what is waited for.
func (v *verdicts) dialogue(p path, c Check) {
	if c.Kind == CheckUDP && c.Send == "" {
		v.add(p.attr("send"), "a udp check needs what to send", "Nothing answers to nothing.", `Add send = "ping\n".`)
	}
	for _, a := range []struct{ name, text string }{{"send", c.Send}, {"expect", c.Expect}} {
		if expression, is := strings.CutPrefix(a.text, "~"); is && a.name == "expect" {
			v.expression(p.attr(a.name), expression)
			continue
		}
		if len(a.text) > maxExpression {
			v.add(p.attr(a.name), fmt.Sprintf("%s is longer than %d bytes", a.name, maxExpression), "", "")
		} else if _, ok := Unescape(a.text); !ok {
			v.add(p.attr(a.name), fmt.Sprintf("%s %q has an escape that is none", a.name, a.text), `The escapes are \\ \r \n \t \' \" and \xHH.`, `Write a backslash as \\, and in HCL each of the two once more: "\\\\".`)
		}
	}
}

func (v *verdicts) dns(p path, c Check) {
	switch {
	case c.Query == "":
		v.add(p.attr("query"), "a dns check needs the name to ask for", "", `Add query = "www.example.org".`)
	case len(c.Query) > maxHost || !dnsPattern.MatchString(c.Query):
		v.add(p.attr("query"), fmt.Sprintf("query %q is not a name of the DNS", c.Query), "", "")
	}
	if !enum(v, p.attr("type"), "type of record", c.Type, dnsTypes...) || c.Answer == "" {
		return
	}
	a, err := netip.ParseAddr(c.Answer)
	if c.Type == "A" && (err != nil || !a.Is4()) || c.Type == "AAAA" && (err != nil || !a.Is6()) {
		v.add(p.attr("answer"), fmt.Sprintf("answer %q is not an address of type %s", c.Answer, c.Type), "", "")
	}
	v.text(p.attr("answer"), "answer", c.Answer)
}

func (v *verdicts) script(p path, c Check) {
	p = p.attr("command")
	switch {
	case len(c.Command) == 0:
		v.add(p, "a script check needs the command to run", "", `Add command = ["/usr/local/bin/probe", "%h", "%p"].`)
		return
	case !strings.HasPrefix(c.Command[0], "/"):
		v.add(p, fmt.Sprintf("command %q is not an absolute path", c.Command[0]), "No shell looks for it, and each router has to find the same.", `Write one such as "/usr/local/bin/probe"; arguments are texts of their own.`)
	case len(c.Command) > maxArguments:
		v.add(p, fmt.Sprintf("the command has more than %d words", maxArguments), "", "")
	}
	for _, word := range c.Command {
		v.text(p, "the command's word", word)
	}
}

func (v *verdicts) user(p path, c Check) {
	if c.User != "" && !userPattern.MatchString(c.User) {
		v.add(p, fmt.Sprintf("user %q is not the name of a user", c.User), "", "")
	}
}

// text checks a text that is neither shown nor sent by lines.
func (v *verdicts) text(p path, what, text string) {
	if len(text) > maxExpression || strings.ContainsFunc(text, unicode.IsControl) {
		v.add(p, fmt.Sprintf("%s is longer than %d bytes, or has control characters", what, maxExpression), "", "")
	}
}
