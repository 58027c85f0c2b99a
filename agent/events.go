package agent

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"polso/api"
	"polso/events"
	"polso/fsm"
)

// eventsWait is how long a member may take to tell what it saw.
const eventsWait = 1500 * time.Millisecond

// ringAsked asks a member for its ring.
type ringAsked struct {
	After events.Position `json:"after"`
	Since time.Time       `json:"since"`
}

// ringTold is its answer.
type ringTold struct {
	Events []events.Event  `json:"events"`
	Now    events.Position `json:"now"`
}

// Ending implements api.Backend.
func (a *Agent) Ending() <-chan struct{} { return a.ending }

// Events asks every member at once for what it saw, and adds what the cluster has written down.
func (a *Agent) Events(ctx context.Context, w api.EventsWanted) (api.Events, error) {
	b := a.current.Load()
	asked := func(name string) ringAsked { return ringAsked{w.After[name], w.Since} }
	own := a.ringFor(asked(a.o.Name))
	out := api.Events{Schema: api.Schema, Node: a.o.Name, Silent: []api.Silent{}}
	next := events.Cursor{a.o.Name: own.Now}
	lists := [][]events.Event{own.Events}
	if m := b.member; m != nil {
		snap := m.state.Load()
		said := clusterSaid(snap, asked(""))
		lists = append(lists, said.Events)
		next[""] = said.Now
		for _, r := range askRings(ctx, m, snap, asked) {
			if r.err != nil {
				out.Silent = append(out.Silent, api.Silent{Router: r.name, Reason: r.err.Error()})
				if before, known := w.After[r.name]; known {
					next[r.name] = before
				}
				continue
			}
			lists = append(lists, r.told.Events)
			next[r.name] = r.told.Now
		}
	}
	out.Events, out.Next = events.Merge(lists...), next.String()
	return out, ctx.Err()
}

// answered is what one member said.
type answered struct {
	name string
	told ringTold
	err  error
}

// askRings asks all other members at once, in the state's order.
func askRings(ctx context.Context, m *member, snap *fsm.Snapshot, asked func(name string) ringAsked) []answered {
	ctx, cancel := context.WithTimeout(ctx, eventsWait)
	defer cancel()
	var out []answered
	for _, n := range snap.Nodes {
		if n.ID != m.id {
			out = append(out, answered{name: n.Name})
		}
	}
	var all sync.WaitGroup
	for i := range out {
		n, _ := snap.NodeByName(out[i].name)
		all.Go(func() {
			out[i].told, out[i].err = askPeer[ringTold](ctx, m, n.ID, http.MethodPost, pathEvents, asked(n.Name))
		})
	}
	all.Wait()
	return out
}

// ringFor is what this router saw.
func (a *Agent) ringFor(asked ringAsked) ringTold {
	list, now := a.ring.After(asked.After)
	return ringTold{Events: since(list, asked.Since), Now: now}
}

// since leaves out what is older; times in the list never go back.
func since(list []events.Event, at time.Time) []events.Event {
	for len(list) > 0 && list[0].At.Before(at) {
		list = list[1:]
	}
	return list
}

// clusterSaid is what the cluster has written down and carried out, as it is in this node's replica. A place in it is an index of the log
// of that cluster.
func clusterSaid(s *fsm.Snapshot, asked ringAsked) ringTold {
	told := ringTold{Now: events.Position{Boot: strings.ReplaceAll(s.Cluster.ID, ".", "-")}}
	if !s.Founded() {
		return ringTold{Now: asked.After}
	}
	if asked.After.Boot == told.Now.Boot {
		told.Now.Last = asked.After.Last
	}
	after := told.Now.Last
	for _, e := range s.Audit {
		if e.Index <= after {
			continue
		}
		told.Now.Last = e.Index
		if e.Error == "" && !e.At.Before(asked.Since) {
			told.Events = append(told.Events, written(told.Now.Boot, e))
		}
	}
	return told
}

// written is an entry of that cluster's audit as an event.
func written(cluster string, e fsm.Entry) events.Event {
	out := events.Event{ID: fmt.Sprintf(".%s.%d", cluster, e.Index), At: e.At.UTC().Truncate(time.Millisecond), Router: e.Actor.Via, Kind: events.Changed, What: e.Detail}
	if e.Actor.Kind == "node" || e.Actor.Kind == "steward" {
		out.Router = e.Actor.Name
	} else if e.Actor.Name != "" {
		out.What += ", by " + e.Actor.Name
	}
	switch fsm.Name(e.Action) {
	case fsm.NameLead, fsm.NameSwitched:
		out.Kind = events.Lead
	case fsm.NameConfirm:
		out.Kind = events.Confirmed
	case fsm.NameSetOverride, fsm.NameClearOverride, fsm.NameEndDrains:
		out.Kind = events.Override
	case fsm.NameAddNode:
		out.Kind = events.Joined
	case fsm.NameRemoveNode:
		out.Kind = events.Removed
	}
	if e.Revision > 0 {
		out.Kind, out.About = events.Document, fmt.Sprint(e.Revision)
		out.What = fmt.Sprintf("revision %d: %s", e.Revision, out.What)
	}
	return out
}
