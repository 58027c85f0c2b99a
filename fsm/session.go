package fsm

import (
	"fmt"
	"slices"
	"time"
)

// Ended is a session that was signed out before its end. Sessions themselves are nowhere but in their cookies.
type Ended struct {
	ID    string    `json:"id"`
	Kind  string    `json:"kind"` // of who signed in: ActorUser or ActorToken
	Name  string    `json:"name"`
	Until time.Time `json:"until"` // when it would have ended
}

const (
	maxEnded   = 100                 // of one user or token: beyond, all their sessions end at once
	maxSession = 31 * 24 * time.Hour // longer than any session is good
	endedKept  = time.Hour           // beyond a session's end, for routers whose clocks are late
)

// EndSession ends a session.
type EndSession struct {
	Session Ended `json:"session"`
}

// Name returns NameEndSession.
func (*EndSession) Name() Name { return NameEndSession }

// String is the command in one line.
func (e *EndSession) String() string {
	return fmt.Sprintf("%s %s signs out", e.Session.Kind, e.Session.Name)
}

func (e *EndSession) check() *Refusal {
	if e.Session.Kind != ActorUser && e.Session.Kind != ActorToken {
		return refuse(CodeInvalid, "", "sessions are of users and tokens, not of a %q", e.Session.Kind)
	}
	return first(id("session", e.Session.ID), id(e.Session.Kind, e.Session.Name))
}

func (e *EndSession) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	now := e.Session
	now.Until = now.Until.UTC()
	if now.Until.After(c.at.Add(maxSession)) {
		return refuse(CodeInvalid, "", "no session is good until %s", now.Until.Format(time.RFC3339))
	}
	c.Ended = without(c.Ended, func(o Ended) bool { return o.Until.Add(endedKept).Before(c.at) })
	if c.HasEnded(now.ID) {
		c.unchanged = true
		return nil
	}
	own := 1
	for _, o := range c.Ended {
		if o.Kind == now.Kind && o.Name == now.Name {
			own++
		}
	}
	if own > maxEnded {
		c.endAll(now.Kind, now.Name)
		return nil
	}
	c.Ended = append(slices.Clip(c.Ended), now)
	return nil
}

// endAll ends every session of a user or a token.
func (c *change) endAll(kind, name string) {
	c.forgetEnded(kind, name)
	if u, ok := c.User(name); ok && kind == ActorUser {
		u.Generation = c.Index
		c.putUser(u)
	}
	if i := slices.IndexFunc(c.Accesses, func(a Access) bool { return a.ID == name }); i >= 0 && kind == ActorToken {
		c.Accesses = slices.Clone(c.Accesses)
		c.Accesses[i].Generation = c.Index
	}
	c.aside = "; with all other sessions"
}

// forgetEnded forgets sessions that nothing could bring back: they are of a generation before.
func (c *change) forgetEnded(kind, name string) {
	c.Ended = without(c.Ended, func(e Ended) bool { return e.Kind == kind && e.Name == name })
}

// HasEnded reports whether the session with that ID was signed out.
func (s *Snapshot) HasEnded(session string) bool {
	return slices.ContainsFunc(s.Ended, func(e Ended) bool { return e.ID == session })
}
