// Package health probes real servers and remembers which of them answer.
//
// Set is level-triggered: it is told the whole list of targets, keeps the state of those it knows, and publishes an
// immutable View. Nothing here decides what a verdict means for traffic; see director.
package health

import (
	"net/netip"
	"strconv"
	"time"

	"polso/config"
)

// Target is one probe, or a compound of several: what is asked of whom. Two virtuals with the same server and the same check
// share one Target. It is comparable through Key.
type Target struct {
	Addr  netip.AddrPort // where the probe goes; Check.Port has no further say
	Check config.Check
	Way   Way // where instead, if Check is through the virtual
}

// Way is what the probe of a check through the virtual asks for, at the target's server.
type Way struct {
	Virtual netip.AddrPort
	Forward config.Forward // how it gets there: dr or tun
}

// Detour returns the address that leads to a virtual address at one server, as its virtual forwards to it. An error says why there
// is none. It may ask the kernel.
type Detour func(virtual, server netip.Addr, by config.Forward) (netip.Addr, error)

// through tells whether the probe is for the virtual's address.
func (t Target) through() bool { return t.Check.Through != "" && t.Way.Virtual.IsValid() }

// asked is the address that the server is asked for.
func (t Target) asked() netip.AddrPort {
	if t.through() {
		return t.Way.Virtual
	}
	return t.Addr
}

// State is what is known of a target. The zero value is Unknown.
type State uint8

// The states.
const (
	Unknown State = iota // rise or fall has not decided yet
	Up
	Down
)

// String returns "unknown", "up" or "down".
func (s State) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Up:
		return "up"
	case Down:
		return "down"
	default:
		panic("health: unknown state " + strconv.Itoa(int(s)))
	}
}

// Status is one target's state with its reason.
type Status struct {
	State   State
	Assumed bool          // rise or fall has not decided yet: State is the check's Initial
	Since   time.Time     // when State was entered
	Last    time.Time     // when the last probe ended; zero before the first
	Took    time.Duration // how long the last probe took
	Reason  string        // the last probe's answer in an operator's words: "http: 503 after 3 ms"; of a compound, who decides
	Streak  int           // probes in a row that said the opposite of State (rise or fall under way); while Unknown, that agreed
	Advice  Advice        // of the last probe that gave one since State was entered
	Expires time.Time     // the end of the certificate that was shown last; zero: none was
	Heard   time.Time     // when the last probe ended to which something came back, whatever it was; zero: none
	Silent  time.Time     // when the probe that took it down began, if nothing came back then or since; zero otherwise
}

// View is an immutable snapshot of every target's status. A target that is not in it is Unknown.
type View map[Key]Status

// scheme is the first word of a reason: tcp, http or https.
func (t Target) scheme() string {
	if t.Check.Kind == config.CheckHTTP && t.Check.TLS {
		return "https"
	}
	return string(t.Check.Kind)
}
