package main

// The least that raft guarantees. Its own patience is left out: whoever likes may stand or vote at any time, so that
// pre-votes, which only keep somebody from standing, are left out with it.

// raise brings node j to a term.
func (m *model) raise(s *state, j int, term uint8) {
	n := &s.node[j]
	if term <= n.term {
		return
	}
	n.term, n.voted = term, 0
	m.yield(s, j)
}

// yield makes j a follower.
func (m *model) yield(s *state, j int) {
	n := &s.node[j]
	if n.role == leader {
		n.quit = 0
	}
	n.role = follower
}

// hear: j takes a request of the leader of term.
func (m *model) hear(s *state, j int, term uint8) {
	m.raise(s, j, term)
	m.yield(s, j)
}

// stand makes i a candidate; its vote for itself asks nobody.
func (m *model) stand(s *state, i int, flagged bool) {
	m.raise(s, i, s.node[i].term+1)
	n := &s.node[i]
	n.voted, n.role, n.flagged, n.asked, n.got = uint8(i)+1, candidate, flagged, false, 0
}

func (m *model) campaign(s *state, i int) {
	n := &s.node[i]
	if n.role == leader || n.term >= m.terms || !m.config(s, n, n.length).has(i) {
		return
	}
	t := *s
	m.stand(&t, i, false)
	m.out(t, act{what: stand, who: i, term: n.term + 1})
}

// ask lets i's requests for votes leave, to all at once: what leaves later could as well have arrived later.
func (m *model) ask(s *state, i int) {
	n := &s.node[i]
	if n.role != candidate || n.asked {
		return
	}
	t := *s
	if m.leave(&t, i, n.term, true, n.flagged) {
		t.node[i].asked = true
		m.out(t, act{what: ask, who: i, term: n.term, flagged: n.flagged})
	}
}

// votes lets each other node take i's request, write its vote and let the answer leave, or not.
func (m *model) votes(s *state, i int) {
	n := &s.node[i]
	if n.role != candidate || !n.asked {
		return
	}
	for j := range m.nodes {
		f := &s.node[j]
		if j == i || n.got.has(j) || !m.config(s, n, n.length).has(j) || m.stranger(s, i, f) || f.term > n.term ||
			f.term == n.term && f.voted != uint8(i)+1 && (f.voted != 0 || f.role == leader) ||
			f.lastTerm() > n.lastTerm() || f.lastTerm() == n.lastTerm() && f.length > n.length {
			continue
		}
		t := *s
		m.raise(&t, j, n.term)
		m.yield(&t, j)
		t.node[j].voted = uint8(i) + 1
		m.out(t, act{what: lose, who: j, whom: i, term: n.term})
		if m.leave(&t, j, n.term, false, n.flagged) {
			t.node[i].got |= of(j)
			m.out(t, act{what: grant, who: j, whom: i, term: n.term, flagged: n.flagged})
		}
	}
}

// stranger: f refuses a candidate that has no vote in the configuration f knows. One that knows none refuses nobody.
func (m *model) stranger(s *state, i int, f *node) bool {
	return m.on(offVoters) && (f.first || f.length > 0) && !m.config(s, f, f.length).has(i)
}

func (m *model) elected(s *state, i int) {
	n := &s.node[i]
	if n.role != candidate || !(n.got | of(i)).quorumOf(m.config(s, n, n.length)) {
		return
	}
	t := *s
	l := &t.node[i]
	l.role, l.own, l.quit, l.over, l.lapsed, l.began, l.released = leader, n.term, 0, false, false, false, false
	l.acked, l.commit, l.told, l.wait = 0, 0, n.length, 0 // roster.found: a process that starts knows no more
	for j := range m.nodes {
		t.sent[i][j], t.rose[i][j] = never, never
		if j != i && t.node[j].term <= n.term {
			t.rose[i][j] = 0
		}
	}
	if m.logs() && !m.append(l, entry{term: n.term}) {
		return
	}
	m.out(t, act{what: elected, who: i, term: n.term})
}

