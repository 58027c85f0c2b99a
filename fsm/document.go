package fsm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"polso/config"
)

// SetDocument makes a document the running one: a new revision, unless it is the running one already (then the answer is
// Unchanged). Its meaning was validated before it was proposed (Admit).
//
// A server that the document no longer names, of a virtual that stays (same address, ports and protocol, or same mark),
// leaves: it is kept to drain until LeaveUntil. Overrides of servers that are gone end.
//
// With ConfirmUntil the revision waits to be confirmed (see Confirmation). The running document with ConfirmUntil once more
// makes no revision, but a longer wait for the one that waits; without, it changes nothing: the wait goes on.
type SetDocument struct {
	Base       uint64          `json:"base,omitempty"` // the revision it was based on, refused if another runs (ErrConflict); 0: whichever
	Source     string          `json:"source,omitempty"`
	Document   json.RawMessage `json:"document"` // canonical: config.Canonical
	Message    string          `json:"message,omitempty"`
	LeaveUntil time.Time       `json:"leave_until,omitzero"`  // zero: servers that vanish go at once
	RollbackOf uint64          `json:"rollback_of,omitempty"` // the revision whose document this is, refused if the history has it no more
	Adopt      bool            `json:"adopt,omitempty"`       // services that routers found in their kernels may go; said again, it counts again

	ConfirmUntil time.Time `json:"confirm_until,omitzero"` // it goes back then, unless it is confirmed; zero: it stays

	document config.Document
	parsed   bool
}

// NewSetDocument returns the command that makes doc the running document, and says nothing else yet.
func NewSetDocument(doc config.Document) (*SetDocument, error) {
	text, err := config.Canonical(doc)
	return &SetDocument{Document: text, document: doc, parsed: true}, err
}

// Parsed returns the document, which is read unless it is known from NewSetDocument or Decode. It is shared and must not be modified.
func (d *SetDocument) Parsed() (config.Document, error) {
	if d.parsed {
		return d.document, nil
	}
	return config.FromCanonical(d.Document)
}

// Name returns NameSetDocument.
func (*SetDocument) Name() Name { return NameSetDocument }

// String is the command in one line.
func (d *SetDocument) String() string {
	switch {
	case d.RollbackOf != 0:
		return fmt.Sprintf("back to revision %d", d.RollbackOf)
	case d.Message != "":
		return d.Message
	default:
		return "document"
	}
}

func (d *SetDocument) read(beside legible) (err error) {
	d.Document, d.document, err = readDocument(d.Document, beside)
	d.parsed = err == nil
	return err
}

func (d *SetDocument) documents() []json.RawMessage { return []json.RawMessage{d.Document} }

func (d *SetDocument) untimed() Command {
	same := *d
	same.LeaveUntil = time.Time{}
	if !d.ConfirmUntil.IsZero() { // whether it is to be confirmed is part of the wish, when is the clock's
		same.ConfirmUntil = time.Unix(0, 0).UTC()
	}
	return &same
}

func (d *SetDocument) check() *Refusal {
	if len(d.Message) > maxMessage {
		return refuse(CodeTooLarge, "shorten it", "the message is %d bytes, at most %d are possible", len(d.Message), maxMessage)
	}
	return nil
}

