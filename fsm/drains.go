package fsm

import (
	"fmt"
	"slices"
	"time"
)

// MaxDrains is how many drains an EndDrains ends at most. It is part of the command's version.
const MaxDrains = 1000

// EndDrains ends many drains of servers that were removed from the document: by Expire and EndLeaving ten thousand of them are ten
// thousand entries. It names the Due entries as they were seen, whether their time has come or their last connection has ended. Those that
// are not there any more are passed over; when none is, nothing happens (ErrNotFound).
type EndDrains struct {
	Due []Due `json:"due"`
}

// Name returns NameEndDrains.
func (*EndDrains) Name() Name { return NameEndDrains }

// String is the command in one line.
func (e *EndDrains) String() string {
	if len(e.Due) == 0 {
		return "no drain has ended"
	}
	return fmt.Sprintf("the drains of %d servers have ended, the first %s", len(e.Due), e.Due[0].ID)
}

func (e *EndDrains) check() *Refusal {
	if len(e.Due) == 0 || len(e.Due) > MaxDrains {
		return refuse(CodeInvalid, "", "1 to %d drains end at once, not %d", MaxDrains, len(e.Due))
	}
	if i := slices.IndexFunc(e.Due, func(d Due) bool { return d.Kind != DueLeaving }); i >= 0 {
		return refuse(CodeInvalid, "", "nothing of the kind %q is a drain", e.Due[i].Kind)
	}
	return nil
}

func (e *EndDrains) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	seen := make(map[string]time.Time, len(e.Due))
	for _, d := range e.Due {
		seen[d.ID] = d.At
	}
	ended := make(map[string]bool, len(e.Due))
	for _, d := range c.Due {
		if at, ok := seen[d.ID]; ok && d.Kind == DueLeaving && at.Equal(d.At) {
			ended[d.ID] = true
		}
	}
	if len(ended) == 0 {
		return e.Due[0].notFound()
	}
	c.Leaving = without(c.Leaving, func(l Leaving) bool { return ended[l.ID] })
	c.Due = without(c.Due, func(d Due) bool { return d.Kind == DueLeaving && ended[d.ID] })
	return nil
}
