// Package fsm is the replicated state: the document with its history, overrides, nodes and credentials, published as
// immutable snapshots.
//
// Commands are few and typed; Apply is deterministic and never looks at a clock, the network or this node's files.
package fsm

import (
	"encoding/json"
	"time"

	"polso/config"
)

// Snapshot is one version of the replicated state. It is shared and must not be modified; every version is complete.
type Snapshot struct {
	Index uint64 // of the last raft entry it contains
	Term  uint64 // of that entry
	Known bool   // what was committed when this process first heard a leader is in it

	Cluster   Cluster
	Revision  uint64 // of Document; counts documents
	Document  config.Document
	Source    string     // the running document's text as it was written
	History   []Revision // oldest first, the running one last; at most 100 and 16 MiB
	Overrides []Override // sorted by Target
	Leaving   []Leaving
	Due       []Due // sorted by At
	Nodes     []Node
	Removed   []string // IDs of nodes that were removed and may never come back
	Tokens    []Token
	Audit     []Entry // oldest first, a ring of 1,000
	Lead      Lead    // who took the lead last
	Before    Lead    // who had it before
}

// Cluster is what `init` decided.
type Cluster struct {
	ID         string
	Name       string
	Profile    string // fast, lan, vm or wan
	Generation uint64 // grows with `recover`
	CA         string // PEM of the CA's certificate
}

// Revision is one document of the history.
type Revision struct {
	Number   uint64
	At       time.Time
	Author   Actor
	Message  string
	Source   string          // the text as written
	Document json.RawMessage // canonical JSON (config.Canonical)
}

// Actor is who did something.
type Actor struct {
	Kind    string `json:"kind"` // "local" (unix socket), "user", "node", "steward"
	Name    string `json:"name"`
	Address string `json:"address,omitempty"`
}

// Override is an operator's word about a server ("server/web/a") or a router ("router/r1") that stands beside the document.
type Override struct {
	Target string
	Kind   string // drain, disable or weight
	Weight int    // with weight
	By     Actor
	At     time.Time
	Until  time.Time // zero: until it is taken back
}

// Leaving is a server that was removed from the document and still drains.
type Leaving struct {
	ID      string // "web/a" at a revision, unique
	Virtual config.Virtual
	Server  config.Server
	Until   time.Time
}

// Due is something that ends by itself. The steward proposes Expire once At has passed.
type Due struct {
	At   time.Time
	Kind string // override, leaving, token
	ID   string
}

// Node is a member.
type Node struct {
	ID        string
	Name      string
	Kind      string // router or witness
	Addresses []string
	Joined    time.Time
}

// Token admits a node. Only the secret's hash is kept.
type Token struct {
	ID      string // public, for list and revoke
	Hash    string // hex SHA-256 of the secret
	Kind    string
	Uses    int // left
	Expires time.Time
	By      Actor
}

// Entry is one line of the audit.
type Entry struct {
	Index  uint64
	At     time.Time
	Actor  Actor
	Action string // the command's name
	Detail string // one line
	Error  string // "" when it was done
}

// Lead is one taking of the lead.
type Lead struct {
	Node   string // ID
	Term   uint64
	At     time.Time
	Reason string        // "first", "leader lost", "transfer"
	Took   time.Duration // from the last sign of the leader before to this node ready to direct
}
