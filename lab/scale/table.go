package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"polso/ipvs"
	"polso/lab"
)

// tableRow is what one size costs in one kernel's table.
type tableRow struct {
	size                  lab.Crowd
	fill, ipvsadm         []time.Duration // from empty
	step, whole, one      []time.Duration // one weight; reading everything, and one service
	keepalived, reloading []time.Duration // from its start to the last server; from SIGHUP to the changed weight
}

// patience is how long a peer is waited for; what needs longer is said to.
const patience = time.Minute

// measureTables measures in the namespace of one router that runs nothing else.
func measureTables(ctx context.Context, progress func(string, ...any), sizes []lab.Crowd, runs int) (rows []tableRow, err error) {
	l, err := lab.New(ctx, lab.Options{Routers: 1, Beside: []string{"a"}, Behind: []string{}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	r := l.Routers[0]
	err = within(ctx, r, func(k *ipvs.Kernel) error {
		for _, size := range sizes {
			m := tables{ctx: ctx, r: r, k: k, runs: runs}
			row, err := m.measure(size)
			if err != nil {
				return fmt.Errorf("table, %s: %w", name(size), err)
			}
			rows = append(rows, row)
			progress("table of %s: filled in %v, by ipvsadm -R in %v, by keepalived in %v", name(size), row.fill, row.ipvsadm, row.keepalived)
		}
		return nil
	})
	return rows, err
}

// within gives an act the table of a router's kernel.
func within(ctx context.Context, r *lab.Router, act func(*ipvs.Kernel) error) (err error) {
	k, err := ipvs.Open(ipvs.Options{NetNS: r.Namespace(), Timeout: patience})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- k.Run(ctx) }()
	defer func() { err = errors.Join(err, k.Close(), <-ended) }()
	return act(k)
}

// tables is one measurement under way.
type tables struct {
	ctx  context.Context
	r    *lab.Router
	k    *ipvs.Kernel
	runs int
}

func (m tables) clear() error {
	_, err := m.r.Run(m.ctx, "ipvsadm", "-C")
	return err
}

func nothing() error { return nil }

func (m tables) measure(size lab.Crowd) (row tableRow, err error) {
	row.size = size
	rules := strings.Join(size.Rules(), "\n") + "\n"
	if row.ipvsadm, err = times(m.runs, m.clear, func() error {
		cmd := exec.CommandContext(m.ctx, "ipvsadm", "-R")
		cmd.Stdin = strings.NewReader(rules)
		if err := m.r.Node.Start(cmd); err != nil {
			return err
		}
		return cmd.Wait()
	}); err != nil {
		return row, fmt.Errorf("ipvsadm -R: %w", err)
	}
	want, _, err := m.k.Table()
	if err != nil {
		return row, err
	}
	if len(want.Services) != size.Virtuals {
		return row, fmt.Errorf("ipvsadm -R left %d services", len(want.Services))
	}
	if row.fill, err = times(m.runs, m.clear, func() error {
		return errors.Join(m.k.Batch(ipvs.Plan(want, ipvs.Table{}))...)
	}); err != nil {
		return row, err
	}
	have, _, err := m.k.Table()
	if err != nil {
		return row, err
	}
	if left := ipvs.Plan(want, have); len(left) > 0 {
		return row, fmt.Errorf("%d steps are left, the first %s", len(left), left[0])
	}
	if row.whole, err = times(m.runs, nothing, func() error { _, _, err := m.k.Table(); return err }); err != nil {
		return row, err
	}
	middle := want.Services[len(want.Services)/2]
	if row.one, err = times(10*m.runs, nothing, func() error { _, _, err := m.k.Services([]ipvs.Key{middle.Key}); return err }); err != nil {
		return row, err
	}
	server := middle.Destinations[0]
	if row.step, err = times(10*m.runs, nothing, func() error {
		server.Weight++
		return m.k.Do(ipvs.Op{Verb: ipvs.EditDestination, Service: ipvs.Service{Key: middle.Key}, Destination: server})
	}); err != nil {
		return row, err
	}
	if _, err := exec.LookPath("keepalived"); err != nil {
		return row, m.clear()
	}
	row.keepalived, row.reloading, err = m.keepalived(size, want)
	if errors.Is(err, errPatience) {
		err = nil // the empty cell says so
	}
	return row, errors.Join(err, m.clear())
}

// errPatience means that something was not there in time.
var errPatience = errors.New("waited in vain")

// until waits until the kernel's server has a weight. A table that changes while it is read is read again.
func until(ctx context.Context, k *ipvs.Kernel, service ipvs.Key, server, weight int, patience time.Duration) error {
	var unread error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		have, _, err := k.Services([]ipvs.Key{service})
		unread = err
		if err == nil && len(have.Services) == 1 && len(have.Services[0].Destinations) > server && have.Services[0].Destinations[server].Weight == weight {
			return nil
		}
		if err := lab.Pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.Join(errPatience, unread)
}

// keepalived has Debian's fill the table, and changes one weight in its configuration.
func (m tables) keepalived(size lab.Crowd, want ipvs.Table) (fill, reload []time.Duration, err error) {
	if err := m.clear(); err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "scale-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	conf := filepath.Join(dir, "conf")
	configure := func(first int) error {
		c := size
		c.First = first
		return os.WriteFile(conf, []byte("global_defs {\n  router_id scale\n}\n"+c.Keepalived()), 0o600)
	}
	if err := configure(1); err != nil {
		return nil, nil, err
	}
	first, last := places(want, size)
	if fill, err = times(1, nothing, func() error {
		if err := m.r.Spawn("keepalived", "--check", "--dont-fork", "--log-console", "--no-syslog", "--use-file="+conf,
			"--pid="+dir+"/pid", "--checkers_pid="+dir+"/checkers"); err != nil {
			return err
		}
		return until(m.ctx, m.k, last, size.Servers-1, 1, patience)
	}); err != nil {
		return nil, nil, errors.Join(err, m.r.Kill(), m.r.Wait(m.ctx))
	}
	text, err := os.ReadFile(dir + "/pid")
	if err != nil {
		return fill, nil, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fill, nil, err
	}
	weight := 1
	reload, err = times(m.runs, func() error { weight++; return configure(weight) }, func() error {
		if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
			return err
		}
		return until(m.ctx, m.k, first, 0, weight, patience)
	})
	return fill, reload, errors.Join(err, m.r.Kill(), m.r.Wait(m.ctx))
}

// places finds the services of the crowd's first and last rule.
func places(t ipvs.Table, size lab.Crowd) (first, last ipvs.Key) {
	rules := size.Rules()
	for _, s := range t.Services {
		switch rule := "-A " + s.String(); rule {
		case rules[0]:
			first = s.Key
		case rules[len(rules)-1-size.Servers]:
			last = s.Key
		}
	}
	return first, last
}
