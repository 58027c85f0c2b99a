package fsm

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// AddNode admits a node: it uses a token once. The command that proposes it has checked the token's secret.
type AddNode struct {
	Node    Node   `json:"node"`              // Joined is set by Apply
	Token   string `json:"token"`             // its public ID
	Replace string `json:"replace,omitempty"` // name of the node whose place it takes: that one is removed for good
}

// Name returns NameAddNode.
func (*AddNode) Name() Name { return NameAddNode }

// String is the command in one line.
func (a *AddNode) String() string {
	s := fmt.Sprintf("%s %s joins from %s", a.Node.Kind, a.Node.Name, strings.Join(a.Node.Addresses, ", "))
	if a.Replace != "" {
		s += " in place of " + a.Replace
	}
	return s
}

func (a *AddNode) check() *Refusal {
	return first(checkNode(a.Node), id("token", a.Token))
}

func checkNode(n Node) *Refusal {
	return first(id("node", n.ID), label("node", n.Name), kind(n.Kind), addresses(n.Addresses))
}

func (a *AddNode) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if r := a.token(c); r != nil {
		return r
	}
	if c.IsRemoved(a.Node.ID) {
		return gone(a.Node.ID)
	}
	if n, ok := c.Node(a.Node.ID); ok {
		return refuse(CodeExists, "", "this node is a member already: %s", n.Name)
	}
	if a.Replace != "" {
		old, ok := c.NodeByName(a.Replace)
		if !ok {
			return refuse(CodeNotFound, "`polso members` lists them", "there is no node %s to replace", a.Replace)
		}
		c.drop(old.ID)
	}
	if _, ok := c.NodeByName(a.Node.Name); ok {
		return refuse(CodeExists, "choose another with --name, or take its place with --replace "+a.Node.Name,
			"there is a node %s already", a.Node.Name)
	}
	if r := c.addressesFree(a.Node.Addresses, a.Node.ID); r != nil {
		return r
	}
	if len(c.Nodes) >= maxNodes {
		return refuse(CodeTooLarge, "", "a cluster has at most %d nodes", maxNodes)
	}
	n := a.Node
	n.Joined = c.at
	c.Nodes = append(slices.Clip(c.Nodes), n)
	c.endOverrides()
	return nil
}

// token uses the token once.
func (a *AddNode) token(c *change) *Refusal {
	i := slices.IndexFunc(c.Tokens, func(t Token) bool { return t.ID == a.Token })
	const fix = "make a new one on a member: polso token create"
	switch {
	case i < 0:
		return refuse(CodeNotFound, fix, "the token %s is not known: revoked, expired, or of another cluster", a.Token)
	case !c.at.Before(c.Tokens[i].Expires):
		return refuse(CodeExpired, fix, "the token %s expired at %s", a.Token, c.Tokens[i].Expires.Format(time.RFC3339))
	case c.Tokens[i].Uses <= 0:
		return refuse(CodeExpired, fix, "the token %s has been used up", a.Token)
	case c.Tokens[i].Kind != a.Node.Kind:
		return refuse(CodeInvalid, fix+" --kind "+a.Node.Kind, "the token %s admits a %s, not a %s", a.Token, c.Tokens[i].Kind, a.Node.Kind)
	}
	c.Tokens = slices.Clone(c.Tokens)
	c.Tokens[i].Uses--
	return nil
}

// addressesFree refuses an address that another node has: two members there would be one of them unreachable.
func (c *change) addressesFree(list []string, except string) *Refusal {
	for _, n := range c.Nodes {
		for _, a := range list {
			if n.ID != except && slices.Contains(n.Addresses, a) {
				return refuse(CodeExists, "advertise an address of this node's own", "%s is the address of %s already", a, n.Name)
			}
		}
	}
	return nil
}

// called returns the name that goes with an ID, or the ID.
func called(nodes []Node, id string) string {
	if n, ok := find(nodes, func(n Node) bool { return n.ID == id }); ok {
		return n.Name
	}
	return id
}

func gone(id string) *Refusal {
	return refuse(CodeInvalid, "start with an empty data directory and join as a new node", "node %s was removed and cannot come back", id)
}

// drop removes a node for good. What it did while it led goes on to bear its name.
func (c *change) drop(id string) {
	for _, l := range []*Lead{&c.Lead, &c.Before} {
		if n, ok := c.Node(id); ok && l.Node == id {
			l.Name = n.Name
		}
	}
	c.Nodes = without(c.Nodes, func(n Node) bool { return n.ID == id })
	c.Removed = append(slices.Clip(c.Removed), id)
}

// RemoveNode removes a member for good: its ID never comes back, and knowing that is what its certificate is refused by.
type RemoveNode struct {
	ID string `json:"id"`
}

// Name returns NameRemoveNode.
func (*RemoveNode) Name() Name { return NameRemoveNode }

// String is the command in one line.
func (r *RemoveNode) String() string { return r.among(nil) }

func (r *RemoveNode) among(nodes []Node) string { return "node " + called(nodes, r.ID) + " is removed" }

func (r *RemoveNode) check() *Refusal { return id("node", r.ID) }

func (r *RemoveNode) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	n, ok := c.Node(r.ID)
	switch {
	case !ok && c.IsRemoved(r.ID):
		c.unchanged = true
		return nil
	case !ok:
		return refuse(CodeNotFound, "`polso members` lists them", "there is no node %s", r.ID)
	case len(c.Nodes) == 1:
		return refuse(CodeInvalid, "stop its agent and delete its data directory", "%s is the last node: without it there is no cluster", n.Name)
	}
	c.drop(r.ID)
	c.endOverrides()
	return nil
}

// UpdateNode changes where a member is reached.
type UpdateNode struct {
	ID        string   `json:"id"`
	Addresses []string `json:"addresses"`
}

// Name returns NameUpdateNode.
func (*UpdateNode) Name() Name { return NameUpdateNode }

// String is the command in one line.
func (u *UpdateNode) String() string { return u.among(nil) }

func (u *UpdateNode) among(nodes []Node) string {
	return fmt.Sprintf("node %s is at %s", called(nodes, u.ID), strings.Join(u.Addresses, ", "))
}

func (u *UpdateNode) check() *Refusal { return first(id("node", u.ID), addresses(u.Addresses)) }

func (u *UpdateNode) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	i := slices.IndexFunc(c.Nodes, func(n Node) bool { return n.ID == u.ID })
	switch {
	case i < 0 && c.IsRemoved(u.ID):
		return gone(u.ID)
	case i < 0:
		return refuse(CodeNotFound, "`polso members` lists them", "there is no node %s", u.ID)
	case slices.Equal(c.Nodes[i].Addresses, u.Addresses):
		c.unchanged = true
		return nil
	}
	if r := c.addressesFree(u.Addresses, u.ID); r != nil {
		return r
	}
	c.Nodes = slices.Clone(c.Nodes)
	c.Nodes[i].Addresses = u.Addresses
	return nil
}
