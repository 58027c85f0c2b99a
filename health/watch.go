package health

import (
	"container/heap"
	"context"
	"hash/maphash"
	"slices"
	"time"
)

// node is one judged target: one that is wanted, a compound's child, or both.
type node struct {
	target   *Target
	wanted   bool
	verdict  verdict
	seen     int     // answers judged
	asked    *watch  // whose answers it judges; nil: a compound
	children []*node // of a compound, in order
	parents  []*node // the compounds that hold it
}

// combine has a compound follow its children.
func (n *node) combine(now time.Time) {
	statuses := make([]Status, len(n.children))
	for i, c := range n.children {
		statuses[i] = c.verdict.Status
	}
	n.verdict = n.verdict.combine(combine(n.target.Check.Kind, n.target.need(len(statuses)), statuses), n.target.Check, now)
}

// watch is a question: what is asked of one server at one pace, for all who judge the answers.
type watch struct {
	key    Key
	target *Target
	pace   pace
	at     time.Duration // since the epoch: when it is put next, or was put last
	place  int           // in the queue; -1: not there
	judges []*node
	ctx    context.Context // of its probes: ends when nobody judges any more
	stop   context.CancelFunc
}

// gap is the shortest that one of its judges wants.
func (q *watch) gap(questions int) time.Duration {
	gap := q.pace.every
	for _, n := range q.judges {
		gap = min(gap, n.gap(questions))
	}
	return gap
}

