package health

import (
	"strconv"
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
	Silent  bool      // nothing came back in time, or there is no way
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

// tally counts a question's answers by one check's rise and fall.
type tally struct {
	state  State
	streak int  // answers in a row that said the opposite of state; while Unknown, that agreed
	good   bool // what the answers of streak said, while Unknown
}

// count is the state machine of rise and fall: it returns the tally after an answer. Rise successes in a row bring a target up,
// Fall failures in a row take it down; neither counts below one. An undecided target follows whichever run is complete first.
func (t tally) count(ok bool, check config.Check) tally {
	switch t.state {
	case Unknown:
		if t.good != ok {
			t.streak = 0
		}
		t.good = ok
		t.streak++
	case Up, Down:
		if ok == (t.state == Up) {
			t.streak = 0
			return t
		}
		t.streak++
	default:
		panic("health: counting in state " + t.state.String())
	}
	switch {
	case ok && t.streak >= check.Rise:
		return tally{state: Up}
	case !ok && t.streak >= check.Fall:
		return tally{state: Down}
	default:
		return t
	}
}

// verdict is a target's Status with what it takes to judge the next answer.
type verdict struct {
	Status
	tally  tally
	damper damper
}

// judge returns the verdict after result r, which ended at now.
func (v verdict) judge(r Result, check config.Check, now time.Time) verdict {
	v.tally = v.tally.count(r.OK, check)
	v.Last, v.Took, v.Streak = now, r.Took, v.tally.streak
	if !r.Expires.IsZero() {
		v.Expires = r.Expires
	}
	before := v.State
	v = v.follow(v.tally.state, r.Reason, check, now)
	if v.State != before || r.Advice.Kind != NoAdvice {
		v.Advice = r.Advice
	}
	if !r.Silent {
		v.Heard = now
	}
	switch {
	case v.State != Down || !r.Silent:
		v.Silent = time.Time{}
	case before != Down:
		v.Silent = now.Add(-r.Took)
	}
	return v
}

// inherited returns what a target takes over from one that asked the same: all but a change under way.
func (v verdict) inherited() verdict {
	v.Streak, v.tally.streak = 0, 0
	return v
}

// combine returns the verdict of a compound whose children say c, at now.
func (v verdict) combine(c combined, check config.Check, now time.Time) verdict {
	v.Last, v.Took, v.Advice, v.Expires, v.Heard, v.Silent = c.last, c.took, c.advice, c.expires, c.heard, c.silent
	return v.follow(c.state, c.reason, check, now)
}

// follow enters what was found, by rise and fall or by a compound's children: until something is, Initial stands, and who
// flapped is down for a while.
func (v verdict) follow(found State, reason string, check config.Check, now time.Time) verdict {
	v.damper = v.damper.follow(found, check, now)
	state := found
	switch {
	case found == Unknown && check.Initial == config.InitialUp:
		state, reason = Up, "up until its check decides"+after(reason)
	case found == Unknown && check.Initial == config.InitialDown:
		state, reason = Down, "down until its check decides"+after(reason)
	case found == Up && v.damper.holds(check, now):
		state, reason = Down, "held down for "+check.FlapHold.String()+" after "+strconv.Itoa(check.Flaps)+" changes within "+
			check.FlapWindow.String()+after(reason)
	}
	v.Reason, v.Assumed = reason, found == Unknown && state != Unknown
	if v.State != state {
		v.State, v.Since = state, now
	}
	return v
}

// after joins an answer to words that stand before it.
func after(reason string) string {
	if reason == "" {
		return ""
	}
	return "; " + reason
}

// damper remembers how often a target changed of late.
type damper struct {
	found State
	turns []time.Time // changes between up and down within FlapWindow, oldest first
	until time.Time   // when the hold ends
}

// follow notes a change. The one that is too many begins a hold, or begins it anew, and the count starts again. What ends a
// hold is the first answer after its time.
func (d damper) follow(found State, check config.Check, now time.Time) damper {
	changed := found != d.found && found != Unknown && d.found != Unknown
	d.found = found
	if !changed || check.Flaps == 0 {
		return d
	}
	recent := make([]time.Time, 0, check.Flaps) // a copy: verdicts are values
	for _, t := range d.turns {
		if now.Sub(t) < check.FlapWindow {
			recent = append(recent, t)
		}
	}
	d.turns = append(recent, now)
	if len(d.turns) >= check.Flaps {
		d.turns, d.until = nil, now.Add(check.FlapHold)
	}
	return d
}

func (d damper) holds(check config.Check, now time.Time) bool {
	return check.Flaps > 0 && now.Before(d.until)
}
