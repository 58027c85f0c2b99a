package fsm

import (
	"encoding/json"
	"fmt"

	"polso/config"
)

// Levels is what a build can read: which commands, fields of commands and parts of documents came with a later command level than
// the first. The highest of them is the build's own command level. An entry bears the level that it needs, and a state remembers
// the highest that was ever committed, its level in use. A leader proposes nothing that a member does not understand (Needed tells
// what it needs), and a build whose level is below the level in use can be no member: it stops at what it cannot read.
//
// So what is new follows two rules: nothing but a command that needs its level brings it into the state, and entries and snapshots
// leave it out while it is not there. The zero value is a build of the first level.
type Levels struct {
	Commands config.Since // by name ("end_drains"), or by name and field ("set_override.reason")
	Document config.Since // by path (config.Levels)
}

// ThisBuild is what this build can read.
func ThisBuild() Levels { return Levels{Commands: commandLevels(), Document: config.Levels()} }

// commandLevels tells the commands, and the fields of commands, that came later than the first level: none yet. What a release
// has brought keeps its level for good.
func commandLevels() config.Since { return config.Since{} }

// Own is the build's command level, from 1.
func (l Levels) Own() int { return max(l.Commands.Highest(), l.Document.Highest()) }

// Need is the command level that a command needs, and what of it does.
type Need struct {
	Level int    // 1: every build can read it
	What  string // "virtual.server.zone", "end_drains"; "" with level 1
}

// withDocuments is a command with documents in it, canonical.
type withDocuments interface{ documents() []json.RawMessage }

// Need tells what a command needs. An error means that a document in it is no JSON.
func (l Levels) Need(c Command) (Need, error) {
	need := Need{Level: 1}
	if l.Own() == 1 {
		return need, nil
	}
	payload, err := marshal(c)
	if err != nil {
		return need, err
	}
	level, what, err := l.Commands.Need(string(c.Name()), payload)
	if err != nil {
		return need, err
	}
	if level > 1 {
		need = Need{level, what}
	}
	d, ok := c.(withDocuments)
	if !ok {
		return need, nil
	}
	for _, text := range d.documents() {
		level, what, err := l.Document.Need("", text)
		if err != nil {
			return need, fmt.Errorf("%w: document: %w", ErrCorrupt, err)
		}
		if level > need.Level {
			need = Need{level, what}
		}
	}
	return need, nil
}

// Needed tells what every member must be able to read for an entry. The errors are Decode's.
func (l Levels) Needed(entry []byte) (Need, error) {
	h, _, err := split(entry)
	switch {
	case err != nil:
		return Need{}, fmt.Errorf("entry: %w", err)
	case h.Level > l.Own():
		return Need{}, fmt.Errorf("entry: %w", tooNew(string(h.Command), h.Level, l.Own()))
	case h.Level <= 1:
		return Need{Level: 1}, nil
	}
	e, err := l.Decode(entry)
	if err != nil {
		return Need{}, err
	}
	need, err := l.Need(e.Command)
	return Need{e.Level, need.What}, err
}

// tooNew is the error of what needs a higher level than this build has.
func tooNew(what string, needs, own int) error {
	return fmt.Errorf("%w: %s needs command level %d, this release knows %d", ErrUnknown, what, needs, own)
}

// InUse is the highest command level that was ever committed, from 1: every member must know it.
func (s *Snapshot) InUse() int { return max(1, s.Level) }
