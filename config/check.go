package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The limits of a check. The shortest interval is far below what anyone needs and keeps a slip from becoming a flood.
const (
	minEvery  = 100 * time.Millisecond
	maxEvery  = time.Hour
	minProbe  = 10 * time.Millisecond
	maxStreak = 1000
	maxFlap   = 24 * time.Hour
	maxChecks = 16 // in one
	maxPath   = 1024
	maxHost   = 253
)

// check checks a check block at p of x, or of some of its servers; asked are the servers that it is for.
func (v *verdicts) check(p path, c Check, x Virtual, asked []Server) {
	v.pace(p, c)
	v.damping(p, c)
	v.oneCheck(p, c, x, asked)
	if !c.Kind.compound() {
		if len(c.Of) > 0 {
			v.add(p.checkIn(0), fmt.Sprintf("%s holds no other", aCheck(c.Kind)), "", `Put both into check "all" { … }.`)
		}
		return
	}
	switch {
	case len(c.Of) == 0:
		v.add(p, fmt.Sprintf("a check of kind %s needs the checks that it is of", c.Kind), "", fmt.Sprintf(`Write check %q { check "tcp" { … } … }.`, c.Kind))
	case len(c.Of) > maxChecks:
		v.add(p, fmt.Sprintf("%d checks in one are more than %d", len(c.Of), maxChecks), "", "")
	case c.Kind == CheckSome && (c.Need < 1 || c.Need > len(c.Of)):
		v.add(p.attr("need"), fmt.Sprintf("need %d is not between 1 and the %d checks", c.Need, len(c.Of)), "", "")
	}
	for i, inner := range c.Of {
		p := p.checkIn(i)
		if inner.Kind.compound() {
			v.add(p.attr("kind"), fmt.Sprintf("check %q stands inside another", inner.Kind), "Checks are combined once.", "")
			continue
		}
		for _, a := range checkAttributes {
			if slices.Contains(outermost, a.name) && a.said(inner) != "" {
				v.add(p.attr(a.name), fmt.Sprintf("a check inside another has no %s", a.name), "The server is judged by the whole.", fmt.Sprintf("Write it into check %q.", c.Kind))
			}
		}
		if inner.Every != c.Every || inner.Timeout != c.Timeout || inner.Rise != c.Rise || inner.Fall != c.Fall || inner.Fast != c.Fast {
			v.pace(p, inner)
		}
		v.oneCheck(p, inner, x, asked)
	}
}

// pace checks how often is asked.
func (v *verdicts) pace(p path, c Check) {
	paced := v.within(p.attr("every"), c.Every, minEvery, maxEvery)
	if c.Fast != 0 && paced {
		paced = v.within(p.attr("fast"), c.Fast, minEvery, c.Every)
	}
	if paced && v.within(p.attr("timeout"), c.Timeout, minProbe, maxEvery) && c.Timeout > c.fastest() {
		than := "every"
		if c.Timeout <= c.Every {
			than = "fast"
		}
		v.add(p.attr("timeout"), fmt.Sprintf("timeout %s is longer than %s (%s)", Brief(c.Timeout), than, Brief(c.fastest())), "A probe has to end before the next one begins.", "")
	}
	for _, n := range []struct {
		name  string
		count int
	}{{"rise", c.Rise}, {"fall", c.Fall}} {
		if n.count < 1 || n.count > maxStreak {
			v.add(p.attr(n.name), fmt.Sprintf("%s %d is not between 1 and %d", n.name, n.count, maxStreak), "", "")
		}
	}
}