// append is false when the log would be longer than is followed.
func (m *model) append(l *node, e entry) bool {
	if l.length == longer {
		return false
	}
	l.log[l.length] = e
	l.length++
	l.acked = 0
	return true
}

func (m *model) stepDown(s *state, i int) {
	if n := &s.node[i]; n.role == leader {
		t := *s
		m.yield(&t, i)
		m.out(t, act{what: stepDown, who: i, term: n.term})
	}
}

// process ends a process and starts it anew. What is on disk stays, and the kernel answers on for the addresses.
func (m *model) process(s *state, i int) {
	if !m.restarts && !m.profile {
		return
	}
	n := &s.node[i]
	last := n.phase
	if m.profile && m.maySwitch(s, i) {
		last++
	}
	for phase := n.phase; phase <= last; phase++ {
		if phase == n.phase && !m.restarts {
			continue
		}
		t := *s
		t.node[i] = node{
			term: n.term, voted: n.voted, log: n.log, length: n.length, first: n.first, phase: phase,
			restart: m.promise[phase], up: n.up, arming: n.arming,
		}
		for k := range m.nodes {
			t.sent[i][k], t.rose[i][k] = never, never
			if own := s.node[k].own; own > 0 && n.term > own {
				t.rose[k][i] = never
			}
		}
		m.out(t, act{what: restart, who: i, n: phase, turned: phase > n.phase})
	}
}

// maySwitch: the first step of a change of the profile needs nothing, the second that all nodes have made the first and a
// leader of the newest term knows it. Nothing does it yet: these are the rules that it will need.
func (m *model) maySwitch(s *state, i int) bool {
	switch s.node[i].phase {
	case 0:
		return true
	case 1:
		known, all, newest := false, true, uint8(0)
		for j := range m.nodes {
			newest = max(newest, s.node[j].term)
			all = all && s.node[j].phase > 0
		}
		for j := range m.nodes {
			known = known || s.node[j].leads() && s.node[j].term == newest
		}
		return (all || !m.on(offAllReported)) && (known || !m.on(offNewestKnows))
	}
	return false
}

// members is Node.alter, raft's replication of it, and what the roster comes to know.
func (m *model) members(s *state, i int) {
	n := &s.node[i]
	if !m.logs() || !n.leads() {
		return
	}
	for j := range m.nodes { // j appends what it lacks; its Success may leave later
		f := &s.node[j]
		if j == i || f.term > n.term || f.log == n.log && f.length == n.length {
			continue
		}
		t := *s
		m.hear(&t, j, n.term)
		t.node[j].log, t.node[j].length = n.log, n.length
		m.out(t, act{what: appendAct, who: j, whom: i, term: n.term})
	}
	now := m.config(s, n, n.length)
	switch {
	case n.commit < n.length:
		if (n.acked | of(i)).quorumOf(now) {
			t := *s
			l := &t.node[i]
			if l.commit = n.length; !m.taken(n) && m.taken(l) {
				l.told = n.length // roster.settle
			}
			m.out(t, act{what: commit, who: i, term: n.term})
		}
	case n.told < n.commit:
		t := *s
		t.node[i].told = n.commit
		m.out(t, act{what: told, who: i})
	}
	if n.commit != n.length || !m.taken(n) || n.wait > 0 && m.on(offApart) || m.changed(n) >= m.changes {
		return
	}
	for j := range m.nodes {
		c := now ^ of(j)
		if j == i || c.size() < m.least {
			continue
		}
		t := *s
		l := &t.node[i]
		if l.wait = m.longest; m.append(l, entry{term: n.term, voters: c}) {
			m.out(t, act{what: change, who: i, whom: j, term: n.term, flagged: c.has(j)})
		}
	}
}

// changed counts the changes in n's log.
func (m *model) changed(n *node) (count uint8) {
	for k := range n.length {
		if n.log[k].voters != 0 {
			count++
		}
	}
	return count
}
