package api

import (
	"context"
	"fmt"
	"strings"

	"polso/config"
	"polso/fsm"
)

// Comparison is the way from one revision of the history to another.
type Comparison struct {
	Schema  string   `json:"schema"`
	From    uint64   `json:"from_revision"`
	To      uint64   `json:"to_revision"`
	Changes []Change `json:"changes" nullable:"false"`
	Summary string   `json:"summary"`
	Text    string   `json:"text" doc:"the changes as people read them"`
}

func (s *server) compare(ctx context.Context, i *struct {
	From uint64 `path:"number"`
	To   uint64 `query:"to" doc:"0: the running one"`
}) (Comparison, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Comparison{}, err
	}
	if i.To == 0 {
		i.To = snap.Revision
	}
	return compare(snap, i.From, i.To)
}

// compare tells two revisions of the history apart, in the words of a plan.
func compare(snap *fsm.Snapshot, from, to uint64) (Comparison, error) {
	_, before, err := revisionOf(snap, from)
	if err != nil {
		return Comparison{}, err
	}
	_, after, err := revisionOf(snap, to)
	if err != nil {
		return Comparison{}, err
	}
	changes := config.Diff(before, after)
	p := planOfChanges(from, changes)
	c := Comparison{Schema: Schema, From: from, To: to, Changes: p.Changes, Summary: p.Summary, Text: fmt.Sprintf("Revisions %d and %d mean the same.\n", from, to)}
	if len(p.Changes) > 0 {
		c.Text = text(changes) + fmt.Sprintf("Revision %d to %d: %s\n", from, to, strings.TrimPrefix(p.Summary, "Plan: "))
	}
	return c, nil
}

// text is changes as people read them, one a line.
func text(c config.Changes) string {
	if len(c) == 0 {
		return ""
	}
	return strings.Join(c.Lines(), "\n") + "\n"
}
