package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"polso/fsm"
)

// User is somebody who signs in with a password.
type User struct {
	Schema  string    `json:"schema"`
	Name    string    `json:"name"`
	Role    fsm.Role  `json:"role" enum:"viewer,operator,admin"`
	By      string    `json:"by" doc:"who changed the user last"`
	Changed time.Time `json:"changed_at"`
}

// UserRequest makes a user, or changes one.
type UserRequest struct {
	Name     string   `json:"name" maxLength:"63"`
	Role     fsm.Role `json:"role,omitempty" enum:"viewer,operator,admin" doc:"of one that there is: absent, it stays"`
	Password string   `json:"password,omitempty" maxLength:"1024" doc:"at least 12 characters, and not the user's name; of one that there is: absent, it stays"`
}

// userChange is a UserRequest about one that there is, as it travels.
type userChange struct {
	Role     fsm.Role `json:"role,omitempty" enum:"viewer,operator,admin" doc:"absent: it stays"`
	Password string   `json:"password,omitempty" maxLength:"1024" doc:"absent: it stays"`
}

func (s *server) userRoutes(a huma.API) {
	get(a, "list-users", "/v1/users", "Who signs in with a password", s.listUsers)
	post(a, "add-user", "/v1/users", "Make a user", func(ctx context.Context, i *in[UserRequest]) (Done, error) {
		const lacks = "a new user has a role and a password"
		switch {
		case i.Body.Role == "":
			return Done{}, Errorf(CodeInvalid, lacks).WithField("role")
		case i.Body.Password == "":
			return Done{}, Errorf(CodeInvalid, lacks).WithField("password")
		}
		return s.setUser(ctx, i.Body, true)
	})
	post(a, "set-user", "/v1/users/{name}", "Give a user another role or password", func(ctx context.Context, i *struct {
		Name string `path:"name" maxLength:"63"`
		Body userChange
	}) (Done, error) {
		return s.setUser(ctx, UserRequest{Name: i.Name, Role: i.Body.Role, Password: i.Body.Password}, false)
	})
	del(a, "remove-user", "/v1/users/{name}", "Remove a user, with the sessions and the access tokens that are the user's", func(ctx context.Context, i *named) (Done, error) {
		if _, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), &fsm.RemoveUser{User: i.Name}); err != nil {
			return Done{}, err
		}
		return Done{Schema: Schema, Done: []string{fmt.Sprintf("user %s is removed; sessions and access tokens of %s have ended", i.Name, i.Name)}}, nil
	})
}

func (s *server) listUsers(ctx context.Context, _ *none) ([]User, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	list := []User{}
	for _, u := range snap.Users {
		list = append(list, User{Schema: Schema, Name: u.Name, Role: u.Role, By: u.By.Name, Changed: u.At})
	}
	return list, nil
}

// setUser makes a user, or changes one.
func (s *server) setUser(ctx context.Context, req UserRequest, fresh bool) (Done, error) {
	if _, err := s.State(ctx); err != nil {
		return Done{}, err
	}
	if r := fsm.UserName(req.Name); r != nil {
		return Done{}, Errorf(CodeInvalid, "%s", r.Text).WithHint("%s", r.Fix).WithField("name")
	}
	c := &fsm.SetUser{User: req.Name, Role: req.Role, New: fresh}
	if req.Password != "" {
		if refused := checkPassword(req.Name, req.Password); refused != nil {
			return Done{}, refused.WithField("password")
		}
		hash, err := s.hashes.hash(ctx, req.Password)
		if err != nil {
			return Done{}, err
		}
		c.Hash = hash
	}
	res, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), c)
	if err != nil {
		return Done{}, err
	}
	done := c.String()
	if res.Unchanged {
		done = fmt.Sprintf("user %s is %s already", req.Name, req.Role)
	}
	return Done{Schema: Schema, Done: []string{done}}, nil
}

// Users lists who signs in with a password.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	return ask[[]User](ctx, c, http.MethodGet, "/v1/users", nil)
}

// AddUser makes a user.
func (c *Client) AddUser(ctx context.Context, r UserRequest) (Done, error) {
	return ask[Done](ctx, c, http.MethodPost, "/v1/users", r)
}

// SetUser gives a user another role or password, or both.
func (c *Client) SetUser(ctx context.Context, r UserRequest) (Done, error) {
	return ask[Done](ctx, c, http.MethodPost, "/v1/users/"+url.PathEscape(r.Name), userChange{r.Role, r.Password})
}

// RemoveUser removes a user.
func (c *Client) RemoveUser(ctx context.Context, name string) (Done, error) {
	return ask[Done](ctx, c, http.MethodDelete, "/v1/users/"+url.PathEscape(name), nil)
}
