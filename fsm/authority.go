package fsm

import (
	"slices"
	"strings"
)

// RotateCA begins the change to a new CA, or, while no certificate of the next one is in use yet, to another next one. A member that
// has applied it trusts both, and a router holds the new one's key.
type RotateCA struct {
	CA string `json:"ca"` // PEM of its certificate
}

// Name returns NameRotateCA.
func (*RotateCA) Name() Name { return NameRotateCA }

// String is the command in one line.
func (r *RotateCA) String() string { return "a new CA is to take the old one's place" }

func (r *RotateCA) check() *Refusal {
	if !strings.Contains(r.CA, "BEGIN CERTIFICATE") || len(r.CA) > maxCA {
		return refuse(CodeInvalid, "", "the certificate of the new CA is missing")
	}
	return nil
}

const maxCA = 16 << 10

func (r *RotateCA) apply(c *change) *Refusal {
	switch {
	case !c.Founded():
		return notFounded()
	case c.Cluster.OldCA != "":
		return refuse(CodeConflict, "wait for it; polso cert show says for whom it waits", "the CA before is still trusted, until every router has a certificate of the new one")
	case r.CA == c.Cluster.CA:
		return refuse(CodeExists, "", "this is the cluster's CA already")
	}
	c.Cluster.NextCA, c.Cluster.CAChange = r.CA, c.Index
	return nil
}

// AdvanceCA makes the next step of a change of the CA, once every member has reported the one before: the new CA is the one that
// certificates are issued by, with the old one still trusted; and then the old one is no longer. The state refuses it while a node
// has not reported.
type AdvanceCA struct {
	Change   uint64   `json:"change"`   // Cluster.CAChange of the step that it ends
	Reported []string `json:"reported"` // IDs of the nodes that have said that they follow it
}

// Name returns NameAdvanceCA.
func (*AdvanceCA) Name() Name { return NameAdvanceCA }

// String is the command in one line.
func (a *AdvanceCA) String() string { return "every router has followed the change of the CA" }

func (a *AdvanceCA) check() *Refusal { return reported(a.Reported) }

func reported(ids []string) *Refusal {
	if len(ids) > maxNodes {
		return refuse(CodeInvalid, "", "a cluster has at most %d nodes", maxNodes)
	}
	return nil
}

func (a *AdvanceCA) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if c.Cluster.CAChange != a.Change || c.Cluster.NextCA == "" && c.Cluster.OldCA == "" {
		return refuse(CodeNotFound, "", "the step %d of a change of the CA is not under way", a.Change)
	}
	if r := c.missing(a.Reported); r != nil {
		return r
	}
	if c.Cluster.NextCA != "" {
		c.Cluster.CA, c.Cluster.OldCA, c.Cluster.NextCA = c.Cluster.NextCA, c.Cluster.CA, ""
		for _, t := range c.Tokens { // they name the old CA: nobody who has one would find the cluster
			c.dropToken(t.ID)
		}
	} else {
		c.Cluster.OldCA = ""
	}
	c.Cluster.CAChange = c.Index
	return nil
}

// missing refuses what has to wait for nodes that have not reported.
func (c *change) missing(reported []string) *Refusal {
	var names []string
	for _, n := range c.Nodes {
		if !slices.Contains(reported, n.ID) {
			names = append(names, n.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return refuse(CodeConflict, "", "%s did not report yet", strings.Join(names, ", "))
}
