package config

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// https is how people write an http check with tls; it is read as one.
const https CheckKind = "https"

// oneCheck is a check block of which there is one.
func (r *reader) oneCheck(to **Check) blockSpec {
	return blockSpec{
		label: "kind", sample: "http", merge: `Put both into check "all" { … }.`,
		read: func(b *hclsyntax.Block, p path) { *to = r.check(b, p, Check{Every: 2 * time.Second, Rise: 2, Fall: 3}) },
	}
}

// check reads a check block; pace is what it inherits.
func (r *reader) check(b *hclsyntax.Block, p path, pace Check) *Check {
	c := &Check{Every: pace.Every, Rise: pace.Rise, Fall: pace.Fall}
	if len(b.Labels) > 0 {
		c.Kind = CheckKind(b.Labels[0])
		r.places[p.attr("kind")] = b.LabelRanges[0]
	} else {
		r.unread[p.attr("kind")] = true
	}
	secure := c.Kind == https
	if secure {
		c.Kind, c.TLS = CheckHTTP, true
	}
	attrs := make(map[string]func(value), len(checkAttributes))
	for _, a := range checkAttributes {
		attrs[a.name] = a.field.read(c)
	}
	var blocks map[string]blockSpec
	if p.isCheck() {
		blocks = map[string]blockSpec{"check": {label: "kind", sample: "http", read: func(b *hclsyntax.Block, p path) {
			c.Of = append(c.Of, *r.check(b, p, *c))
		}}}
	}
	r.body(b.Body, p, attrs, blocks)
	if secure && !c.TLS {
		r.fail(p.attr("tls"), r.places[p.attr("tls")], "an https check asks over TLS", "", `Write check "http".`)
	}
	return c
}

// Complete fills in the defaults that depend on something else in the check, or on the check that it is in.
func (c *Check) Complete() {
	if c.Timeout == 0 {
		c.Timeout = min(time.Second, c.fastest())
	}
	if c.Flaps != 0 {
		c.FlapWindow, c.FlapHold = cmp.Or(c.FlapWindow, 5*time.Minute), cmp.Or(c.FlapHold, time.Minute)
	}
	switch c.Kind {
	case CheckHTTP:
		c.Path = cmp.Or(c.Path, "/")
		if c.Method == "GET" {
			c.Method = "" // as documents have it that say nothing
		}
		if len(c.Status) == 0 {
			c.Status = []StatusRange{{From: 200, To: 299}}
		}
	case CheckDNS:
		c.Type = cmp.Or(c.Type, "A")
	}
	for i := range c.Of {
		c.Of[i].inherit(*c)
		c.Of[i].Complete()
	}
}

// fastest is the shortest time between two probes.
func (c Check) fastest() time.Duration { return min(c.Every, cmp.Or(c.Fast, c.Every)) }

// inherit gives c what it leaves out and the check around it says.
func (c *Check) inherit(around Check) {
	if c.Fast == 0 && around.Fast != 0 {
		c.Fast = min(around.Fast, c.Every)
	}
	if c.Timeout == 0 {
		c.Timeout = min(around.Timeout, c.fastest())
	}
}

// check writes a check; around is the one that it is in, or nil.
func (w writer) check(c Check, around *Check) {
	w = w.block("check", string(c.Kind))
	for _, a := range checkAttributes {
		if v := a.field.get(c); v != cty.NilVal && !a.inherited(c, around) {
			w.body.SetAttributeValue(a.name, v)
		}
	}
	for _, inner := range c.Of {
		w.check(inner, &c)
	}
}

// inherited reports whether c says of the attribute what it would have anyway from the check around it.
func (a attribute) inherited(c Check, around *Check) bool {
	if around == nil {
		return false
	}
	bare := c
	switch a.name {
	case "every", "rise", "fall":
		bare = *around
	case "timeout":
		bare.Timeout = 0
	case "fast":
		bare.Fast = 0
	default:
		return false
	}
	bare.inherit(*around)
	return a.said(bare) == a.said(c)
}

// checkFields is all that a check says.
func checkFields(c Check) []field {
	fields := []field{{"check", string(c.Kind)}}
	for _, a := range checkAttributes {
		fields = append(fields, field{"check " + a.name, a.said(c)})
	}
	var inner []string
	for _, x := range c.Of {
		inner = append(inner, x.within(c))
	}
	return append(fields, field{"check checks", strings.Join(inner, "; ")})
}

// within is all that a check inside another says.
func (c Check) within(around Check) string {
	text := string(c.Kind)
	for _, a := range checkAttributes {
		if said := a.said(c); said != "" && !a.inherited(c, &around) {
			text += fmt.Sprintf(" %s %s", a.name, said)
		}
	}
	return text
}

// checkText is the gist of a check.
func checkText(c Check) string {
	text := string(c.Kind)
	switch {
	case c.Kind == CheckHTTP:
		text += fmt.Sprintf(" %s %s", c.Path, statusText(c.Status))
	case c.Kind.compound():
		kinds := make([]string, len(c.Of))
		for i, x := range c.Of {
			kinds[i] = string(x.Kind)
		}
		if c.Need != 0 {
			text += fmt.Sprintf(" %d", c.Need)
		}
		text += " of " + strings.Join(kinds, ", ")
	}
	return fmt.Sprintf("%s every %s", text, Brief(c.Every))
}
