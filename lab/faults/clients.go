package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"polso/lab"
)

// agent is what clients ask: a router of the laboratory.
type agent interface {
	Ask(ctx context.Context, method, path string, body, answer any) error
}

var _ agent = (*lab.Router)(nil)

// clients write to the document and read it while a round goes on, and remember every request. Only one round's may run
// at a time.
type clients struct {
	began    time.Time
	name     string             // what every message begins with; unique for all time
	document func(n int) string // the n-th document: no two are equal
	serial   *atomic.Int64      // of documents, over all rounds

	quit chan struct{}
	wait sync.WaitGroup

	mu  sync.Mutex // guards below
	ops []op
}

const (
	// askTime is a client's patience. The product's own is longer with long leases; a client that gave up does not know.
	askTime = 8 * time.Second
	// Gently: the processors are shared with what is measured.
	writeEvery, readEvery = 300 * time.Millisecond, 250 * time.Millisecond
	// mostWrites keeps a round's revisions within the history that the routers keep.
	mostWrites = 30
)

// The clients, by number: two that write, one that reads, and the one who has the last word.
const (
	writerOne = iota
	writerTwo
	reader
	closer
)

// revision is what is asked of a revision.
type revision struct {
	Number  uint64 `json:"revision"`
	Message string `json:"message"`
}

func newClients(name string, serial *atomic.Int64, document func(int) string) *clients {
	return &clients{began: time.Now(), name: name, serial: serial, document: document, quit: make(chan struct{})}
}

// start lets two write, each on a router of its own, and one read all routers in turn.
func (c *clients) start(ctx context.Context, writers [2]*lab.Router, all []*lab.Router) {
	for i, r := range writers {
		c.repeat(ctx, writeEvery, mostWrites, func(ctx context.Context) { c.change(ctx, i, r.Name, r) })
	}
	next := 0
	c.repeat(ctx, readEvery, 0, func(ctx context.Context) {
		r := all[next%len(all)]
		next++
		_, _ = c.read(ctx, reader, r.Name, r) // a router that does not answer has told nothing
	})
}

// stop lets every client end what it is asking and returns once they have.
func (c *clients) stop() {
	close(c.quit)
	c.wait.Wait()
}

// all are the requests so far.
func (c *clients) all() []op {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.ops)
}

// repeat asks again and again, with pauses of half to one and a half times every, at most so often (0: no limit).
func (c *clients) repeat(ctx context.Context, every time.Duration, most int, ask func(context.Context)) {
	c.wait.Go(func() {
		for i := 0; most == 0 || i < most; i++ {
			ask(ctx)
			pause := time.NewTimer(every/2 + rand.N(every))
			select {
			case <-pause.C:
			case <-c.quit:
				pause.Stop()
				return
			case <-ctx.Done():
				pause.Stop()
				return
			}
		}
	})
}

func (c *clients) note(o op, called time.Time) {
	o.called, o.returned = called.Sub(c.began), time.Since(c.began)
	c.mu.Lock()
	c.ops = append(c.ops, o)
	c.mu.Unlock()
}

// read asks a router for the document it has.
func (c *clients) read(ctx context.Context, client int, name string, on agent) (revision, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	called := time.Now()
	var got revision
	if err := on.Ask(ctx, http.MethodGet, "/v1/document", nil, &got); err != nil {
		return got, err
	}
	c.note(op{client: client, router: name, outcome: done, revision: got.Number, message: got.Message}, called)
	return got, nil
}

// change replaces the revision that a router has by another document, and returns what was made; 0 if nothing was, as far as
// the answer tells.
func (c *clients) change(ctx context.Context, client int, name string, on agent) uint64 {
	base, err := c.read(ctx, client, name, on)
	if err != nil || base.Number == 0 {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	n := int(c.serial.Add(1))
	o := op{client: client, router: name, write: true, base: base.Number, message: fmt.Sprintf("%s.%d", c.name, n)}
	request := map[string]any{
		"files":         []map[string]string{{"name": "faults.hcl", "text": c.document(n)}},
		"base_revision": o.base, "message": o.message,
	}
	called := time.Now()
	var made revision
	err = on.Ask(ctx, http.MethodPost, "/v1/document", request, &made)
	if o.outcome = classify(err); o.outcome == done {
		o.revision = made.Number
	} else {
		o.err = err.Error()
	}
	c.note(o, called)
	return o.revision
}

// classify tells what an answer to a write means. A refusal promises that nothing was done; whatever else is not an answer
// promises nothing.
func classify(err error) outcome {
	refusal, ok := errors.AsType[*lab.Refusal](err)
	switch {
	case err == nil:
		return done
	case errors.Is(err, lab.ErrNotAsked):
		return refused
	case !ok:
		return unknown
	}
	switch refusal.Code {
	case "conflict":
		return conflict
	case "no_leader", "not_formed", "refused":
		return refused
	default:
		return unknown
	}
}