// reconcile makes nodes and questions those of the wanted targets, and tells whether one that is new has a state already: its
// own Initial, or what another of the same bare question knew.
func (r *runner) reconcile(ctx context.Context) (stated bool) {
	r.turns.Lock()
	defer r.turns.Unlock()
	r.mu.Lock()
	want := r.want
	r.mu.Unlock()
	old, nodes := r.nodes, make(map[Key]*node, len(want))
	var made []*node
	var add func(Key, *Target) *node
	add = func(key Key, t *Target) *node {
		if n, ok := nodes[key]; ok {
			return n
		}
		n, ok := old[key]
		if ok {
			n.wanted, n.parents = false, nil
		} else {
			n = &node{target: t}
			made = append(made, n)
		}
		nodes[key] = n
		n.children = nil
		for _, t := range t.Children() {
			c := add(t.Key(), &t)
			c.parents = append(c.parents, n)
			n.children = append(n.children, c)
		}
		return n
	}
	for key, t := range want {
		add(key, t).wanted = true
	}
	now := time.Now()
	r.begin(ctx, made, r.knowing(made), now)
	for key, n := range old {
		if nodes[key] != n {
			r.drop(n)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes, r.view = nodes, nil
	return slices.ContainsFunc(made, func(n *node) bool { return n.wanted && n.verdict.State != Unknown })
}

// knowing returns, of every bare question, a node that has decided.
func (r *runner) knowing(made []*node) map[Key]*node {
	out := make(map[Key]*node)
	if len(made) == 0 {
		return out
	}
	for _, n := range r.nodes {
		if n.asked == nil || n.verdict.tally.state != Unknown {
			out[n.target.unpaced().Key()] = n
		}
	}
	return out
}

// begin gives new nodes their first verdict and somebody who asks for them.
func (r *runner) begin(ctx context.Context, made []*node, known map[Key]*node, now time.Time) {
	var fresh []*watch
	for _, n := range made {
		bare := n.target.unpaced().Key()
		if before, ok := known[bare]; ok {
			n.verdict = before.verdict.inherited()
		} else {
			n.verdict = verdict{Status: Status{Since: now}}.follow(Unknown, "", n.target.Check, now)
		}
		if n.target.compound() {
			continue
		}
		key := n.target.unjudged().Key()
		q, ok := r.watches[key]
		if !ok {
			q = &watch{key: key, target: n.target, pace: pace{every(n.target), r.phase(*n.target)}, place: -1}
			q.ctx, q.stop = context.WithCancel(ctx)
			r.watches[key] = q
			fresh = append(fresh, q)
		}
		n.asked = q
		q.judges = append(q.judges, n)
	}
	for _, n := range made {
		if n.target.compound() {
			n.combine(now)
		}
	}
	since := now.Sub(r.epoch)
	for _, q := range fresh {
		if gap := q.gap(len(r.watches)); gap < q.pace.every {
			q.at = q.pace.start(since, gap)
		} else {
			q.at = q.pace.turn(since)
		}
		heap.Push(&r.queue, q)
	}
}

// phase is a target's moment within its turn. It depends on nothing but the bare question, so that the probes of a server do not
// wander, and differs from process to process, so that the routers of a cluster do not ask together.
func (s *Set) phase(t Target) time.Duration {
	return moment(maphash.String(s.seed, string(t.unpaced().Key())), every(&t))
}

// drop ends a node, and its question with the last that judged it.
func (r *runner) drop(n *node) {
	q := n.asked
	if q == nil {
		return
	}
	q.judges = slices.DeleteFunc(q.judges, func(j *node) bool { return j == n })
	if len(q.judges) > 0 {
		return
	}
	q.stop()
	delete(r.watches, q.key)
	if q.place >= 0 {
		heap.Remove(&r.queue, q.place)
	}
}

// ask puts the questions that are due, and sees to it that there is somebody to put the next.
func (r *runner) ask() {
	r.turns.Lock()
	defer r.turns.Unlock()
	r.armed = 0
	now := time.Since(r.epoch)
	r.queue.stood(now)
	for len(r.queue) > 0 && r.queue[0].at <= now {
		q := heap.Pop(&r.queue).(*watch)
		if r.idle > 0 {
			r.idle--
			r.work <- q
			continue
		}
		r.probes.Go(func() { r.serve(q) })
	}
	r.arm()
}

// arm has the clock tick for the first question of the queue. It ticks coarsely, so that many questions share a wake-up.
func (r *runner) arm() {
	if len(r.queue) == 0 {
		return
	}
	if at := (r.queue[0].at + tick - 1) / tick * tick; at != r.armed {
		r.armed = at
		r.due.Reset(at - time.Since(r.epoch))
	}
}

// spare is how many goroutines wait for the next question at the most. One that has asked before has the stack that asking needs:
// growing it anew took an eighth of the time of a check by TCP.
const spare = 64

// serve puts a question, and then others while few enough wait for one.
func (r *runner) serve(q *watch) {
	for ok := true; ok && r.put(q); {
		q, ok = <-r.work
	}
}

// put puts a question, and tells whether to wait for another.
func (r *runner) put(q *watch) (more bool) {
	result := r.probe(q.ctx, *q.target)
	r.turns.Lock()
	changed := q.ctx.Err() == nil && r.note(q, result) // cut short, it says nothing about the server
	if more = r.idle < spare; more {
		r.idle++
	}
	r.turns.Unlock()
	if changed {
		r.ring()
	}
	return more
}

// note enters an answer into the verdicts of all who judge it and of the compounds that hold those, and tells whether a wanted
// one changed. Its caller has the turns.
func (r *runner) note(q *watch, result Result) (changed bool) {
	if len(q.judges) == 0 {
		return false // nobody is interested any more
	}
	now := time.Now()
	var changes []change
	judge := func(n *node, f func()) {
		before := n.verdict.Status
		if f(); n.verdict.State != before.State || n.verdict.Assumed != before.Assumed || n.verdict.Advice != before.Advice {
			changes = append(changes, change{n, before.State})
		}
	}
	r.mu.Lock()
	r.count(q, result)
	for _, n := range q.judges {
		judge(n, func() { n.verdict = n.verdict.judge(result, n.target.Check, now) })
		n.seen++
	}
	for _, n := range q.judges {
		for _, p := range n.parents {
			judge(p, func() { p.combine(now) })
		}
	}
	r.view = nil
	r.mu.Unlock()
	for _, t := range changes {
		changed = changed || t.node.wanted
		r.tell(t)
	}
	q.at = q.pace.next(q.at, now.Sub(r.epoch), q.gap(len(r.watches)))
	heap.Push(&r.queue, q)
	r.arm()
	return changed
}

// count notes what came of a question; r.mu is held.
func (r *runner) count(q *watch, result Result) {
	kind := q.target.Check.Kind
	c := r.answers[kind]
	if result.OK {
		c.OK++
	} else {
		c.Failed++
	}
	r.answers[kind] = c
}

// change is one of a node's state or advice, or that it was decided.
type change struct {
	node   *node
	before State
}

func (r *runner) tell(t change) {
	s := t.node.verdict.Status
	if s.State == t.before {
		return // advice may change with every answer
	}
	what := "server changed state"
	if !t.node.wanted {
		what = "one of a server's checks changed state"
	}
	r.log.Info(what, "server", t.node.target.Addr.String(), "from", t.before.String(), "to", s.State.String(), "reason", s.Reason)
}
