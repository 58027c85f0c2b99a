package lease

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The world of this test is the least that raft guarantees: whoever likes may campaign or vote at any time (raft's own
// patience is left out), one vote per term, terms and votes survive a restart. Messages take any time and any order, or
// are lost; what a node has decided leaves it at any later time; any process may pause. Everything else must come from
// the real Ledger. A kernel answers for the addresses until the end it was last told.

const unit = 10 * time.Millisecond // H is ten of them

type router struct {
	id      string
	l       *Ledger
	term    uint64 // on disk
	voted   string // on disk, in term
	role    byte   // 'F', 'C' or 'L'
	flagged bool   // a candidate by hand-over
	up      Instant
	gone    bool   // let go on purpose
	made    []note // decided, not yet out
}

// note is a message, or one that has been decided and not left yet.
type note struct {
	kind     string
	from, to int
	term     uint64
	sent     Instant
	flagged  bool
}

type world struct {
	r     *rand.Rand
	now   Instant
	nodes []*router
	air   []note
	off   guard
	rules rules
	hot   int // where the newest note is: a node's index, or 3 for the air
	write bool
	diary []string
}

// rules switch parts of the world.
type rules struct {
	restarts, transfers bool
	stays               bool // the addresses stay up when they should be let go before a hand-over
}

func newWorld(seed uint64, off guard, rules rules) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 1)), now: Instant(time.Hour), off: off, rules: rules}
	for _, id := range []string{"a", "b", "c"} {
		w.nodes = append(w.nodes, &router{id: id, l: w.ledger(id), term: 1, voted: "a", role: 'F'})
	}
	w.now += Instant(10 * unit)
	w.nodes[0].role = 'L'
	w.nodes[0].l.Lead(1)
	w.nodes[2].voted = ""
	return w
}

func (w *world) ledger(id string) *Ledger {
	l := NewLedger(Options{Self: id, Clock: func() Instant { return w.now }, Length: 10 * unit})
	l.off = w.off
	l.SetVoters([]string{"a", "b", "c"})
	return l
}

func (w *world) say(format string, args ...any) {
	if !w.write {
		return
	}
	w.diary = append(w.diary, fmt.Sprintf("%4dms ", time.Duration(w.now)/time.Millisecond-3600000)+fmt.Sprintf(format, args...))
}

func (w *world) holders() (count int) {
	for _, n := range w.nodes {
		if n.up > w.now {
			count++
		}
	}
	return count
}

func (w *world) step() {
	// What has just been said is most likely to be heard next, or two holders were too rare to find.
	if w.r.IntN(100) < 60 {
		if w.hot < 3 && len(w.nodes[w.hot].made) > 0 {
			w.leave(w.hot)
			return
		}
		if w.hot == 3 && len(w.air) > 0 {
			w.arrive()
			return
		}
	}
	i := w.r.IntN(3)
	n := w.nodes[i]
	switch p := w.r.IntN(100); {
	case p < 10:
		w.now += Instant(unit * time.Duration(1+w.r.IntN(5)))
	case p < 30 && len(w.air) > 0:
		w.arrive()
	case p < 50 && len(n.made) > 0:
		w.leave(i)
	case p < 75 && n.role == 'L':
		j := (i + 1 + w.r.IntN(2)) % 3
		if n.l.sending(n.term) == nil {
			w.fly(note{kind: "heartbeat", from: i, to: j, term: n.term, sent: w.now})
		}
	case p < 80:
		w.poll(n)
	case p < 84 && n.role != 'L':
		w.campaign(i, false)
	case p < 86 && n.role == 'L':
		n.role, n.gone = 'F', false
		w.say("%s steps down", n.id)
	case p < 89 && w.rules.restarts:
		*n = router{id: n.id, l: w.ledger(n.id), term: n.term, voted: n.voted, role: 'F', up: n.up}
		w.say("%s restarts", n.id)
	case p < 95 && w.rules.transfers && n.role == 'L':
		w.handOver(i)
	}
}

