package main

// What consensus/lease does, function by function. All of it happens under the ledger's mutex: one step each.

// leave is Ledger.leave: may a vote, or an own request for votes, of term leave node i? It notes it if so.
func (m *model) leave(s *state, i int, term uint8, asks, flagged bool) bool {
	n := &s.node[i]
	patience, restart, holding := offPromiseVote, offRestartVote, offOwnVote
	if asks {
		patience, restart, holding = offPromiseAsk, offRestartAsk, offOwnAsk
	}
	if asks && flagged && m.on(offArmedTerm) && (n.armed == 0 || n.armed+1 != term) {
		return false
	}
	if !flagged && (n.promised > 0 && m.on(patience) || n.restart > 0 && m.on(restart)) {
		return false
	}
	if n.held > 0 && m.on(holding) {
		return false
	}
	n.seen = max(n.seen, term)
	if m.on(offOrder) {
		for k := range m.nodes {
			if own := s.node[k].own; k != i && own > 0 && own < term {
				s.rose[k][i] = never
			}
		}
	}
	if m.on(offKill) && n.own < term {
		n.over = true
	}
	return true
}

// successes lets the Success of each other node to a heartbeat of i leave: Ledger.succeed, after raft has taken the
// heartbeat. Of all heartbeats that are on their way the newest is the one that counts.
func (m *model) successes(s *state, i int) {
	l := &s.node[i]
	if l.dead() {
		return
	}
	for j := range m.nodes {
		age := s.rose[i][j]
		if j == i || age == never || !l.leads() && l.quit == never {
			continue
		}
		if !l.leads() {
			age = max(age, l.quit)
		}
		late := s.node[j].term > l.own
		if !late && s.node[j].role == leader && s.node[j].term == l.own {
			continue
		}
		t := *s
		f := &t.node[j]
		if !late {
			m.hear(&t, j, l.own)
			if l.leads() && f.log == l.log && f.length == l.length {
				t.node[i].acked |= of(j)
			}
		}
		m.succeed(f, l.own)
		if t.sent[i][j] == never || age < t.sent[i][j] {
			t.sent[i][j] = age
		}
		m.out(t, act{what: success, who: j, whom: i, term: l.own, n: age, late: late})
	}
}

func (m *model) succeed(f *node, term uint8) {
	if m.on(offNote) {
		f.promised = max(f.promised, m.promise[f.phase])
	}
	f.seen = max(f.seen, term)
	if f.own < term {
		f.over = true
	}
}

// count is Ledger.count and extend: i takes in what its followers have sent, or a part of it that makes a shorter lease.
// Whoever reads the lease (Node.Role) may have been paused since it looked at raft's state: it holds by what the ledger says.
func (m *model) count(s *state, i int) {
	n := &s.node[i]
	if n.own == 0 || n.over || n.released || n.lapsed && !m.alone(s, i) || !m.taken(n) && m.on(offRecount) {
		return
	}
	oldest := m.quorumSent(s, i)
	if oldest == never {
		return
	}
	full := m.length(n.phase)
	if m.on(offSendTime) {
		full -= min(full, oldest)
	}
	for left := n.held + 1; left <= full; left++ {
		t := *s
		l := &t.node[i]
		l.held, l.began, l.lapsed = left, true, false
		l.up = max(l.up, left)
		m.out(t, act{what: count, who: i, term: n.own, n: left})
	}
}

// sets are the configurations that count for i: the roster's.
func (m *model) sets(s *state, i int, each func(set)) {
	n := &s.node[i]
	each(m.config(s, n, n.told))
	if !m.on(offAllVoters) {
		return
	}
	for k := n.told; k < n.length; k++ {
		if c := n.log[k].voters; c != 0 {
			each(c)
		}
	}
}

// quorumSent is the age of the newest moment since which a quorum of each configuration is known to follow i.
func (m *model) quorumSent(s *state, i int) (age uint8) {
	m.sets(s, i, func(c set) {
		var within [never + 1]int // how many voters' newest Successes are that old
		for j := range m.nodes {
			switch {
			case !c.has(j):
			case j == i:
				within[0]++
			default:
				within[s.sent[i][j]]++
			}
		}
		need := c.size()/2 + 1
		for a, k := range within {
			if need -= k; need <= 0 {
				age = max(age, uint8(a))
				return
			}
		}
	})
	return age
}

// alone is Ledger.alone.
func (m *model) alone(s *state, i int) bool {
	alone := true
	m.sets(s, i, func(c set) { alone = alone && c == of(i) })
	return alone
}

// taken: the leader's first command of its term is applied there. The first leader's was before all this.
func (m *model) taken(n *node) bool {
	if !m.logs() || n.own == 1 {
		return true
	}
	for k := range n.commit {
		if n.log[k].term == n.own {
			return true
		}
	}
	return false
}

// handOver is Node.handOver and, at the other end, Ledger.Arm and timeoutNow. An arming takes any time, and so does the
// TimeoutNow that goes with it: it comes in as soon as it is let in, raft takes it at any time after, again and again.
func (m *model) handOver(s *state, i int) {
	n := &s.node[i]
	if n.leads() && m.transfers && n.term < m.terms {
		t := *s
		l := &t.node[i]
		if !n.released {
			l.released, l.began, l.held = true, false, 0
			if m.on(offGone) {
				l.up = 0
			}
			m.out(t, act{what: release, who: i, term: n.term})
		} else {
			if !n.over {
				l.released = false
				m.out(t, act{what: resume, who: i, term: n.term})
			}
			for j := range m.nodes {
				if c := m.config(s, n, n.length); j == i || !c.has(j) {
					continue
				}
				t := *s
				if m.on(offDeadByArming) {
					t.node[i].over = true
				}
				t.node[j].arming |= 1 << n.term
				if !m.on(offArmedTimeoutNow) {
					t.node[j].passed = true
				}
				m.out(t, act{what: announce, who: i, whom: j, term: n.term})
			}
		}
	}
	for term := uint8(1); term < m.terms; term++ {
		if n.arming>>term&1 != 0 {
			t := *s
			t.node[i].arming &^= 1 << term
			f := &t.node[i]
			if f.armed = max(n.armed, term); f.armed >= n.seen {
				f.passed = true
			}
			m.out(t, act{what: arm, who: i, term: term})
		}
	}
	if n.passed && n.role != leader && n.term < m.terms {
		t := *s
		m.stand(&t, i, true)
		m.out(t, act{what: stand, who: i, term: n.term + 1, flagged: true})
	}
}
