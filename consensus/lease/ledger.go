package lease

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// Why an answer or a request of this node may not leave just now. They travel to nobody: what they stop is dropped or
// turned into a refusal, which raft takes for a lost message.
var (
	// ErrPromised means this node promised another leader to elect nobody yet, or has only just started and may have
	// promised it before.
	ErrPromised = errors.New("lease: another leader's lease may still run")
	// ErrHolding means a lease of this node's own still runs.
	ErrHolding = errors.New("lease: this node's own lease still runs")
	// ErrVoted means a vote for a higher term has left, so that no lower term's leader may be encouraged any more.
	ErrVoted = errors.New("lease: a vote for a higher term has left")
	// ErrUnarmed means a hand-over that the leader of the term before did not announce.
	ErrUnarmed = errors.New("lease: this hand-over was not announced")
	// ErrMuted means the lease of this term is over for good: its leader stays silent so that another term begins.
	ErrMuted = errors.New("lease: the lease of this term is over")
	// ErrStalled means the log's disk does not answer: a leader that cannot write stays silent.
	ErrStalled = errors.New("lease: the log store hangs")
	// ErrBarred means the stores refuse writes: a node that cannot write does not stand for election.
	ErrBarred = errors.New("lease: the stores refuse writes")
)

// Options says who keeps the ledger and which lengths hold in this cluster.
type Options struct {
	Self string // this node's raft server ID
	// Clock counts suspended time too, on one node only.
	Clock Clock
	// Length is H, how long a leader's lease runs from the moment a heartbeat was sent, before the margin of a tenth is
	// taken off. While the profile changes it is the smaller of the old and the new one.
	Length time.Duration
	// Promise is how long this node elects nobody after a Success, at least the longest Length of any member. While the
	// profile changes it is the larger of the old and the new one. Less than Length counts as Length. See SetPromise.
	Promise time.Duration
}

// Ledger remembers what this node has promised to other leaders, what it has voted for, and what its own lease is, all
// under one mutex: raft tests a voter's patience in one goroutine and acts on it in another, the ledger does both at
// once, at the moment a message leaves. It lives in memory: a process that starts behaves as if it had just promised.
//
// All methods may be called from any goroutine and never block.
type Ledger struct {
	self   string
	clock  Clock
	length time.Duration
	off    guard // zero outside this package's tests

	mu       sync.Mutex // guards below
	promise  time.Duration
	promised Instant // elect nobody before
	restart  Instant // nor before this, the promise of a fresh process
	from     string  // the leader whose heartbeat was answered last
	answered Instant // when; zero until a leader was heard
	stood    Instant // when this node first asked for votes since then, and since it led last; see stands
	won      Instant // when the last lease of its own began
	seen     uint64  // highest term answered with Success or voted in
	voted    uint64  // highest term for which a vote, or an own request for votes, has left
	armed    uint64  // the term whose leader announced a hand-over to this node
	over     uint64  // this node's leases of this term and all before are over for good
	lapsed   uint64  // the lease of this term ran out when this node was not known to be the only voter; 0: none
	muted    uint64  // this node sends no heartbeat of this term or any before
	favoured string  // the candidate whose request for a pre-vote was let in last
	courtesy Instant // others wait until then
	own      own
}

// NewLedger returns the ledger of a process that starts now: it neither grants nor asks for votes before Promise has
// passed, because the process before it may have promised.
func NewLedger(o Options) *Ledger {
	l := &Ledger{self: o.Self, clock: o.Clock, length: o.Length, promise: max(o.Length, o.Promise)}
	l.restart = o.Clock() + Instant(l.promise)
	l.own.peers = map[string]Peer{}
	return l
}

// SetPromise changes for how long this node elects nobody after a Success; less than Length counts as Length. What was promised
// before stands as it was given.
func (l *Ledger) SetPromise(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.promise = max(l.length, d)
}

// ballot is a vote, or a request for votes, that wants to leave.
type ballot struct {
	term uint64
	kind ballotKind
	// flagged: part of a hand-over, which overrides the voters' patience. Never set for a pre-vote.
	flagged bool
}

type ballotKind uint8

const (
	grant   ballotKind = iota // an answer that grants a vote
	ask                       // an own request for votes
	preVote                   // either, for a pre-vote: it decides nothing
)

