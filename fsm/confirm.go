package fsm

import (
	"fmt"
	"strconv"
	"time"

	"polso/config"
)

// Confirmation is a revision that goes back by itself unless somebody confirms it in time. The zero value: nothing waits.
//
// One revision waits at most, and it is the running one. Whatever makes another one ends its waiting: a later change was made
// by somebody who could make it, and stands on what it found, so it confirms what ran before it. A later change that is to be
// confirmed itself goes back to where the first one would have: to the last revision that somebody stands by.
type Confirmation struct {
	Revision uint64        `json:"revision"`
	BackTo   uint64        `json:"back_to"`             // whose document runs again; the history keeps it meanwhile
	Until    time.Time     `json:"until"`               // the proposer's wall time; the steward says when it has come
	LeaveFor time.Duration `json:"leave_for,omitempty"` // how long the servers that vanish on the way back drain
	By       Actor         `json:"by"`                  // who made it, or asked for a longer time
}

// Pending reports whether a revision waits.
func (w Confirmation) Pending() bool { return w.Revision != 0 }

// dueID is what its Due is called.
func (w Confirmation) dueID() string { return strconv.FormatUint(w.Revision, 10) }

// Confirm has the revision that waits stay.
type Confirm struct {
	Revision uint64 `json:"revision,omitempty"` // refused if another waits (ErrConflict); 0: whichever does
}

// Name returns NameConfirm.
func (*Confirm) Name() Name { return NameConfirm }

// String is the command in one line.
func (f *Confirm) String() string {
	if f.Revision == 0 {
		return "the revision that waits is confirmed"
	}
	return fmt.Sprintf("revision %d is confirmed", f.Revision)
}

func (f *Confirm) check() *Refusal { return nil }

func (f *Confirm) apply(c *change) *Refusal {
	switch {
	case !c.Founded():
		return notFounded()
	case !c.Confirm.Pending():
		return refuse(CodeNotFound, "`polso history` shows what ran: it was confirmed already, or went back when its time was up", "no revision waits to be confirmed")
	case f.Revision != 0 && f.Revision != c.Confirm.Revision:
		return refuse(CodeConflict, "look at it with `polso show`, then confirm that one", "revision %d waits to be confirmed, not %d", c.Confirm.Revision, f.Revision)
	}
	c.await(Confirmation{})
	return nil
}

// await makes w the one that waits, instead of the one before.
func (c *change) await(w Confirmation) {
	if c.Confirm.Pending() {
		c.notDue(DueConfirm, c.Confirm.dueID())
	}
	c.Confirm = w
	if w.Pending() {
		c.due(Due{At: w.Until, Kind: DueConfirm, ID: w.dueID()})
	}
}

// waiting is what waits once d has become revision c.Revision + 1; nothing if d need not be confirmed, or brings back what it
// would go back to.
func (d *SetDocument) waiting(c *change) Confirmation {
	if d.ConfirmUntil.IsZero() {
		return Confirmation{}
	}
	w := Confirmation{Revision: c.Revision + 1, BackTo: c.Revision, Until: d.ConfirmUntil.UTC(), LeaveFor: max(0, d.LeaveUntil.Sub(c.at)), By: c.by}
	if c.Confirm.Pending() {
		w.BackTo = c.Confirm.BackTo
	}
	if back, ok := c.Numbered(w.BackTo); !ok || string(back.Document) == string(d.Document) {
		return Confirmation{}
	}
	return w
}

// goBack undoes the revision that waits, as a new one.
func (c *change) goBack() *Refusal {
	w := c.Confirm
	old, ok := c.Numbered(w.BackTo)
	if !ok {
		return refuse(CodeNotFound, "`polso history` lists those that are kept", "revision %d is not in the history", w.BackTo)
	}
	doc, err := config.FromCanonical(old.Document)
	if err != nil {
		return refuse(CodeInvalid, "", "revision %d: %v", w.BackTo, err)
	}
	c.await(Confirmation{})
	c.run(Revision{
		Message:    fmt.Sprintf("revision %d was not confirmed: back to revision %d", w.Revision, w.BackTo),
		RollbackOf: w.BackTo, Source: old.Source, Document: old.Document,
	}, doc, c.at.Add(w.LeaveFor))
	return nil
}
