package config

import (
	"fmt"
	"slices"
)

// What this release understands and cannot do yet, one a line: a line goes when the behaviour is there, and with it the refusal
// and the words of the manual.
var (
	laterKinds = []CheckKind{
		CheckTLS,
		CheckSend,
		CheckUDP,
		CheckDNS,
		CheckICMP,
		CheckSMTP,
		CheckGRPC,
		CheckScript,
		CheckAgent,
		CheckRedis,
		CheckMySQL,
		CheckPostgreSQL,
		CheckLDAP,
		CheckSIP,
		CheckSIPTCP,
		CheckFTP,
		CheckIMAP,
		CheckPOP3,
		CheckAll,
		CheckAny,
		CheckSome,
	}
	laterInChecks = []string{ // attributes
		"method",
		"headers",
		"version",
		"redirects",
		"contains",
		"matches",
		"json",
		"ca",
		"server_name",
		"client_cert",
		"client_key",
		"expiry_warn",
		"through",
		"fast",
		"initial",
		"flaps",
	}
	laterInVirtuals = []laterUse{
		{"sorry_server", "sorry_server", func(v Virtual) bool { return len(v.Sorry) > 0 }, "A virtual whose servers are all down refuses connections."},
		{"min_servers", "min_servers above 1", func(v Virtual) bool { return v.MinServers > 1 }, "A virtual is up as long as one server is."},
		{"hysteresis", "hysteresis", func(v Virtual) bool { return v.Hysteresis != 0 }, "A virtual is up as long as one server is."},
		{"panic", "panic", func(v Virtual) bool { return v.Panic != 0 }, "A server that fails its check goes, however many do."},
		{"slow_start", "slow_start", func(v Virtual) bool { return v.SlowStart != 0 }, "A server that comes up has its weight at once."},
		{"probe", `probe = "director"`, func(v Virtual) bool { return v.Probe == ByDirector }, "Every router probes."},
		{"votes", "votes", func(v Virtual) bool { return v.Votes > 1 }, "Each router follows its own eyes."},
		{"check", "a check in a server", func(v Virtual) bool {
			return slices.ContainsFunc(v.Servers, func(s Server) bool { return s.Check != nil })
		}, "All servers of a virtual are asked alike."},
	}
)

// laterUse is something of a virtual that is not supported yet.
type laterUse struct {
	attr, what string
	in         func(Virtual) bool
	why        string
}

// Unsupported checks a document for what this release understands but cannot do. Its error is Errors, each with the path of
// what is meant and the words "not supported yet"; a document with such a thing must be refused, never half obeyed. Load does
// the same with places.
func (d Document) Unsupported() error {
	return unsupported(d).orNil()
}

func unsupported(d Document) Errors {
	var v verdicts
	for _, x := range d.VIPs {
		if x.Group != "default" {
			v.notYet(path("").block("vip", x.Name).attr("group"), fmt.Sprintf("group %q", x.Group), "All addresses move together.", "Remove it.")
		}
	}
	for _, x := range d.Virtuals {
		v.virtualNotYet(path("").block("virtual", x.Name), x)
	}
	return v.list
}

func (v *verdicts) virtualNotYet(p path, x Virtual) {
	for _, l := range laterInVirtuals {
		if l.in(x) {
			v.notYet(p.attr(l.attr), l.what, l.why, "Remove it.")
		}
	}
	if x.Check != nil {
		v.checkNotYet(p.attr("check"), *x.Check)
	}
	for _, s := range x.Servers {
		if s.Check != nil {
			v.checkNotYet(p.block("server", s.Name).attr("check"), *s.Check)
		}
	}
	for _, s := range x.Sorry {
		if s.Check != nil {
			v.checkNotYet(p.block("sorry_server", s.Name).attr("check"), *s.Check)
		}
	}
}

func (v *verdicts) checkNotYet(p path, c Check) {
	if slices.Contains(laterKinds, c.Kind) {
		v.notYet(p.attr("kind"), fmt.Sprintf("check %q", c.Kind), "", "")
		return
	}
	for _, a := range checkAttributes {
		if slices.Contains(laterInChecks, a.name) && a.said(c) != "" {
			v.notYet(p.attr(a.name), a.name, "", "Remove it.")
		}
	}
	for i, inner := range c.Of {
		v.checkNotYet(p.checkIn(i), inner)
	}
}

// laterText is what the manual adds for what a virtual or a check cannot have yet.
func laterText(attr string) string {
	if slices.Contains(laterInChecks, attr) || slices.ContainsFunc(laterInVirtuals, func(l laterUse) bool { return l.attr == attr }) {
		return " Understood, not supported yet."
	}
	return ""
}

func (v *verdicts) notYet(p path, what, why, fix string) {
	v.add(p, what+" is not supported yet", why, fix)
}
