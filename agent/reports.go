package agent

import (
	"context"
	"net/http"
	"sync"
	"time"

	"polso/api"
	"polso/director"
)

// report is what a router last said of itself, and when it was heard.
type report struct {
	status api.Status
	sight  director.Sight
	at     time.Time
}

// reports asks the other members for their status once a second while this node leads, and while it knows of no leader: how
// they take it then tells whether it is still a member.
type reports struct {
	b *body
	m *member

	mu   sync.Mutex // guards last
	last map[string]report
}

func newReports(b *body, m *member) *reports {
	return &reports{b: b, m: m, last: map[string]report{}}
}

const (
	reportEvery = time.Second
	reportWait  = 900 * time.Millisecond
)

func (r *reports) run(ctx context.Context) error {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		if _, led := r.m.node.Leader(); r.m.peers != nil && (!led || r.b.role().Leader) {
			r.round(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// round asks everybody at once and waits for the answers, for a second at most.
func (r *reports) round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reportWait)
	defer cancel()
	spread := r.b.role().Leader && shared(r.m.state.Load().Document)
	var all sync.WaitGroup
	for id := range r.others() {
		all.Go(func() {
			_ = r.ask(ctx, id) // its last report grows old, which says it all
			if spread {
				r.spread(ctx, id)
			}
		})
	}
	all.Wait()
	r.b.changed(r.m)
}

// others are the IDs of the other members, those that raft does not count yet too. Before the state is known raft's
// configuration, which is in the log, is all there is.
func (r *reports) others() map[string]bool {
	ids := map[string]bool{}
	for _, n := range r.m.state.Load().Nodes {
		ids[n.ID] = true
	}
	for _, s := range r.m.node.Members() {
		ids[s.ID] = true
	}
	delete(ids, r.m.id)
	return ids
}

// ask has one member report.
func (r *reports) ask(ctx context.Context, id string) error {
	path := pathLocal
	if !r.b.witness() { // which tells of servers what others see
		path += "?" + briefly
	}
	st, err := askPeer[said](ctx, r.m, id, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	at := time.Now()
	if r.m.sights.hear(id, heard{Sight: st.Sight, at: at}) {
		r.b.local.ring()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[id] = report{st.Status, st.Sight, at}
	return nil
}

// of is what the node with that ID last said, of servers only if this is a witness; ok is false if it never said anything.
func (r *reports) of(id string) (report, bool) {
	if id == r.m.id {
		return report{r.b.briefStatus(), r.b.sight(), time.Now()}, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	rep, ok := r.last[id]
	return rep, ok
}
