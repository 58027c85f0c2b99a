package wire

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// errSilent means no path has answered in its time.
var errSilent = errors.New("silent on every path")

// AppendEntries implements raft.Transport. A heartbeat also goes over every path that had nothing to carry for a while: so
// its connection is there when it is needed, and its loss is known before.
func (t *Paths) AppendEntries(id raft.ServerID, to raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	shown := *req // raft uses it again, while a copy may still be on its way
	r := request{id: id, to: to, heartbeat: len(req.Entries) == 0 && req.PrevLogEntry == 0}
	return hedge(t, r, resp, func(to raft.ServerAddress, resp *raft.AppendEntriesResponse) error {
		return t.inner.AppendEntries(id, to, &shown, resp)
	})
}

// RequestVote implements raft.Transport.
func (t *Paths) RequestVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return hedge(t, request{id: id, to: to}, resp, func(to raft.ServerAddress, resp *raft.RequestVoteResponse) error {
		return t.inner.RequestVote(id, to, req, resp)
	})
}

// RequestPreVote implements raft.WithPreVote.
func (t *Paths) RequestPreVote(id raft.ServerID, to raft.ServerAddress, req *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return hedge(t, request{id: id, to: to}, resp, func(to raft.ServerAddress, resp *raft.RequestPreVoteResponse) error {
		return t.inner.(raft.WithPreVote).RequestPreVote(id, to, req, resp)
	})
}

// request is what all copies of a request have in common.
type request struct {
	id raft.ServerID
	to raft.ServerAddress
	// heartbeat: it is answered at once or lost, whatever else the path carries. It is given up when every path has had its
	// time, because the next one of raft's counts from a later moment than a copy of this one could.
	heartbeat bool
}

// outcome is what became of one copy of a request.
type outcome[T any] struct {
	over *path
	resp T
	err  error
}

// hedge has call send a request over one path after the other until one is answered, and twice over each at most. A copy that is still under way then
// goes on in its goroutine until the transport beneath gives it up; it touches neither resp nor anything that raft changes.
func hedge[T any](t *Paths, r request, resp *T, call func(raft.ServerAddress, *T) error) error {
	rest := t.ways(r.id)
	if rest == nil {
		return call(r.to, resp)
	}
	results := make(chan outcome[T], 2*len(rest)) // room for all: nobody may be there to read the last
	waiting, again := 0, true
	send := func(p *path) time.Time {
		waiting++
		left := t.leaves(p)
		go func() {
			o := outcome[T]{over: p}
			o.err = call(AtPath(string(r.id), p.address), &o.resp)
			t.ended(r.id, p, left, o.err)
			results <- o
		}()
		return left
	}
	next := func() {
		if len(rest) == 0 && again { // all copies are lost, but a path may have come back since
			rest, again = t.ways(r.id), false
		}
		if len(rest) > 0 {
			send(rest[0])
			rest = rest[1:]
		}
	}

	first := rest[0]
	rest = rest[1:]
	began := send(first)
	if r.heartbeat {
		var busy []*path
		for _, p := range rest {
			if t.due(p, began) {
				send(p)
			} else {
				busy = append(busy, p)
			}
		}
		rest = busy
	}
	patience := time.NewTimer(t.o.Patience)
	defer patience.Stop()
	late := false // the first path has had its time
	waited := 0   // patiences
	var errs []error
	for {
		select {
		case o := <-results:
			waiting--
			if o.err == nil {
				if late && o.over != first {
					t.prefer(r.id, o.over, first, began)
				}
				*resp = o.resp
				return nil
			}
			errs = append(errs, o.err)
			if len(rest) > 0 && !t.heard(first, began) { // else the other end answers, but not this
				late = true
				next()
			}
			if waiting == 0 {
				return errors.Join(errs...)
			}
		case <-patience.C:
			waited++
			switch {
			case len(rest) == 0 && r.heartbeat:
				return errors.Join(append(errs, fmt.Errorf("node %s: %w", r.id, errSilent))...)
			// What is heard over the path meanwhile says that the other end is slow, or that the path is back and this copy was lost in
			// between; nobody can tell, so it is believed for a while.
			case r.heartbeat, late, waited > 1, !t.heard(first, began):
				late = true
				next()
			}
			patience.Reset(t.o.Patience)
		}
	}
}
