package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"time"

	"polso/lab"
)

// service is what the client asks: datagrams, so that nothing but the path is measured.
var service = lab.Virtual{Name: "echo", Address: lab.WebVIP, Port: 7000, Protocol: "udp", Servers: []string{"a", "b"}}

// result is what one contender's client saw.
type result struct {
	contender contender
	gaps      map[event][]time.Duration
	stayed    int // planned events after which the director was who it had been
}

const (
	patience = 30 * time.Second
	// before and after an event, what is looked at: the gap must lie between two answers.
	before, after = 50 * time.Millisecond, 300 * time.Millisecond
	// quiet is how long after an event only the client asks anything, as asking the routers slows them down.
	quiet = time.Second
	// step is the time between two datagrams.
	step = 10 * time.Millisecond
)

// measure lets every event happen to one contender's director, runs times each.
func measure(ctx context.Context, progress io.Writer, c contender, runs int) (r result, err error) {
	r = result{contender: c, gaps: make(map[event][]time.Duration)}
	l, err := lab.New(ctx, lab.Options{Binary: c.binary, AgentFlags: []string{"--kernel", string(c.kernel)}, Beside: service.Servers, Behind: []string{}})
	if err != nil {
		return r, err
	}
	defer func() { err = leave(l, "bench-"+c.name, err) }()
	asked := netip.AddrPortFrom(service.Address, uint16(service.Port))
	if c.kernel == answers {
		for _, router := range l.Routers {
			if err := router.Echo(ctx, asked); err != nil {
				return r, err
			}
		}
	}
	if err := c.start(ctx, l); err != nil {
		return r, err
	}
	client, err := lab.StartProber(l.Client, lab.Traffic{Network: "udp", To: asked, Every: step})
	if err != nil {
		return r, err
	}
	defer client.Stop()
	for _, e := range events {
		for i := range runs {
			gap, next, err := once(ctx, l, c, e, client)
			if err != nil {
				return r, fmt.Errorf("%v, run %d: %w", e, i+1, err)
			}
			if next == nil {
				r.stayed++
			}
			r.gaps[e] = append(r.gaps[e], gap)
			fmt.Fprintf(progress, "bench: %s, %v, run %d of %d: %d ms\n", c.name, e, i+1, runs, gap.Milliseconds())
		}
	}
	return r, nil
}

// once lets one event happen and returns how long the client went without an answer, and who directs after it (nil: the
// same as before).
func once(ctx context.Context, l *lab.Lab, c contender, e event, client *lab.Prober) (gap time.Duration, next *lab.Router, err error) {
	if err := c.settle(ctx, l); err != nil {
		return 0, nil, err
	}
	active, err := l.Successor(ctx, nil, service.Address)
	if err != nil {
		return 0, nil, err
	}
	if err := client.WaitAnswer(ctx, time.Now(), patience); err != nil {
		return 0, nil, err
	}
	began := time.Now()
	if err := c.strike(ctx, l, e, active); err != nil {
		return 0, nil, err
	}
	if err := client.WaitAnswer(ctx, time.Now().Add(quiet), patience); err != nil {
		return 0, nil, err
	}
	if next, err = l.Successor(ctx, c.excluded(e, active), service.Address); err != nil {
		return 0, nil, err
	}
	if err := client.WaitAnswer(ctx, time.Now().Add(after), patience); err != nil {
		return 0, nil, err
	}
	gap = client.Between(began.Add(-before), time.Time{}).Gap
	if next == active {
		next = nil
	}
	return gap, next, c.restore(ctx, l, e, active)
}
