package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"polso/api"
	"polso/config"
	"polso/fsm"
)

// foreseeWait is how long a router may take to say what it would do, and one second more for each foreseeMore bytes of the document.
const (
	foreseeWait = 2 * time.Second
	foreseeMore = 256 << 10
)

// proposal is a document that may come to run.
type proposal struct {
	Document json.RawMessage `json:"document"` // canonical
	Until    time.Time       `json:"until"`    // when servers that it no longer names go
}

// Foresee asks every router at once what its director would do if doc ran.
func (a *Agent) Foresee(ctx context.Context, doc config.Document, until time.Time) ([]api.RouterPlan, error) {
	b := a.current.Load()
	m := b.member
	if m == nil {
		return nil, b.notMember()
	}
	text, err := config.Canonical(doc)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, foreseeWait+time.Duration(len(text))*time.Second/foreseeMore)
	defer cancel()
	var routers []fsm.Node
	for _, n := range m.state.Load().Nodes {
		if n.Kind == fsm.Router {
			routers = append(routers, n)
		}
	}
	out := make([]api.RouterPlan, len(routers))
	var all sync.WaitGroup
	for i, n := range routers {
		all.Go(func() {
			var plan api.RouterPlan
			var err error
			if n.ID == m.id {
				plan, err = b.foresee(ctx, doc, until)
			} else {
				plan, err = askPeer[api.RouterPlan](ctx, m, n.ID, http.MethodPost, pathForesee, proposal{text, until})
			}
			if err != nil {
				plan = api.RouterPlan{Drift: []string{}, Steps: []string{}, Connections: []api.Connections{}, Reason: err.Error()}
			}
			plan.Name, plan.Reached = n.Name, err == nil
			out[i] = plan
		})
	}
	all.Wait()
	return out, nil
}

// foreseeFor is foresee for another member.
func (b *body) foreseeFor(ctx context.Context, asked proposal) (api.RouterPlan, error) {
	doc, err := b.snapshot().ReadDocument(asked.Document)
	if err != nil {
		return api.RouterPlan{}, err
	}
	return b.foresee(ctx, doc, asked.Until)
}

// foresee is what this node's director would do if doc ran, and servers that it no longer names went then.
func (b *body) foresee(ctx context.Context, doc config.Document, until time.Time) (api.RouterPlan, error) {
	snap := b.snapshot()
	running := b.state()
	next := state(snap.With(doc, now(), until))
	next.Known, next.OtherLeads, next.Foreign = running.Known, running.OtherLeads, running.Foreign
	f, err := b.local.director.Foresee(running, next)
	if err != nil {
		return api.RouterPlan{}, err
	}
	out := api.RouterPlan{Revision: snap.Revision, Directs: b.role().Leader && !b.witness(), Drift: words(f.Drift), Steps: words(f.Steps), Rules: words(f.Rules), Connections: []api.Connections{}}
	for _, p := range f.Problems {
		out.Problems = append(out.Problems, api.Problem{What: p.What, Why: p.Why, Fix: p.Fix})
	}
	out.Problems = append(out.Problems, b.lacking(ctx, doc)...)
	for key, service := range f.Stats {
		for addr, at := range service.Destinations {
			if at.Active > 0 {
				out.Connections = append(out.Connections, api.Connections{Service: key.String(), Server: addr.String(), Active: at.Active})
			}
		}
	}
	return out, nil
}

// words are steps as arguments of ipvsadm, or nft.
func words[T fmt.Stringer](ops []T) []string {
	out := make([]string, len(ops))
	for i, op := range ops {
		out[i] = op.String()
	}
	return out
}
