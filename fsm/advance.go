package fsm

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// request is an answer that was given, and to what.
type request struct {
	ID      string `json:"id"`
	Command Name   `json:"command,omitempty"` // "" in a snapshot of before it was kept: whatever has the ID is taken for it
	Sum     uint32 `json:"sum,omitempty"`     // content's
	Result  Result `json:"result"`
}

// answer is the result for a command that comes with the ID again: the first one, if it is the same command.
func (r request) answer(c Command, now Result) Result {
	if r.Command == "" || r.Command == c.Name() && r.Sum == content(c) {
		return r.Result
	}
	now.Refusal = refuse(CodeReused, "give each request an ID of its own, and repeat one as it was",
		"the request ID %q has been used for something else: %s", r.ID, r.Command)
	return now
}

// timed is a command with a time that the proposer's clock makes: untimed is the same without it, which a second attempt
// has in common with the first.
type timed interface{ untimed() Command }

// content is a checksum of what a command asks for.
func content(c Command) uint32 {
	if t, ok := c.(timed); ok {
		c = t.untimed()
	}
	b, err := marshal(c)
	if err != nil {
		panic(fmt.Sprintf("fsm: %s: %v", c.Name(), err)) // it was read from JSON
	}
	return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
}

// What the state remembers.
const (
	maxRequests = 1024
	maxAudit    = 1000
	maxDetail   = 200
)

// advance returns the version after the entry and the answer to it. It depends on s and the entry alone, and changes
// neither: l decides whether the entry can be read, and nothing else. An error means that the entry cannot be read; there is no version after it.
func (s *Snapshot) advance(l Levels, index, term uint64, entry []byte) (*Snapshot, Result, error) {
	e, err := l.decodeBeside(entry, s)
	var large *Refusal
	if err != nil && !errors.As(err, &large) {
		return nil, Result{}, err
	}
	if r, ok := find(s.requests, func(r request) bool { return r.ID == e.Request }); ok {
		c := s.begin(index, term, e)
		return c.Snapshot, r.answer(e.Command, Result{Index: index, Revision: c.Revision}), nil
	}

	c := s.begin(index, term, e)
	refusal, detail := large, ""
	if large == nil {
		detail = e.Command.String()
		if a, ok := e.Command.(among); ok {
			detail = a.among(s.Nodes)
		}
		if refusal = e.Command.check(); refusal == nil {
			refusal = e.Command.apply(c)
		}
		if refusal != nil {
			c = s.begin(index, term, e) // what it had done so far is dropped
		}
	}
	result := Result{Index: index, Revision: c.Revision, Unchanged: c.unchanged, Refusal: refusal}
	done := Entry{Index: index, At: c.at, Actor: e.Actor, Action: string(e.Command.Name()), Detail: line(detail, maxDetail-len(c.aside)) + c.aside, Revision: c.made}
	if refusal != nil {
		done.Error = line(refusal.Text, maxDetail)
	}
	c.Audit = push(c.Audit, done, maxAudit)
	c.requests = push(c.requests, request{ID: e.Request, Command: e.Command.Name(), Sum: content(e.Command), Result: result}, maxRequests)
	return c.Snapshot, result, nil
}

func (s *Snapshot) begin(index, term uint64, e Envelope) *change {
	next := *s
	next.Index, next.Term = index, term
	if e.Level > next.InUse() { // refused or not: it is in the log, which every member reads
		next.Level = e.Level
	}
	return &change{Snapshot: &next, by: e.Actor, at: e.At}
}

// push appends to a ring of at most n. It writes only behind the end of every published version's slice, which one line of
// versions makes safe: each version is advanced once.
func push[T any](ring []T, v T, n int) []T {
	if len(ring) >= n {
		ring = ring[len(ring)-n+1:]
	}
	return append(ring, v)
}
