package lease

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// deadPipeline answers every request as raft's own transport does when the connection breaks: with an error, and a
// response of which nothing can be said.
type deadPipeline struct{ out chan raft.AppendFuture }

type deadFuture struct {
	raft.AppendFuture // nil: nobody asks for more
	req               *raft.AppendEntriesRequest
}

func (f deadFuture) Error() error                        { return errors.New("connection reset") }
func (f deadFuture) Request() *raft.AppendEntriesRequest { return f.req }
func (f deadFuture) Response() *raft.AppendEntriesResponse {
	return &raft.AppendEntriesResponse{Term: f.req.Term, Success: true}
}

func (p deadPipeline) AppendEntries(req *raft.AppendEntriesRequest, _ *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	f := deadFuture{req: req}
	p.out <- f
	return f, nil
}
func (p deadPipeline) Consumer() <-chan raft.AppendFuture { return p.out }
func (p deadPipeline) Close() error                       { return nil }

type deadTransport struct{ raft.Transport }

func (deadTransport) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return deadPipeline{make(chan raft.AppendFuture, 1)}, nil
}

// TestFailedRequestIsNoContact: raft takes a pipelined request that failed for a sign of life.
func TestFailedRequestIsNoContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.a.inner = deadTransport{p.a.inner}
		line, err := p.a.AppendEntriesPipeline("b", "b")
		if err != nil {
			t.Fatal(err)
		}
		req := &raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{ID: []byte("a")}, Term: 7, Entries: []*raft.Log{{Index: 12}}}
		if _, err := line.AppendEntries(req, &raft.AppendEntriesResponse{}); err != nil {
			t.Fatal(err)
		}
		if f := <-line.Consumer(); f.Error() == nil {
			t.Error("the failure was lost on the way to raft")
		}
		if until, ok := p.la.Until(7); ok || len(p.la.Peers()) != 0 {
			t.Errorf("lease until %v, peers %+v by a request that failed", until, p.la.Peers())
		}
		if err := line.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestRefusalOfANewerTerm: raft takes the answer to a heartbeat for a sign of life even if it refuses with a newer term.
func TestRefusalOfANewerTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		if err := p.beat(7); err != nil {
			t.Fatal(err)
		}
		before, ok := p.la.Until(7)
		if !ok {
			t.Fatal("no lease")
		}
		p.newer = 8
		time.Sleep(h / 2)
		if err := p.beat(7); err != nil {
			t.Fatal(err)
		}
		if until, ok := p.la.Until(7); ok || !p.la.Over(7) {
			t.Errorf("lease until %v after the refusal, before until %v", until, before)
		}
		p.newer = 0
		if err := p.beat(7); err != nil {
			t.Fatal(err)
		}
		if _, ok := p.la.Until(7); ok {
			t.Error("began anew in a term that is past")
		}
	})
}

// TestNobodyTakesTheAnswers: raft's leader steps down and takes no answers any more, but sends what it has begun to.
func TestNobodyTakesTheAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.a.inner = deadTransport{p.a.inner}
		line, err := p.a.AppendEntriesPipeline("b", "b")
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan error, 1)
		go func() {
			for range 10 {
				req := &raft.AppendEntriesRequest{RPCHeader: raft.RPCHeader{ID: []byte("a")}, Term: 7}
				if _, err := line.AppendEntries(req, &raft.AppendEntriesResponse{}); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		select {
		case err := <-sent:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Error("raft is held in sending, for ever")
			for range 10 {
				<-line.Consumer()
			}
		}
		if err := line.Close(); err != nil {
			t.Error(err)
		}
	})
}
