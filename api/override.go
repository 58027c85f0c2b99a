package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"polso/fsm"
)

// Override is an operator's word that stands beside the document.
type Override struct {
	Target string     `json:"target" doc:"server/web/a, address/10.0.0.11 (every server there) or router/r1"`
	Kind   string     `json:"kind" enum:"drain,disable,weight,up,down" doc:"up, down: whatever the check says"`
	Weight *int       `json:"weight,omitempty" doc:"with weight"`
	By     string     `json:"by"`
	At     time.Time  `json:"at"`
	Until  *time.Time `json:"until,omitempty" doc:"when it ends by itself"`
	Reason string     `json:"reason,omitempty"`
}

// OverrideOf is how an override is told.
func OverrideOf(o fsm.Override) Override {
	out := Override{Target: o.Target, Kind: o.Kind, By: o.By.Name, At: o.At, Reason: o.Reason}
	if o.Kind == fsm.Weight {
		out.Weight = &o.Weight
	}
	if !o.Until.IsZero() {
		out.Until = &o.Until
	}
	return out
}

// OverridesOf is how overrides are told; nil for none.
func OverridesOf(list []fsm.Override) []Override {
	var out []Override
	for _, o := range list {
		out = append(out, OverrideOf(o))
	}
	return out
}

// OverrideRequest says something of a server, or of every server at an address, instead of what was said of the same: its traffic
// (drain, disable), its weight, its health (up, down).
type OverrideRequest struct {
	Target string     `json:"target" maxLength:"1024" doc:"server/web/a, or address/10.0.0.11"`
	Kind   string     `json:"kind" enum:"drain,disable,weight,up,down" doc:"of an address drain or disable"`
	Weight int        `json:"weight,omitempty" minimum:"0" maximum:"65535" doc:"with weight"`
	For    float64    `json:"for_seconds,omitempty" minimum:"0" doc:"ends by itself after so long; 0: not"`
	Until  *time.Time `json:"until,omitempty" doc:"ends by itself then; instead of for_seconds"`
	Reason string     `json:"reason,omitempty" maxLength:"1000" doc:"why, for whoever looks at the status"`
}

// ClearRequest takes back what was said.
type ClearRequest struct {
	Target string `query:"target" json:"-" required:"true" maxLength:"1024" doc:"server/web/a, or address/10.0.0.11"`
	About  string `query:"about" json:"-" enum:"traffic,weight,health" doc:"traffic is drain and disable, health up and down; default: all"`
}

func (s *server) overrideRoutes(a huma.API) {
	get(a, "list-overrides", "/v1/overrides", "What operators said of servers, addresses and routers", func(ctx context.Context, _ *none) ([]Override, error) {
		snap, err := s.State(ctx)
		if err != nil {
			return nil, err
		}
		return append([]Override{}, OverridesOf(snap.Overrides)...), nil
	})
	post(a, "set-override", "/v1/overrides", "Drain, disable, weigh or force a server", func(ctx context.Context, i *in[OverrideRequest]) (Done, error) {
		return s.setOverride(ctx, i.Body)
	})
	del(a, "clear-override", "/v1/overrides", "Take back what was said of a server", s.clearOverride)
}

// Overrides lists what operators said.
func (c *Client) Overrides(ctx context.Context) ([]Override, error) {
	return ask[[]Override](ctx, c, http.MethodGet, "/v1/overrides", nil)
}

// SetOverride says something of a server, or of every server at an address.
func (c *Client) SetOverride(ctx context.Context, r OverrideRequest) (Done, error) {
	return ask[Done](ctx, c, http.MethodPost, "/v1/overrides", r)
}

// ClearOverride takes back what was said of it.
func (c *Client) ClearOverride(ctx context.Context, r ClearRequest) (Done, error) {
	q := url.Values{"target": {r.Target}}
	if r.About != "" {
		q.Set("about", r.About)
	}
	return ask[Done](ctx, c, http.MethodDelete, "/v1/overrides?"+q.Encode(), nil)
}

func (s *server) setOverride(ctx context.Context, req OverrideRequest) (Done, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Done{}, err
	}
	about, err := subjectOf(snap, req.Target)
	if err != nil {
		return Done{}, err
	}
	if about.whole() && req.Kind != fsm.Drain && req.Kind != fsm.Disable {
		return Done{}, Errorf(CodeInvalid, "what is at %s has no one %s", about.address, map[bool]string{true: "weight", false: "health"}[req.Kind == fsm.Weight]).
			WithHint("say it of each server: polso get servers lists them")
	}
	until, err := ends(req.For, req.Until, time.Now())
	if err != nil {
		return Done{}, err
	}
	set := &fsm.SetOverride{Target: about.target, Kind: req.Kind, Until: until, Reason: strings.TrimSpace(req.Reason), Beside: true}
	if req.Kind == fsm.Weight {
		set.Weight = req.Weight
	}
	if _, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), set); err != nil {
		return Done{}, err
	}
	if snap, err = s.State(ctx); err != nil {
		return Done{}, err
	}
	said := about.String() + " " + map[string]string{
		fsm.Drain: "is drained", fsm.Disable: "is disabled", fsm.Weight: fmt.Sprintf("has weight %d", set.Weight),
		fsm.Up: "counts as up, whatever its check says,", fsm.Down: "counts as down, whatever its check says,",
	}[req.Kind]
	if until.IsZero() {
		said = strings.TrimSuffix(said, ",")
	} else {
		said += " until " + until.Format(time.RFC3339)
	}
	return Done{Schema: Schema, Done: []string{said + ". Undo: " + about.undo(fsm.Override{Kind: req.Kind}.About())}, Warnings: about.nobodyServes(snap)}, nil
}

func (s *server) clearOverride(ctx context.Context, req *ClearRequest) (Done, error) {
	snap, err := s.State(ctx)
	if err != nil {
		return Done{}, err
	}
	about, err := subjectOf(snap, req.Target)
	if err != nil {
		return Done{}, err
	}
	_, err = s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), &fsm.ClearOverride{Target: about.target, About: req.About})
	if CodeOf(err) == CodeNotFound {
		return Done{}, about.nothingSaid(snap, req.About)
	}
	if err != nil {
		return Done{}, err
	}
	if snap, err = s.State(ctx); err != nil {
		return Done{}, err
	}
	done := Done{Schema: Schema, Done: []string{about.String() + " is as the document says."}}
	if left := about.said(snap); len(left) > 0 {
		done.Done = []string{about.String() + ": taken back."}
		done.Warnings = []string{"it goes on to be " + strings.Join(left, ", ") + ": polso get overrides"}
	}
	return done, nil
}
