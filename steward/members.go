package steward

import (
	"slices"
)

// removeMembers takes out who is in the raft group and no node any more: learners first, then voters that do not answer, then
// those that do. This node is not among them; it hands over, and its successor removes it.
func removeMembers(in Inputs) []Action {
	var actions []Action
	for _, rank := range []func(Member) bool{
		func(m Member) bool { return !m.Voter },
		func(m Member) bool { return m.Voter && !m.Reachable && in.livesWithout(m.ID) },
		func(m Member) bool { return m.Voter && m.Reachable && in.livesWithout(m.ID) },
	} {
		for _, m := range in.members() {
			if _, ok := in.State.Node(m.ID); !ok && m.ID != in.Self && rank(m) {
				actions = append(actions, Action{Kind: RemoveMember, ID: m.ID, Reason: "it is no node of the cluster any more"})
			}
		}
	}
	return actions
}

// livesWithout reports whether the voters that remain without that one have a majority that answers. Without one the removal
// could not be committed, nor anything after it.
func (in Inputs) livesWithout(id string) bool {
	voters, reachable := 0, 0
	for _, m := range in.Members {
		if m.Voter && m.ID != id {
			voters++
			if m.Reachable {
				reachable++
			}
		}
	}
	return reachable > voters/2
}

// addLearners takes in who is a node and not in the raft group: an admission that was interrupted half way.
func addLearners(in Inputs) []Action {
	var actions []Action
	for _, n := range in.State.Nodes {
		if !slices.ContainsFunc(in.Members, func(m Member) bool { return m.ID == n.ID }) {
			actions = append(actions, Action{Kind: AddLearner, ID: n.ID, Reason: n.Name + " was admitted"})
		}
	}
	return actions
}

// promote makes voters of learners that have caught up. Two voters are worse than one, since losing either stops both, so the
// second voter waits for the third: while there is one voter, two learners must be ready.
func promote(in Inputs) []Action {
	var ready []Action
	voters := 0
	for _, m := range in.members() {
		_, ok := in.State.Node(m.ID)
		switch {
		case m.Voter:
			voters++
		case ok && m.CaughtUp && m.Reachable && m.LastContact < Stale:
			ready = append(ready, Action{Kind: Promote, ID: m.ID, Reason: "it has caught up"})
		}
	}
	if voters < 2 && len(ready) < 2 {
		return nil
	}
	return ready
}
