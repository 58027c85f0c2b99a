package main

import "math/bits"

const (
	most   = 5 // nodes
	longer = 4 // entries of a log: no longer one is followed
	never  = 7 // an age: too old to matter, or there is none
)

type role uint8

const (
	follower role = iota
	candidate
	leader
)

// set is a set of nodes, a bit each.
type set uint8

func of(i int) set                { return 1 << i }
func (s set) has(i int) bool      { return s>>i&1 != 0 }
func (s set) size() int           { return bits.OnesCount8(uint8(s)) }
func (s set) quorumOf(c set) bool { return (s & c).size() > c.size()/2 }

// entry is what a log has beyond the first configuration: a leader's first command, or a configuration.
type entry struct {
	term   uint8
	voters set // of a configuration; empty: a leader's first command
}

// node is a process, its disk and its kernel. Whatever is a length of time is counted in ticks from now.
type node struct {
	// On disk.
	term   uint8
	voted  uint8 // 1 + the node voted for in term; 0: none
	log    [longer]entry
	length uint8 // of log
	first  bool  // a voter of the first configuration
	phase  uint8 // of a change of the profile: 0 the old one, 1 both, 2 the new one

	// raft, in memory.
	role    role
	flagged bool  // a candidate by hand-over
	asked   bool  // whose requests for votes have left
	got     set   // and these granted it
	acked   set   // a leader's followers that have acknowledged its whole log
	commit  uint8 // how much of its log a leader knows to be committed
	told    uint8 // how much of that the roster has been told of
	wait    uint8 // until a leader may change the members again

	// The ledger, in memory: see consensus/lease.
	promised uint8
	restart  uint8
	seen     uint8
	armed    uint8
	passed   bool  // a TimeoutNow was let in, and raft has not taken it yet
	own      uint8 // own.term
	quit     uint8 // since raft stepped down from own, up to the longest lease
	over     bool  // own is over
	lapsed   bool  // own ran out
	began    bool  // own.end is not zero
	held     uint8 // own.held
	released bool

	// The kernel: it answers for the addresses until then, whatever becomes of the process.
	up uint8

	// The network: a bit for the term of each arming that was sent to this node and has not come in.
	arming uint8
}

// state is the whole cluster at one instant.
type state struct {
	node [most]node
	// sent is, for a leader and a follower, how long ago the newest heartbeat of own.term was sent whose Success has left.
	sent [most][most]uint8
	// rose is how long ago the follower's term rose above own.term: a Success that was made before may leave still.
	rose [most][most]uint8
}

func (n *node) leads() bool { return n.role == leader && n.own == n.term }

// dead: nothing starts or extends the lease of own any more.
func (n *node) dead() bool { return n.over || n.lapsed || n.own == 0 }

// holders counts the kernels that answer.
func (m *model) holders(s *state) (count int) {
	for i := range m.nodes {
		if s.node[i].up > 0 {
			count++
		}
	}
	return count
}

// firstVoters is the configuration that every log begins with.
func (m *model) firstVoters(s *state) (c set) {
	for i := range m.nodes {
		if s.node[i].first {
			c |= of(i)
		}
	}
	return c
}

// config returns the newest configuration within the first upto entries of n's log.
func (m *model) config(s *state, n *node, upto uint8) set {
	for k := int(upto) - 1; k >= 0; k-- {
		if n.log[k].voters != 0 {
			return n.log[k].voters
		}
	}
	return m.firstVoters(s)
}

func (n *node) lastTerm() uint8 {
	if n.length == 0 {
		return 0
	}
	return n.log[n.length-1].term
}

// tidy gives what cannot matter any more one form, so that states which differ in nothing else are one.
func (m *model) tidy(s *state) {
	for i := range m.nodes {
		n := &s.node[i]
		if n.role != candidate {
			n.flagged, n.asked, n.got = false, false, 0
		}
		if n.role != leader {
			n.acked, n.commit, n.told, n.wait = 0, 0, 0, 0
		}
		if m.on(offPromiseVote | offPromiseAsk | offRestartVote | offRestartAsk) { // then the two are one
			n.promised, n.restart = max(n.promised, n.restart), 0
		}
		if !m.transfers || n.term >= m.terms {
			n.seen = 0
		}
		if n.term >= m.terms {
			n.passed, n.arming = false, 0
			if n.role != candidate {
				n.armed = 0
			}
		}
		gone := n.own == 0 || n.over || n.lapsed && !(m.lonely && n.leads())
		if !gone && !n.leads() && n.quit == never {
			gone = true
			for j := range m.nodes {
				gone = gone && s.sent[i][j] == never
			}
		}
		if gone {
			for j := range m.nodes {
				s.sent[i][j], s.rose[i][j] = never, never
			}
			n.began = false
			if n.role != leader {
				n.own, n.quit, n.over, n.lapsed, n.released = 0, 0, false, false, false
			}
		}
	}
}
