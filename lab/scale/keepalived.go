package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"polso/lab"
)

// keepalived is Debian's on each of the three routers, by VRRP with one-second advertisements, with the same virtual servers.
func keepalived() contender {
	given := 1 // the first server's weight
	return contender{
		name:  "keepalived",
		peer:  true,
		begin: func(cluster) error { return nil },
		apply: func(c cluster) error { return c.rivals(1, c.spawn) },
		change: func(c cluster, weight int) error {
			given = weight
			return c.rivals(weight, c.reload)
		},
		relieve: func(c cluster, active *lab.Router) error {
			if err := errors.Join(active.Term(), active.Wait(c.ctx)); err != nil {
				return err
			}
			return c.spawn(active)
		},
		whole: func(c cluster) error { _, _, err := c.until(given, func() error { return nil }); return err },
		usage: func(c cluster, r *lab.Router) (sum lab.Usage, err error) {
			for _, of := range []string{"pid", "vrrp", "checkers"} {
				pid, err := lab.PIDIn(c.path(r, of))
				if err != nil {
					return sum, err
				}
				one, err := lab.UsageOf(pid)
				if err != nil {
					return sum, err
				}
				sum.Processor += one.Processor
				sum.Memory += one.Memory
			}
			return sum, nil
		},
	}
}

// rivals gives each router its configuration with that weight of the first server, and has something done about it.
func (c cluster) rivals(weight int, act func(*lab.Router) error) error {
	size := c.size
	size.First = weight
	for _, r := range c.l.Routers {
		text := fmt.Sprintf("global_defs {\n  router_id %s\n  vrrp_version 2\n}\n", r.Name) + c.vrrp(r) + size.Keepalived()
		if err := os.WriteFile(c.path(r, "conf"), []byte(text), 0o600); err != nil {
			return err
		}
		if err := act(r); err != nil {
			return err
		}
	}
	return nil
}

func (c cluster) vrrp(r *lab.Router) string {
	var b strings.Builder
	fmt.Fprintf(&b, "vrrp_instance scale {\n  state BACKUP\n  nopreempt\n  interface eth0\n  virtual_router_id 51\n  priority %d\n  advert_int 1\n  virtual_ipaddress {\n", 100+r.Host)
	for _, a := range c.size.VIPs() {
		fmt.Fprintf(&b, "    %s/32 dev eth0\n", a)
	}
	b.WriteString("  }\n}\n")
	return b.String()
}

func (c cluster) path(r *lab.Router, of string) string { return filepath.Join(c.dir, r.Name+"."+of) }

func (c cluster) spawn(r *lab.Router) error {
	return r.Spawn("keepalived", "--dont-fork", "--log-console", "--no-syslog", "--use-file="+c.path(r, "conf"),
		"--pid="+c.path(r, "pid"), "--vrrp_pid="+c.path(r, "vrrp"), "--checkers_pid="+c.path(r, "checkers"))
}

func (c cluster) reload(r *lab.Router) error {
	pid, err := lab.PIDIn(c.path(r, "pid"))
	if err != nil {
		return err
	}
	return syscall.Kill(pid, syscall.SIGHUP)
}
