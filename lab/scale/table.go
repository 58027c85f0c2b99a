package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// measureTables measures each size, so often or once where it takes long.
func measureTables(ctx context.Context, progress func(string, ...any), sizes []lab.Crowd, runs int) (rows []tableRow, err error) {
	for _, size := range sizes {
		row := tableRow{size: size}
		for range runs {
			if err := row.measure(ctx); err != nil {
				return rows, fmt.Errorf("table, %s: %w", name(size), err)
			}
			if row.ipvsadm[0] > long {
				break
			}
		}
		rows = append(rows, row)
		progress("table of %s: filled in %v, by ipvsadm -R in %v, by keepalived in %v", name(size), row.fill, row.ipvsadm, row.keepalived)
	}
	return rows, nil
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

// measure has each fill a table that was always empty, in the namespace of a router that runs nothing else: what is removed from a
// table lies in the kernel's trash for two minutes, where every server that is added is looked for.
func (row *tableRow) measure(ctx context.Context) (err error) {
	l, err := lab.New(ctx, lab.Options{Routers: 3, Beside: []string{"a"}, Behind: []string{}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	var want ipvs.Table
	err = within(ctx, l.Routers[0], func(k *ipvs.Kernel) (err error) {
		want, err = row.byIpvsadm(ctx, l.Routers[0], k)
		return err
	})
	if err != nil {
		return fmt.Errorf("ipvsadm -R: %w", err)
	}
	if err := within(ctx, l.Routers[1], func(k *ipvs.Kernel) error { return row.byPolso(k, want) }); err != nil {
		return err
	}
	if _, err := exec.LookPath("keepalived"); err != nil {
		return nil
	}
	err = within(ctx, l.Routers[2], func(k *ipvs.Kernel) error { return row.byKeepalived(ctx, l.Routers[2], k, want) })
	if errors.Is(err, errPatience) {
		return nil // the empty cell says so
	}
	return err
}

// timed notes how long an act takes.
func timed(list *[]time.Duration, act func() error) error {
	began := time.Now()
	err := act()
	if err == nil {
		*list = append(*list, time.Since(began))
	}
	return err
}

// byIpvsadm returns the table that it left.
func (row *tableRow) byIpvsadm(ctx context.Context, r *lab.Router, k *ipvs.Kernel) (ipvs.Table, error) {
	rules := strings.Join(row.size.Rules(), "\n") + "\n"
	if err := timed(&row.ipvsadm, func() error {
		cmd := exec.CommandContext(ctx, "ipvsadm", "-R")
		cmd.Stdin = strings.NewReader(rules)
		if err := r.Node.Start(cmd); err != nil {
			return err
		}
		return cmd.Wait()
	}); err != nil {
		return ipvs.Table{}, err
	}
	want, _, err := k.Table()
	if err == nil && len(want.Services) != row.size.Virtuals {
		err = fmt.Errorf("it left %d services", len(want.Services))
	}
	return want, err
}

// often is how many times what takes a moment is measured.
const often = 10

func (row *tableRow) byPolso(k *ipvs.Kernel, want ipvs.Table) error {
	if err := timed(&row.fill, func() error { return errors.Join(k.Batch(ipvs.Plan(want, ipvs.Table{}))...) }); err != nil {
		return err
	}
	have, _, err := k.Table()
	if err != nil {
		return err
	}
	if left := ipvs.Plan(want, have); len(left) > 0 {
		return fmt.Errorf("%d steps are left, the first %s", len(left), left[0])
	}
	if err := timed(&row.whole, func() error { _, _, err := k.Table(); return err }); err != nil {
		return err
	}
	middle := want.Services[len(want.Services)/2]
	server := middle.Destinations[0]
	for range often {
		server.Weight++
		if err := errors.Join(
			timed(&row.one, func() error { _, _, err := k.Services([]ipvs.Key{middle.Key}); return err }),
			timed(&row.step, func() error {
				return k.Do(ipvs.Op{Verb: ipvs.EditDestination, Service: ipvs.Service{Key: middle.Key}, Destination: server})
			}),
		); err != nil {
			return err
		}
	}
	return nil
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

// byKeepalived has Debian's fill the table, and changes one weight in its configuration.
func (row *tableRow) byKeepalived(ctx context.Context, r *lab.Router, k *ipvs.Kernel, want ipvs.Table) (err error) {
	dir, err := os.MkdirTemp("", "scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	conf := filepath.Join(dir, "conf")
	configure := func(first int) error {
		c := row.size
		c.First = first
		return os.WriteFile(conf, []byte("global_defs {\n  router_id scale\n}\n"+c.Keepalived()), 0o600)
	}
	if err := configure(1); err != nil {
		return err
	}
	first, last := places(want, row.size)
	defer func() { err = errors.Join(err, r.Kill(), r.Wait(ctx)) }()
	if err := timed(&row.keepalived, func() error {
		if err := r.Spawn("keepalived", "--check", "--dont-fork", "--log-console", "--no-syslog", "--use-file="+conf,
			"--pid="+dir+"/pid", "--checkers_pid="+dir+"/checkers"); err != nil {
			return err
		}
		return until(ctx, k, last, row.size.Servers-1, 1, patience)
	}); err != nil {
		return err
	}
	pid, err := lab.PIDIn(dir + "/pid")
	if err != nil {
		return err
	}
	if err := configure(2); err != nil {
		return err
	}
	return timed(&row.reloading, func() error {
		if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
			return err
		}
		return until(ctx, k, first, 0, 2, patience)
	})
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
