package agent

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"polso/api"
	"polso/consensus"
	"polso/fsm"
	"polso/steward"
)

// timing is what a member's share of the group follows: it leads by one profile and promises by one. They are the same but while
// the cluster's profile changes, when they are the shorter and the longer of the two. Every router adopts what is committed as soon as it
// can and says so; the state moves on once every one has (docs/safety.md). A later change is never followed by an earlier one.
type timing struct {
	lease, promise consensus.Profile
	change         uint64 // fsm.Cluster.Change
}

func timingOf(profile, next string, change uint64) (timing, error) {
	from, err := consensus.ParseProfile(profile)
	if err != nil {
		return timing{}, err
	}
	t := timing{lease: from, promise: from, change: change}
	if next == "" {
		return t, nil
	}
	to, err := consensus.ParseProfile(next)
	if err != nil {
		return timing{}, err
	}
	if to.H < from.H {
		t.lease = to
	} else {
		t.promise = to
	}
	return t, nil
}

// timing is what this member's share follows now.
func (m *member) timing() timing {
	if t := m.applied.Load(); t != nil {
		return *t
	}
	return timing{lease: m.profile, promise: m.profile}
}

// nextTiming is what was committed since; ok is false if nothing was. restart says that raft must begin anew for it, since some of
// its timers cannot be changed while it runs.
func (m *member) nextTiming(c fsm.Cluster) (t timing, restart, ok bool) {
	if c.Change <= m.timing().change {
		return t, false, false
	}
	t, err := timingOf(c.Profile, c.Next, c.Change)
	if err != nil {
		return t, false, false // the state takes no profile that is not known
	}
	return t, t.lease.Name != m.profile.Name, true
}

// says is the timing for other routers to know.
func (m *member) says() *api.Timing {
	t := m.timing()
	_, restart, ok := m.nextTiming(m.state.Load().Cluster)
	return &api.Timing{Lease: t.lease.Name, Promise: t.promise.Name, Change: t.change, Restart: ok && restart}
}

// followTiming adopts a committed timing that differs in the promise alone. It is written down first: this node must not forget
// what it has reported. For any other the leader says when this node may restart.
func (a *Agent) followTiming(ctx context.Context, m *member) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		committed := m.state.Load().Cluster
		next, restart, ok := m.nextTiming(committed)
		if !ok || restart || !a.forming.TryLock() {
			continue
		}
		err := a.home.SaveTiming(committed.Profile, committed.Next, committed.Change)
		a.forming.Unlock()
		if err != nil {
			if !failed {
				a.log.Error("the cluster's timing is not saved, so it is not changed", "err", err)
			}
			failed = true
			continue
		}
		failed = false
		m.node.SetPromise(next.promise.H)
		m.applied.Store(&next)
		a.log.Info("timing", "lease", next.lease.Name, "promise", next.promise.Name)
	}
}

// restarts begins this node's part in the cluster anew when that was asked for and is due.
func (a *Agent) restarts(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-a.restart:
		}
		if err := a.restartOnce(ctx); err != nil {
			a.log.Error("restarting with another timing", "err", err)
		}
	}
}

func (a *Agent) restartOnce(ctx context.Context) error {
	a.forming.Lock()
	defer a.forming.Unlock()
	m := a.current.Load().member
	if m == nil {
		return nil
	}
	if _, restart, ok := m.nextTiming(m.state.Load().Cluster); !ok || !restart {
		return nil
	}
	a.log.Info("restarting with another timing")
	a.renewing.Store(true)
	defer a.renewing.Store(false)
	return a.reform(ctx, func() error {
		c := m.state.Load().Cluster
		return a.home.SaveTiming(c.Profile, c.Next, c.Change)
	})
}

// askRestart has this node begin anew as soon as it can, if that is due.
func (a *Agent) askRestart() {
	select {
	case a.restart <- struct{}{}:
	default: // asked already
	}
}

// restartAsked is the leader's word that this node may restart.
func (b *body) restartAsked(context.Context, struct{}) (api.Done, error) {
	b.a.askRestart()
	return api.Done{Schema: api.Schema, Done: []string{}}, nil
}

// leadRestart has a member restart, this node too, and waits until it follows the timing that is committed now.
func (b *body) leadRestart(ctx context.Context, m *member, id string) error {
	change := m.state.Load().Cluster.Change
	if id == m.id {
		b.a.askRestart()
		<-ctx.Done() // the end of this body
		return ctx.Err()
	}
	if _, err := askPeer[api.Done](ctx, m, id, http.MethodPost, pathRestart, struct{}{}); err != nil {
		return err
	}
	follows := func() bool {
		if m.reports.ask(ctx, id) != nil {
			return false
		}
		rep, _ := m.reports.of(id)
		return stewardReport(rep.status).Change >= change
	}
	if err := waitFor(ctx, follows); err != nil {
		return fmt.Errorf("router %s has not restarted yet", m.nameOf(id))
	}
	return nil
}

