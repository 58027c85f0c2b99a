package steward

import (
	"fmt"
	"strings"
	"time"

	"polso/fsm"
)

// Action is one thing to do.
type Action struct {
	Kind   Kind
	ID     string    // of the node: AddLearner, Promote, RemoveMember, Restart, HandOver, Yield and HandBack (to)
	Due    fsm.Due   // Expire, EndLeaving; of EndDrains the first
	Drains []fsm.Due // EndDrains
	Reason string    // why, in one line
}

// Kind is what an action does.
type Kind int

// The kinds of action.
const (
	Expire        Kind = iota + 1 // propose fsm.Expire of Due
	AddLearner                    // add the node to raft's configuration as a learner
	Promote                       // make the learner a voter
	RemoveMember                  // remove the node from raft's configuration
	HandOver                      // transfer the lead to the node, because this one should not have it
	Yield                         // transfer the lead to the node, because it sees servers that this one does not
	HandBack                      // transfer the lead to the node, because it is preferred
	FinishProfile                 // propose fsm.FinishProfile
	AdvanceCA                     // propose fsm.AdvanceCA
	EndLeaving                    // propose fsm.EndLeaving of Due
	EndDrains                     // propose fsm.EndDrains of Drains
	Restart                       // have the node begin its part in raft anew, with another timing
)

// String returns the kind in the log's words.
func (k Kind) String() string {
	switch k {
	case Expire:
		return "expire"
	case AddLearner:
		return "add learner"
	case Promote:
		return "promote"
	case RemoveMember:
		return "remove member"
	case HandOver:
		return "hand over to"
	case Yield:
		return "yield to"
	case HandBack:
		return "hand back to"
	case FinishProfile:
		return "finish the change of the profile"
	case AdvanceCA:
		return "advance the change of the CA"
	case EndLeaving:
		return "end"
	case EndDrains:
		return "end drains"
	case Restart:
		return "restart"
	default:
		return fmt.Sprintf("kind %d", int(k))
	}
}

// String says what is done to whom, the same for the same wish.
func (a Action) String() string {
	switch a.Kind {
	case EndDrains:
		return fmt.Sprintf("%s: %d, the first %s", a.Kind, len(a.Drains), a.Due.ID)
	case Expire, EndLeaving:
		return fmt.Sprintf("%s %s %s of %s", a.Kind, a.Due.Kind, a.Due.ID, a.Due.At.UTC().Format(time.RFC3339Nano))
	}
	return strings.TrimSuffix(a.Kind.String()+" "+a.ID, " ")
}
