package main

import (
	"context"
	"errors"
	"time"

	"polso/lab"
)

// switchRow is what one size costs when another router takes over, three routers with simulated tables and real addresses.
type switchRow struct {
	size    lab.Crowd
	planned []time.Duration // during which no router had an address
	killed  []time.Duration // from the signal until another router had it
}

// measureSwitch forms a cluster, applies the size's document and has the director changed, runs times by each way.
func measureSwitch(ctx context.Context, progress func(string, ...any), binary string, size lab.Crowd, runs int) (row switchRow, err error) {
	row.size = size
	c, leave, err := opened(ctx, size, "switch", lab.Options{Binary: binary, AgentFlags: []string{"--kernel", "simulated"}})
	if err != nil {
		return row, err
	}
	defer func() { err = leave(err) }()
	l := c.l
	if err := c.form("lan"); err != nil {
		return row, err
	}
	if err := l.Apply(ctx, l.Routers[0], size.Document(), "--wait", "2m"); err != nil {
		return row, err
	}
	settle := func() error { return errors.Join(l.WaitWhole(ctx), lab.Pause(ctx, 6*time.Second)) }
	for range runs {
		if err := settle(); err != nil {
			return row, err
		}
		gap, err := c.gap(func(active *lab.Router) error { return transfer(c, active) })
		if err != nil {
			return row, err
		}
		row.planned = append(row.planned, gap)
		if err := settle(); err != nil {
			return row, err
		}
		var active *lab.Router
		took, err := c.takeover(func(r *lab.Router) error { active = r; return r.Kill() })
		if err != nil {
			return row, err
		}
		row.killed = append(row.killed, took)
		if err := errors.Join(active.Wait(ctx), active.Start(ctx)); err != nil {
			return row, err
		}
	}
	progress("switch, %s: planned %v, killed %v", name(size), row.planned, row.killed)
	return row, nil
}

// gap lets something happen to the director and says for how long no router had an address, until another has.
func (c cluster) gap(event func(active *lab.Router) error) (gap time.Duration, err error) {
	active, err := c.l.Successor(c.ctx, nil, c.size.VIP())
	if err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() { done <- event(active) }()
	seen := time.Now()
	for began := seen; time.Since(began) < patience; {
		if err := lab.Pause(c.ctx, time.Millisecond); err != nil {
			return 0, errors.Join(err, <-done)
		}
		for _, r := range c.l.Routers {
			has, err := r.Has(c.size.VIP())
			switch {
			case err != nil:
				return 0, errors.Join(err, <-done)
			case has && r != active:
				return time.Since(seen), <-done
			case has:
				seen = time.Now()
			}
		}
	}
	return 0, errors.Join(errors.New("no other router has taken "+c.size.VIP().String()), <-done)
}
