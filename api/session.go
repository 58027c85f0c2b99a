package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"polso/fsm"
)

// Session is who asks.
type Session struct {
	Schema  string     `json:"schema"`
	Kind    string     `json:"kind" enum:"local,user,token" doc:"local: over the unix socket"`
	Name    string     `json:"name" doc:"of the user; of an access token its ID"`
	Role    fsm.Role   `json:"role" enum:"viewer,operator,admin"`
	Expires *time.Time `json:"expires,omitempty" doc:"when the session ends; absent where there is none"`
}

// SignInRequest says who one is: by user and password, or by an access token.
type SignInRequest struct {
	User     string `json:"user,omitempty" maxLength:"63"`
	Password string `json:"password,omitempty" maxLength:"1024"`
	Token    string `json:"token,omitempty" maxLength:"128"`
}

// PasswordRequest changes one's own password.
type PasswordRequest struct {
	Old string `json:"old" maxLength:"1024" doc:"the one until now"`
	New string `json:"new" maxLength:"1024" doc:"at least 12 characters, and not the user's name"`
}

// entered is an answer that a browser gets a cookie with.
type entered struct {
	SetCookie string `header:"Set-Cookie"`
	Body      Session
}

type exited struct {
	SetCookie string `header:"Set-Cookie"`
	Body      Done
}

func (s *server) sessionRoutes(a huma.API) {
	get(a, "session", "/v1/session", "Who asks", func(ctx context.Context, _ *none) (Session, error) { return sessionOf(ctx), nil })
	enter := operation(a, http.MethodPost, "sign-in", "/v1/session", "Say who one is, and get a session")
	enter.MaxBodyBytes = 4 << 10
	huma.Register(a, enter, func(ctx context.Context, i *in[SignInRequest]) (*entered, error) {
		return entering(signIn(ctx, i.Body))
	})
	leave := operation(a, http.MethodDelete, "sign-out", "/v1/session", "End the session, on every router")
	huma.Register(a, leave, func(ctx context.Context, _ *none) (*exited, error) {
		done, err := s.signOut(ctx)
		if err != nil {
			return nil, wireError(err)
		}
		return &exited{SetCookie: NoSession().String(), Body: done}, nil
	})
	own := operation(a, http.MethodPost, "password", "/v1/session/password", "Change one's own password, which ends every other session")
	own.MaxBodyBytes = 4 << 10
	huma.Register(a, own, func(ctx context.Context, i *in[PasswordRequest]) (*entered, error) {
		return entering(s.ownPassword(ctx, i.Body))
	})
}

func entering(who Session, cookie *http.Cookie, err error) (*entered, error) {
	if err != nil {
		return nil, wireError(err)
	}
	e := &entered{Body: who}
	if cookie != nil {
		e.SetCookie = cookie.String()
	}
	return e, nil
}

// sessionOf is who asks.
func sessionOf(ctx context.Context) Session {
	c, _ := CallerOf(ctx)
	who := Session{Schema: Schema, Kind: c.Actor.Kind, Name: c.Actor.Name, Role: c.Role}
	if v, ok := visitOf(ctx); ok && v.session != nil {
		end := v.session.end().UTC()
		who.Expires = &end
	}
	return who
}

// gateOf is the gate that a request came through.
func gateOf(ctx context.Context) (visit, error) {
	v, ok := visitOf(ctx)
	if !ok {
		return v, Errorf(CodeRefused, "here nobody needs to sign in: the socket's own permissions decide").WithHint("sessions are for HTTPS")
	}
	return v, nil
}

// signIn begins a session, always a new one.
func signIn(ctx context.Context, req SignInRequest) (Session, *http.Cookie, error) {
	v, err := gateOf(ctx)
	if err != nil {
		return Session{}, nil, err
	}
	if (req.Token == "") == (req.User == "") || req.Token != "" && req.Password != "" {
		return Session{}, nil, Errorf(CodeInvalid, "say either user and password, or token")
	}
	if refused := v.gate.pace.try(v.address, req.User); refused != nil {
		return Session{}, nil, refused
	}
	if req.Token != "" {
		a, role, refused := v.gate.access(ctx, req.Token)
		if refused != nil {
			v.gate.log.Info("sign-in refused", "address", v.address, "by", "token")
			return Session{}, nil, refused
		}
		return v.begin(session{Kind: fsm.ActorToken, Name: a.ID, Generation: a.Generation}, role, a.Expires)
	}
	u, err := v.gate.prove(ctx, v.address, req.User, req.Password)
	if err != nil {
		return Session{}, nil, err
	}
	return v.begin(session{Kind: fsm.ActorUser, Name: u.Name, Generation: u.Generation}, u.Role, time.Time{})
}

