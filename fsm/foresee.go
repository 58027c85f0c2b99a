package fsm

import (
	"time"

	"polso/config"
)

// With returns the state as it would be if a document took the running one's place at a time, servers that vanish leaving until
// then: what a SetDocument would make of it, without a place in the history. The snapshot itself is not touched.
func (s *Snapshot) With(doc config.Document, at, until time.Time) *Snapshot {
	next := *s
	c := &change{Snapshot: &next, at: at}
	before := c.Document
	c.Document = doc
	c.Revision++
	c.leave(before, until)
	c.endOverrides()
	return &next
}
