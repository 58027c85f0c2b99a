package agent

import (
	"fmt"
	"strings"
	"time"

	"polso/api"
	"polso/consensus/wire"
	"polso/fsm"
)

// leads is an error unless this node leads and has the state that it leads with.
func (b *body) leads(m *member) error {
	if !m.state.Load().Known { // it has just been elected, and its replica may be old
		return noLeader(m)
	}
	if !b.role().Leader {
		if id, known := m.node.Leader(); !known || id != m.id {
			return noLeader(m)
		}
	}
	return nil
}

// leaderStatus is the cluster as this node, the leader, sees it.
func (b *body) leaderStatus(m *member, detail api.Detail) (api.Status, error) {
	if err := b.leads(m); err != nil {
		return api.Status{}, err
	}
	st := b.statusHere(detail)
	st.Sysctls = nil // each router says its own
	snap := m.state.Load()
	st.Members = st.Members[:0]
	contact := map[string]api.Member{}
	for _, p := range m.node.Progress() {
		if p.Contacted {
			contact[p.ID] = api.Member{State: "up", Behind: p.Behind, Contact: p.Contact.Seconds()}
		} else {
			contact[p.ID] = api.Member{State: "unknown", Behind: p.Behind}
		}
	}
	st.Quorum = api.Quorum{}
	for _, n := range snap.Nodes {
		out, rep := b.describe(m, n.ID, contact[n.ID])
		out.Name, out.Addresses, out.Kind, out.Raft = n.Name, n.Addresses, n.Kind, raftWord(m, n.ID)
		if out.Raft == "leader" || out.Raft == "follower" {
			st.Quorum.Voters++
			if out.State == "up" {
				st.Quorum.Healthy++
			}
		}
		if n.ID != m.id && m.paths != nil {
			out.Paths = pathsOf(m.paths.States(n.ID))
		}
		if p, found := brokenPath(st.Node, out); found {
			st.Problems = append(st.Problems, p)
		}
		st.Members = append(st.Members, marked(snap, out))
		if why := lagging(out, st.Revision); why != "" {
			st.Problems = append(st.Problems, api.Problem{Node: n.Name, What: "router", Why: why, Fix: "polso members -o wide; polso status --local on " + n.Name})
		}
		if rep != nil && n.ID != m.id {
			merge(&st, *rep)
		}
	}
	st.ActiveSince = activeSince(snap, st.Active)
	st.ProfileChange, st.CAChange = profileChange(snap.Cluster, st.Members), caChange(snap.Cluster, st.Members)
	if p, still := b.stillDirects(m, snap, st); still {
		st.Problems = append(st.Problems, p)
	}
	if p, there := b.nobodyDirects(m, snap); there {
		st.Problems = append(st.Problems, p)
	}
	if p, there := b.dim(m); there {
		st.Problems = append(st.Problems, p)
	}
	if detail == api.Brief {
		st.Virtuals = []api.Virtual{} // what a witness has of others too
	}
	b.compareSights(m, snap, st.Virtuals)
	st.Quorum.CanLose = max(0, st.Quorum.Healthy-(st.Quorum.Voters/2+1))
	st.Health = healthOf(st)
	return st, nil
}

// pathsOf is what the leader's transport knows of the paths to a member.
func pathsOf(states []wire.PathState) (paths []api.Path) {
	for _, s := range states {
		p := api.Path{Address: s.Address, State: "unknown"}
		switch s.Answer {
		case wire.Accepts:
			p.State = "up"
		case wire.Silent:
			p.State = "down"
		}
		paths = append(paths, p)
	}
	return paths
}

// brokenPath is the problem that a member which answers does so no more at each of its addresses.
func brokenPath(from string, m api.Member) (api.Problem, bool) {
	var up, down []string
	for _, p := range m.Paths {
		switch p.State {
		case "up":
			up = append(up, p.Address)
		case "down":
			down = append(down, p.Address)
		}
	}
	if len(up) == 0 || len(down) == 0 { // that a member does not answer at all is another problem
		return api.Problem{}, false
	}
	return api.Problem{
		Node: m.Name, What: "path", Why: fmt.Sprintf("%s does not hear it at %s, only at %s", from, strings.Join(down, ", "), strings.Join(up, ", ")),
		Fix: "look at that network between " + from + " and " + m.Name + "; polso members -o wide",
	}, true
}

