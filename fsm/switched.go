package fsm

import "fmt"

// Switched says that somebody asked for the switchover that has just come about: TakeLead knows no more than its reason. It
// changes nothing but the audit.
type Switched struct {
	From string `json:"from"` // names
	To   string `json:"to"`
}

// Name returns NameSwitched.
func (*Switched) Name() Name { return NameSwitched }

// String is the command in one line.
func (s *Switched) String() string {
	return fmt.Sprintf("the switchover from %s to %s was asked for", s.From, s.To)
}

func (s *Switched) check() *Refusal { return first(label("node", s.From), label("node", s.To)) }

func (s *Switched) apply(c *change) *Refusal {
	if !c.Founded() {
		return notFounded()
	}
	return nil
}
