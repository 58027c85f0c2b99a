package config

import (
	"fmt"
	"strings"
	"time"
)

// The limits of a check. The shortest interval is far below what anyone needs and keeps a slip from becoming a flood.
const (
	minEvery  = 100 * time.Millisecond
	maxEvery  = time.Hour
	minProbe  = 10 * time.Millisecond
	maxStreak = 1000
	maxPath   = 1024
	maxHost   = 253
)

// check checks the check block of x, whose path is p.
func (v *verdicts) check(p path, x Virtual) {
	c := x.Check
	if c.Kind == "https" {
		v.add(p.attr("kind"), `unknown check "https"`, "It is one of tcp or http.", `Write check "http" with tls = true.`)
	} else {
		enum(v, p.attr("kind"), "check", c.Kind, CheckTCP, CheckHTTP)
	}
	if v.within(p.attr("every"), c.Every, minEvery, maxEvery) &&
		v.within(p.attr("timeout"), c.Timeout, minProbe, maxEvery) && c.Timeout > c.Every {
		v.add(p.attr("timeout"), fmt.Sprintf("timeout %s is longer than every (%s)", Brief(c.Timeout), Brief(c.Every)), "A probe has to end before the next one begins.", "")
	}
	for _, n := range []struct {
		name  string
		count int
	}{{"rise", c.Rise}, {"fall", c.Fall}} {
		if n.count < 1 || n.count > maxStreak {
			v.add(p.attr(n.name), fmt.Sprintf("%s %d is not between 1 and %d", n.name, n.count, maxStreak), "", "")
		}
	}
	if c.Kind == CheckHTTP {
		v.http(p, x)
	} else if c.Kind == CheckTCP {
		v.notHTTP(p, c)
	}
	v.probePort(p, x)
}

func (v *verdicts) http(p path, x Virtual) {
	c := x.Check
	switch {
	case !strings.HasPrefix(c.Path, "/"):
		v.add(p.attr("path"), fmt.Sprintf("path %q does not begin with /", c.Path), "", "")
	case len(c.Path) > maxPath:
		v.add(p.attr("path"), fmt.Sprintf("path is longer than %d bytes", maxPath), "", "")
	case !visible(c.Path):
		v.add(p.attr("path"), fmt.Sprintf("path %q has more than visible ASCII characters", c.Path), "", "Write a space as %20, and other characters percent-encoded alike.")
	}
	if len(c.Host) > maxHost || !visible(c.Host) || strings.ContainsAny(c.Host, "/@") {
		v.add(p.attr("host"), fmt.Sprintf("host %q is not a host name", c.Host), "", "It is what the Host header says.")
	}
	if len(c.Status) == 0 {
		v.add(p.attr("status"), "an http check needs the status codes that count as up", "", `Add status = "200-299".`)
	}
	for _, s := range c.Status {
		if s.From < 100 || s.To > 599 || s.From > s.To {
			v.add(p.attr("status"), fmt.Sprintf("%d-%d is not a range of status codes", s.From, s.To), "Status codes are 100 to 599, the smaller first.", "")
		}
	}
}

func (v *verdicts) notHTTP(p path, c *Check) {
	for _, a := range []struct {
		name    string
		written bool
	}{{"path", c.Path != ""}, {"host", c.Host != ""}, {"status", len(c.Status) > 0}, {"tls", c.TLS}} {
		if a.written {
			v.add(p.attr(a.name), fmt.Sprintf("a %s check has no %s", c.Kind, a.name), "", `Use check "http".`)
		}
	}
}

// probePort makes sure that there is a port to probe, and that it can answer.
func (v *verdicts) probePort(p path, x Virtual) {
	c := x.Check
	if c.Port != 0 || !x.reachable() {
		return
	}
	if c.Kind == CheckHTTP && (x.Protocol == UDP || x.Protocol == SCTP) {
		v.add(p, fmt.Sprintf("an http check cannot ask a %s port", x.Protocol), "HTTP is spoken over TCP.", "Name the TCP port to ask: port = 8080.")
		return
	}
	for _, s := range x.Servers {
		if s.Address.IsValid() && s.Address.Port() == 0 {
			v.add(p, fmt.Sprintf("the check has no port to ask: server %q has none", s.Name), "", "Name the port to ask: port = 80.")
			return
		}
	}
}

// visible reports whether s is visible ASCII alone, as the lines of an HTTP request want it (RFC 9112, section 3).
func visible(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}
