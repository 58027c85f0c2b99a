package steward

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"polso/fsm"
)

// Inputs is everything a decision depends on, read once per pass.
//
// Members are read before State: an admission puts a node into the state first and into the raft group second, a removal
// takes it out in the same order, so a state read earlier would make a new member look like a removed one.
type Inputs struct {
	Now     time.Time
	State   *fsm.Snapshot     // never nil
	Self    string            // this node's ID
	Members []Member          // raft's latest configuration, this node in it
	Reports map[string]Report // by node ID, this one's too: what each router last said about its kernel; no entry: not heard
	Idle    []string          // IDs of the leaving servers to which the kernel of this node, which directs, has no connection
	Yielded time.Duration     // how long ago this node was handed the lead because it sees more; 0: it was not

	// The Steward's to fill in, not for who reads the inputs.

	Waiting    func(Action) bool        // true for what is not to be tried just now; nil: for nothing
	LedFor     time.Duration            // how long this node has led
	UnfitFor   time.Duration            // how long this node's report has named a reason in Unfit, pass after pass
	FailingFor time.Duration            // how long it has counted FailingPasses or more
	BurdenFor  time.Duration            // how long a fit router has had a smaller penalty
	DimFor     time.Duration            // how long most of the other routers have seen clearly more servers up
	DiffersFor map[string]time.Duration // by virtual: how long another router has seen more of its servers up, since this node last lost one
	FitFor     map[string]time.Duration // by node ID, of the other routers that are fit now: for how long
	IdleFor    map[string]time.Duration // by fsm.Leaving's ID: how long one of Idle has been so, pass after pass
	HandedBack map[string]int           // by node ID: how often the lead was handed back to it within the last hour, or was to be
}

// Member is a node in raft's configuration.
type Member struct {
	ID          string
	Voter       bool
	CaughtUp    bool          // has everything that was committed a moment ago
	Reachable   bool          // answered within the last few heartbeats; true for this node
	LastContact time.Duration // age of its last answer; 0 for this node
}

// Report is what a router says about its last pass. Leave out those older than a few seconds.
type Report struct {
	Revision  uint64          // of the document that its kernel follows
	Converged bool            // its kernel is as that revision wants it
	Failing   int             // failing passes in a row
	Unfit     string          // why the router could not direct as another may, in one line; "": it could
	Undecided []string        // the virtuals that it would serve by no server, only because its checks have not decided yet
	Penalty   int             // of its own checks that fail, together
	Sees      map[string]Seen // what it sees of the servers, by virtual; nil: not said
	Started   time.Time       // of its process; zero: not said
	Change    uint64          // fsm.Cluster.Change that its timing follows
	CAChange  uint64          // fsm.Cluster.CAChange that it has followed
	Restart   bool            // it must begin anew to follow the next one
}

// FitAs tells whether a router with this report could direct as well as one with the other, as far as fitness goes. What
// neither has decided, because the document is new, keeps nobody from it.
func (r Report) FitAs(other Report) bool {
	return r.Unfit == "" && !slices.ContainsFunc(r.Undecided, func(virtual string) bool { return !slices.Contains(other.Undecided, virtual) })
}

// Limits of a decision.
const (
	// Stale is the age of the last contact from which a learner is not promoted: a voter that does not answer makes the
	// quorum larger without helping to reach it.
	Stale = 2 * time.Second
	// FailingPasses is after how many failing passes in a row the director looks for another router, and FailingLong how
	// long there must have been so many: passes that are rung for follow each other within milliseconds.
	FailingPasses = 5
	FailingLong   = time.Second
	// UnfitLong is how long a director must be unfit before it looks for another router: a link may flap.
	UnfitLong = 2 * time.Second
	// listening is how long a new leader that is drained waits for what a preferred router says; it directs meanwhile.
	listening = time.Second
)

// Decide returns what the leader has to do now, in the order to do it in: whatever is due, then one handing over or one
// change of the raft group (raft makes one at a time, and each changes what the next may be), and when there is nothing else,
// failing back. With a state that is not
// known, or before there is a cluster, it returns nothing.
func Decide(in Inputs) []Action {
	if !in.State.Known || !in.State.Founded() {
		return nil
	}
	var actions []Action
	for _, d := range in.State.Due { // sorted by time
		a := Action{Kind: Expire, Due: d, Reason: "its time has come"}
		if !in.Now.Before(d.At) && !in.waits(a) {
			actions = append(actions, a)
		}
	}
	for _, a := range endLeaving(in) {
		if !in.waits(a) {
			actions = append(actions, a)
		}
	}
	actions = slices.DeleteFunc(together(actions), in.waits)
	for _, rule := range []func(Inputs) []Action{handOver, yield, removeMembers, addLearners, promote, finishProfile, advanceCA, restart, failBack} {
		for _, a := range rule(in) {
			if !in.waits(a) {
				return append(actions, a)
			}
		}
	}
	return actions
}

func (in Inputs) waits(a Action) bool { return in.Waiting != nil && in.Waiting(a) }

