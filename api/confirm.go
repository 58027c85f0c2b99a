package api

import (
	"context"
	"fmt"
	"time"

	"polso/fsm"
)

// Confirmation is a revision that goes back by itself unless it is confirmed.
type Confirmation struct {
	Revision uint64    `json:"revision"`
	BackTo   uint64    `json:"back_to" doc:"the revision whose document runs again then"`
	Until    time.Time `json:"until"`
	By       string    `json:"by" doc:"who made it"`
}

// ConfirmRequest has the revision that waits stay.
type ConfirmRequest struct {
	Revision uint64 `json:"revision,omitempty" doc:"refuse with conflict if another waits; 0: whichever does"`
}

// ConfirmationOf is what waits to be confirmed; nil: nothing does.
func ConfirmationOf(s *fsm.Snapshot) *Confirmation {
	w := s.Confirm
	if !w.Pending() {
		return nil
	}
	return &Confirmation{Revision: w.Revision, BackTo: w.BackTo, Until: w.Until, By: w.By.Name}
}

// How long a revision can wait. Less than the first nobody could look at it and answer; after the second nobody remembers.
const (
	shortestConfirm = 10 * time.Second
	longestConfirm  = 24 * time.Hour
)

// confirmEnd is when a revision goes back that is to be confirmed within so many seconds; zero: it stays.
func confirmEnd(now time.Time, seconds float64) (time.Time, error) {
	switch {
	case seconds == 0:
		return time.Time{}, nil
	case seconds < shortestConfirm.Seconds(), seconds > longestConfirm.Seconds():
		return time.Time{}, Errorf(CodeInvalid, "a change can wait from %v to %v to be confirmed, not %g s; nothing was changed", shortestConfirm, longestConfirm, seconds).
			WithHint("five minutes are usual: polso apply --confirm 5m")
	}
	return now.Add(time.Duration(seconds * float64(time.Second))), nil
}

// supersedes warns whoever is about to change the document while a revision waits.
func supersedes(s *fsm.Snapshot) []string {
	w := s.Confirm
	if !w.Pending() {
		return nil
	}
	return []string{fmt.Sprintf("revision %d, by %s, waits to be confirmed, else it goes back to %d at %s: a change on top confirms it, unless it is to be confirmed itself",
		w.Revision, w.By.Name, w.BackTo, w.Until.Format(time.RFC3339))}
}

// confirm has the revision that waits stay.
func (s *server) confirm(ctx context.Context, req ConfirmRequest) (Done, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Done{}, err
	}
	if req.Revision == 0 { // what was seen is what is confirmed
		req.Revision = snap.Confirm.Revision
	}
	if _, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), &fsm.Confirm{Revision: req.Revision}); err != nil {
		return Done{}, err
	}
	return Done{Schema: Schema, Done: []string{fmt.Sprintf("Revision %d is confirmed: it stays.", req.Revision)}}, nil
}
