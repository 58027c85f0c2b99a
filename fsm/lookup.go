package fsm

import (
	"slices"
	"strings"
)

// Founded reports whether there is a cluster.
func (s *Snapshot) Founded() bool { return s.Cluster.ID != "" }

// Node returns the member with that ID.
func (s *Snapshot) Node(id string) (Node, bool) {
	return find(s.Nodes, func(n Node) bool { return n.ID == id })
}

// NodeByName returns the member with that name.
func (s *Snapshot) NodeByName(name string) (Node, bool) {
	return find(s.Nodes, func(n Node) bool { return n.Name == name })
}

// IsRemoved reports whether the node with that ID was removed. A node that was never heard of was not.
func (s *Snapshot) IsRemoved(id string) bool { return slices.Contains(s.Removed, id) }

// Numbered returns the revision with that number, if the history still has it.
func (s *Snapshot) Numbered(n uint64) (Revision, bool) {
	return find(s.History, func(r Revision) bool { return r.Number == n })
}

// Override returns the override of that target, of several the first.
func (s *Snapshot) Override(target string) (Override, bool) {
	return find(s.Overrides, func(o Override) bool { return o.Target == target })
}

// OverridesOf returns the overrides of that target. They are the snapshot's own.
func (s *Snapshot) OverridesOf(target string) []Override {
	from, _ := slices.BinarySearchFunc(s.Overrides, target, func(o Override, t string) int { return strings.Compare(o.Target, t) })
	to := from
	for to < len(s.Overrides) && s.Overrides[to].Target == target {
		to++
	}
	return s.Overrides[from:to:to]
}

// Token returns the token with that public ID, used up and expired ones too.
func (s *Snapshot) Token(id string) (Token, bool) {
	return find(s.Tokens, func(t Token) bool { return t.ID == id })
}

// TokenByHash returns the token whose secret has that hash (hex SHA-256), used up and expired ones too.
func (s *Snapshot) TokenByHash(hash string) (Token, bool) {
	return find(s.Tokens, func(t Token) bool { return strings.EqualFold(t.Hash, hash) })
}

func find[T any](list []T, is func(T) bool) (T, bool) {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], true
	}
	var none T
	return none, false
}