func (w *world) poll(n *router) {
	if n.role != 'L' || n.gone {
		return
	}
	if until, ok := n.l.Until(n.term); ok {
		n.up = max(n.up, until)
		w.say("%s holds in term %d for %v", n.id, n.term, time.Duration(until-w.now))
	}
}

func (w *world) fly(m note) {
	w.air, w.hot = append(w.air, m), 3
	if len(w.air) > 20 {
		w.air = w.air[1:]
	}
}

func (w *world) decide(i int, m note) {
	n := w.nodes[i]
	n.made, w.hot = append(n.made, m), i
	if len(n.made) > 10 {
		n.made = n.made[1:]
	}
}

// pick prefers the newest.
func (w *world) pick(n int) int {
	if w.r.IntN(10) < 6 {
		return n - 1
	}
	return w.r.IntN(n)
}

// handOver goes one step on in a hand-over: let go, announce and ask, or take back.
func (w *world) handOver(i int) {
	n := w.nodes[i]
	j := (i + 1 + w.r.IntN(2)) % 3
	switch {
	case !n.gone:
		n.gone = true
		if !w.rules.stays {
			n.up = 0
		}
		n.l.Release(n.term)
		w.say("%s lets go", n.id)
	case w.r.IntN(3) == 0:
		n.gone = false
		n.l.Resume(n.term)
		w.say("%s takes back", n.id)
	default:
		n.l.Arming(n.term)
		w.fly(note{kind: "timeout now", from: i, to: j})
		w.fly(note{kind: "arming", from: i, to: j, term: n.term})
		w.say("%s announces a hand-over to %s", n.id, w.nodes[j].id)
	}
}

func (w *world) campaign(i int, flagged bool) {
	n := w.nodes[i]
	n.term++
	n.voted, n.role, n.flagged, n.gone = n.id, 'C', flagged, false
	w.say("%s is a candidate of term %d, flagged %v", n.id, n.term, flagged)
	for j := range w.nodes {
		if j != i {
			w.decide(i, note{kind: "request", from: i, to: j, term: n.term, flagged: flagged})
		}
	}
}

// leave lets one decided message out, if the ledger does.
func (w *world) leave(i int) {
	n := w.nodes[i]
	k := w.pick(len(n.made))
	m := n.made[k]
	n.made = append(n.made[:k:k], n.made[k+1:]...)
	var err error
	switch m.kind {
	case "request":
		err = n.l.leave(ballot{term: m.term, kind: ask, flagged: m.flagged})
	case "vote":
		err = n.l.leave(ballot{term: m.term, flagged: m.flagged})
	case "success":
		err = n.l.succeed(m.term, w.nodes[m.to].id)
	}
	if err != nil {
		return
	}
	w.fly(m)
	w.say("%s of %s for term %d leaves to %s", m.kind, n.id, m.term, w.nodes[m.to].id)
}

// arrive delivers one message or loses it.
func (w *world) arrive() {
	k := w.pick(len(w.air))
	m := w.air[k]
	w.air = append(w.air[:k:k], w.air[k+1:]...)
	if w.r.IntN(10) == 0 {
		return
	}
	n := w.nodes[m.to]
	switch m.kind {
	case "heartbeat":
		if m.term < n.term || m.term == n.term && n.role == 'L' {
			return
		}
		w.raise(n, m.term)
		n.role = 'F'
		w.decide(m.to, note{kind: "success", from: m.to, to: m.from, term: m.term, sent: m.sent})
	case "success":
		n.l.count(reply{from: w.nodes[m.from].id, term: m.term, sent: m.sent})
		if w.r.IntN(4) > 0 {
			w.poll(n)
		}
	case "request":
		if m.term < n.term || m.term == n.term && n.voted != "" && n.voted != w.nodes[m.from].id {
			return
		}
		w.raise(n, m.term)
		n.voted, n.role = w.nodes[m.from].id, 'F'
		w.decide(m.to, note{kind: "vote", from: m.to, to: m.from, term: m.term, flagged: m.flagged})
	case "vote":
		if n.role == 'C' && n.term == m.term {
			n.role = 'L'
			n.l.Lead(n.term)
			w.hot = m.to
			w.say("%s leads term %d", n.id, n.term)
		}
	case "arming":
		n.l.Arm(m.term)
	case "timeout now":
		if n.role != 'L' && n.l.timeoutNow() == nil {
			w.campaign(m.to, true)
		}
	}
}

