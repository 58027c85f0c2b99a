// Package health probes real servers and remembers which of them answer.
package health

import (
	"net/netip"
	"time"

	"polso/config"
)

// Target is one probe: what is asked of whom. Two virtuals with the same server and the same check share one Target. It
// is comparable through Key.
type Target struct {
	Addr  netip.AddrPort
	Check config.Check
}

// State is what is known of a target. The zero value is Unknown.
type State uint8

// The states.
const (
	Unknown State = iota // rise or fall has not decided yet
	Up
	Down
)

// Status is one target's state with its reason.
type Status struct {
	State  State
	Since  time.Time     // when State was entered
	Last   time.Time     // when the last probe ended
	Took   time.Duration // how long the last probe took
	Reason string        // the last probe's answer in an operator's words: "http: 503 after 3 ms"
	Streak int           // probes in a row that said the opposite of State (rise or fall under way)
}

// View is an immutable snapshot of every target's status.
type View map[Key]Status

// Key identifies a Target.
type Key string
