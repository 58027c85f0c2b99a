package api

import (
	"context"
	"fmt"
	"time"

	"polso/fsm"
)

func (s *server) listTokens(ctx context.Context, _ *none) ([]Token, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	list := []Token{}
	for _, t := range snap.Tokens {
		if !t.Admits(time.Now()) {
			continue
		}
		list = append(list, Token{Schema: Schema, ID: t.ID, Kind: t.Kind, Uses: t.Uses, Expires: t.Expires, By: t.By.Name})
	}
	return list, nil
}

func (s *server) revokeToken(ctx context.Context, i *named) (Done, error) {
	if _, err := s.State(ctx); err != nil {
		return Done{}, err
	}
	if _, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), &fsm.RevokeToken{ID: i.Name}); err != nil {
		return Done{}, err
	}
	return Done{Schema: Schema, Done: []string{fmt.Sprintf("token %s admits nobody any more", i.Name)}}, nil
}
