package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"polso/ipvs"
	"polso/lab"
)

// routersRow is what one size costs a cluster of three routers.
type routersRow struct {
	size            lab.Crowd
	apply, change   []time.Duration // from the start of the command until every router's kernel is as it says
	followed        []time.Duration // of change, what comes after the command has returned: the directors' part
	word            []time.Duration // as change, by an operator's word, which changes no document
	planned, killed []time.Duration // from the command or the signal until another router has an address
	idle            []time.Duration // each router's processor time in a second in which nothing happens
	memory          int64           // bytes of the largest router
}

// idleFor is how long an idle router is watched: several passes, and a part of the table in each.
const idleFor = 30 * time.Second

// measureRouters forms a cluster, applies the size's document and lets things happen to it.
func measureRouters(ctx context.Context, progress func(string, ...any), binary string, size lab.Crowd, runs int) (row routersRow, err error) {
	row.size = size
	c, leave, err := formed(ctx, size, "scale", lab.DefaultProfile(), lab.Options{Binary: binary})
	if err != nil {
		return row, err
	}
	defer func() { err = leave(err) }()
	l := c.l
	if row.apply, _, err = c.apply(); err != nil {
		return row, err
	}
	progress("routers, %s: applied in %v", name(size), row.apply)
	if err := lab.Pause(ctx, 10*time.Second); err != nil {
		return row, err
	}
	for weight := range runs {
		took, after, err := c.until(weight+2, func() error {
			_, err := c.l.Routers[0].Polso(ctx, "set", "server", "v0/s0", fmt.Sprintf("weight=%d", weight+2), "--yes")
			return err
		})
		if err != nil {
			return row, err
		}
		row.change, row.followed = append(row.change, took), append(row.followed, after)
	}
	progress("routers, %s: changed in %v", name(size), row.change)
	for weight := range runs {
		took, _, err := c.until(weight+100, func() error {
			_, err := c.l.Routers[0].Polso(ctx, "weight", "v0/s0", fmt.Sprint(weight+100))
			return err
		})
		if err != nil {
			return row, err
		}
		row.word = append(row.word, took)
	}
	progress("routers, %s: weighed in %v", name(size), row.word)
	if err := lab.Pause(ctx, 10*time.Second); err != nil {
		return row, err
	}
	before, err := c.usage()
	if err != nil {
		return row, err
	}
	if err := lab.Pause(ctx, idleFor); err != nil {
		return row, err
	}
	after, err := c.usage()
	if err != nil {
		return row, err
	}
	for i := range after {
		row.idle = append(row.idle, (after[i].Processor-before[i].Processor)/time.Duration(idleFor/time.Second))
		row.memory = max(row.memory, after[i].Memory)
	}
	for range runs {
		took, err := c.takeover(func(active *lab.Router) error {
			_, err := active.Polso(ctx, "transfer", "--yes")
			return err
		})
		if err != nil {
			return row, err
		}
		row.planned = append(row.planned, took)
		if err := errors.Join(l.WaitWhole(ctx), lab.Pause(ctx, 3*time.Second)); err != nil {
			return row, err
		}
	}
	took, err := c.takeover((*lab.Router).Kill)
	row.killed = []time.Duration{took}
	return row, err
}

// cluster is one size's, under measurement.
type cluster struct {
	ctx  context.Context
	l    *lab.Lab
	size lab.Crowd
}

// formed is three routers that are a cluster, and what ends it: that keeps the logs, by that name, and tells where in an error.
func formed(ctx context.Context, size lab.Crowd, logs, profile string, o lab.Options) (c cluster, leave func(error) error, err error) {
	o.Beside, o.Behind = []string{"a"}, []string{}
	l, err := lab.New(ctx, o)
	if err != nil {
		return c, nil, err
	}
	leave = func(err error) error {
		where, kerr := l.KeepLogs(logs + "-" + name(size))
		if err != nil && kerr == nil {
			err = fmt.Errorf("%w (logs: %s)", err, where)
		}
		return errors.Join(err, kerr, l.Close())
	}
	for _, r := range l.Routers {
		if err := r.Start(ctx); err != nil {
			return c, nil, leave(err)
		}
	}
	if err := l.Form(ctx, "--profile", profile); err != nil {
		return c, nil, leave(err)
	}
	return cluster{ctx: ctx, l: l, size: size}, leave, nil
}

// apply applies the document.
func (c cluster) apply() (took []time.Duration, after time.Duration, err error) {
	dir, err := os.MkdirTemp("", "scale-")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "crowd.hcl")
	if err := os.WriteFile(path, []byte(c.size.Document()), 0o600); err != nil {
		return nil, 0, err
	}
	t, after, err := c.until(1, func() error {
		_, err := c.l.Routers[0].Polso(c.ctx, "apply", "-f", path, "--yes")
		return err
	})
	return []time.Duration{t}, after, err
}

// until does something and waits until every router's kernel has the last server, and the first with a weight. It says how
// long that took, and how long after the act.
func (c cluster) until(weight int, act func() error) (took, after time.Duration, err error) {
	began := time.Now()
	if err := act(); err != nil {
		return 0, 0, err
	}
	done := time.Now()
	rules := c.size.Rules()
	for _, r := range c.l.Routers {
		if err := has(c.ctx, r, rules[0], 0, weight); err != nil {
			return 0, 0, err
		}
		if err := has(c.ctx, r, rules[len(rules)-1-c.size.Servers], c.size.Servers-1, 1); c.size.Virtuals > 1 && err != nil {
			return 0, 0, err
		}
	}
	return time.Since(began), time.Since(done), nil
}

// has waits until a router's kernel has a server of a service with a weight.
func has(ctx context.Context, r *lab.Router, rule string, server, weight int) error {
	var at string
	if _, err := fmt.Sscanf(rule, "-A -t %s", &at); err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(at)
	if err != nil {
		return err
	}
	return within(ctx, r, func(k *ipvs.Kernel) error {
		return until(ctx, k, ipvs.AddrKey(ipvs.TCP, to), server, weight, 10*patience)
	})
}

// takeover lets something happen to the director and says how long it took until another had an address.
func (c cluster) takeover(event func(active *lab.Router) error) (time.Duration, error) {
	vip := c.size.VIP()
	active, err := c.l.Successor(c.ctx, nil, vip)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	failed := make(chan error, 1)
	go func() { failed <- event(active) }()
	if _, err := c.l.Successor(c.ctx, active, vip); err != nil {
		return 0, errors.Join(err, <-failed)
	}
	return time.Since(began), <-failed
}

func (c cluster) usage() (list []lab.Usage, err error) {
	for _, r := range c.l.Routers {
		u, err := r.Usage()
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, nil
}