// damping checks what an answer counts before it is one of several.
func (v *verdicts) damping(p path, c Check) {
	if c.Initial != "" {
		enum(v, p.attr("initial"), "initial state", c.Initial, InitialUp, InitialDown)
	}
	if c.Flaps == 0 {
		for _, d := range []struct {
			name string
			d    time.Duration
		}{{"flap_window", c.FlapWindow}, {"flap_hold", c.FlapHold}} {
			if d.d != 0 {
				v.add(p.attr(d.name), fmt.Sprintf("%s means nothing without flaps", d.name), "", "Add flaps = 5, or remove it.")
			}
		}
		return
	}
	if c.Flaps < 2 || c.Flaps > maxStreak {
		v.add(p.attr("flaps"), fmt.Sprintf("flaps %d is not between 2 and %d", c.Flaps, maxStreak), "", "")
	}
	v.within(p.attr("flap_window"), c.FlapWindow, time.Second, maxFlap)
	v.within(p.attr("flap_hold"), c.FlapHold, time.Second, maxFlap)
}

// oneCheck checks what a check asks.
func (v *verdicts) oneCheck(p path, c Check, x Virtual, asked []Server) {
	if !enum(v, p.attr("kind"), "check", c.Kind, CheckKinds()...) {
		return
	}
	for _, a := range checkAttributes {
		if !a.of(c.Kind) && a.said(c) != "" {
			v.add(p.attr(a.name), fmt.Sprintf("%s has no %s", aCheck(c.Kind), a.name), "", "It is for "+oneOf(a.kinds)+".")
		}
	}
	if secure := c.TLS || c.Kind == CheckTLS; secure || slices.Contains(tlsKinds, c.Kind) {
		v.certificates(p, c, secure)
	}
	switch c.Kind {
	case CheckHTTP:
		v.http(p, c)
	case CheckAgent:
		if c.Path != "" {
			v.path(p.attr("path"), c.Path)
		} else if c.Port == 0 {
			v.add(p.attr("port"), "an agent check needs the port of the agent", "What answers on the server's own port is its service.", "Add port = 9999.")
		}
	case CheckSend, CheckUDP:
		v.dialogue(p, c)
	case CheckDNS:
		v.dns(p, c)
	case CheckScript:
		v.script(p, c)
		v.dialogue(p, c)
	}
	v.user(p.attr("user"), c)
	v.text(p.attr("service"), "service", c.Service)
	v.through(p, c, x, asked)
	v.probePort(p, c, x, asked)
}

// probePort makes sure that there is a port to probe, and that it can answer.
func (v *verdicts) probePort(p path, c Check, x Virtual, asked []Server) {
	if c.Port != 0 || !x.reachable() || !slices.Contains(portKinds, c.Kind) || c.Kind == CheckAgent && c.Path == "" {
		return
	}
	if c.Kind == CheckScript && !slices.ContainsFunc(c.Command, func(s string) bool { return strings.Contains(s, "%p") }) {
		return
	}
	if slices.Contains([]CheckKind{CheckTLS, CheckHTTP, CheckSend, CheckSMTP, CheckGRPC, CheckAgent}, c.Kind) && (x.Protocol == UDP || x.Protocol == SCTP) {
		speaks := map[CheckKind]string{CheckHTTP: "HTTP", CheckTLS: "TLS"}
		v.add(p, fmt.Sprintf("%s cannot ask a %s port", aCheck(c.Kind), x.Protocol), cmp.Or(speaks[c.Kind], "What it speaks")+" is spoken over TCP.", "Name the TCP port to ask: port = 8080.")
		return
	}
	for _, s := range asked {
		if s.Address.IsValid() && s.Address.Port() == 0 {
			v.add(p, fmt.Sprintf("the check has no port to ask: server %q has none", s.Name), "", "Name the port to ask: port = 80.")
			return
		}
	}
}

// aCheck is the kind with its article.
func aCheck(k CheckKind) string {
	article := "a"
	if strings.ContainsRune("aehi", rune(k[0])) || slices.Contains([]CheckKind{CheckSMTP, CheckLDAP, CheckFTP}, k) {
		article = "an"
	}
	return fmt.Sprintf("%s %s check", article, k)
}

// visible reports whether s is visible ASCII alone, as the lines of an HTTP request want it (RFC 9112, section 3).
func visible(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}
