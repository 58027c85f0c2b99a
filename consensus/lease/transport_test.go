package lease

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// pair is a (under test as a sender) and b (under test as a receiver), joined in memory. b's raft grants everything.
type pair struct {
	a, b   *Transport
	la, lb *Ledger
	seen   []any  // what b's raft was shown
	newer  uint64 // b's raft refuses what is of an earlier term
	heard  uint64
}

func newPair(t *testing.T) *pair {
	boot := time.Now()
	clock := func() Instant { return Instant(time.Hour + time.Since(boot)) }
	_, ia := raft.NewInmemTransport("a")
	_, ib := raft.NewInmemTransport("b")
	ia.Connect("b", ib)
	ib.Connect("a", ia)
	p := &pair{}
	var err error
	p.la = NewLedger(Options{Self: "a", Clock: clock, Length: h})
	p.lb = NewLedger(Options{Self: "b", Clock: clock, Length: h})
	p.la.SetVoters([]string{"a", "b", "c"})
	if p.a, err = NewTransport(ia, p.la, Hooks{}); err != nil {
		t.Fatal(err)
	}
	p.b, err = NewTransport(ib, p.lb, Hooks{Heard: func(_, commit uint64) { p.heard = max(p.heard, commit) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { p.b.Run(ctx); close(done) }()
	go func() {
		for {
			select {
			case rpc := <-p.b.Consumer():
				p.seen = append(p.seen, rpc.Command)
				if q, ok := rpc.Command.(*raft.AppendEntriesRequest); ok && q.Term < p.newer {
					rpc.Respond(&raft.AppendEntriesResponse{Term: p.newer}, nil)
					continue
				}
				rpc.Respond(grantAll(rpc.Command), nil)
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { stop(); <-done })
	time.Sleep(h) // the promise of a fresh process
	return p
}

func grantAll(command any) any {
	switch q := command.(type) {
	case *raft.AppendEntriesRequest:
		return &raft.AppendEntriesResponse{Term: q.Term, Success: true}
	case *raft.RequestVoteRequest:
		return &raft.RequestVoteResponse{Term: q.Term, Granted: true}
	case *raft.RequestPreVoteRequest:
		return &raft.RequestPreVoteResponse{Term: q.Term, Granted: true}
	case *raft.TimeoutNowRequest:
		return &raft.TimeoutNowResponse{}
	}
	return nil
}

func (p *pair) beat(term uint64) error {
	req := &raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{ID: []byte("a"), Addr: []byte("a")}, Term: term}
	return p.a.AppendEntries("b", "b", req, &raft.AppendEntriesResponse{})
}

func (p *pair) vote(t *testing.T, term uint64) bool {
	t.Helper()
	req := &raft.RequestVoteRequest{RPCHeader: raft.RPCHeader{ID: []byte("c"), Addr: []byte("c")}, Term: term}
	var resp raft.RequestVoteResponse
	if err := p.a.inner.RequestVote("b", "b", req, &resp); err != nil { // past a's own ledger
		t.Fatal(err)
	}
	return resp.Granted
}

func (p *pair) preVote(t *testing.T, candidate string) bool {
	t.Helper()
	req := &raft.RequestPreVoteRequest{RPCHeader: raft.RPCHeader{ID: []byte(candidate), Addr: []byte(candidate)}, Term: 9}
	var resp raft.RequestPreVoteResponse
	if err := p.a.inner.(raft.WithPreVote).RequestPreVote("b", "b", req, &resp); err != nil {
		t.Fatal(err)
	}
	return resp.Granted
}

func TestTransportCountsAndPromises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		sent := p.la.clock()
		if err := p.beat(7); err != nil {
			t.Fatal(err)
		}
		if until, ok := p.la.Until(7); !ok || until != sent+Instant(h*9/10) {
			t.Errorf("lease until %v, %v", until, ok)
		}
		if got := p.lb.Promised(); got.To != "a" || got.Until != p.lb.clock()+Instant(h) {
			t.Errorf("promise %+v", got)
		}
		if p.vote(t, 8) {
			t.Error("b voted under its promise")
		}
		if p.heard != 0 {
			t.Error("a heartbeat told what is committed")
		}
		req := &raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{ID: []byte("a")}, Term: 7, PrevLogEntry: 5, LeaderCommitIndex: 4}
		if err := p.a.AppendEntries("b", "b", req, &raft.AppendEntriesResponse{}); err != nil {
			t.Fatal(err)
		}
		if p.heard != 4 || p.la.Peers()["b"].Match != 5 {
			t.Errorf("heard %d, match %d; want 4 and 5", p.heard, p.la.Peers()["b"].Match)
		}
		time.Sleep(h)
		if !p.vote(t, 8) {
			t.Error("b did not vote once it might")
		}
		shown, ok := p.seen[len(p.seen)-1].(*raft.RequestVoteRequest)
		if !ok || !shown.LeadershipTransfer {
			t.Errorf("raft was shown %+v and would wait for its own timer", p.seen[len(p.seen)-1])
		}
		if err := p.b.ledger.succeed(7, "a"); err == nil {
			t.Error("b could still encourage the leader before")
		}
	})
}

func TestTransportDropsLateSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		if !p.vote(t, 8) {
			t.Fatal("no vote")
		}
		err := p.beat(7)
		if err == nil || !strings.Contains(err.Error(), ErrVoted.Error()) {
			t.Errorf("error %v, want %v", err, ErrVoted)
		}
		if _, ok := p.la.Until(7); ok {
			t.Error("a dropped Success made a lease")
		}
	})
}

func TestTransportPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		line, err := p.a.AppendEntriesPipeline("b", "b")
		if err != nil {
			t.Fatal(err)
		}
		sent := p.la.clock()
		req := &raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{ID: []byte("a")}, Term: 7, Entries: []*raft.Log{{Index: 12}}}
		if _, err := line.AppendEntries(req, &raft.AppendEntriesResponse{}); err != nil {
			t.Fatal(err)
		}
		f := <-line.Consumer()
		if f.Error() != nil || !f.Response().Success {
			t.Errorf("answer %+v, %v", f.Response(), f.Error())
		}
		if until, ok := p.la.Until(7); !ok || until != sent+Instant(h*9/10) || p.la.Peers()["b"].Match != 12 {
			t.Errorf("lease until %v, %v, peers %+v", until, ok, p.la.Peers())
		}
		p.la.Mute(7)
		if _, err := line.AppendEntries(req, &raft.AppendEntriesResponse{}); err == nil {
			t.Error("sent after its lease was over")
		}
		if err := line.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTransportTimeoutNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		ask := func() error { return p.a.TimeoutNow("b", "b", &raft.TimeoutNowRequest{}, &raft.TimeoutNowResponse{}) }
		if err := ask(); err == nil || len(p.seen) != 0 {
			t.Errorf("unarmed: error %v, raft saw %v", err, p.seen)
		}
		p.lb.Arm(7)
		if err := ask(); err != nil {
			t.Errorf("armed: %v", err)
		}
	})
}

// TestPreVoteIsHeld: a pre-vote that is asked for a little early is answered when the promise has run out, and a second
// candidate gives way to the first.
func TestPreVoteIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		if err := p.beat(7); err != nil {
			t.Fatal(err)
		}
		if p.preVote(t, "c") {
			t.Error("granted under a fresh promise")
		}
		time.Sleep(h * 3 / 4)
		began := time.Now()
		if !p.preVote(t, "c") {
			t.Error("not granted after the promise")
		}
		if d := time.Since(began); d != h/4 {
			t.Errorf("answered after %v, want %v", d, h/4)
		}
		shown := p.seen[len(p.seen)-1].(*raft.RequestPreVoteRequest)
		if string(shown.Addr) != "a" || string(shown.ID) != "c" {
			t.Errorf("raft was shown a request of %s at %s", shown.ID, shown.Addr)
		}
		began = time.Now()
		p.preVote(t, "d")
		if d := time.Since(began); d != h/8 {
			t.Errorf("the second candidate waited %v, want %v", d, h/8)
		}
		// Held, and the leader is heard meanwhile: raft sees the request as it is and refuses.
		if err := p.beat(9); err != nil {
			t.Fatal(err)
		}
		time.Sleep(h * 3 / 4)
		go func() { time.Sleep(h / 8); _ = p.beat(9) }()
		if p.preVote(t, "c") {
			t.Error("granted although the leader was heard meanwhile")
		}
	})
}

// TestRefusedIsNoLeader: raft is shown a pre-vote as if it came from its leader. A leader of the past whose heartbeat it has
// just refused is not that.
func TestRefusedIsNoLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		if err := p.beat(7); err != nil {
			t.Fatal(err)
		}
		p.newer = 8
		req := &raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{ID: []byte("x"), Addr: []byte("x")}, Term: 6}
		if err := p.a.inner.AppendEntries("b", "b", req, &raft.AppendEntriesResponse{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(h)
		p.preVote(t, "c")
		if shown := p.seen[len(p.seen)-1].(*raft.RequestPreVoteRequest); string(shown.Addr) != "a" {
			t.Errorf("raft was shown a request from %s, want its leader a", shown.Addr)
		}
	})
}
