package ipvs

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Connection is one entry of the kernel's connection table: a connection, or a persistence template, which remembers a
// client's server and has no client port.
type Connection struct {
	Protocol Protocol // 0 for the template of a firewall mark
	Client   netip.AddrPort
	Virtual  netip.AddrPort // where it came to; of the template of a firewall mark, the mark: see Mark
	Server   netip.AddrPort
	State    string        // the kernel's word: "ESTABLISHED"
	Expires  time.Duration // whole seconds until the kernel forgets it, unless a packet comes
	Origin   Origin
	PE       string // the persistence engine, "" for none
	PEData   string // what that keeps of it, such as a Call-ID: a client's own bytes
}

// Mark returns the firewall mark of the template of one: the kernel writes it where the address of others is.
func (c Connection) Mark() (mark uint32, ok bool) {
	if c.Protocol != 0 {
		return 0, false
	}
	if a := c.Virtual.Addr(); a.Is4() {
		b := a.As4()
		return binary.BigEndian.Uint32(b[:]), true
	}
	b := c.Virtual.Addr().As16()
	return binary.BigEndian.Uint32(b[:4]), true
}

// Origin is how a router came to know of a connection.
type Origin uint8

// The origins. The zero Origin is an unknown one.
const (
	Here   Origin = iota + 1 // its packets came here first
	Synced                   // another router's sync daemon told of it
)

// String returns "local", "sync" or "" for an unknown one.
func (o Origin) String() string {
	switch o {
	case Here:
		return "local"
	case Synced:
		return "sync"
	default:
		return ""
	}
}

// Detail is what a listing of connections tells beside the rest. The kernel has no listing that tells both.
type Detail uint8

// The details.
const (
	Origins Detail = iota // Connection.Origin
	Engines               // Connection.PE and PEData
)

// file returns the name of the listing below /proc/net.
func (d Detail) file() string {
	if d == Engines {
		return "ip_vs_conn"
	}
	return "ip_vs_conn_sync"
}

// stateWords are the kernel's words for states: of TCP, UDP, SCTP, templates, and of what it should not be in.
var stateWords = set(`
NONE ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN SYNACK
UDP
INIT1 INIT C-SENT C-REPLIED C-WAIT COOKIE C-ECHOED S-SENT S-RECEIVED S-ACK-SENT REJECTED CLOSED
ASSURED
BUG! ERR!`)

// set returns the words of a text, each by itself.
func set(text string) map[string]string {
	m := make(map[string]string)
	for _, w := range strings.Fields(text) {
		m[w] = w
	}
	return m
}

// ConnectionStates returns the words that Connection.State may be, sorted.
func ConnectionStates() []string {
	return slices.Sorted(maps.Keys(stateWords))
}