// finishProfile ends a change of the profile, with those who have said that they apply it.
func (b *body) finishProfile(ctx context.Context, m *member) error {
	in := b.stewardInputs(ctx, m)
	f := &fsm.FinishProfile{Change: in.State.Cluster.Change}
	f.Reported = reporters(in, func(r steward.Report) bool { return r.Change == f.Change })
	_, err := b.propose(ctx, fsm.Actor{Kind: "steward", Name: b.a.o.Name}, fsm.NewRequest(), f)
	return err
}

// reporters are the nodes whose report says so.
func reporters(in steward.Inputs, so func(steward.Report) bool) []string {
	var ids []string
	for id, r := range in.Reports {
		if so(r) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// profileChange is the change of the profile that is under way, with the members that it waits for; nil if none is.
func profileChange(c fsm.Cluster, members []api.Member) *api.ProfileChange {
	out := &api.ProfileChange{To: c.Profile, Step: "last", Waiting: []string{}}
	if c.Next != "" {
		out.To, out.Step = c.Next, "both"
	}
	for _, m := range members {
		heard := m.Timing != nil && m.Age <= fresh.Seconds()
		if c.Next != "" && !heard || heard && m.Timing.Change < c.Change {
			out.Waiting = append(out.Waiting, m.Name)
		}
	}
	if c.Next == "" && len(out.Waiting) == 0 {
		return nil
	}
	return out
}

// Profile is the cluster's timing and how far a change of it has come.
func (a *Agent) Profile(ctx context.Context) (api.Profile, error) {
	b := a.current.Load()
	if b.member == nil {
		return api.Profile{}, notFormed()
	}
	st, err := a.Status(ctx, api.Brief)
	if err != nil {
		return api.Profile{}, err
	}
	p, err := consensus.ParseProfile(st.Profile)
	if err != nil {
		return api.Profile{}, err
	}
	out := api.Profile{Schema: api.Schema, Profile: p.Name, H: p.H.Seconds(), Change: st.ProfileChange}
	for _, k := range consensus.Profiles() {
		out.Known = append(out.Known, api.KnownProfile{Name: k.Name, H: k.H.Seconds()})
	}
	return out, nil
}

// SetProfile begins a change of the cluster's timing, or takes back one that is under way.
func (a *Agent) SetProfile(ctx context.Context, by fsm.Actor, req api.ProfileRequest) (api.Done, error) {
	if a.o.Dev {
		return api.Done{}, api.Errorf(api.CodeRefused, "a --dev agent keeps its timing").WithHint("start it without --dev to change it")
	}
	to, err := consensus.ParseProfile(req.Profile)
	if err != nil {
		return api.Done{}, api.Errorf(api.CodeInvalid, "%v", err).WithHint("polso profile show lists them with their times")
	}
	before, err := a.State(ctx)
	if err != nil {
		return api.Done{}, err
	}
	res, err := a.Propose(ctx, by, fsm.NewRequest(), &fsm.SetProfile{Profile: to.Name})
	if err != nil {
		return api.Done{}, err
	}
	c, said := before.Cluster, ""
	switch {
	case res.Unchanged && c.Next == "":
		said = fmt.Sprintf("Unchanged: the profile is %s.", to.Name)
	case res.Unchanged:
		said = fmt.Sprintf("Unchanged: the change to %s is under way.", to.Name)
	case to.Name == c.Profile:
		said = fmt.Sprintf("The profile stays %s.", to.Name)
	default:
		said = fmt.Sprintf("The profile changes from %s to %s, one router after the other. Undo: polso profile set %s", c.Profile, to.Name, c.Profile)
	}
	done := api.Done{Schema: api.Schema, Done: []string{said}}
	if st, err := a.Status(ctx, api.Brief); err == nil && st.ProfileChange != nil && st.ProfileChange.Step == "both" {
		var away []string
		for _, m := range st.Members {
			if m.State == "down" || m.State == "unknown" {
				away = append(away, m.Name)
			}
		}
		if len(away) > 0 {
			done.Warnings = []string{"it waits until every router has answered: " + strings.Join(away, ", ") + " does not; bring it back, or remove it: polso remove router " + away[0]}
		}
	}
	return done, nil
}
