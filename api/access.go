package api

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"polso/fsm"
)

// AccessToken is what programs, and people who want no password, ask with.
type AccessToken struct {
	Schema  string    `json:"schema"`
	Kind    string    `json:"kind" enum:"access" doc:"what tells it from a join token"`
	ID      string    `json:"id"`
	Text    string    `json:"text,omitempty" doc:"the token itself; only in the answer that makes it"`
	Role    fsm.Role  `json:"role" enum:"viewer,operator,admin" doc:"what it gives now: never more than who made it has"`
	Note    string    `json:"note,omitempty"`
	Expires time.Time `json:"expires"`
	By      string    `json:"by"`
}

// AccessRequest makes an access token.
type AccessRequest struct {
	Role fsm.Role `json:"role" enum:"viewer,operator,admin"`
	TTL  float64  `json:"ttl_seconds" minimum:"1" maximum:"315360000" doc:"how long it is good"`
	Note string   `json:"note,omitempty" maxLength:"200" doc:"what it is for"`
}

const accessPrefix = "POLSO-A-"

// accessPattern is an access token: 256 bits in base32 (RFC 4648, section 6).
var accessPattern = regexp.MustCompile(`^` + accessPrefix + `[A-Z2-7]{52}$`)

func (s *server) accessRoutes(a huma.API) {
	get(a, "list-access", "/v1/access", "Access tokens", s.listAccess)
	post(a, "create-access", "/v1/access", "Make an access token, which ends with who makes it", func(ctx context.Context, i *in[AccessRequest]) (AccessToken, error) {
		return s.createAccess(ctx, i.Body)
	})
	del(a, "revoke-access", "/v1/access/{name}", "End an access token, and those that were made with it", func(ctx context.Context, i *named) (Done, error) {
		if _, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), &fsm.RevokeAccess{ID: i.Name}); err != nil {
			return Done{}, err
		}
		return Done{Schema: Schema, Done: []string{fmt.Sprintf("access token %s is good for nothing any more", i.Name)}}, nil
	})
}

func (s *server) listAccess(ctx context.Context, _ *none) ([]AccessToken, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	list := []AccessToken{}
	for _, a := range snap.Accesses {
		if time.Now().Before(a.Expires) {
			list = append(list, AccessToken{Schema: Schema, Kind: "access", ID: a.ID, Role: snap.RoleOf(a), Note: a.Note, Expires: a.Expires, By: a.By.Name})
		}
	}
	return list, nil
}

func (s *server) createAccess(ctx context.Context, req AccessRequest) (AccessToken, error) {
	if _, err := s.State(ctx); err != nil {
		return AccessToken{}, err
	}
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return AccessToken{}, err
	}
	text := accessPrefix + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret[:])
	by := actorOf(ctx)
	a := fsm.Access{
		ID: rand.Text()[:10], Hash: hashOfSecret(text), Role: req.Role, Note: req.Note,
		Expires: time.Now().Add(time.Duration(req.TTL * float64(time.Second))).UTC().Truncate(time.Second),
	}
	if _, err := s.Propose(ctx, by, fsm.NewRequest(), &fsm.AddAccess{Access: a}); err != nil {
		return AccessToken{}, err
	}
	return AccessToken{Schema: Schema, Kind: "access", ID: a.ID, Text: text, Role: a.Role, Note: a.Note, Expires: a.Expires, By: by.Name}, nil
}

// AccessTokens lists access tokens that are good.
func (c *Client) AccessTokens(ctx context.Context) ([]AccessToken, error) {
	return ask[[]AccessToken](ctx, c, http.MethodGet, "/v1/access", nil)
}

// CreateAccess makes an access token. Its text is in this answer alone.
func (c *Client) CreateAccess(ctx context.Context, r AccessRequest) (AccessToken, error) {
	return ask[AccessToken](ctx, c, http.MethodPost, "/v1/access", r)
}

// RevokeAccess ends an access token by its ID.
func (c *Client) RevokeAccess(ctx context.Context, id string) (Done, error) {
	return ask[Done](ctx, c, http.MethodDelete, "/v1/access/"+url.PathEscape(id), nil)
}
