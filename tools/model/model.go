package main

// model is what one search goes through: how large the cluster is, what may happen in it, which rules hold.
type model struct {
	nodes  int // in all
	voters int // of the first configuration
	terms  uint8

	// The lease and the promise, in ticks, in each phase of a change of the profile; without one the first counts.
	lease, promise [3]uint8

	restarts  bool
	transfers bool
	changes   uint8 // of the members
	least     int   // voters that stay
	profile   bool  // the profile changes

	off guard

	longest uint8 // lease: what is older matters no more
	lonely  bool  // there may be a single voter
	emit    func(*state, act)
}

func (m *model) on(g guard) bool { return m.off&g == 0 }

// ready fills in what follows from the rest.
func (m *model) ready() {
	for phase := range m.lease {
		if phase > 0 && !m.profile {
			m.lease[phase], m.promise[phase] = m.lease[0], m.promise[0]
		}
		m.longest = max(m.longest, m.length(uint8(phase)))
	}
	m.lonely = m.changes > 0 && m.least == 1
}

// length is how long a lease runs from the moment a heartbeat was sent. The clocks that measure it and the promise have
// drifted apart by all that the margin allows for: what is left of it is as long as the promise.
func (m *model) length(phase uint8) uint8 {
	if m.on(offMargin) {
		return m.lease[phase]
	}
	return m.lease[phase] + 1
}

// begin is a cluster that node 0 leads in term 1, elected by the others but the last, with nothing promised yet.
func (m *model) begin() state {
	var s state
	for i := range m.nodes {
		n := &s.node[i]
		n.first = i < m.voters
		if n.term = 1; i <= m.voters/2 {
			n.voted = 1
		}
		if !n.first {
			n.term = 0
		}
		for j := range m.nodes {
			s.sent[i][j], s.rose[i][j] = never, never
			if i == 0 && j != 0 {
				s.rose[i][j] = 0
			}
		}
	}
	s.node[0].role, s.node[0].own = leader, 1
	return s
}

// logs: without a change of members they say nothing, and no candidate is refused for its log.
func (m *model) logs() bool { return m.changes > 0 }

// out hands a state on.
func (m *model) out(t state, a act) {
	m.tidy(&t)
	m.emit(&t, a)
}

// next hands on every state that s can become in one step. Whatever can happen may also not happen: any process may stand
// still for any time, any message may be late or lost. Only time itself does not wait.
func (m *model) next(s *state) {
	m.tick(s)
	for i := range m.nodes {
		m.successes(s, i)
		m.count(s, i)
		m.campaign(s, i)
		m.ask(s, i)
		m.votes(s, i)
		m.elected(s, i)
		m.stepDown(s, i)
		m.process(s, i)
		m.handOver(s, i)
		m.members(s, i)
	}
}

// age lets an age grow.
func (m *model) age(a uint8) uint8 {
	switch {
	case a == never:
		return never
	case a+1 >= m.longest && m.on(offSendTime):
		return never
	}
	return min(a+1, m.longest)
}

func down(n *uint8) {
	if *n > 0 {
		*n--
	}
}

func (m *model) tick(s *state) {
	t := *s
	for i := range m.nodes {
		n := &t.node[i]
		down(&n.promised)
		down(&n.restart)
		down(&n.wait)
		down(&n.up)
		if n.held > 0 {
			n.held--
			if n.held == 0 && n.began && m.on(offNoRevival) {
				n.lapsed = true
			}
		}
		if n.own > 0 && !n.leads() {
			n.quit = m.age(n.quit)
		}
		for j := range m.nodes {
			t.sent[i][j] = m.age(t.sent[i][j])
			if n.own > 0 && t.node[j].term > n.own {
				t.rose[i][j] = m.age(t.rose[i][j])
			}
		}
	}
	m.out(t, act{what: tick})
}
