package fsm

import (
	"encoding/json"
	"fmt"
	"strings"

	"polso/config"
)

// Found makes the cluster: its first node and revision 1. Refused when there is one already (ErrExists).
type Found struct {
	Cluster  Cluster         `json:"cluster"`
	Node     Node            `json:"node"`     // the first node; Joined is set by Apply
	Document json.RawMessage `json:"document"` // revision 1, canonical: Blank
	document config.Document
}

// Name returns NameFound.
func (*Found) Name() Name { return NameFound }

// String is the command in one line.
func (f *Found) String() string {
	return fmt.Sprintf("cluster %s, first router %s", f.Cluster.Name, f.Node.Name)
}

// Blank returns the canonical form of the document that wants nothing: the first revision.
func Blank() (json.RawMessage, error) {
	return config.Canonical(config.Document{Cluster: config.Cluster{Standby: config.Warm}})
}

func (f *Found) read(beside legible) (err error) {
	f.Document, f.document, err = readDocument(f.Document, beside)
	return err
}

func (f *Found) documents() []json.RawMessage { return []json.RawMessage{f.Document} }

func (f *Found) check() *Refusal {
	if r := profile(f.Cluster.Profile); r != nil {
		return r
	}
	if f.Cluster.Generation == 0 {
		return refuse(CodeInvalid, "", "a cluster's generation counts from 1")
	}
	if f.Node.Kind != Router {
		return refuse(CodeInvalid, "run `polso init` on a router", "the first node of a cluster is a router, not a %s", f.Node.Kind)
	}
	if !strings.Contains(f.Cluster.CA, "BEGIN CERTIFICATE") {
		return refuse(CodeInvalid, "", "the certificate of the cluster's CA is missing")
	}
	return first(id("cluster", f.Cluster.ID), label("cluster", f.Cluster.Name), checkNode(f.Node))
}

func (f *Found) apply(c *change) *Refusal {
	if c.Founded() {
		return refuse(CodeExists, "to add this router use `polso join`; `polso token create` on a member prints the token",
			"there is a cluster already: %s", c.Cluster.Name)
	}
	c.Cluster = f.Cluster
	n := f.Node
	n.Joined = c.at
	c.Nodes = []Node{n}
	c.publish(Revision{Message: "polso init", Document: f.Document}, f.document)
	return nil
}
