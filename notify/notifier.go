package notify

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"polso/config"
)

const (
	// queued is how many events wait for one block. A farm that dies at once makes thousands: those that do not fit are counted.
	queued = 256
	// gather is how long a mail waits for what else happens.
	gather = 10 * time.Second
)

// Sender tells one block of the document of events, within the block's Timeout. An error that is Fatal is not tried again.
type Sender func(ctx context.Context, n config.Notify, events []Event) error

// Options are what a Notifier is built from.
type Options struct {
	Send Sender        // nil: the package's Send
	Last time.Duration // how long the end of Run waits for what is not told yet; 0: not at all
	Log  *slog.Logger  // nil: silence
}

// Notifier tells the blocks of a document of events. Each block has a queue and a sender of its own: one that hangs holds up
// no other.
type Notifier struct {
	send Sender
	last time.Duration
	log  *slog.Logger
	bell chan struct{} // capacity 1: look at want

	mu     sync.Mutex // guards what follows
	want   []config.Notify
	queues map[string]*queue
}

// New returns a Notifier that tells nobody before Set and Run.
func New(o Options) *Notifier {
	n := &Notifier{send: o.Send, last: o.Last, log: o.Log, bell: make(chan struct{}, 1), queues: make(map[string]*queue)}
	if n.send == nil {
		n.send = Send
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	return n
}

// queue is what waits for one block.
type queue struct {
	block   config.Notify
	events  chan Event
	stop    context.CancelFunc // nil until Run has begun it
	dropped int
}

// Set replaces the blocks. One that stays as it is keeps its queue; what waits for one that is gone or changed is dropped.
// It never blocks.
func (n *Notifier) Set(blocks []config.Notify) {
	n.mu.Lock()
	if reflect.DeepEqual(n.want, blocks) {
		n.mu.Unlock()
		return
	}
	n.want = blocks
	kept := make(map[string]*queue)
	for _, b := range blocks {
		if q, ok := n.queues[b.Name]; ok && reflect.DeepEqual(q.block, b) {
			kept[b.Name] = q
			delete(n.queues, b.Name)
			continue
		}
		kept[b.Name] = &queue{block: b, events: make(chan Event, queued)}
	}
	for _, q := range n.queues {
		if q.stop != nil {
			q.stop()
		}
	}
	n.queues = kept
	n.mu.Unlock()
	select {
	case n.bell <- struct{}{}:
	default:
	}
}

// Tell hands events to every block that wants them. It never blocks; an event that finds a queue full is counted, and the
// number goes with the next that fits.
func (n *Notifier) Tell(events ...Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range events {
		for _, q := range n.queues {
			if !wants(q.block, e) {
				continue
			}
			e.Dropped = q.dropped
			select {
			case q.events <- e:
				q.dropped = 0
			default:
				q.dropped++
			}
		}
	}
}

// Run tells until ctx ends. What is under way then is brought to its end, and each block is told once of what still waits, within
// Last. It may be called once.
func (n *Notifier) Run(ctx context.Context) error {
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var senders sync.WaitGroup
	for {
		n.mu.Lock()
		for _, q := range n.queues {
			if q.stop == nil {
				serving, stop := context.WithCancel(ctx)
				q.stop = stop
				senders.Go(func() {
					if waits := n.serve(serving, sending, q); ctx.Err() != nil { // else the block is gone
						n.finish(sending, q, waits)
					}
				})
			}
		}
		n.mu.Unlock()
		select {
		case <-ctx.Done():
			defer time.AfterFunc(n.last, cut).Stop()
			senders.Wait()
			return nil
		case <-n.bell:
		}
	}
}

// serve tells one block, message after message, at the pace of its limit, until ctx ends. It returns what it took from the queue
// and did not tell. What it sends goes on until sending ends.
func (n *Notifier) serve(ctx, sending context.Context, q *queue) (waits []Event) {
	pace := newPace(q.block.Limit)
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-q.events:
			waits = []Event{e}
		}
		if len(q.block.Mail) > 0 && sleep(ctx, gather) {
			waits = drain(q.events, waits)
		}
		if !pace.wait(ctx) || !n.persist(ctx, sending, q.block, waits) {
			return waits
		}
	}
}

// finish tells a block once of what waits.
func (n *Notifier) finish(sending context.Context, q *queue, waits []Event) {
	waits = drain(q.events, waits)
	if len(waits) == 0 {
		return
	}
	if err := n.attempt(sending, q.block, waits); err != nil {
		n.log.Warn("not told", "notify", q.block.Name, "event", waits[0].String(), "others", len(waits)-1, "last", true, "err", err)
	}
}

// drain adds what waits to events.
func drain(from <-chan Event, events []Event) []Event {
	for {
		select {
		case e := <-from:
			events = append(events, e)
		default:
			return events
		}
	}
}

// retries are the pauses between attempts: ten minutes together, after which an event is old.
var retries = [...]time.Duration{time.Second, 4 * time.Second, 15 * time.Second, time.Minute, 3 * time.Minute, 5 * time.Minute}

// persist tells and tries again until ctx ends: then it returns false. A command is run once: it may have done half of its work.
func (n *Notifier) persist(ctx, sending context.Context, block config.Notify, events []Event) (done bool) {
	for attempt := 0; ; attempt++ {
		err := n.attempt(sending, block, events)
		if err == nil {
			return true
		}
		last := attempt == len(retries) || len(block.Command) > 0 || isFatal(err)
		level := slog.LevelInfo
		if last {
			level = slog.LevelWarn
		}
		n.log.Log(ctx, level, "not told", "notify", block.Name, "event", events[0].String(), "others", len(events)-1, "attempt", attempt+1, "last", last, "err", err)
		if last || !sleep(ctx, retries[attempt]) {
			return last
		}
	}
}

func (n *Notifier) attempt(sending context.Context, block config.Notify, events []Event) error {
	timed, cancel := context.WithTimeout(sending, block.Timeout)
	defer cancel()
	return n.send(timed, block, events)
}