func (w *world) raise(n *router, term uint64) {
	if term > n.term {
		n.term, n.voted, n.gone = term, "", false
		if n.role == 'L' {
			w.say("%s steps down, it met term %d", n.id, term)
		}
		n.role = 'F'
	}
}

// search walks at random until two kernels answer, at most walks times, and returns the diary of that walk. A walk is
// one seed, walked again to write the diary.
func search(seed uint64, walks int, off guard, rules rules) (diary []string, walk int, terms uint64) {
	for i := range walks {
		w := newWorld(seed+uint64(i), off, rules)
		if w.walk() {
			w = newWorld(seed+uint64(i), off, rules)
			w.write = true
			w.walk()
			return w.diary, i, terms
		}
		for _, n := range w.nodes {
			if n.up > 0 {
				terms = max(terms, n.term)
			}
		}
	}
	return nil, walks, terms
}

// walk takes some steps and says whether two kernels answered.
func (w *world) walk() bool {
	for range 200 {
		w.step()
		if h := w.holders(); h > 1 {
			w.say("%d hold", h)
			return true
		}
	}
	return false
}

func seedOf(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("POLSO_SEED"); v != "" {
		s, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatalf("POLSO_SEED: %v", err)
		}
		seed = s
	}
	t.Logf("POLSO_SEED=%d", seed)
	return seed
}

// TestModelSafe walks with every rule in force.
func TestModelSafe(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine: nothing for the race detector")
	}
	walks := 20000
	if v := os.Getenv("POLSO_ROUNDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("POLSO_ROUNDS: %v", err)
		}
		walks = 10 * n
	}
	diary, _, terms := search(seedOf(t), walks, 0, rules{restarts: true, transfers: true})
	if diary != nil {
		t.Fatalf("two holders:\n%s", strings.Join(diary, "\n"))
	}
	if terms < 4 {
		t.Errorf("no walk held beyond term %d: the world is too quiet to show anything", terms)
	}
}

// TestModelNeedsEachGuard walks with one rule switched off: two must hold sooner or later.
func TestModelNeedsEachGuard(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine: nothing for the race detector")
	}
	const most = 400000
	tests := []struct {
		name  string
		off   guard
		rules rules
	}{
		{"the whole ledger", offPromiseVote | offPromiseAsk | offNote | offOrder | offOwnVote | offOwnAsk | offKill, rules{}},
		{"promise before a vote", offPromiseVote, rules{}},
		{"promise before an own request", offPromiseAsk, rules{}},
		{"a Success notes the promise", offNote, rules{}},
		{"no Success for less after a vote", offOrder, rules{}},
		{"own lease before a vote", offOwnVote, rules{}},
		{"fresh process grants nothing", offRestartVote, rules{restarts: true}},
		{"fresh process asks nobody", offRestartAsk, rules{restarts: true}},
		{"lease from the send time", offSendTime, rules{}},
		{"addresses gone before a hand-over", 0, rules{transfers: true, stays: true}},
		{"dead by the announcement", offDeadByArming, rules{transfers: true}},
		{"armed term + 1", offArmedTerm, rules{transfers: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			diary, walk, _ := search(seedOf(t), most, tt.off, tt.rules)
			if diary == nil {
				t.Fatalf("never two holders in %d walks", most)
			}
			t.Logf("two holders in walk %d after %d lines:\n%s", walk+1, len(diary), strings.Join(tail(diary, 12), "\n"))
		})
	}
}

func tail(s []string, n int) []string { return s[max(0, len(s)-n):] }
