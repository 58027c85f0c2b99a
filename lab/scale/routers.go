package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"polso/ipvs"
	"polso/lab"
)

// routersRow is what one size costs three routers.
type routersRow struct {
	name            string
	size            lab.Crowd
	apply, change   []time.Duration // from the start of the command until every router's kernel is as it says
	followed        []time.Duration // of change, what comes after the command has returned: the directors' part
	word            []time.Duration // as change, by an operator's word, which changes no document
	planned, killed []time.Duration // without any holder of an address; from the signal until another router has it
	idle            []time.Duration // each router's processor time in a second in which nothing happens
	memory          int64           // bytes of the largest router
}

// contender is who keeps the three routers' tables and addresses.
type contender struct {
	name    string
	peer    bool                              // not Polso: it has a minute for a table, and not to have filled it by then is no failure of the measurement
	begin   func(c cluster) error             // from nothing to routers without a table
	apply   func(c cluster) error             // the whole table
	change  func(c cluster, weight int) error // the first server's
	word    func(c cluster, weight int) error // the same, by an operator's word; nil: it knows none
	relieve func(c cluster, active *lab.Router) error
	whole   func(c cluster) error // until the next may come
	usage   func(c cluster, r *lab.Router) (lab.Usage, error)
}

// rivals are those that are measured: keepalived where it is installed.
func rivals() []contender {
	if _, err := exec.LookPath("keepalived"); err != nil {
		return []contender{polso()}
	}
	return []contender{polso(), keepalived()}
}

// idleFor is how long an idle router is watched: several passes, and a part of the table in each.
const idleFor = 30 * time.Second

// polso is the product, with the laboratory's profile.
func polso() contender {
	run := func(c cluster, args ...string) error { _, err := c.l.Routers[0].Polso(c.ctx, args...); return err }
	return contender{
		name:  "polso",
		begin: func(c cluster) error { return c.form(lab.DefaultProfile()) },
		apply: func(c cluster) error {
			path := filepath.Join(c.dir, "crowd.hcl")
			if err := os.WriteFile(path, []byte(c.size.Document()), 0o600); err != nil {
				return err
			}
			return run(c, "apply", "-f", path, "--yes")
		},
		change: func(c cluster, weight int) error {
			return run(c, "set", "server", "v0/s0", fmt.Sprintf("weight=%d", weight), "--yes")
		},
		word:    func(c cluster, weight int) error { return run(c, "weight", "v0/s0", fmt.Sprint(weight)) },
		relieve: transfer,
		whole:   func(c cluster) error { return c.l.WaitWhole(c.ctx) },
		usage:   func(_ cluster, r *lab.Router) (lab.Usage, error) { return r.Usage() },
	}
}

func transfer(c cluster, active *lab.Router) error {
	_, err := active.Polso(c.ctx, "transfer", "--yes")
	return err
}

// measureRouters gives a contender three routers and the size's table, and lets things happen to it. A peer that has not filled the
// tables in time has no cells.
func measureRouters(ctx context.Context, progress func(string, ...any), binary string, size lab.Crowd, runs int, by contender) (row routersRow, err error) {
	row.name, row.size = by.name, size
	c, leave, err := opened(ctx, size, "scale-"+by.name, lab.Options{Binary: binary})
	if err != nil {
		return row, err
	}
	defer func() { err = leave(err) }()
	if by.peer {
		c.patience = patience
	}
	if err := by.begin(c); err != nil {
		return row, err
	}
	took, _, err := c.until(1, func() error { return by.apply(c) })
	if by.peer && errors.Is(err, errPatience) {
		progress("routers, %s, %s: over %v", by.name, name(size), patience)
		return row, nil
	} else if err != nil {
		return row, err
	}
	row.apply = []time.Duration{took}
	progress("routers, %s, %s: applied in %v", by.name, name(size), row.apply)
	if row.change, row.followed, err = c.changes(runs, 2, by.change); err != nil {
		return row, err
	}
	progress("routers, %s, %s: changed in %v", by.name, name(size), row.change)
	if by.word != nil {
		if row.word, _, err = c.changes(runs, 100, by.word); err != nil {
			return row, err
		}
		progress("routers, %s, %s: weighed in %v", by.name, name(size), row.word)
	}
	if err := row.rest(c, by); err != nil {
		return row, err
	}
	progress("routers, %s, %s: idle %v", by.name, name(size), row.idle)
	for range runs {
		gap, err := c.gap(func(active *lab.Router) error { return by.relieve(c, active) })
		if err != nil {
			return row, err
		}
		row.planned = append(row.planned, gap)
		if err := errors.Join(by.whole(c), lab.Pause(ctx, 3*time.Second)); err != nil {
			return row, err
		}
	}
	took, err = c.takeover((*lab.Router).Kill)
	row.killed = []time.Duration{took}
	return row, err
}

