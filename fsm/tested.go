package fsm

import (
	"fmt"
	"strings"
)

// TestedNotice says that somebody had a notify block tell of a test, and which routers told and which could not. It changes
// nothing but the audit.
type TestedNotice struct {
	Notify string   `json:"notify"`
	Told   []string `json:"told,omitempty"` // names
	Failed []string `json:"failed,omitempty"`
}

// Name returns NameTestedNotice.
func (*TestedNotice) Name() Name { return NameTestedNotice }

// String is the command in one line.
func (t *TestedNotice) String() string {
	said := []string{fmt.Sprintf("notify %s was tested", t.Notify)}
	if len(t.Told) > 0 {
		said = append(said, "told by "+strings.Join(t.Told, ", "))
	}
	if len(t.Failed) > 0 {
		said = append(said, "not told by "+strings.Join(t.Failed, ", "))
	}
	return strings.Join(said, "; ")
}

func (t *TestedNotice) check() *Refusal {
	said := []*Refusal{label("notify block", t.Notify)}
	for _, names := range [][]string{t.Told, t.Failed} {
		if len(names) > maxNodes {
			return refuse(CodeInvalid, "", "%d routers are more than %d", len(names), maxNodes)
		}
		for _, name := range names {
			said = append(said, label("node", name))
		}
	}
	return first(said...)
}

func (t *TestedNotice) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	return nil
}
