package agent

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"polso/api"
	"polso/consensus/store"
	"polso/fsm"
)

// levels is what a leader has decided of command levels and the replicated state does not have yet: an entry that raises the level
// in use, and a node that joins, must not pass each other.
type levels struct {
	mu      sync.Mutex      // guards below
	raised  int             // the highest level of an entry that was let through
	joining map[string]runs // nodes that are being admitted, by ID
}

// runs is what a node runs.
type runs struct {
	name, version string
	level         int // 0: it has not said so
}

// String is it in an operator's words.
func (r runs) String() string {
	if r.level == 0 {
		return r.name + " has not said what it runs"
	}
	return fmt.Sprintf("%s runs %s, which knows level %d", r.name, release(r.version), r.level)
}

func release(version string) string {
	if version == "" {
		return "a release before there were levels"
	}
	return version
}

// levelSaid is the level that a node says it knows; one that says nothing of it is of the first.
func levelSaid(said int) int { return max(1, said) }

// admit is the leader's look at a proposal, anyone's, before it becomes an entry: the meaning of a document is checked where it is
// proposed, never when it is applied, and so is whether every member can read it.
func (b *body) admit(ctx context.Context, m *member, data []byte) error {
	need, err := b.a.o.levels.Needed(data)
	if err != nil {
		return asAPIError(err)
	}
	s := m.state.Load()
	if err := b.a.o.levels.Admit(data, s); err != nil {
		return asAPIError(err)
	}
	if need.Level <= s.InUse() {
		return nil
	}
	return b.raise(ctx, m, need)
}

// raise lets an entry through that needs a level above the one in use, if every member knows it. They are asked now: one may have
// begun anew with another release since it spoke last. One that does not answer counts as what it said last.
func (b *body) raise(ctx context.Context, m *member, need fsm.Need) error {
	m.levels.mu.Lock()
	defer m.levels.mu.Unlock()
	s := m.state.Load()
	var ids []string
	for _, n := range s.Nodes {
		if n.ID != m.id {
			ids = append(ids, n.ID)
		}
	}
	m.reports.look(ctx, ids...)
	var all []runs
	for _, n := range s.Nodes {
		all = append(all, m.runsOf(n))
	}
	for _, j := range m.levels.joining {
		all = append(all, j)
	}
	if e := notEverywhere(need, all); e != nil {
		return e
	}
	m.levels.raised = max(m.levels.raised, need.Level)
	return nil
}

// runsOf is what a member runs, as it said last.
func (m *member) runsOf(n fsm.Node) runs {
	out := runs{name: n.Name}
	if rep, ok := m.reports.of(n.ID); ok && len(rep.status.Members) == 1 {
		self := rep.status.Members[0]
		out.version, out.level = self.Version, levelSaid(self.Level)
	}
	return out
}

// notEverywhere refuses what some of those could not read; nil if all can.
func notEverywhere(need fsm.Need, all []runs) *api.Error {
	var without []string
	for _, r := range all {
		if r.level < need.Level {
			without = append(without, r.String())
		}
	}
	if len(without) == 0 {
		return nil
	}
	return api.Errorf(api.CodeRefused, "%s needs command level %d, and not every member knows it", need.What, need.Level).
		WithDetail("%s", strings.Join(without, "; ")).
		WithHint("bring every member to a release that knows level %d first: polso upgrade status tells which is next; or do without %s until then", need.Level, need.What)
}

// unreadableThere says that the leader could not read what this newer release asked for; nil if that is not what went wrong.
func unreadableThere(e *api.Error, need fsm.Need, inUse int) *api.Error {
	if need.Level <= inUse || e.Code != api.CodeInternal {
		return nil
	}
	return api.Errorf(api.CodeRefused, "%s needs command level %d, and the router that leads does not know it", need.What, need.Level).
		WithDetail("%s", e.Title).
		WithHint("upgrade it first: polso upgrade status tells which is next; or do without %s until then", need.What)
}

// joins notes a node that is being admitted until done is called, or refuses it: what it runs must know the level in use.
func (m *member) joins(app application) (done func(), err error) {
	m.levels.mu.Lock()
	defer m.levels.mu.Unlock()
	inUse, level := max(m.state.Load().InUse(), m.levels.raised), levelSaid(app.Level)
	if level < inUse {
		return nil, api.Errorf(api.CodeRefused, "%s cannot join: this cluster uses command level %d, and it knows %d", app.Name, inUse, level).
			WithDetail("%s runs %s", app.Name, release(app.Version)).
			WithHint("install there the release that the members run: polso upgrade status on one of them tells it")
	}
	if m.levels.joining == nil {
		m.levels.joining = make(map[string]runs)
	}
	m.levels.joining[app.ID] = runs{app.Name, app.Version, level}
	return func() {
		m.levels.mu.Lock()
		defer m.levels.mu.Unlock()
		delete(m.levels.joining, app.ID)
	}, nil
}

// outdated makes b that of a node whose release is too old for its data, which stays as it is: it serves the socket, says so, and
// holds nothing.
func (b *body) outdated(e *api.Error) {
	if c, err := b.a.home.Cluster(); err == nil {
		b.cluster = c.Name
	}
	b.unusable = e
	b.a.log.Error(e.Title+"; it takes no part in the cluster", "why", e.Detail, "fix", e.Hint)
}

// tooOld says that the cluster, as this node knew it last, uses a level above this build's: it could not read the log, so it is not
// opened.
func (a *Agent) tooOld(c store.Cluster) *api.Error {
	own := a.o.levels.Own()
	if c.Level <= own {
		return nil
	}
	return api.Errorf(api.CodeRefused, "this release, %s, is too old for cluster %s", release(a.o.Version.Version), c.Name).
		WithDetail("the cluster uses command level %d, and this release knows %d; nothing was changed", c.Level, own).
		WithHint("install %s here, which ran before, or a later one, and start the agent again", release(c.Release))
}
