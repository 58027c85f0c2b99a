package agent

import (
	"time"

	"polso/api"
	"polso/fsm"
)

// later is how much longer than the router that should direct this one waits before it stands for election. A router's wait is at most
// half of the heartbeat timeout, and orders: what makes a router unfit weighs more than whether it is preferred. A witness, which
// cannot direct at all, lets every router go first.
func (b *body) later(m *member) time.Duration {
	h := m.profile.H
	if b.witness() { // two turns after the last of the routers
		return 2 * h / 3
	}
	leader, _ := m.node.Leader()
	return min(h/2, b.local.director.Status().Later(h)+standBack(m.state.Load(), m.id, leader, h)+b.burden(h))
}

// standBack is what operators add to that wait: half of h for a drained router, and a sixth of h for one that the document
// does not prefer to all others who are left without the leader that has gone. A sixth is two turns of the election
// (consensus stands voters a twelfth of h apart), so the preferred router is through with its election before; and it is less than what a
// router waits that is not as fit.
func standBack(s *fsm.Snapshot, id, leader string, h time.Duration) time.Duration {
	self, ok := s.Node(id)
	if !ok {
		return 0
	}
	if _, drained := drain(s, self.Name); drained {
		return h / 2
	}
	prefer := s.Document.Cluster
	for _, n := range s.Nodes {
		_, drained := drain(s, n.Name)
		if n.ID != leader && n.Kind == fsm.Router && !drained && prefer.Rank(n.Name) < prefer.Rank(self.Name) {
			return h / 6
		}
	}
	return 0
}

// burden is what this router's own checks add to that wait: half of h if it is not fit by them, and a sixth with a penalty.
func (b *body) burden(h time.Duration) time.Duration {
	var m api.Member
	switch against(&m, b.itself()); {
	case len(m.Unfit) > 0:
		return h / 2
	case m.Penalty > 0:
		return h / 6
	}
	return 0
}

// drain is what an operator said about a router that is not to direct.
func drain(s *fsm.Snapshot, name string) (fsm.Override, bool) {
	o, ok := s.Override("router/" + name)
	return o, ok && o.Kind == fsm.Drain
}
