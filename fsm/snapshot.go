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
	Term  uint64 // of the last command it contains
	Known bool   // what was committed when this process first heard a leader is in it (see FSM.Hear)

	Cluster   Cluster
	Revision  uint64 // of Document; counts documents
	Document  config.Document
	Source    string       // the running document's text as it was written
	History   []Revision   // oldest first, the running one last; at most 100 and 16 MiB, and Confirm.BackTo
	Overrides []Override   // sorted by Target and what they are about
	Leaving   []Leaving    // sorted by ID
	Due       []Due        // sorted by At, Kind, ID
	Nodes     []Node       // in the order they joined
	Removed   []string     // IDs of nodes that were removed and may never come back
	Tokens    []Token      // in the order they were made
	Users     []User       // sorted by name
	Accesses  []Access     // in the order they were made
	Ended     []Ended      // sessions that were signed out, in that order
	Audit     []Entry      // oldest first, a ring of 1,000
	Lead      Lead         // who took the lead last
	Before    Lead         // who had it before
	Confirm   Confirmation // the running revision, if it waits to be confirmed
	Adopted   uint64       // Index of the last SetDocument with Adopt; 0: none
	Level     int          // see InUse; 0: the first

	requests []request // the last 1,024 answers, oldest first
}

// Cluster is what `init` decided, and the timing as it is now. The zero value: nothing was founded yet.
type Cluster struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Profile    string `json:"profile"`                  // fast, lan, vm or wan
	Next       string `json:"next_profile,omitempty"`   // the one that it changes to; "": no change is under way
	Change     uint64 `json:"profile_change,omitempty"` // index of the entry that changed Profile or Next last; grows
	Generation uint64 `json:"generation"`               // grows with `recover`
	CA         string `json:"ca"`                       // PEM of the CA's certificate that members' certificates are issued by
	NextCA     string `json:"next_ca,omitempty"`        // PEM of the one that is to take its place; "": none is
	OldCA      string `json:"old_ca,omitempty"`         // PEM of the one before, while it is still trusted
	CAChange   uint64 `json:"ca_change,omitempty"`      // index of the entry that changed the three last; grows
}

// Revision is one document of the history.
type Revision struct {
	Number     uint64          `json:"number"`
	At         time.Time       `json:"at"`
	Author     Actor           `json:"author"`
	Message    string          `json:"message,omitempty"`
	RollbackOf uint64          `json:"rollback_of,omitempty"` // the revision whose document this one brought back; 0: none
	Source     string          `json:"source,omitempty"`      // the text as written
	Document   json.RawMessage `json:"document"`              // canonical JSON (config.Canonical)
}

// Actor is who did something.
type Actor struct {
	Kind    string `json:"kind"` // "local" (unix socket), ActorUser, ActorToken, "node", "steward"
	Name    string `json:"name"`
	Address string `json:"address,omitempty"` // where the request came from; "" over the unix socket
	Via     string `json:"via,omitempty"`     // the router that was asked, if it was
}

// The kinds of actor who say who they are.
const (
	ActorUser  = "user"  // by a password; the name is the user's
	ActorToken = "token" // by an access token; the name is its ID
)

// Override is an operator's word about a server ("server/web/a"), whatever is at an address ("address/10.0.0.11") or a
// router ("router/r1") that stands beside the document.
type Override struct {
	Target string    `json:"target"`
	Kind   string    `json:"kind"`             // Drain, Disable, Weight, Up or Down
	Weight int       `json:"weight,omitempty"` // with Weight, 0..65535
	By     Actor     `json:"by"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until,omitzero"` // zero: until it is taken back
	Reason string    `json:"reason,omitempty"`
}

// The kinds of override. A router can only be drained, an address drained or disabled.
const (
	Drain   = "drain"   // no new connections, the old ones stay
	Disable = "disable" // out of the table
	Weight  = "weight"  // another weight
	Up      = "up"      // up, whatever its check says
	Down    = "down"    // down, whatever its check says
)

// What overrides are about.
const (
	AboutTraffic = "traffic" // Drain, Disable
	AboutWeight  = "weight"
	AboutHealth  = "health" // Up, Down
)

// Leaving is a server that was removed from the document and still drains.
type Leaving struct {
	ID      string         // "web/a@42": removed by revision 42
	Virtual config.Virtual // as it was, without its servers
	Server  config.Server
	Until   time.Time
}

// Due is something that ends by itself. The steward proposes Expire once At has passed.
type Due struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"` // DueOverride, DueLeaving, DueToken, DueAccess or DueConfirm
	ID   string    `json:"id"`   // the override's target (of those that end at At), the leaving's ID, the token's or access token's ID, the revision's number
}

// The kinds of Due.
const (
	DueOverride = "override"
	DueLeaving  = "leaving"
	DueToken    = "token"
	DueAccess   = "access"
	DueConfirm  = "confirm"
)

// Node is a member.
type Node struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`            // Router or Witness
	Addresses []string  `json:"addresses"`       // "10.9.0.11:5390", dialled in turn
	Joined    time.Time `json:"joined,omitzero"` // set by Apply
}

// The kinds of node.
const (
	Router  = "router"
	Witness = "witness" // votes and never directs
)

// Token admits a node. Only the secret's hash is kept. A token that has ended or was used up stays for a day after its end,
// so that the answer can say so.
type Token struct {
	ID      string    `json:"id"`   // public, for list and revoke
	Hash    string    `json:"hash"` // hex SHA-256 of the secret
	Kind    string    `json:"kind"` // of the nodes it admits: Router or Witness
	Uses    int       `json:"uses"` // left
	Expires time.Time `json:"expires"`
	By      Actor     `json:"by,omitzero"` // set by Apply
}

// Admits reports whether the token admits somebody at that time.
func (t Token) Admits(at time.Time) bool { return t.Uses > 0 && at.Before(t.Expires) }

// Entry is one line of the audit.
type Entry struct {
	Index    uint64    `json:"index"`
	At       time.Time `json:"at"`
	Actor    Actor     `json:"actor"`
	Action   string    `json:"action"`             // the command's name
	Detail   string    `json:"detail"`             // one line, at most 200 bytes
	Revision uint64    `json:"revision,omitempty"` // the one it made
	Error    string    `json:"error,omitempty"`    // "" when it was done
}

// Lead is one taking of the lead.
type Lead struct {
	Node   string        `json:"node"`           // ID
	Name   string        `json:"name,omitempty"` // the node's, kept when it is removed; "" for a member
	Term   uint64        `json:"term"`
	At     time.Time     `json:"at"`
	Reason string        `json:"reason"`         // "first", "leader lost", "transfer"
	Took   time.Duration `json:"took"`           // from the last sign of the leader before to this node ready to direct; 0: unknown
	From   string        `json:"from,omitempty"` // ID of the leader before, as the new one knew it; "" unknown
}
