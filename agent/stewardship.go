package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"polso/api"
	"polso/consensus"
	"polso/director"
	"polso/fsm"
	"polso/ipvs"
	"polso/steward"
)

// fresh is how old a report may be to count.
const fresh = 3 * time.Second

// newSteward builds what only the leader does.
func (b *body) newSteward(m *member) *steward.Steward {
	return steward.New(steward.Options{
		Lead:   func() bool { return m.node.Role().Leader },
		Inputs: func(ctx context.Context) steward.Inputs { return b.stewardInputs(ctx, m) },
		Act:    func(ctx context.Context, act steward.Action) error { return b.actFor(ctx, m, act) },
		Log:    b.a.log.With("part", "steward"),
	})
}

func (b *body) stewardInputs(ctx context.Context, m *member) steward.Inputs {
	if b.witness() {
		b.consult(ctx, m)
	}
	return b.reported(m)
}

// reported is what a decision depends on, by what was said last.
func (b *body) reported(m *member) steward.Inputs {
	in := steward.Inputs{Now: now(), Self: m.id, Reports: map[string]steward.Report{}}
	progress := map[string]steward.Member{}
	for _, p := range m.node.Progress() {
		progress[p.ID] = steward.Member{CaughtUp: p.Contacted && p.Match > 0 && p.Behind < 16, Reachable: p.Contacted && p.Contact < 5*m.profile.H, LastContact: p.Contact}
	}
	for _, r := range m.node.Members() {
		s := progress[r.ID]
		if r.Self {
			s = steward.Member{CaughtUp: true, Reachable: true}
		}
		s.ID, s.Voter = r.ID, r.Voter
		in.Members = append(in.Members, s)
	}
	in.State = m.state.Load()
	if h, known := m.handedFor(m.node.Role().Term); known && h.Sees {
		in.Yielded = time.Since(h.at)
	}
	in.Idle = idle(in.State, m.node.Role(), b.local.director.Status())
	for _, n := range in.State.Nodes {
		rep, ok := m.reports.of(n.ID)
		if !ok || time.Since(rep.at) > fresh {
			continue
		}
		said := stewardReport(rep.status)
		said.Sees = seesOf(rep.sight)
		in.Reports[n.ID] = said
	}
	return in
}

// idle returns the IDs of the leaving servers to which this node's kernel has no connection while it directs: all it should hold
// is held under its present lease, and its table is the running document's. A standby's kernel sees no connection at all.
func idle(s *fsm.Snapshot, r consensus.Role, dir *director.Status) []string {
	if !r.Leader || dir.Epoch != r.Epoch || !dir.Converged || dir.Revision != s.Revision || slices.ContainsFunc(dir.Held, func(h director.HeldStatus) bool { return !h.Present }) {
		return nil
	}
	if len(s.Leaving) == 0 {
		return nil
	}
	table := make(map[ipvs.Key][]ipvs.Destination, len(dir.Table.Services))
	for _, s := range dir.Table.Services {
		table[s.Key] = s.Destinations
	}
	var out []string
	for _, l := range s.Leaving {
		key, _ := director.KeyOf(l.Virtual)
		drains := slices.ContainsFunc(table[key], func(d ipvs.Destination) bool { return d.Addr == l.Server.Address && d.Weight == 0 })
		if st := dir.Stats[key].Destinations[l.Server.Address]; drains && st.Active == 0 && st.Inactive == 0 {
			out = append(out, l.ID)
		}
	}
	return out
}

// consult asks the routers that could take the lead how they are, if there is a choice: a witness hands over at once, before the
// questions of every second have told it who is fit. Raft has just heard them, so they answer at once too.
func (b *body) consult(ctx context.Context, m *member) {
	could := m.successors(m.state.Load())
	if len(could) < 2 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, m.profile.H/2)
	defer cancel()
	m.reports.look(ctx, could...)
}

// stewardReport is what a router's own status says to the steward.
func stewardReport(st api.Status) steward.Report {
	out := steward.Report{Revision: st.AppliedRevision, Converged: st.Converged}
	if len(st.Members) == 1 {
		self := st.Members[0]
		out.Failing, out.Unfit, out.Undecided = self.Failing, strings.Join(self.Unfit, "; "), self.Undecided
		out.Penalty = self.Penalty
		if self.Timing != nil {
			out.Change, out.Restart = self.Timing.Change, self.Timing.Restart
		}
		out.CAChange = self.CAChange
		if self.Started != nil {
			out.Started = *self.Started
		}
	}
	return out
}

// actFor carries out one of the steward's decisions.
func (b *body) actFor(ctx context.Context, m *member, act steward.Action) error {
	switch act.Kind {
	case steward.Expire:
		return b.end(ctx, &fsm.Expire{Due: act.Due})
	case steward.EndLeaving:
		return b.end(ctx, &fsm.EndLeaving{Due: act.Due})
	case steward.EndDrains:
		return b.end(ctx, &fsm.EndDrains{Due: act.Drains})
	case steward.Promote:
		return m.node.Promote(ctx, act.ID)
	case steward.RemoveMember:
		return m.node.Remove(ctx, act.ID)
	case steward.AddLearner:
		// A node that raft speaks to before it listens is tried again ever more rarely: wait until it answers, but not so long
		// that other duties wait too.
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if err := waitFor(ctx, func() bool { return m.reports.ask(ctx, act.ID) == nil }); err != nil {
			return fmt.Errorf("router %s does not answer yet", m.nameOf(act.ID))
		}
		return m.node.AddLearner(ctx, act.ID)
	case steward.HandOver, steward.Yield, steward.HandBack:
		return b.giveLead(ctx, m, act)
	case steward.FinishProfile:
		return b.finishProfile(ctx, m)
	case steward.AdvanceCA:
		return b.advanceCA(ctx, m)
	case steward.Restart:
		return b.leadRestart(ctx, m, act.ID)
	default:
		return fmt.Errorf("steward: %v is not known here", act.Kind)
	}
}

// end proposes the end of something, for the steward; fsm.ErrNotFound means that somebody was faster who ended or changed it.
func (b *body) end(ctx context.Context, what fsm.Command) error {
	_, err := b.propose(ctx, fsm.Actor{Kind: "steward", Name: b.a.o.Name}, fsm.NewRequest(), what)
	if api.CodeOf(err) == api.CodeNotFound {
		return fmt.Errorf("%w: %w", fsm.ErrNotFound, err)
	}
	return err
}
