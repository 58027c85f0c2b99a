package consensus

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// AppendEntriesPipeline keeps up to two requests under way, in order, as the network transport does.
func (e *endpoint) AppendEntriesPipeline(_ raft.ServerID, to raft.ServerAddress) (raft.AppendPipeline, error) {
	p := &memPipeline{e: e, to: to, queue: make(chan *memFuture, 1), done: make(chan raft.AppendFuture, 1), closed: make(chan struct{})}
	go p.run()
	return p, nil
}

type memPipeline struct {
	e      *endpoint
	to     raft.ServerAddress
	queue  chan *memFuture
	done   chan raft.AppendFuture
	once   sync.Once
	closed chan struct{}
}

type memFuture struct {
	req   *raft.AppendEntriesRequest
	resp  *raft.AppendEntriesResponse
	start time.Time
	err   error
}

func (f *memFuture) Error() error                          { return f.err }
func (f *memFuture) Start() time.Time                      { return f.start }
func (f *memFuture) Request() *raft.AppendEntriesRequest   { return f.req }
func (f *memFuture) Response() *raft.AppendEntriesResponse { return f.resp }

func (p *memPipeline) run() {
	for {
		select {
		case f := <-p.queue:
			f.err = fetch(p.e, p.to, f.req, nil, f.resp)
			select {
			case p.done <- f:
			case <-p.closed:
				return
			}
		case <-p.closed:
			return
		}
	}
}

func (p *memPipeline) AppendEntries(req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	f := &memFuture{req: req, resp: resp, start: time.Now()}
	select {
	case p.queue <- f:
		return f, nil
	case <-p.closed:
		return nil, raft.ErrPipelineShutdown
	}
}

func (p *memPipeline) Consumer() <-chan raft.AppendFuture { return p.done }
func (p *memPipeline) Close() error                       { p.once.Do(func() { close(p.closed) }); return nil }
