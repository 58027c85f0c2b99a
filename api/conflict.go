package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"polso/config"
)

// withChanges adds to a conflict what was changed since revision base: who wrote what, and the difference as a plan shows it.
// Other errors, and a conflict over something else, stay as they are.
func (s *server) withChanges(ctx context.Context, err error, base uint64) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != CodeConflict || base == 0 {
		return err
	}
	snap, failed := s.State(ctx)
	if failed != nil || snap.Revision == base {
		return err
	}
	told := *e
	for _, r := range snap.History {
		if r.Number > base {
			line := fmt.Sprintf("revision %d, %s, by %s: %s", r.Number, r.At.UTC().Format(time.RFC3339), r.Author.Name, r.Message)
			told.Changes = append(told.Changes, strings.TrimSuffix(line, ": "))
		}
	}
	if _, before, err := revisionOf(snap, base); err == nil {
		told.Changes = append(told.Changes, config.Diff(before, snap.Document).Lines()...)
	}
	return &told
}
