package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"polso/fsm"
)

// DrainRequest keeps a router from directing.
type DrainRequest struct {
	For    float64    `json:"for_seconds,omitempty" minimum:"0" doc:"ends by itself after so long; 0: not"`
	Until  *time.Time `json:"until,omitempty" doc:"ends by itself then; instead of for_seconds"`
	Reason string     `json:"reason,omitempty" maxLength:"1000" doc:"why, for whoever looks at the status"`
}

// Drained is an operator's word that a router should not direct.
type Drained struct {
	By     string     `json:"by"`
	At     time.Time  `json:"at"`
	Until  *time.Time `json:"until,omitempty" doc:"when it ends by itself"`
	Reason string     `json:"reason,omitempty"`
}

// longestWord bounds what ends by itself: a date further away is a slip.
const longestWord = 366 * 24 * time.Hour

// ends is when an operator's word ends by itself, after so many seconds or at that time; zero: when it is taken back.
func ends(after float64, at *time.Time, now time.Time) (time.Time, error) {
	until := time.Time{}
	switch {
	case after > 0 && at != nil:
		return until, Errorf(CodeInvalid, "it ends after a time or at one, not both").WithHint("give for_seconds or until")
	case after > longestWord.Seconds():
		until = now.Add(2 * longestWord)
	case after > 0:
		until = now.Add(time.Duration(after * float64(time.Second)))
	case at != nil:
		until = *at
	default:
		return until, nil
	}
	// In whole seconds, the part of one more than asked for: an end shall not have passed when it is written down.
	until = until.Add(time.Second - time.Nanosecond).Truncate(time.Second)
	if !until.After(now) || until.Sub(now) > longestWord {
		return until, Errorf(CodeInvalid, "it cannot end at %s", until.Format(time.RFC3339)).WithHint("it ends within a year from now, or, without an end, when it is taken back")
	}
	return until, nil
}

// drainRouter keeps a router from directing until it is undrained.
func (s *server) drainRouter(ctx context.Context, name string, req DrainRequest) (Done, error) {
	if _, err := s.State(ctx); err != nil {
		return Done{}, err
	}
	until, err := ends(req.For, req.Until, time.Now())
	if err != nil {
		return Done{}, err
	}
	set := &fsm.SetOverride{Target: "router/" + name, Kind: fsm.Drain, Until: until, Reason: strings.TrimSpace(req.Reason)}
	if _, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), set); err != nil {
		return Done{}, s.notDrained(ctx, err, name)
	}
	snap, err := s.State(ctx)
	if err != nil {
		return Done{}, err
	}
	said := fmt.Sprintf("Router %s is drained", name)
	if !until.IsZero() {
		said += " until " + until.Format(time.RFC3339)
	}
	return Done{Schema: Schema, Done: []string{said + ". Undo: polso undrain router " + name}, Warnings: nobodyLeft(snap)}, nil
}

// nobodyLeft warns when every router is drained. That is allowed: somebody is about to change all of them, say.
func nobodyLeft(snap *fsm.Snapshot) []string {
	routers := 0
	for _, n := range snap.Nodes {
		if n.Kind != fsm.Router {
			continue
		}
		routers++
		if _, drained := snap.Override("router/" + n.Name); !drained {
			return nil
		}
	}
	if routers == 1 {
		return []string{"it is the only router, so it goes on directing"}
	}
	return []string{"every router is drained now, so the one that directs goes on"}
}

// undrainRouter lets a router direct again.
func (s *server) undrainRouter(ctx context.Context, i *named) (Done, error) {
	if _, err := s.State(ctx); err != nil {
		return Done{}, err
	}
	if _, err := s.Propose(ctx, actorOf(ctx), fsm.NewRequest(), &fsm.ClearOverride{Target: "router/" + i.Name}); err != nil {
		return Done{}, s.notDrained(ctx, err, i.Name)
	}
	return Done{Schema: Schema, Done: []string{fmt.Sprintf("Router %s may direct again.", i.Name)}}, nil
}

// notDrained says in an operator's words why a router cannot be drained, or undrained.
func (s *server) notDrained(ctx context.Context, err error, name string) error {
	if CodeOf(err) != CodeNotFound {
		return err
	}
	snap, err := s.State(ctx)
	if err != nil {
		return err
	}
	switch n, ok := snap.NodeByName(name); {
	case !ok:
		var names []string
		for _, n := range snap.Nodes {
			names = append(names, n.Name)
		}
		slices.Sort(names)
		return Errorf(CodeNotFound, "no router is called %q", name).WithDetail("there are %s", strings.Join(names, ", ")).WithHint("polso members")
	case n.Kind != fsm.Router:
		return Errorf(CodeRefused, "%s is a witness: it never directs", name).WithHint("there is nothing to drain")
	default:
		return Errorf(CodeNotFound, "router %s is not drained", name).WithHint("polso members shows who is")
	}
}