// marked is a member with what operators say about it.
func marked(s *fsm.Snapshot, m api.Member) api.Member {
	d, drained := drain(s, m.Name)
	if !drained {
		return m
	}
	m.Drained = &api.Drained{By: d.By.Name, At: d.At, Reason: d.Reason}
	if !d.Until.IsZero() {
		m.Drained.Until = &d.Until
	}
	if m.State == "up" {
		m.State = "drain"
	}
	return m
}

// stillDirects is the problem that this router is drained and directs all the same, as nobody else can.
func (b *body) stillDirects(m *member, s *fsm.Snapshot, st api.Status) (api.Problem, bool) {
	if _, drained := drain(s, st.Node); !drained || !b.role().Leader {
		return api.Problem{}, false
	}
	why := b.whyNobody(m, s)
	if why == "" {
		return api.Problem{}, false // it is about to hand over
	}
	return api.Problem{Node: st.Node, What: "drain", Why: "it still directs, as nobody else could: " + why, Fix: "polso undrain router " + st.Node}, true
}

// nobodyDirects is the problem that this node leads and is a witness: it hands over as soon as a router can take the lead.
func (b *body) nobodyDirects(m *member, s *fsm.Snapshot) (api.Problem, bool) {
	if !b.witness() {
		return api.Problem{}, false
	}
	p := api.Problem{Node: m.nameOf(m.id), What: "director", Why: "a witness leads; it hands over as soon as a router can take the lead"}
	if why := b.whyNobody(m, s); why != "" {
		p.Why += ": " + why
		p.Fix = "mend one of them; changes of the document are accepted meanwhile"
	}
	return p, true
}

// lagging says why a member could not take over as well as it should; "" if it could.
func lagging(m api.Member, revision uint64) string {
	switch {
	case m.State == "down":
		return "does not answer, for " + time.Duration(m.Contact*float64(time.Second)).Truncate(time.Second).String()
	case m.State == "unknown":
		return "has not answered this leader yet"
	case m.Kind == fsm.Witness:
		return ""
	case m.Age > fresh.Seconds() || m.Version == "":
		return "has said nothing of itself lately"
	case m.AppliedRevision < revision:
		return fmt.Sprintf("its kernel follows revision %d, not %d yet", m.AppliedRevision, revision)
	case !m.Converged:
		return "its kernel is not as the document wants it"
	}
	return ""
}

// describe is one member with what it last said of itself.
func (b *body) describe(m *member, id string, known api.Member) (api.Member, *api.Status) {
	out := known
	out.ID = id
	rep, ok := m.reports.of(id)
	if id == m.id {
		out = b.self(rep.status)
		out.Sees = counts(rep.sight)
		return out, &rep.status
	}
	if known.State == "" {
		out.State = "unknown"
	}
	if time.Duration(known.Contact*float64(time.Second)) > 5*m.profile.H {
		out.State = "down"
	}
	if !ok {
		return out, nil
	}
	out.Age = time.Since(rep.at).Seconds()
	if len(rep.status.Members) == 1 {
		self := rep.status.Members[0]
		out.Version, out.Started, out.Problems = self.Version, self.Started, self.Problems
		out.Level = levelSaid(self.Level)
		out.AppliedRevision, out.Converged = self.AppliedRevision, self.Converged
		out.Unfit, out.Undecided, out.Failing = self.Unfit, self.Undecided, self.Failing
		out.Penalty, out.Checks = self.Penalty, self.Checks
		out.Timing, out.CAChange = self.Timing, self.CAChange
	}
	out.Sees = counts(rep.sight)
	if time.Since(rep.at) > fresh {
		return out, nil
	}
	return out, &rep.status
}

// merge adds what another router says of what it holds and of what troubles it.
func merge(st *api.Status, other api.Status) {
	for i := range st.VIPs {
		for _, v := range other.VIPs {
			if v.Address == st.VIPs[i].Address && v.Held && !st.VIPs[i].Held {
				st.VIPs[i] = v
			}
		}
	}
	if len(st.Virtuals) == 0 { // this node is a witness and looks at no server
		st.Virtuals = other.Virtuals
	}
	if st.Active == "" && other.Lease.Held {
		st.Active = other.Node
	}
	st.Problems = append(st.Problems, other.Problems...)
}
