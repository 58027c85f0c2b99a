package lease

import (
	"maps"
	"slices"
)

// own is the lease that this node's followers give it. Its fields are guarded by Ledger.mu.
type own struct {
	term     uint64          // led by this node, as far as the transport knows
	peers    map[string]Peer // by server ID, of term
	voters   [][]string      // of every configuration that may count
	end      Instant         // of the lease of term; zero before it began
	held     Instant         // the latest end of any own lease: addresses may be up until then
	released uint64          // the term in which the addresses were taken down on purpose; counts nothing meanwhile
}

// Peer is what the leader's transport knows of a follower in the present term.
type Peer struct {
	Sent     Instant // when the newest request that it answered with Success was sent; zero: none
	Answered Instant // when its last answer came in
	Match    uint64  // the last log index it is known to have
}

// sending notes that raft sends heartbeats of term, which only its leader does, and says whether it may.
func (l *Ledger) sending(term uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lead(term)
	l.extend(l.clock())
	if term <= l.muted || term <= l.lapsed && !l.alone() {
		return ErrMuted
	}
	return nil
}

// Lead begins the lease of term, which raft leads and whose barrier is applied: what was counted before under voters
// that may have been of the past is counted again under those handed in last. A leader without followers sends nothing,
// so it is its node that says it leads.
func (l *Ledger) Lead(term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lead(term)
	l.won = l.clock()
	if term == l.own.term {
		l.own.end = 0
	}
}

func (l *Ledger) lead(term uint64) {
	if term <= l.own.term {
		return
	}
	l.own.term, l.own.end, l.own.released = term, 0, 0
	clear(l.own.peers)
}

// reply is a Success of a follower.
type reply struct {
	from  string
	term  uint64
	sent  Instant // when the request was sent
	match uint64  // the last index the follower has after it; 0: a heartbeat
}

// count notes a follower's Success and extends the lease by it.
func (l *Ledger) count(r reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.term != l.own.term {
		return
	}
	now := l.clock()
	if !l.on(offSendTime) {
		r.sent = now
	}
	p := l.own.peers[r.from]
	p.Sent, p.Match, p.Answered = max(p.Sent, r.sent), max(p.Match, r.match), now
	l.own.peers[r.from] = p
	l.extend(now)
}

// met notes a term found in an answer; a lease that meets a newer one is over.
func (l *Ledger) met(term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own.term > 0 && term > l.own.term {
		l.over = max(l.over, l.own.term)
	}
}

// extend recomputes the end of the own lease. One that ran out while there were other voters is over, and so is its
// leader's voice: raft steps down then. A leader that turns out to be the only voter never steps down in raft, and nobody
// else can be elected, since that would have taken its vote: what ran out before that was known begins anew.
func (l *Ledger) extend(now Instant) {
	o := &l.own
	if o.term == 0 || o.term <= l.over || o.term == o.released {
		return
	}
	switch {
	case l.alone():
		l.lapsed = 0
	case o.end != 0 && now >= o.end && l.on(offNoRevival):
		l.lapsed = o.term
	}
	if len(o.voters) == 0 || o.term == l.lapsed {
		return
	}
	sent := l.quorumSent(o.voters[0], now)
	for _, voters := range o.voters[1:] {
		sent = min(sent, l.quorumSent(voters, now))
	}
	if sent == 0 {
		return
	}
	if end := sent + Instant(l.length-l.length/10); end > now {
		o.end = max(o.end, end)
		o.held = max(o.held, o.end)
	}
}

// alone: this node is the only voter, so that no other leader can come up.
func (l *Ledger) alone() bool {
	for _, voters := range l.own.voters {
		if len(voters) != 1 || voters[0] != l.self {
			return false
		}
	}
	return len(l.own.voters) > 0
}

// quorumSent returns the newest moment since which a quorum of voters is known to follow, 0 if there is none. This node
// counts for itself only while it is one of them.
func (l *Ledger) quorumSent(voters []string, now Instant) Instant {
	if len(voters) == 0 {
		return 0
	}
	sent := make([]Instant, 0, len(voters))
	for _, id := range voters {
		if id == l.self {
			sent = append(sent, now)
			continue
		}
		sent = append(sent, l.own.peers[id].Sent)
	}
	slices.Sort(sent)
	return sent[len(sent)-(len(voters)/2+1)]
}

// Until returns the end of this node's lease in term. It is false when no lease of that term runs; once a lease of a term
// has run out there is none again in that term, unless this node is the only voter.
func (l *Ledger) Until(term uint64) (Instant, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	l.extend(now)
	o := &l.own
	if term != o.term || l.ended(term) || term == o.released || o.end <= now {
		return 0, false
	}
	return o.end, true
}

// Over says whether the lease of term is over for good, as far as is known of the voters.
func (l *Ledger) Over(term uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.extend(l.clock())
	return l.ended(term)
}

// Forsaken says whether the lease of term is over for good although this node is the only voter: raft never steps down
// then, and nobody else can be elected.
func (l *Ledger) Forsaken(term uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return term <= l.over && l.alone()
}

func (l *Ledger) ended(term uint64) bool { return term <= l.over || term <= l.lapsed }

// Release notes that no address of this node is up any more and none comes up before Resume or a newer term: its lease
// does not stand in the way of another leader. The caller must know it.
func (l *Ledger) Release(term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if term == l.own.term {
		l.own.released, l.own.end, l.own.held = term, 0, 0
	}
}

// Resume takes a Release of term back: the lease begins anew, unless it is over.
func (l *Ledger) Resume(term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own.released == term {
		l.own.released = 0
	}
}

// Arming ends the lease of term for good. It is called before this node announces a hand-over to another: the
// TimeoutNow that follows carries no term and can arrive at any later time.
func (l *Ledger) Arming(term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on(offDeadByArming) {
		l.over = max(l.over, term)
	}
}

// Mute ends the lease of term and stops its heartbeats: raft steps down and another term begins.
func (l *Ledger) Mute(term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over, l.muted = max(l.over, term), max(l.muted, term)
}

// Peers returns what is known of each follower in the term that this node leads or led last.
func (l *Ledger) Peers() map[string]Peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.own.peers)
}

// answer notes that a follower answered at all.
func (l *Ledger) answer(from string, term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if term != l.own.term {
		return
	}
	p := l.own.peers[from]
	p.Answered = l.clock()
	l.own.peers[from] = p
}
