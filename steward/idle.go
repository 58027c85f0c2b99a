package steward

import (
	"slices"
	"time"

	"polso/fsm"
)

// IdleAfter is how long a removed server must have been without a connection, pass after pass, before its drain ends. Nothing
// new comes to it, so one look would do, if it were not for a packet that is on its way through the kernel just now.
const IdleAfter = 3 * time.Second

// endLeaving ends the drains of servers whose last connection has ended.
func endLeaving(in Inputs) []Action {
	var actions []Action
	for _, d := range in.State.Due {
		if lasted, idle := in.IdleFor[d.ID]; d.Kind == fsm.DueLeaving && idle && lasted >= IdleAfter && in.Now.Before(d.At) {
			actions = append(actions, Action{Kind: EndLeaving, Due: d, Reason: "its last connection has ended"})
		}
	}
	return actions
}

// together makes of the drains that end now, if there are several, few actions: each is an entry of the log.
func together(actions []Action) []Action {
	var drains []fsm.Due
	var rest []Action
	for _, a := range actions {
		if a.Due.Kind == fsm.DueLeaving {
			drains = append(drains, a.Due)
		} else {
			rest = append(rest, a)
		}
	}
	if len(drains) < 2 {
		return actions
	}
	for part := range slices.Chunk(drains, fsm.MaxDrains) {
		rest = append(rest, Action{Kind: EndDrains, Due: part[0], Drains: part, Reason: "their time has come, or their last connections have ended"})
	}
	return rest
}

// idleFor returns how long each server that leaves has been without a connection, pass after pass. One that was leaving
// already when this node took the lead is not among them: the director before may have connections to it that this kernel
// has never seen, and that come back if the lead does. Its deadline ends such a drain.
func (s *Steward) idleFor(in Inputs) map[string]time.Duration {
	if s.inherited == nil {
		if !in.State.Known {
			return nil
		}
		s.inherited = make(map[string]bool)
		for _, l := range in.State.Leaving {
			s.inherited[l.ID] = true
		}
	}
	since, out := make(map[string]time.Time), make(map[string]time.Duration)
	for _, id := range in.Idle {
		if s.inherited[id] {
			continue
		}
		began, known := s.idle[id]
		if !known {
			began = time.Now()
		}
		since[id], out[id] = began, time.Since(began)
	}
	s.idle = since
	return out
}
