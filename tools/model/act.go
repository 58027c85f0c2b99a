package main

import "fmt"

type what uint8

const (
	tick what = iota
	success
	count
	stand
	ask
	lose
	grant
	elected
	stepDown
	restart
	release
	resume
	announce
	arm
	appendAct
	commit
	told
	change
)

// act is one step, for the trace.
type act struct {
	what      what
	who, whom int
	term, n   uint8
	late      bool // a Success that was made before its node's term rose
	flagged   bool // part of a hand-over; of a change: one more voter
	turned    bool // a start with the next phase of the profile's change
}

func name(i int) string { return string(rune('a' + i)) }

// String is one line for people.
func (a act) String() string {
	who, whom := name(a.who), name(a.whom)
	handed := ""
	if a.flagged {
		handed = ", in a hand-over"
	}
	switch a.what {
	case tick:
		return "-- a tick"
	case success:
		line := fmt.Sprintf("%s: its Success to a heartbeat that %s sent %s for term %d leaves", who, whom, ago(a.n), a.term)
		if a.late {
			line += ", made before its term rose"
		}
		return line
	case count:
		return fmt.Sprintf("%s counts its followers' Successes in term %d: it holds for %s", who, a.term, ticks(a.n))
	case stand:
		return fmt.Sprintf("%s stands for term %d%s", who, a.term, handed)
	case ask:
		return fmt.Sprintf("%s: its requests for votes of term %d leave%s", who, a.term, handed)
	case lose:
		return fmt.Sprintf("%s writes its vote for %s in term %d; the answer does not leave", who, whom, a.term)
	case grant:
		return fmt.Sprintf("%s votes for %s in term %d%s", who, whom, a.term, handed)
	case elected:
		return fmt.Sprintf("%s leads term %d", who, a.term)
	case stepDown:
		return fmt.Sprintf("%s steps down in raft, from term %d", who, a.term)
	case restart:
		if a.turned {
			return fmt.Sprintf("%s starts anew with %s", who, [...]string{"", "the profile of both lengths", "the new profile alone"}[a.n])
		}
		return who + " starts anew"
	case release:
		return fmt.Sprintf("%s lets go on purpose in term %d", who, a.term)
	case resume:
		return fmt.Sprintf("%s takes back in term %d", who, a.term)
	case announce:
		return fmt.Sprintf("%s announces a hand-over of term %d to %s", who, a.term, whom)
	case arm:
		return fmt.Sprintf("%s is armed with term %d", who, a.term)
	case appendAct:
		return fmt.Sprintf("%s appends what %s has in its log in term %d", who, whom, a.term)
	case commit:
		return fmt.Sprintf("%s: its log of term %d is committed", who, a.term)
	case told:
		return who + ": its roster is told so"
	case change:
		if a.flagged {
			return fmt.Sprintf("%s gives %s a vote in term %d", who, whom, a.term)
		}
		return fmt.Sprintf("%s takes %s out in term %d", who, whom, a.term)
	}
	panic("model: unknown act")
}

func ago(n uint8) string {
	if n == 0 {
		return "just now"
	}
	return ticks(n) + " ago"
}

func ticks(n uint8) string {
	if n == 1 {
		return "1 tick"
	}
	return fmt.Sprintf("%d ticks", n)
}
