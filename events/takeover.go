package events

import (
	"fmt"
	"strings"
	"time"
)

// Takeover is one taking over explained, by the router that took over.
type Takeover struct {
	From       string    `json:"from" doc:"who directed before"`
	To         string    `json:"to" doc:"who does now"`
	Via        string    `json:"via,omitempty" doc:"a witness that led in between; the stages are those of taking over from it"`
	Reason     string    `json:"reason" doc:"leader lost, or transfer with what is known of why"`
	By         string    `json:"by,omitempty" doc:"who asked for it"`
	Term       uint64    `json:"term"`
	At         time.Time `json:"at" doc:"when it took the lead, as the audit has it"`
	Seconds    float64   `json:"seconds" doc:"the stages together"`
	Stages     []Stage   `json:"stages" nullable:"false" doc:"in their order; one that is not known is not there"`
	Unfinished string    `json:"unfinished,omitempty" doc:"why the last stages are missing"`
}

// Stage is a piece of a takeover: it begins where the one before it ends.
type Stage struct {
	Name    string  `json:"name" enum:"detection,election,lease,addresses,announcement"`
	Seconds float64 `json:"seconds"`
}

// String is the stage in two words: "election 31ms".
func (s Stage) String() string { return s.Name + " " + short(s.Seconds) }

// Moments are when a takeover came how far, all on one clock of the router that took over which nothing sets. Zero is not known, or
// not come so far.
type Moments struct {
	Sign      time.Duration // the last sign of the director before
	Stood     time.Duration // it first asked for votes
	Elected   time.Duration // it was elected
	Leased    time.Duration // its lease ran and what was committed before was applied: it may hold
	Held      time.Duration // the last of its addresses was up
	Announced time.Duration // each of them had been announced once
}

// Stages are the times between moments that are known, and together. What comes before the moment before it took no time: of several
// addresses one may be announced before the next is up.
func (m Moments) Stages() (stages []Stage, together time.Duration) {
	last := m.Sign
	for _, end := range []struct {
		name string
		at   time.Duration
	}{{"detection", m.Stood}, {"election", m.Elected}, {"lease", m.Leased}, {"addresses", m.Held}, {"announcement", m.Announced}} {
		if end.at == 0 {
			continue
		}
		if last != 0 {
			took := max(0, end.at-last).Round(time.Microsecond)
			stages, together = append(stages, Stage{end.name, took.Seconds()}), together+took
		}
		last = max(last, end.at)
	}
	return stages, together
}

// String is the record in one line.
func (f Takeover) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s -> %s: %s", f.From, f.To, f.Reason)
	if f.By != "" {
		fmt.Fprintf(&b, ", asked for by %s", f.By)
	}
	if f.Via != "" {
		fmt.Fprintf(&b, ", by way of witness %s", f.Via)
	}
	for i, s := range f.Stages {
		if i == 0 {
			fmt.Fprintf(&b, "; %s: ", short(f.Seconds))
		} else {
			b.WriteString(", ")
		}
		b.WriteString(s.String())
	}
	if f.Unfinished != "" {
		fmt.Fprintf(&b, "; not complete: %s", f.Unfinished)
	}
	return b.String()
}

// short is a length as people read it: "312ms", "0.4ms".
func short(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Millisecond {
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