// prove finds the user whose password that is. An unknown user and a wrong password take the same time and get the same answer.
func (g *Gate) prove(ctx context.Context, address, name, password string) (fsm.User, error) {
	snap, failed := g.stateOf(ctx)
	if failed != nil {
		return fsm.User{}, failed
	}
	u, known := snap.User(name)
	ok, err := g.hashes.matches(ctx, cmp.Or(u.Hash, nobodysHash), password)
	switch {
	case err != nil:
		return fsm.User{}, err
	case !ok || !known:
		if known { // else it may be a password in the wrong field
			g.log.Warn("sign-in refused", "user", name, "address", address)
		} else {
			g.log.Warn("sign-in refused", "address", address)
		}
		return fsm.User{}, unauthorized("user or password is wrong").WithHint("an admin can set another password: polso user passwd")
	}
	g.pace.right(address, name)
	return u, nil
}

// begin makes the cookie of a session that ends after its length, or at end if that is earlier.
func (v visit) begin(s session, role fsm.Role, end time.Time) (Session, *http.Cookie, error) {
	key, err := v.gate.key()
	if err != nil {
		return Session{}, nil, err
	}
	until := time.Now().Add(sessionLength)
	if !end.IsZero() && end.Before(until) {
		until = end
	}
	s.ID, s.End = rand.Text(), until.Unix()
	expires := s.end().UTC()
	v.gate.log.Info("signed in", "kind", s.Kind, "name", s.Name, "address", v.address)
	return Session{Schema: Schema, Kind: s.Kind, Name: s.Name, Role: role, Expires: &expires}, s.cookie(key), nil
}

func (s *server) signOut(ctx context.Context) (Done, error) {
	v, ok := visitOf(ctx)
	if !ok || v.session == nil {
		return Done{}, Errorf(CodeRefused, "there is no session to end").WithHint("an access token is revoked with polso token revoke ID")
	}
	_, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), &fsm.EndSession{Session: fsm.Ended{
		ID: v.session.ID, Kind: v.session.Kind, Name: v.session.Name, Until: v.session.end(),
	}})
	if err != nil {
		return Done{}, err
	}
	return Done{Schema: Schema, Done: []string{fmt.Sprintf("%s is signed out", v.session.Name)}}, nil
}

func (s *server) ownPassword(ctx context.Context, req PasswordRequest) (Session, *http.Cookie, error) {
	v, err := gateOf(ctx)
	if err != nil {
		return Session{}, nil, err
	}
	who := actorOf(ctx)
	if who.Kind != fsm.ActorUser || v.session == nil {
		return Session{}, nil, Errorf(CodeRefused, "%s has no password", who.Name).WithHint("an admin sets a user's: polso user passwd NAME")
	}
	if refused := v.gate.pace.try(v.address, who.Name); refused != nil {
		return Session{}, nil, refused
	}
	u, err := v.gate.prove(ctx, v.address, who.Name, req.Old)
	if e, ok := err.(*Error); ok && e.Status == http.StatusUnauthorized {
		return Session{}, nil, Errorf(CodeDenied, "the password until now is another one").WithField("old")
	} else if err != nil {
		return Session{}, nil, err
	}
	if refused := checkPassword(u.Name, req.New); refused != nil {
		return Session{}, nil, refused.WithField("new")
	}
	hash, err := v.gate.hashes.hash(ctx, req.New)
	if err != nil {
		return Session{}, nil, err
	}
	res, err := s.Propose(ctx, who, fsm.NewRequest(), &fsm.SetUser{User: u.Name, Hash: hash, Generation: u.Generation})
	if err != nil {
		return Session{}, nil, err
	}
	return v.begin(session{Kind: fsm.ActorUser, Name: u.Name, Generation: res.Index}, u.Role, time.Time{})
}

// Session is who the client asks as.
func (c *Client) Session(ctx context.Context) (Session, error) {
	return ask[Session](ctx, c, http.MethodGet, "/v1/session", nil)
}

// SignIn begins a session. The cookie is what a browser keeps of it.
func (c *Client) SignIn(ctx context.Context, r SignInRequest) (Session, *http.Cookie, error) {
	return c.enter(ctx, "/v1/session", r)
}

// SetPassword changes one's own password. The cookie is a new session's: every one of before has ended.
func (c *Client) SetPassword(ctx context.Context, r PasswordRequest) (Session, *http.Cookie, error) {
	return c.enter(ctx, "/v1/session/password", r)
}

// enter is answered with who one is from now on, and the cookie that says so.
func (c *Client) enter(ctx context.Context, path string, body any) (Session, *http.Cookie, error) {
	var who Session
	text, err := json.Marshal(body)
	if err != nil {
		return who, nil, fmt.Errorf("%s: %w", path, err)
	}
	answer, cookies, err := c.respond(ctx, http.MethodPost, path, "application/json", text)
	if err != nil {
		return who, nil, err
	}
	if err := json.Unmarshal(answer, &who); err != nil {
		return who, nil, fmt.Errorf("%s: answer: %w", path, err)
	}
	if len(cookies) != 1 || cookies[0].Name != SessionCookie {
		return who, nil, fmt.Errorf("%s: the answer has no session", path)
	}
	return who, cookies[0], nil
}

// SignOut ends the session that the request is made in, on every router. Take the cookie away with NoSession.
func (c *Client) SignOut(ctx context.Context) (Done, error) {
	return ask[Done](ctx, c, http.MethodDelete, "/v1/session", nil)
}
