package fsm

import (
	"fmt"
	"time"
)

// Expire ends what is due; a revision that was not confirmed it takes back. It names the Due entry as it was seen: when that was changed meanwhile, say because the operator
// prolonged a drain, nothing happens (ErrNotFound).
type Expire struct {
	Due Due `json:"due"`
}

// Name returns NameExpire.
func (*Expire) Name() Name { return NameExpire }

// String is the command in one line.
func (e *Expire) String() string {
	switch e.Due.Kind {
	case DueConfirm:
		return "revision " + e.Due.ID + " was not confirmed"
	case DueAccess:
		return "end of access token " + e.Due.ID
	}
	return fmt.Sprintf("end of %s %s", e.Due.Kind, e.Due.ID)
}

func (e *Expire) check() *Refusal {
	switch e.Due.Kind {
	case DueOverride, DueLeaving, DueToken, DueAccess, DueConfirm:
		return nil
	default:
		return refuse(CodeInvalid, "", "nothing of the kind %q ends by itself", e.Due.Kind)
	}
}

func (e *Expire) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	if !c.ends(e.Due) {
		return e.Due.notFound()
	}
	if c.at.Before(e.Due.At) {
		return refuse(CodeInvalid, "", "%s %s does not end before %s", e.Due.Kind, e.Due.ID, e.Due.At.UTC().Format(time.RFC3339))
	}
	switch e.Due.Kind {
	case DueOverride:
		c.dropOverrides(e.Due.ID, func(o Override) bool { return o.Until.Equal(e.Due.At) })
		c.dueOverrides(e.Due.ID)
	case DueLeaving:
		c.left(e.Due.ID)
	case DueToken:
		c.dropToken(e.Due.ID)
	case DueAccess:
		c.tellRevoked(c.dropAccess(e.Due.ID) - 1)
	case DueConfirm:
		return c.goBack()
	}
	return nil
}
