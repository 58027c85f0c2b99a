package config

import (
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// attribute is one thing that a check block can say. The list of them is all that parsing, rules, layout, differences and the
// manual know of what belongs to which kind.
type attribute struct {
	name    string
	kinds   []CheckKind // that have it; none: all
	field   checkField
	value   string // what it takes, in words
	written string // the default as written, or words
	text    string // what it means
}

// of reports whether checks of that kind have the attribute.
func (a attribute) of(k CheckKind) bool { return len(a.kinds) == 0 || slices.Contains(a.kinds, k) }

// said is what c says of it as a person writes it; "" is nothing.
func (a attribute) said(c Check) string { return plainText(a.field.get(c)) }

func plainText(v cty.Value) string {
	switch {
	case v == cty.NilVal:
		return ""
	case v.Type() == cty.String:
		return v.AsString()
	case v.Type() == cty.Bool && v.True():
		return "true"
	case v.Type() == cty.Bool:
		return "false"
	case v.Type() == cty.Number:
		return v.AsBigFloat().String()
	}
	var parts []string
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		text := plainText(element)
		if v.Type().IsObjectType() {
			text = key.AsString() + ": " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// The kinds, by what they have in common.
var (
	compoundKinds = []CheckKind{CheckAll, CheckAny, CheckSome}
	presetKinds   = []CheckKind{CheckRedis, CheckMySQL, CheckPostgreSQL, CheckLDAP, CheckSIP, CheckSIPTCP, CheckFTP, CheckIMAP, CheckPOP3}
	httpKinds     = []CheckKind{CheckHTTP}
	tlsKinds      = []CheckKind{ // where TLS is a choice
		CheckHTTP, CheckSend, CheckSMTP, CheckGRPC, CheckAgent, CheckRedis, CheckPostgreSQL, CheckLDAP, CheckSIPTCP, CheckFTP, CheckIMAP, CheckPOP3,
	}
	certKinds = slices.Concat([]CheckKind{CheckTLS}, tlsKinds)
	portKinds = slices.Concat([]CheckKind{
		CheckTCP, CheckTLS, CheckHTTP, CheckSend, CheckUDP, CheckDNS, CheckSMTP, CheckGRPC, CheckScript, CheckAgent,
	}, presetKinds)
	throughKinds = slices.Concat([]CheckKind{
		CheckTCP, CheckTLS, CheckHTTP, CheckSend, CheckUDP, CheckDNS, CheckSMTP, CheckGRPC,
	}, presetKinds)
)

// CheckKinds returns every kind of check there is. https is none of them: it is http with tls.
func CheckKinds() []CheckKind {
	return slices.Concat([]CheckKind{
		CheckTCP, CheckTLS, CheckHTTP, CheckSend, CheckUDP, CheckDNS, CheckICMP, CheckSMTP, CheckGRPC, CheckScript, CheckAgent,
	}, presetKinds, compoundKinds)
}

// compound reports whether the kind combines other checks.
func (k CheckKind) compound() bool { return slices.Contains(compoundKinds, k) }

// checkAttributes are all attributes, in the order in which they are written.
var checkAttributes = []attribute{
	{"need", []CheckKind{CheckSome}, ofNumber(func(c *Check) *int { return &c.Need }), "1 to the number of checks in it", required, "How many of the checks in it have to be up."},
	{"path", []CheckKind{CheckHTTP, CheckAgent}, ofText(func(c *Check) *string { return &c.Path }), "begins with /", `"/"`, "What is asked for. An agent without one is asked by TCP."},
	{"host", httpKinds, ofText(func(c *Check) *string { return &c.Host }), "a host name", "the address", "The Host header, and with tls the name asked for."},
	{"status", httpKinds, statusField, `codes and ranges, such as "200-299,301"`, `"200-299"`, "The answers that count as up."},
	{"method", httpKinds, ofText(func(c *Check) *string { return &c.Method }), "such as HEAD or POST", `"GET"`, "The method of the request."},
	{"headers", httpKinds, ofMap(func(c *Check) *map[string]string { return &c.Headers }), "names and values", "none", "Header lines that are sent besides. Who may read the document reads them."},
	{"version", httpKinds, ofText(func(c *Check) *string { return &c.Version }), "1.1 or 2", "what the server prefers", "The version of HTTP."},
	{"redirects", httpKinds, ofNumber(func(c *Check) *int { return &c.Redirects }), "0 to 10", "0", "How many redirects are followed; with 0 a redirect is an answer like another."},
	{"contains", httpKinds, ofText(func(c *Check) *string { return &c.Contains }), "a text", "", "The body has to have it."},
	{"matches", httpKinds, ofText(func(c *Check) *string { return &c.Matches }), "a regular expression (RE2)", "", "The body has to match it."},
	{"json", httpKinds, ofText(func(c *Check) *string { return &c.JSON }), `an expression over status and body, such as "status == 200 && body.queue < 100"`, "", "It has to be true of the answer, whose body is JSON; the functions are length and contains."},
	{"tls", tlsKinds, ofTruth(func(c *Check) *bool { return &c.TLS }), "", "false", "Ask over TLS; smtp by STARTTLS, postgresql by SSLRequest. A check of kind https is one of kind http with it."},
	{"verify", certKinds, verifyField, "", "true", "Whether the server's certificate has to be good; false: any will do."},
	{"ca", certKinds, ofText(func(c *Check) *string { return &c.CA }), "a file on every router, or certificates in PEM", "the system's", "Who may have signed the server's certificate."},
	{"server_name", certKinds, ofText(func(c *Check) *string { return &c.ServerName }), "a host name", "host, or the address", "The name that is asked for and that the certificate has to bear."},
	{"client_cert", certKinds, ofText(func(c *Check) *string { return &c.ClientCert }), "a file on every router", "none", "The certificate that is shown to the server, in PEM; with client_key."},
	{"client_key", certKinds, ofText(func(c *Check) *string { return &c.ClientKey }), "a file on every router", "none", "Its key, in PEM. A key never stands in the document itself."},
	{"expiry_warn", certKinds, ofDuration(func(c *Check) *time.Duration { return &c.ExpiryWarn }), durations, "none", "A server whose certificate ends sooner is up, with a warning."},
	{"send", []CheckKind{CheckSend, CheckUDP}, ofText(func(c *Check) *string { return &c.Send }), `a text with the escapes \\ \r \n \t \' \" and \xHH`, "nothing", "What is sent first."},
	{"expect", []CheckKind{CheckSend, CheckUDP, CheckScript}, ofText(func(c *Check) *string { return &c.Expect }), "what the answer begins with, * for any answer, or ~ and a regular expression (RE2)", "none", "The answer that counts as up; without it a connection is enough, and of udp any answer, and silence. Of a script the whole of what it prints."},
	{"user", []CheckKind{CheckMySQL, CheckPostgreSQL, CheckScript}, ofText(func(c *Check) *string { return &c.User }), "a name", "none; of a script nobody", "Who signs in, without a password; of a script, who runs it."},
	{"service", []CheckKind{CheckGRPC}, ofText(func(c *Check) *string { return &c.Service }), "a name", "the whole server", "The service that is asked for."},
	{"query", []CheckKind{CheckDNS}, ofText(func(c *Check) *string { return &c.Query }), "a name", required, "The name that is asked for."},
	{"type", []CheckKind{CheckDNS}, ofText(func(c *Check) *string { return &c.Type }), oneOf(dnsTypes), `"A"`, "The type of record that is asked for."},
	{"answer", []CheckKind{CheckDNS}, ofText(func(c *Check) *string { return &c.Answer }), "a record's value", "any", "What one of the answers has to be."},
	{"command", []CheckKind{CheckScript}, ofTexts(func(c *Check) *[]string { return &c.Command }), `a program and its arguments, such as ["/usr/local/bin/probe", "%h", "%p"]`, required, "What is run, without a shell; %h and %p stand for the server's address and port. Exit 0 is up, 1 is down, 2 to 255 is up with that weight and 2."},
	{"port", portKinds, portField, "1 to 65535", "the server's", "Where to ask instead."},
	{"through", throughKinds, ofText(func(c *Check) *Through { return &c.Through }), "virtual", "its own address", "virtual: the virtual's address is asked, by way of this one server, which proves that it holds the address; with dr, and with tun by IP in IP. See checks.md."},
	{"every", nil, ofDuration(func(c *Check) *time.Duration { return &c.Every }), durations + ", 100ms to 1h", `"2s"`, "How often a server is asked."},
	{"timeout", nil, ofDuration(func(c *Check) *time.Duration { return &c.Timeout }), durations + ", 10ms to every", `"1s"`, "How long an answer may take; every, if that is shorter."},
	{"rise", nil, ofNumber(func(c *Check) *int { return &c.Rise }), "1 to 1000", "2", "How many answers in a row make a server up."},
	{"fall", nil, ofNumber(func(c *Check) *int { return &c.Fall }), "1 to 1000", "3", "How many failures in a row make a server down."},
	{"fast", nil, ofDuration(func(c *Check) *time.Duration { return &c.Fast }), durations + ", 100ms to every", "every", "How often a server is asked while a change is under way: while answers say the opposite of what counts."},
	{"initial", nil, ofText(func(c *Check) *Initial { return &c.Initial }), "up or down", "nothing", "What a server counts as until rise or fall has decided for the first time."},
	{"flaps", nil, ofNumber(func(c *Check) *int { return &c.Flaps }), "2 to 1000", "none", "A server that went down so many times within flap_window stays down for flap_hold."},
	{"flap_window", nil, ofDuration(func(c *Check) *time.Duration { return &c.FlapWindow }), durations + ", up to 24h", `"5m"`, "With flaps."},
	{"flap_hold", nil, ofDuration(func(c *Check) *time.Duration { return &c.FlapHold }), durations + ", up to 24h", `"1m"`, "With flaps."},
}

// outermost are the attributes that a check inside another leaves to it: the server is judged by the whole.
var outermost = []string{"initial", "flaps", "flap_window", "flap_hold"}
