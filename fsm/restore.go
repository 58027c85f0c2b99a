package fsm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"polso/config"
)

// Restore makes the document of a Backup the running one: a new revision, in this cluster or another. Members, overrides and
// tokens stay as they are.
//
// The backup's older revisions come along, under their own numbers, where no number would then name two documents: into the
// cluster that they are of, and into a new one, which knows revision 1 alone. Elsewhere only the document is taken. Nothing of
// the running cluster's history goes for that, but what is too old to be kept.
type Restore struct {
	Base       uint64     `json:"base"`       // the running revision, refused if it is another (ErrConflict)
	ClusterID  string     `json:"cluster_id"` // of the backup
	History    []Revision `json:"history"`    // of the backup, oldest first; the last one's document is to run
	Message    string     `json:"message,omitempty"`
	LeaveUntil time.Time  `json:"leave_until,omitzero"` // as SetDocument's
	document   config.Document
}

// Name returns NameRestore.
func (*Restore) Name() Name { return NameRestore }

// String is the command in one line.
func (r *Restore) String() string { return cmp.Or(r.Message, "a snapshot is restored") }

func (r *Restore) read(beside legible) (err error) {
	for i := range r.History {
		if r.History[i].Document, r.document, err = readDocument(r.History[i].Document, beside); err != nil {
			return fmt.Errorf("revision %d: %w", r.History[i].Number, err)
		}
		beside = legible{r.History[i].Document, r.document}
	}
	return nil
}

func (r *Restore) documents() (all []json.RawMessage) {
	for _, h := range r.History {
		all = append(all, h.Document)
	}
	return all
}

func (r *Restore) untimed() Command {
	same := *r
	same.LeaveUntil = time.Time{}
	return &same
}

func (r *Restore) check() *Refusal {
	switch {
	case len(r.History) == 0 || len(r.History) > maxHistory:
		return refuse(CodeInvalid, "", "a snapshot has 1 to %d revisions, not %d", maxHistory, len(r.History))
	case r.Base == 0:
		return refuse(CodeInvalid, "", "the running revision is not named")
	case len(r.Message) > maxMessage:
		return refuse(CodeTooLarge, "shorten it", "the message is %d bytes, at most %d are possible", len(r.Message), maxMessage)
	}
	for i, h := range r.History {
		if h.Number == 0 || i > 0 && h.Number <= r.History[i-1].Number {
			return refuse(CodeInvalid, "", "the snapshot's revisions are not in order: %d", h.Number)
		}
	}
	return id("cluster", r.ClusterID)
}

func (r *Restore) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if r.Base != c.Revision {
		return refuse(CodeConflict, "look at the difference with `polso snapshot restore --dry-run`, then restore again",
			"the document changed: revision %d runs now, this change is based on %d", c.Revision, r.Base)
	}
	last := r.History[len(r.History)-1]
	brought := c.Brings(r.ClusterID, r.History)
	if brought == 0 && bytes.Equal(last.Document, c.History[len(c.History)-1].Document) {
		c.unchanged = true
		return nil
	}
	if brought > 0 {
		c.History = union(c.History, r.History)
		c.Revision = c.History[len(c.History)-1].Number
	}
	c.run(Revision{Message: r.Message, Source: last.Source, Document: last.Document}, r.document, r.LeaveUntil.UTC())
	return nil
}

// Brings returns how many revisions of a backup's history would come along if it were restored: all that s does not have, or
// none if it is of another cluster, or of one that has gone another way since.
func (s *Snapshot) Brings(clusterID string, history []Revision) int {
	if clusterID != s.Cluster.ID && s.Revision != 1 {
		return 0
	}
	n := 0
	for _, r := range history {
		switch own, ok := s.Numbered(r.Number); {
		case !ok:
			n++
		case !bytes.Equal(own.Document, r.Document):
			return 0
		}
	}
	return n
}

// union is both lists by number; where both have one it is own's.
func union(own, other []Revision) []Revision {
	all := slices.Concat(own, other)
	slices.SortStableFunc(all, func(a, b Revision) int { return cmp.Compare(a.Number, b.Number) })
	return slices.CompactFunc(all, func(a, b Revision) bool { return a.Number == b.Number })
}
