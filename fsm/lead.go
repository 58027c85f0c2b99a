package fsm

import (
	"fmt"
	"time"
)

// TakeLead is what a new leader commits first: once it is applied, everything of the terms before is. It is a fact, not a
// wish, so the state never refuses it, a cluster or not; a second one in the same term changes nothing.
type TakeLead struct {
	Node   string        `json:"node"`           // ID
	From   string        `json:"from,omitempty"` // ID of the leader before, as this node knew it; "" unknown
	Reason string        `json:"reason"`         // "first", "leader lost", "transfer"
	Took   time.Duration `json:"took"`           // from the last sign of the leader before to this node ready to direct; 0: unknown
}

// Name returns NameLead.
func (*TakeLead) Name() Name { return NameLead }

// String is the command in one line.
func (t *TakeLead) String() string { return t.among(nil) }

func (t *TakeLead) among(nodes []Node) string {
	return fmt.Sprintf("%s takes the lead: %s, %s", called(nodes, t.Node), t.Reason, t.Took.Round(time.Millisecond))
}

func (t *TakeLead) check() *Refusal {
	if t.Reason == "" || len(t.Reason) > maxLine {
		return refuse(CodeInvalid, "", "taking the lead needs a reason of at most %d bytes", maxLine)
	}
	if t.From == "" {
		return id("node", t.Node)
	}
	return first(id("node", t.Node), id("node", t.From))
}

func (t *TakeLead) apply(c *change) *Refusal {
	if c.Lead.Term == c.Term { // asked again after an unknown outcome
		c.unchanged = true
		return nil
	}
	next := Lead{Node: t.Node, Term: c.Term, At: c.at, Reason: t.Reason, Took: t.Took, From: t.From}
	if between, _ := c.Node(c.Lead.Node); between.Kind == Witness && c.Before.Node != "" {
		// It directed nothing: the addresses move from whoever led before it, and nobody saw for how long they were nobody's.
		next.From, next.Reason, next.Took = c.Before.Node, c.Lead.Reason, 0
	} else {
		c.Before = c.Lead
	}
	c.Lead = next
	return nil
}
