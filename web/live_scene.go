package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"polso/api"
)

// hub is where open pages look. It looks itself only while one is open: once a second for all that show the same, whoever of them comes
// first, so that nothing runs on its own.
type hub struct {
	api *api.Client

	mu      sync.Mutex // guards below
	scenes  map[string]*scene
	streams int
}

// enter opens a stream; false where there are too many.
func (h *hub) enter(sc scope) (*scene, func(), bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams >= liveStreams {
		return nil, nil, false
	}
	h.streams++
	s := h.scenes[sc.key()]
	if s == nil {
		s = &scene{scope: sc, api: h.api, turn: make(chan struct{}, 1)}
		h.scenes[sc.key()] = s
	}
	s.viewers++
	return s, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.streams--
		if s.viewers--; s.viewers == 0 {
			delete(h.scenes, sc.key())
		}
	}, true
}

// scene is what pages of one scope show.
type scene struct {
	scope   scope
	api     *api.Client
	viewers int // guarded by the hub's mu

	turn chan struct{} // held by who looks; guards last
	last *picture
}

// picture is what was seen at one moment. It is never changed.
type picture struct {
	number   uint64
	at       time.Time
	node     string
	revision uint64
	status   api.Status
	values   map[string]string
	shape    string // of which pages are made anew when it changes
	differs  []byte // from the picture before; nil: in nothing
}

// look is a picture no older than a tick.
func (s *scene) look(ctx context.Context) (*picture, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.turn }()
	// Half a tick of grace: whoever ticks a moment before the others takes their picture, and does not have its own made.
	if s.last != nil && time.Since(s.last.at) < liveTick/2 {
		return s.last, nil
	}
	p, err := s.scope.picture(ctx, s.api)
	if err != nil {
		return nil, err
	}
	p.at, p.number = time.Now(), 1
	if s.last != nil {
		p.number = s.last.number + 1
		p.differs = difference(s.last.values, p.values)
	}
	s.last = p
	return p, nil
}

// since is what differs from a picture that a page has; nil: nothing.
func (p *picture) since(had *picture) []byte {
	switch {
	case p.number == had.number:
		return nil
	case p.number == had.number+1:
		return p.differs
	}
	return difference(had.values, p.values)
}

func difference(from, to map[string]string) []byte {
	out := make(map[string]string)
	for k, v := range to {
		if old, ok := from[k]; !ok || old != v {
			out[k] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return []byte(asJSON(out))
}

// picture asks for what the scope's pages show.
func (sc scope) picture(ctx context.Context, c *api.Client) (*picture, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	own, err := c.BriefLocal(ctx)
	if err != nil {
		return nil, err
	}
	st, trouble := c.BriefStatus(ctx) // the leader's answer, whichever router is asked
	if trouble != nil {
		st = own
	}
	p := &picture{node: own.Node, revision: st.Revision, status: st, values: frameValues(st)}
	shape := frameShape(st, trouble)
	if trouble == nil && sc.virtuals != nil {
		list, err := virtualsAt(ctx, c, *sc.virtuals)
		if err == nil {
			if len(sc.virtuals.Names) > 0 { // of all: another may be to be shown
				shape = append(shape, fmt.Sprint(list.States))
			}
			for _, v := range list.Virtuals {
				maps.Copy(p.values, virtualValues(v, v.Servers[:min(len(v.Servers), serversInFold)]))
				shape = append(shape, virtualShape(v)...)
			}
		}
		shape = append(shape, problemText(err))
	}
	if trouble == nil && sc.virtual != "" {
		page, err := virtualAt(ctx, c, sc.virtual, sc.servers)
		if err == nil {
			if sc.server != "" { // others have its name in theirs
				page.Virtual.Servers = slices.DeleteFunc(page.Virtual.Servers, func(s api.Server) bool { return s.Name != sc.server })
			}
			maps.Copy(p.values, virtualValues(page.Virtual, page.Virtual.Servers))
			shape = append(shape, virtualShape(page.Virtual)...)
		}
		shape = append(shape, problemText(err))
	}
	sum := sha256.Sum256([]byte(strings.Join(shape, "\x00")))
	p.shape = hex.EncodeToString(sum[:8])
	return p, nil
}

func problemText(err error) string {
	if err == nil {
		return ""
	}
	return problemOf(err).Title
}