// changes gives the first server so many weights, one after the other, while nothing else is under way.
func (c cluster) changes(runs, first int, change func(c cluster, weight int) error) (took, followed []time.Duration, err error) {
	for weight := first; weight < first+runs; weight++ {
		if err := lab.Pause(c.ctx, 10*time.Second); err != nil {
			return nil, nil, err
		}
		t, after, err := c.until(weight, func() error { return change(c, weight) })
		if err != nil {
			return nil, nil, err
		}
		took, followed = append(took, t), append(followed, after)
	}
	return took, followed, nil
}

// rest measures routers to which nothing happens.
func (row *routersRow) rest(c cluster, by contender) error {
	usage := func() (list []lab.Usage, err error) {
		for _, r := range c.l.Routers {
			u, err := by.usage(c, r)
			if err != nil {
				return nil, err
			}
			list = append(list, u)
		}
		return list, nil
	}
	if err := lab.Pause(c.ctx, 10*time.Second); err != nil {
		return err
	}
	before, err := usage()
	if err != nil {
		return err
	}
	if err := lab.Pause(c.ctx, idleFor); err != nil {
		return err
	}
	after, err := usage()
	if err != nil {
		return err
	}
	for i := range after {
		row.idle = append(row.idle, (after[i].Processor-before[i].Processor)/time.Duration(idleFor/time.Second))
		row.memory = max(row.memory, after[i].Memory)
	}
	return nil
}

// cluster is one size's, under measurement.
type cluster struct {
	ctx  context.Context
	l    *lab.Lab
	dir  string // for files
	size lab.Crowd

	patience time.Duration // for what kernels are to have
}

// opened is three routers that run nothing yet, and what ends them: that keeps the logs, by that name, and tells where in an error.
func opened(ctx context.Context, size lab.Crowd, logs string, o lab.Options) (c cluster, leave func(error) error, err error) {
	dir, err := os.MkdirTemp("", "scale-")
	if err != nil {
		return c, nil, err
	}
	o.Beside, o.Behind = []string{"a"}, []string{}
	l, err := lab.New(ctx, o)
	if err != nil {
		return c, nil, errors.Join(err, os.RemoveAll(dir))
	}
	leave = func(err error) error {
		where, kerr := l.KeepLogs(logs + "-" + name(size))
		if err != nil && kerr == nil {
			err = fmt.Errorf("%w (logs: %s)", err, where)
		}
		return errors.Join(err, kerr, l.Close(), os.RemoveAll(dir))
	}
	return cluster{ctx: ctx, l: l, dir: dir, size: size, patience: 10 * patience}, leave, nil
}

// form starts the agents and makes them a cluster.
func (c cluster) form(profile string) error {
	for _, r := range c.l.Routers {
		if err := r.Start(c.ctx); err != nil {
			return err
		}
	}
	return c.l.Form(c.ctx, "--profile", profile)
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
		if err := c.has(r, rules[0], 0, weight); err != nil {
			return 0, 0, err
		}
		if err := c.has(r, rules[len(rules)-1-c.size.Servers], c.size.Servers-1, 1); c.size.Virtuals > 1 && err != nil {
			return 0, 0, err
		}
	}
	return time.Since(began), time.Since(done), nil
}

// has waits until a router's kernel has a server of a service with a weight.
func (c cluster) has(r *lab.Router, rule string, server, weight int) error {
	var at string
	if _, err := fmt.Sscanf(rule, "-A -t %s", &at); err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(at)
	if err != nil {
		return err
	}
	return within(c.ctx, r, func(k *ipvs.Kernel) error {
		return until(c.ctx, k, ipvs.AddrKey(ipvs.TCP, to), server, weight, c.patience)
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