// leave says whether b may leave now, and notes it if so.
func (l *Ledger) leave(b ballot) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	patience, restart, holding := offPromiseVote, offRestartVote, offOwnVote
	if b.kind == ask {
		patience, restart, holding = offPromiseAsk, offRestartAsk, offOwnAsk
	}
	if b.kind == ask && b.flagged && l.on(offArmedTerm) && (l.armed == 0 || l.armed+1 != b.term) {
		return ErrUnarmed
	}
	if !b.flagged {
		if now < l.promised && l.on(patience) || now < l.restart && l.on(restart) {
			return ErrPromised
		}
	}
	if now < l.own.held && l.on(holding) {
		return ErrHolding
	}
	if b.kind == preVote {
		return nil
	}
	l.voted = max(l.voted, b.term)
	l.seen = max(l.seen, b.term)
	if b.term > 0 && l.on(offKill) {
		l.over = max(l.over, b.term-1)
	}
	return nil
}

// stands notes that a request for votes of this node's own leaves.
func (l *Ledger) stands() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stood <= max(l.answered, l.won) {
		l.stood = l.clock()
	}
}

// succeed says whether a Success to the heartbeat of another leader may leave now, and notes the promise if so.
func (l *Ledger) succeed(term uint64, from string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.voted > term && l.on(offOrder) {
		return ErrVoted
	}
	now := l.clock()
	if l.on(offNote) {
		l.promised = max(l.promised, now+Instant(l.promise))
	}
	l.from, l.answered = from, now
	l.seen = max(l.seen, term)
	if term > 0 {
		l.over = max(l.over, term-1)
	}
	return nil
}

// Arm notes that the leader of term announced a hand-over to this node: a TimeoutNow is let in, and the request for
// votes it causes may leave, if it is for the term right after.
func (l *Ledger) Arm(term uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = max(l.armed, term)
}

// Armed returns the term of the last announced hand-over to this node, 0 if there was none.
func (l *Ledger) Armed() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.armed
}

// timeoutNow says whether raft may be told to start an election at once. A TimeoutNow carries no term: what matters is
// checked again when the request for votes leaves.
func (l *Ledger) timeoutNow() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if (l.armed == 0 || l.armed < l.seen) && l.on(offArmedTimeoutNow) {
		return ErrUnarmed
	}
	return nil
}

// Promise is what this node last promised to another leader.
type Promise struct {
	To    string  // the leader, "" when none was heard by this process
	Given Instant // when its last heartbeat was answered
	Until Instant // this node elects nobody before, except in an announced hand-over
	// Courtesy is until when this node lets a candidate that has just asked it go first.
	Courtesy Instant
	// Stood is when this node first asked for votes after it had last followed or led; of an earlier time if it has not since.
	Stood Instant
}

// Promised returns the promise that was given last.
func (l *Ledger) Promised() Promise {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Promise{To: l.from, Given: l.answered, Until: max(l.promised, l.restart), Courtesy: l.courtesy, Stood: l.stood}
}

// patience returns how long this node still has to elect nobody; zero or less means it is free to.
func (l *Ledger) patience() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Duration(max(l.promised, l.restart, l.own.held) - l.clock())
}

// soon says whether what is left of this node's patience is worth waiting for: less than half a promise.
func (l *Ledger) soon(left time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return left <= l.promise/2
}

// favour returns how long a request for a pre-vote of candidate waits for another candidate that came first; zero: not at
// all, it is the one that goes first now. Two that are let go at once would split the vote and lose more than H. A
// candidate that is ahead of this node waits for no request of this node's own.
func (l *Ledger) favour(candidate string, ahead bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	if l.favoured != candidate && now < l.courtesy && !(ahead && l.favoured == l.self) {
		return time.Duration(l.courtesy - now)
	}
	l.favoured, l.courtesy = candidate, now+Instant(l.promise/8)
	return 0
}

// SetVoters hands in the voters of every configuration that may count now: the committed one and those after it in the
// log. It is called before a new configuration takes effect.
func (l *Ledger) SetVoters(sets ...[]string) {
	cloned := make([][]string, len(sets))
	for i, s := range sets {
		cloned[i] = slices.Clone(s)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.extend(l.clock()) // what ran until now ran under the old ones
	l.own.voters = cloned
}
