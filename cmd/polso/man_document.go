package main

import (
	"cmp"
	"fmt"
	"strings"

	"polso/config"
)

// The pages' examples.
const (
	manDocument = `virtual "web" {
  address   = "192.0.2.10"
  port      = 80
  scheduler = "wlc"
  forward   = "nat"
  check "http" {
    path = "/healthz"
  }
  server "a" {
    address = "10.0.0.11:8080"
  }
  server "b" {
    address = "10.0.0.12:8080"
    weight  = 2
  }
}`
	manNode = `name      = "r1"
listen    = ["10.9.0.11:5390"]
interface = { outside = "eth0", inside = "eth1" }`
)

// document is polso.hcl(5).
func (m manuals) document() string {
	r := newRoff("polso.hcl", "5", m.date, m.source)
	r.section("Name")
	r.lines("polso.hcl - what a cluster of Polso does")
	r.section("Description")
	top := config.Manual()
	r.text(top.Text)
	r.text(`It is written in HCL, may have any name, and may be several files: polso apply -f takes files and folders. "polso explain" has the
same as this page.`)
	r.section("Example")
	r.verbatim(manDocument)
	r.section("Blocks")
	said := map[string]string{}
	for _, t := range top.Topics {
		block(r, "", t, said)
	}
	r.section("See also")
	r.lines("polso-apply(1),\npolso-plan(1),\npolso-explain(1),\nnode.hcl(5)")
	return r.b.String()
}

// node is node.hcl(5).
func (m manuals) node() string {
	r := newRoff("node.hcl", "5", m.date, m.source)
	r.section("Name")
	r.lines("node.hcl - the settings of one router of a cluster of Polso")
	r.section("Description")
	r.text(config.NodeManual().Text)
	r.section("Settings")
	attributes(r, config.NodeManual().Topics)
	r.section("Example")
	r.verbatim(manNode)
	r.section("Files")
	r.item(italic(defaultNodeFile), "where polso agent and polso release look for it, unless --config says otherwise")
	r.section("See also")
	r.lines("polso-agent(1),\npolso.hcl(5)")
	return r.b.String()
}

// block is a block with all that stands in it; what stands in a block of a name is said once, as far out as there is one;
// said has where.
func block(r *roff, in string, t config.Topic, said map[string]string) {
	path := strings.TrimPrefix(in+"."+t.Name, ".")
	head := path
	if t.Label != "" {
		head += " LABEL"
	}
	r.subsection(head)
	r.text(t.Text)
	if t.Label != "" {
		r.paragraph()
		r.lines("LABEL: " + t.Label + ".")
	}
	if where := said[t.Name]; where != "" && where != path {
		r.paragraph()
		r.lines("What stands in it is as in " + where + ".")
		return
	}
	said[t.Name] = path
	attributes(r, t.Topics)
	for _, x := range t.Topics { // said here, rather than further in
		if len(x.Topics) > 0 && said[x.Name] == "" {
			said[x.Name] = path + "." + x.Name
		}
	}
	for _, x := range t.Topics {
		if len(x.Topics) > 0 {
			block(r, path, x, said)
		}
	}
}

// attributes are those of a block, without the blocks in it.
func attributes(r *roff, topics []config.Topic) {
	for _, x := range topics {
		if x.Form == "" {
			continue
		}
		r.item(fmt.Sprintf("%s = %s", bold(x.Name), italic(string(x.Form))), x.Text)
		r.b.WriteString(".br\n")
		if x.Value != "" {
			r.lines("Value: " + x.Value + ".")
			r.b.WriteString(".br\n")
		}
		r.lines("Default: " + cmp.Or(x.Default, "none") + ".")
	}
}
