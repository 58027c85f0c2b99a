package lease

import (
	"sync"

	"github.com/hashicorp/raft"
)

// AppendEntriesPipeline implements raft.Transport: pipelined Successes count like the others, each from the moment its
// own request was sent.
func (t *Transport) AppendEntriesPipeline(id raft.ServerID, to raft.ServerAddress) (raft.AppendPipeline, error) {
	inner, err := t.inner.AppendEntriesPipeline(id, to)
	if err != nil {
		return nil, err
	}
	p := &pipeline{t: t, id: string(id), inner: inner, out: make(chan raft.AppendFuture), closed: make(chan struct{}),
		sent: map[*raft.AppendEntriesRequest]Instant{}}
	go p.relay() // ends with Close, which raft calls for every pipeline it opened
	return p, nil
}

// pipeline books each answer before raft sees it.
type pipeline struct {
	t     *Transport
	id    string
	inner raft.AppendPipeline
	out   chan raft.AppendFuture

	mu     sync.Mutex // guards below
	sent   map[*raft.AppendEntriesRequest]Instant
	once   sync.Once
	closed chan struct{}
}

// AppendEntries implements raft.AppendPipeline.
func (p *pipeline) AppendEntries(req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	if err := p.t.mayLead(req.Term); err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.sent[req] = p.t.ledger.clock() // before it leaves: the answer may be faster than the return
	p.mu.Unlock()
	f, err := p.inner.AppendEntries(req, resp)
	if err != nil {
		p.take(req)
	}
	return f, err
}

// take returns when req was sent and forgets it.
func (p *pipeline) take(req *raft.AppendEntriesRequest) (Instant, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.sent[req]
	delete(p.sent, req)
	return at, ok
}

// relay books answers and keeps them for raft. raft stops to take them when it steps down while it may be sending still: a
// pipeline that is full then would hold its sender, and raft's shutdown, for ever.
func (p *pipeline) relay() {
	var kept []raft.AppendFuture
	for {
		var out chan raft.AppendFuture
		var next raft.AppendFuture
		if len(kept) > 0 {
			out, next = p.out, kept[0]
		}
		select {
		case f := <-p.inner.Consumer():
			if f == nil { // a transport that closes its channel
				return
			}
			// raft takes a failed request for a sign of life and reads its answer; the ledger does not.
			sent, ok := p.take(f.Request())
			if f.Error() == nil && ok {
				p.t.appended(p.id, f.Request(), f.Response(), sent)
			}
			kept = append(kept, f)
		case out <- next:
			kept = kept[1:]
		case <-p.closed:
			return
		}
	}
}

// Consumer implements raft.AppendPipeline.
func (p *pipeline) Consumer() <-chan raft.AppendFuture { return p.out }

// Close implements raft.AppendPipeline.
func (p *pipeline) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.inner.Close()
}