// handOver moves the lead to a router that can do what this node cannot.
func handOver(in Inputs) []Action {
	self, member := in.State.Node(in.Self)
	_, drained := in.State.Override("router/" + self.Name)
	report := in.Reports[in.Self]
	var why string
	switch {
	case !member:
		why = "this node was removed"
	case self.Kind != fsm.Router:
		why = "a witness does not direct"
	case drained:
		why = "this router is drained"
	case report.Unfit != "" && in.UnfitFor >= UnfitLong:
		why = "this router cannot direct: " + report.Unfit
	case report.Failing >= FailingPasses && in.FailingFor >= FailingLong:
		why = "this router's kernel refuses what another's accepts"
	case in.BurdenFor >= BurdenedLong && in.burdened():
		var actions []Action
		for _, id := range in.lighter() {
			actions = append(actions, Action{Kind: HandOver, ID: id, Reason: fmt.Sprintf("%s has a penalty of %d, this router of %d", in.name(id), in.Reports[id].Penalty, report.Penalty)})
		}
		return actions
	default:
		return nil
	}
	fit, dimmer, able := in.candidates()
	if len(fit) == 0 && !drained { // who has trouble directs worse than who sees less
		fit = dimmer
	}
	if drained && len(fit) > 0 && in.LedFor < listening && in.unheardBefore(fit[0]) {
		return nil
	}
	if len(fit) == 0 && (!member || self.Kind != fsm.Router) { // a router that has trouble directs better than no router
		fit = append(in.untroubledFirst(able), in.drained()...)
	}
	var actions []Action
	for _, id := range fit {
		actions = append(actions, Action{Kind: HandOver, ID: id, Reason: why})
	}
	return actions
}

// untroubledFirst puts who has said that it has trouble behind who has said nothing yet; equals stay as they are.
func (in Inputs) untroubledFirst(able []string) []string {
	troubled := func(id string) int {
		r, heard := in.Reports[id]
		if heard && (r.Failing > 0 || r.Unfit != "") {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(able, func(a, b string) int { return cmp.Compare(troubled(a), troubled(b)) })
	return able
}

// drained returns the other routers that could lead, if an operator did not want others to.
func (in Inputs) drained() []string {
	var out []string
	for _, m := range in.preferred() {
		if in.electable(m) && !in.able(m) {
			out = append(out, m.ID)
		}
	}
	return out
}

// unheardBefore tells whether a router that is preferred to id has not answered yet, raft or this node's question how it is. A
// leader hears the routers one after another, and a drained one that took whoever answers first would make two moves of one.
func (in Inputs) unheardBefore(id string) bool {
	return slices.ContainsFunc(in.Members, func(m Member) bool {
		_, heard := in.Reports[m.ID]
		silent := !heard || !m.Reachable || !m.CaughtUp
		m.Reachable, m.CaughtUp = true, true
		return silent && in.able(m) && in.rank(m.ID) < in.rank(id)
	})
}

// candidates returns the routers that could lead, in the order of the document's `prefer`: fit are those whose kernel follows
// the running revision without trouble and that nothing makes unfit to take over. Whoever has trouble too is no better than this
// node: a step that fails everywhere is a fault of the document, and a segment that no router reaches is nobody's to serve. Dimmer are
// those that would be fit if they did not see clearly fewer servers up than this node.
func (in Inputs) candidates() (fit, dimmer, able []string) {
	for _, m := range in.preferred() {
		if !in.able(m) {
			continue
		}
		able = append(able, m.ID)
		mine := in.Reports[in.Self]
		switch r, heard := in.Reports[m.ID]; {
		case !heard || !r.Converged || r.Failing > 0 || !r.FitAs(mine) || r.Revision != in.State.Revision:
		case r.Dimmer(mine):
			dimmer = append(dimmer, m.ID)
		default:
			fit = append(fit, m.ID)
		}
	}
	return fit, dimmer, able
}

// able tells whether another member could lead, as far as raft and the operators go.
func (in Inputs) able(m Member) bool {
	n, _ := in.State.Node(m.ID)
	_, drained := in.State.Override("router/" + n.Name)
	return in.electable(m) && !drained
}

// electable tells whether another member could lead, as far as raft goes.
func (in Inputs) electable(m Member) bool {
	n, ok := in.State.Node(m.ID)
	return ok && n.Kind == fsm.Router && m.ID != in.Self && m.Voter && m.CaughtUp && m.Reachable
}

// preferred returns the members in the order in which they should direct: by their penalties, then by the document.
func (in Inputs) preferred() []Member {
	list := in.members()
	slices.SortStableFunc(list, func(a, b Member) int {
		return cmp.Or(cmp.Compare(in.Reports[a.ID].Penalty, in.Reports[b.ID].Penalty), cmp.Compare(in.rank(a.ID), in.rank(b.ID)))
	})
	return list
}

// rank is a member's place in `prefer`. Who is no node any more is preferred by nobody.
func (in Inputs) rank(id string) int {
	n, _ := in.State.Node(id)
	return in.State.Document.Cluster.Rank(n.Name)
}

// members returns the members by ID, so that the choice among equals is the same every time.
func (in Inputs) members() []Member {
	return slices.SortedFunc(slices.Values(in.Members), func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
}
