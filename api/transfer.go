package api

import (
	"context"
	"strings"

	"polso/fsm"
)

// transfer moves the lead, then has the audit say who wanted it: the new leader's own entry does not know.
func (s *server) transfer(ctx context.Context, req TransferRequest) (Transferred, error) {
	done, err := s.Transfer(ctx, req)
	if err != nil {
		return done, err
	}
	if _, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), &fsm.Switched{From: done.From, To: done.To}); err != nil { // it is done all the same
		done.Note = strings.TrimPrefix(done.Note+"; the audit does not say who asked: "+err.Error(), "; ")
	}
	return done, nil
}
