package fsm

import "errors"

// request is an answer that was given.
type request struct {
	ID     string `json:"id"`
	Result Result `json:"result"`
}

// What the state remembers.
const (
	maxRequests = 1024
	maxAudit    = 1000
	maxDetail   = 200
)

// advance returns the version after the entry and the answer to it. It depends on s and the entry alone, and changes
// neither. An error means that the entry cannot be read; there is no version after it.
func (s *Snapshot) advance(index, term uint64, entry []byte) (*Snapshot, Result, error) {
	e, err := Decode(entry)
	var large *Refusal
	if err != nil && !errors.As(err, &large) {
		return nil, Result{}, err
	}
	if r, ok := find(s.requests, func(r request) bool { return r.ID == e.Request }); ok {
		c := s.begin(index, term, e)
		return c.Snapshot, r.Result, nil
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
	done := Entry{Index: index, At: c.at, Actor: e.Actor, Action: string(e.Command.Name()), Detail: line(detail, maxDetail), Revision: c.made}
	if refusal != nil {
		done.Error = line(refusal.Text, maxDetail)
	}
	c.Audit = push(c.Audit, done, maxAudit)
	c.requests = push(c.requests, request{ID: e.Request, Result: result}, maxRequests)
	return c.Snapshot, result, nil
}

func (s *Snapshot) begin(index, term uint64, e Envelope) *change {
	next := *s
	next.Index, next.Term = index, term
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
