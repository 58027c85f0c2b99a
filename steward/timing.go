package steward

import "polso/fsm"

// finishProfile ends a change of the profile once every member has said that it applies it: until the last has, leases are as
// short as the shorter timing and promises as long as the longer. One that was removed and that raft still counts is waited for
// too; it is about to go.
func finishProfile(in Inputs) []Action {
	c := in.State.Cluster
	if c.Next == "" {
		return nil
	}
	if !in.everyone(func(r Report) bool { return r.Change == c.Change }) {
		return nil
	}
	return []Action{{Kind: FinishProfile, Reason: "every router applies the change to " + c.Next}}
}

// advanceCA makes the next step of a change of the CA once every member has said that it has followed the present one.
func advanceCA(in Inputs) []Action {
	c := in.State.Cluster
	if c.NextCA == "" && c.OldCA == "" || !in.everyone(func(r Report) bool { return r.CAChange == c.CAChange }) {
		return nil
	}
	return []Action{{Kind: AdvanceCA, Reason: "every router has followed the step before"}}
}

// everyone tells whether every node has been heard with a report that is so, and raft counts nobody else.
func (in Inputs) everyone(is func(Report) bool) bool {
	for _, n := range in.State.Nodes {
		if r, heard := in.Reports[n.ID]; !heard || !is(r) {
			return false
		}
	}
	for _, m := range in.Members {
		if _, ok := in.State.Node(m.ID); !ok {
			return false
		}
	}
	return true
}

// restart begins the routers anew whose raft must for a change of the profile, one at a time, and this one last, once another
// router could direct as well. It is never a matter of safety: who restarts by itself applies the change too.
func restart(in Inputs) []Action {
	next, last := "", true
	for _, m := range in.members() {
		r := in.Reports[m.ID]
		switch {
		case m.ID == in.Self || !m.Reachable || r.Change == in.State.Cluster.Change:
			continue
		case next == "" && r.Restart:
			next = m.ID
		}
		last = false // it will follow by itself, or has said nothing yet
	}
	if fit, dimmer, _ := in.candidates(); last && in.Reports[in.Self].Restart && (len(fit)+len(dimmer) > 0 || !in.otherRouters()) {
		next = in.Self
	}
	if next == "" || !in.standsWithout(next) {
		return nil
	}
	return []Action{{Kind: Restart, ID: next, Reason: "its timing changes"}}
}

// standsWithout reports whether the voters have a majority that answers and has caught up without that one, or, where one is
// needed for any majority, whether all of them do.
func (in Inputs) standsWithout(id string) bool {
	voters, well, others := 0, 0, 0
	for _, m := range in.Members {
		if !m.Voter {
			continue
		}
		voters++
		if m.ID == id {
			continue
		}
		others++
		if m.Reachable && m.CaughtUp {
			well++
		}
	}
	return well > voters/2 || well == others
}

// otherRouters reports whether another router has a vote.
func (in Inputs) otherRouters() bool {
	for _, m := range in.Members {
		if n, ok := in.State.Node(m.ID); ok && m.ID != in.Self && m.Voter && n.Kind == fsm.Router {
			return true
		}
	}
	return false
}
