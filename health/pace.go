package health

import (
	"cmp"
	"container/heap"
	"time"
)

const (
	// leastEvery keeps a target that was never validated from being asked in a tight loop.
	leastEvery = 10 * time.Millisecond
	// tick is how coarse the times are at which questions are put.
	tick = 10 * time.Millisecond
	// haste is how many questions a second there are at the most for want of a first verdict, beside those that are due anyway.
	haste = 2000
	// grain is how far apart the moments of turns are.
	grain = 50 * time.Millisecond
	// tooLate is how far behind its time a question is when time is taken to have stood still, not to be short.
	tooLate = 100 * time.Millisecond
)

// unjudged is the target without what its answers are judged by: targets with equal Keys of it are asked once for all.
func (t Target) unjudged() Target {
	t.Check.Rise, t.Check.Fall, t.Check.Initial, t.Check.Flaps, t.Check.FlapWindow, t.Check.FlapHold = 0, 0, "", 0, 0, 0
	return t
}

// unpaced is the bare question: what is known of one pace or judgement holds for every other.
func (t Target) unpaced() Target {
	t = t.unjudged()
	t.Check.Every, t.Check.Timeout, t.Check.Fast = 0, 0, 0
	children := t.Children()
	t.Check.Of = nil
	for _, c := range children {
		c = c.unpaced()
		c.Check.Port = c.asked().Port()
		t.Check.Of = append(t.Check.Of, c.Check)
	}
	return t
}

// pace is when a question is put. Times are since some fixed moment. Turns are the moments phase, phase + every, phase + 2 × every,
// ...: the phase differs from target to target, so that many of one pace are spread over it evenly, and is the same at all times, so
// that no failure, change or delay that they share brings them together.
type pace struct{ every, phase time.Duration }

// turn returns the first turn after t.
func (p pace) turn(t time.Duration) time.Duration {
	return t + p.every - ((t-p.phase)%p.every+p.every)%p.every
}

// start returns when to ask for the first time, at now: within gap, spread over it as the turns are over every.
func (p pace) start(now, gap time.Duration) time.Duration {
	return now + time.Duration(float64(p.phase)/float64(p.every)*float64(gap))
}

// next returns when to ask again what was asked at asked and answered by now, at the latest every after asked. A gap below every
// is the time from question to question; a question that outlasts it takes the next moment that it would have had, since those
// of many that end together must not begin together. With gap at every the turns count; the way back to them has half a
// turn more rather than two questions at nearly the same time.
func (p pace) next(asked, now, gap time.Duration) time.Duration {
	if gap >= p.every {
		t := p.turn(asked)
		if t-asked < p.every/4 {
			t += p.every / 2
		}
		return max(t, now)
	}
	t := asked + gap
	if t < now {
		t += (now - t + gap - 1) / gap * gap
	}
	return min(t, max(asked+p.every, now))
}

// moment returns the moment of a turn that a random number stands for: one of twenty, or of as many as are grain apart. A process that
// wakes up spends more on that than on a question; those of one moment share it, and none is late for it.
func moment(random uint64, every time.Duration) time.Duration {
	apart := min(grain, every/20)
	return time.Duration(random%uint64(every/apart)) * apart
}

func every(t *Target) time.Duration { return max(t.Check.Every, leastEvery) }

// gap returns the time from one question to the next that suits a target's verdict, where so many questions are asked. While a
// change is under way that is Fast. A server that is new, or new to this process, is waited for: it is asked up to four times as
// often until rise or fall can have decided.
func (n *node) gap(questions int) time.Duration {
	c := n.target.Check
	every := every(n.target)
	fast := max(min(cmp.Or(c.Fast, every), every), leastEvery)
	switch {
	case n.verdict.tally.state == Unknown && n.seen < max(c.Rise, c.Fall):
		return min(fast, max(every/4, leastEvery, time.Duration(questions)*time.Second/haste))
	case n.verdict.tally.state == Unknown || n.verdict.tally.streak > 0:
		return fast
	default:
		return every
	}
}

// queue has the questions that wait for their time, the next one first: a container/heap.
type queue []*watch

var _ heap.Interface = (*queue)(nil)

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is for container/heap.
func (q *queue) Push(x any) {
	w := x.(*watch)
	w.place = len(*q)
	*q = append(*q, w)
}

// Pop is for container/heap.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = nil
	*q = (*q)[:len(*q)-1]
	last.place = -1
	return last
}

// stood shifts the questions that are due when the first of them is too late: the process, or the machine, stood still. They
// are put in the order and at the distances that they would have had.
func (q queue) stood(now time.Duration) {
	if len(q) == 0 || now-q[0].at < tooLate {
		return
	}
	for late, i := now-q[0].at, 0; i < len(q); i++ {
		if q[i].at <= now {
			q[i].at += late
		}
	}
	heap.Init(&q)
}
