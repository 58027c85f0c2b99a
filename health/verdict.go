package health

import (
	"time"

	"polso/config"
)

// Result is the outcome of one probe.
type Result struct {
	OK      bool
	Took    time.Duration
	Reason  string    // "tcp: connected after 1 ms"
	Advice  Advice    // what an agent or a script said of the server's weight
	Expires time.Time // the end of the certificate that was shown; zero: none was
}

// Advice is what a server says of itself beside being up. The zero value says nothing.
type Advice struct {
	Kind  AdviceKind
	Value int // Percent: 0..100 and above, of the document's weight; Absolute: the weight, 0..65535
}

// AdviceKind is what an Advice is about.
type AdviceKind uint8

// The kinds of advice.
const (
	NoAdvice AdviceKind = iota
	Percent
	Absolute
	DrainAdvice // no new connections
)

// tally is a Status with what it takes to judge the next result.
type tally struct {
	Status
	good bool // what the probes of Streak said, while Unknown
}

// judge is the state machine: it returns the tally after result r, which ended at now. Rise successes in a row bring a
// target up, Fall failures in a row take it down; neither counts below one. An undecided target follows whichever run is
// complete first.
func (t tally) judge(r Result, check config.Check, now time.Time) tally {
	t.Last, t.Took, t.Reason = now, r.Took, r.Reason
	switch t.State {
	case Unknown:
		if t.good != r.OK {
			t.Streak = 0
		}
		t.good = r.OK
		t.Streak++
	case Up, Down:
		if r.OK == (t.State == Up) {
			t.Streak = 0
			return t
		}
		t.Streak++
	default:
		panic("health: judging state " + t.State.String())
	}
	switch {
	case r.OK && t.Streak >= check.Rise:
		t.State = Up
	case !r.OK && t.Streak >= check.Fall:
		t.State = Down
	default:
		return t
	}
	t.Since, t.Streak = now, 0
	return t
}
