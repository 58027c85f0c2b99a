package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"polso/fsm"
)

// GateOptions are what a Gate is built from.
type GateOptions struct {
	// State is this node's replica, as Backend.State.
	State func(context.Context) (*fsm.Snapshot, error)
	// SessionKey is what sessions are signed with: the same on every router of the cluster, known to nobody else. An error says why
	// nobody can sign in here.
	SessionKey func() ([]byte, error)
	Log        *slog.Logger // nil: silence
}

// Gate finds out who asks. It belongs to one node, and is safe for concurrent use.
type Gate struct {
	state  func(context.Context) (*fsm.Snapshot, error)
	key    func() ([]byte, error)
	log    *slog.Logger
	pace   *pace
	hashes hashing
}

// NewGate returns a Gate.
func NewGate(o GateOptions) *Gate {
	g := &Gate{state: o.State, key: o.SessionKey, log: o.Log, pace: newPace(), hashes: make(hashing, 2)}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	return g
}

// visit is what a request brought to the gate.
type visit struct {
	gate    *Gate
	address string   // where it comes from
	session *session // that it was made in, if it was; with a refusal that is none of 401 it is genuine, and may have been ended
	refused *Error   // why what it brought is of no use; nil also if it brought nothing
}

type visitKey struct{}

func visitOf(ctx context.Context) (visit, bool) {
	v, ok := ctx.Value(visitKey{}).(visit)
	return v, ok
}

// Unsure is why it cannot be found out just now who asks, although they may well be somebody: the cluster has no leader, say. nil: it is
// known, or nobody is there. genuine tells that they signed in once and that it is not over by itself; whether they were put out since is
// what is not known.
func Unsure(ctx context.Context) (why *Error, genuine bool) {
	v, ok := visitOf(ctx)
	if !ok || v.refused == nil || v.refused.Status == http.StatusUnauthorized {
		return nil, false
	}
	return v.refused, v.session != nil
}

// again is how often somebody who follows something, or sends long, is looked at anew.
const again = 15 * time.Second

// Authenticate puts into a request's context who asks, by the access token or the session that it brings. Where there is neither, or none
// that is good, nobody asks: next decides what that means, and New's handler says why. A request that lasts ends with the right to make it.
func Authenticate(next http.Handler, gate *Gate) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visit{gate: gate, address: r.RemoteAddr}
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			v.address = host
		}
		brought := http.Header{"Authorization": r.Header["Authorization"], "Cookie": r.Header["Cookie"]}
		caller, session, err := gate.identify(r.Context(), brought)
		v.session, v.refused = session, err
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), visitKey{}, v))
		defer cancel()
		if caller.Role.Valid() {
			caller.Actor.Address = v.address
			ctx = WithCaller(ctx, caller)
			go gate.watch(ctx, brought, caller.Role, cancel)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// watch looks again and again, until the request ends, whether it could still be made, and ends it when it could not.
func (g *Gate) watch(ctx context.Context, brought http.Header, role fsm.Role, end func()) {
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now, _, err := g.identify(ctx, brought); err != nil && err.Status == http.StatusUnauthorized || err == nil && !now.Role.May(role) {
			end()
			return
		}
	}
}

// identify finds out who makes a request that brought these headers. Nobody is no error.
func (g *Gate) identify(ctx context.Context, brought http.Header) (Caller, *session, *Error) {
	if bearer := brought["Authorization"]; len(bearer) > 0 {
		scheme, text, _ := strings.Cut(bearer[0], " ")
		if len(bearer) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return Caller{}, nil, unauthorized("what is sent as Authorization is not understood").WithHint("send an access token: Authorization: Bearer POLSO-A-…")
		}
		c, err := g.byToken(ctx, text)
		return c, nil, err
	}
	cookies := (&http.Request{Header: brought}).CookiesNamed(SessionCookie)
	if len(cookies) != 1 || cookies[0].Value == "" {
		return Caller{}, nil, nil // two are none: somebody meddles
	}
	return g.bySession(ctx, cookies[0].Value)
}

// byToken finds the bearer of an access token.
func (g *Gate) byToken(ctx context.Context, text string) (Caller, *Error) {
	a, role, err := g.access(ctx, text)
	if err != nil {
		return Caller{}, err
	}
	return Caller{Actor: fsm.Actor{Kind: fsm.ActorToken, Name: a.ID}, Role: role}, nil
}

// access finds an access token that is good now, and what it gives.
func (g *Gate) access(ctx context.Context, text string) (fsm.Access, fsm.Role, *Error) {
	if !accessPattern.MatchString(text) {
		return fsm.Access{}, "", unauthorized("this is no access token").WithHint("they begin with POLSO-A-; an admin makes one with polso token create --role ROLE")
	}
	snap, err := g.stateOf(ctx)
	if err != nil {
		return fsm.Access{}, "", err
	}
	if a, ok := snap.AccessByHash(hashOfSecret(text)); ok && time.Now().Before(a.Expires) {
		if role := snap.RoleOf(a); role.Valid() {
			return a, role, nil
		}
	}
	return fsm.Access{}, "", unauthorized("the access token is not known: it has ended, was revoked, or is of another cluster").WithHint("an admin makes one with polso token create --role ROLE")
}

// hashOfSecret is what the state keeps of a secret of 256 random bits.
func hashOfSecret(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// bySession finds who signed in.
func (g *Gate) bySession(ctx context.Context, cookie string) (Caller, *session, *Error) {
	ended := func() (Caller, *session, *Error) {
		return Caller{}, nil, unauthorized("the session has ended").WithHint("sign in again")
	}
	snap, failed := g.stateOf(ctx)
	key, err := g.key() // after that: it follows from the state, and after a restart it is not there before a leader is
	s, genuine := openSession(key, cookie)
	genuine = genuine && err == nil && time.Now().Before(s.end())
	switch {
	case failed != nil && genuine:
		return Caller{}, &s, failed
	case failed != nil:
		return Caller{}, nil, failed
	case !genuine:
		return ended()
	}
	role, generation := standing(snap, s.Kind, s.Name)
	if !role.Valid() || generation != s.Generation || snap.HasEnded(s.ID) {
		return ended()
	}
	return Caller{Actor: fsm.Actor{Kind: s.Kind, Name: s.Name}, Role: role}, &s, nil
}

// standing is what somebody may do now, and the generation of the sessions that are good.
func standing(s *fsm.Snapshot, kind, name string) (fsm.Role, uint64) {
	switch kind {
	case fsm.ActorUser:
		if u, ok := s.User(name); ok {
			return u.Role, u.Generation
		}
	case fsm.ActorToken:
		if a, ok := s.Access(name); ok && time.Now().Before(a.Expires) {
			return s.RoleOf(a), a.Generation
		}
	}
	return "", 0
}

func (g *Gate) stateOf(ctx context.Context) (*fsm.Snapshot, *Error) {
	s, err := g.state(ctx)
	if err != nil {
		e, _ := wireError(err).(*Error)
		return nil, e
	}
	return s, nil
}