func (d *SetDocument) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if d.Base != 0 && d.Base != c.Revision {
		return refuse(CodeConflict, "look at the difference with `polso plan`, then apply again",
			"the document changed: revision %d runs now, this change is based on %d", c.Revision, d.Base)
	}
	if d.RollbackOf != 0 {
		if _, ok := c.Numbered(d.RollbackOf); !ok {
			return refuse(CodeNotFound, "`polso history` lists those that are kept", "revision %d is not in the history", d.RollbackOf)
		}
	}
	if !d.ConfirmUntil.IsZero() && !d.ConfirmUntil.After(c.at) {
		return refuse(CodeInvalid, "", "its time to be confirmed, %s, has passed already", d.ConfirmUntil.UTC().Format(time.RFC3339))
	}
	if d.Adopt {
		c.Adopted = c.Index
	}
	if bytes.Equal(d.Document, c.History[len(c.History)-1].Document) {
		c.unchanged = true
		if w := c.Confirm; w.Pending() && !d.ConfirmUntil.IsZero() {
			w.Until, w.By = d.ConfirmUntil.UTC(), c.by
			c.await(w)
		}
		return nil
	}
	waiting := d.waiting(c)
	if waiting.Pending() {
		c.await(waiting)
	}
	c.run(Revision{Message: d.Message, RollbackOf: d.RollbackOf, Source: d.Source, Document: d.Document}, d.document, d.LeaveUntil.UTC())
	return nil
}

// run makes r the running revision, has the servers that vanish with it leave until then, and ends what was said of them.
func (c *change) run(r Revision, doc config.Document, leaveUntil time.Time) {
	before := c.Document
	c.publish(r, doc)
	c.leave(before, leaveUntil)
	c.endOverrides()
}

// The history keeps so much. The running revision stays whatever its size.
const (
	maxHistory      = 100
	maxHistoryBytes = 16 << 20
)

func (r Revision) size() int { return len(r.Source) + len(r.Document) + len(r.Message) }

// publish makes r the running revision: it gets its number, time and author here. Another one that waited does so no more.
func (c *change) publish(r Revision, doc config.Document) {
	c.Revision++
	r.Number, r.At, r.Author = c.Revision, c.at, c.by
	c.Document, c.Source, c.made = doc, r.Source, r.Number
	if w := c.Confirm; w.Pending() && w.Revision != r.Number {
		c.await(Confirmation{})
		c.aside = fmt.Sprintf("; revision %d waits no more", w.Revision)
	}
	c.History = append(c.History[:len(c.History):len(c.History)], r)
	size := 0
	for i := len(c.History) - 1; i >= 0; i-- {
		size += c.History[i].size()
		if i < len(c.History)-1 && (size > maxHistoryBytes || len(c.History)-i > maxHistory) {
			back, wanted := find(c.History[:i+1], func(r Revision) bool { return r.Number == c.Confirm.BackTo })
			c.History = append([]Revision(nil), c.History[i+1:]...)
			if wanted { // beyond the bounds, as long as it may run again
				c.History = append([]Revision{back}, c.History...)
			}
			return
		}
	}
}

// legible is a document that was read already, and its text; the zero one is none.
type legible struct {
	text json.RawMessage
	doc  config.Document
}

// running is the running document. It may be asked of nil.
func (s *Snapshot) running() legible {
	if s == nil || len(s.History) == 0 {
		return legible{}
	}
	return legible{s.History[len(s.History)-1].Document, s.Document}
}

// ReadDocument is config.FromCanonical, faster for a document that has most virtuals in common with the running one. It shares them, and must
// not be modified.
func (s *Snapshot) ReadDocument(text []byte) (config.Document, error) {
	beside := s.running()
	return config.FromCanonicalBeside(text, beside.text, beside.doc)
}

// readDocument returns the document and its text in the one form that survives a snapshot and can be compared byte by byte. What it has in
// common with another one is not read again.
func readDocument(text json.RawMessage, beside legible) (json.RawMessage, config.Document, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return nil, config.Document{}, fmt.Errorf("%w: document: %w", ErrCorrupt, err)
	}
	doc, err := config.FromCanonicalBeside(b.Bytes(), beside.text, beside.doc)
	switch {
	case errors.Is(err, config.ErrSchema):
		return nil, config.Document{}, fmt.Errorf("%w: %w", ErrUnknown, err)
	case err != nil:
		return nil, config.Document{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return b.Bytes(), doc, nil
}

func notFounded() *Refusal {
	return refuse(CodeNotFounded, "run `polso init` on the first router", "there is no cluster yet")
}
