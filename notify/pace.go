package notify

import (
	"context"
	"errors"
	"time"
)

// pace lets so many messages through in any minute: a burst of all of them, then as the minute passes.
type pace struct {
	sent []time.Time // a ring: the last limit messages
	next int
}

func newPace(limit int) *pace { return &pace{sent: make([]time.Time, max(limit, 1))} }

// wait returns true once another message may go, false when ctx ends before.
func (p *pace) wait(ctx context.Context) bool {
	if !sleep(ctx, time.Until(p.sent[p.next].Add(time.Minute))) {
		return false
	}
	p.sent[p.next] = time.Now()
	p.next = (p.next + 1) % len(p.sent)
	return true
}

// sleep returns false if ctx ended before d had passed.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// fatal is an error that another attempt will not mend.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

func isFatal(err error) bool {
	_, is := errors.AsType[fatal](err)
	return is
}
