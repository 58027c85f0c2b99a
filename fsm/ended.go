package fsm

import (
	"fmt"
	"time"
)

// EndLeaving ends the drain of a server that was removed from the document before its deadline: its last connection has ended.
// It names the Due entry as it was seen, as Expire does; when that is not there any more, nothing happens (ErrNotFound).
type EndLeaving struct {
	Due Due `json:"due"`
}

// Name returns NameEndLeaving.
func (*EndLeaving) Name() Name { return NameEndLeaving }

// String is the command in one line.
func (e *EndLeaving) String() string {
	return fmt.Sprintf("the last connection of %s has ended", e.Due.ID)
}

func (e *EndLeaving) check() *Refusal {
	if e.Due.Kind != DueLeaving {
		return refuse(CodeInvalid, "", "nothing of the kind %q ends with its connections", e.Due.Kind)
	}
	return nil
}

func (e *EndLeaving) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if !c.ends(e.Due) {
		return e.Due.notFound()
	}
	c.left(e.Due.ID)
	return nil
}

// ends reports whether exactly that end is due.
func (c *change) ends(due Due) bool {
	for _, d := range c.Due {
		if d.Kind == due.Kind && d.ID == due.ID && d.At.Equal(due.At) {
			return true
		}
	}
	return false
}

func (d Due) notFound() *Refusal {
	return refuse(CodeNotFound, "", "%s %s does not end at %s", d.Kind, d.ID, d.At.UTC().Format(time.RFC3339))
}

// left ends a drain.
func (c *change) left(id string) {
	c.Leaving = without(c.Leaving, func(l Leaving) bool { return l.ID == id })
	c.notDue(DueLeaving, id)
}
