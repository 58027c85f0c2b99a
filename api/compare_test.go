package api

import (
	"testing"

	"polso/fsm"
)

// Of a revision whose forerunner is not kept nobody knows what it changed: what stands before it in the history says nothing.
func TestChangesAfterAGap(t *testing.T) {
	blank, err := fsm.Blank()
	if err != nil {
		t.Fatal(err)
	}
	s := &fsm.Snapshot{Revision: 24}
	for _, n := range []uint64{2, 23, 24} {
		s.History = append(s.History, fsm.Revision{Number: n, Document: blank})
	}
	for at, want := range []string{"", "", "No changes."} {
		if got := describeRevision(s, at, s.History[at]).Summary; got != want {
			t.Errorf("revision %d: got %q, want %q", s.History[at].Number, got, want)
		}
	}
}
