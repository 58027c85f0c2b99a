package main

// result is what a search found.
type result struct {
	states    int
	depth     int
	exhausted bool  // every state was seen
	trace     []act // the shortest way to two holders; nil: there is none among the states seen
	terms     uint8 // the highest in which anybody held
}

// search goes through the states that can be reached, the nearest first, until two hold, none is left or there are more
// than limit.
func (m *model) search(limit int) result {
	m.ready()
	first := m.begin()
	m.tidy(&first)
	seen := newTable()
	from := m.print(&first)
	seen.add(from, 0)
	var r result
	var at uint64
	var bad uint64
	var now, next []state
	m.emit = func(t *state, _ act) {
		if bad != 0 {
			return
		}
		p := m.print(t)
		if !seen.add(p, at) {
			return
		}
		if m.holders(t) > 1 {
			bad = p
			return
		}
		for i := range m.nodes {
			if n := &t.node[i]; n.up > 0 && n.own > r.terms {
				r.terms = n.own
			}
		}
		next = append(next, *t)
	}
	for now = append(now, first); len(now) > 0; r.depth++ {
		for k := range now {
			at = m.print(&now[k])
			m.next(&now[k])
			if r.states = seen.used; bad != 0 {
				r.depth++
				r.trace = m.retrace(first, seen, bad)
				return r
			}
			if r.states > limit {
				return r
			}
		}
		now, next = next, now[:0]
	}
	r.depth--
	r.exhausted = true
	return r
}

// retrace walks from first to the state with the fingerprint last again.
func (m *model) retrace(first state, seen *table, last uint64) (trace []act) {
	var way []uint64
	for p := last; p != 0; p = seen.from(p) {
		way = append(way, p)
	}
	s := first
	for k := len(way) - 2; k >= 0; k-- {
		found := false
		var t state
		m.emit = func(u *state, a act) {
			if !found && m.print(u) == way[k] {
				found, t = true, *u
				trace = append(trace, a)
			}
		}
		m.next(&s)
		s = t
	}
	return trace
}

// table maps a fingerprint to that of the state before. Zero is no fingerprint.
type table struct {
	slots [][2]uint64
	used  int
}

func newTable() *table { return &table{slots: make([][2]uint64, 1<<12)} }

// add is false when p is there already.
func (t *table) add(p, before uint64) bool {
	if t.used*4 > len(t.slots)*3 {
		old := t.slots
		t.slots, t.used = make([][2]uint64, 2*len(old)), 0
		for _, s := range old {
			if s[0] != 0 {
				t.add(s[0], s[1])
			}
		}
	}
	slot := t.slot(p)
	if slot[0] == p {
		return false
	}
	*slot = [2]uint64{p, before}
	t.used++
	return true
}

func (t *table) from(p uint64) uint64 { return t.slot(p)[1] }

func (t *table) slot(p uint64) *[2]uint64 {
	mask := uint64(len(t.slots) - 1)
	for i := p & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s[0] == p || s[0] == 0 {
			return s
		}
	}
}
