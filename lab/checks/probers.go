package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"polso/lab"
)

// settled is what a prober is left to begin: every server has been asked, and has its verdict.
const settled = 10 * time.Second

type measurement struct {
	ctx   context.Context
	r     *lab.Router
	ports *ports
	kind  string
	span  time.Duration
}

// watch counts what is asked, and what a process takes for it.
func (m measurement) watch(pid int) (spent, error) {
	if err := lab.Pause(m.ctx, settled); err != nil {
		return spent{}, err
	}
	asked := m.ports.asked.Load()
	before, err := lab.Processor(pid)
	if err != nil {
		return spent{}, err
	}
	if err := lab.Pause(m.ctx, m.span); err != nil {
		return spent{}, err
	}
	after, err := lab.Processor(pid)
	return spent{m.ports.asked.Load() - asked, after - before}, err
}

// document has the servers in one virtual by masquerading, each with its port. They are up until a check says otherwise, so that the
// table is the same where nothing is asked.
func (m measurement) document(every string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "virtual \"many\" {\n  address = %q\n  interface = \"outside\"\n  port = 80\n  forward = \"nat\"\n  scheduler = \"rr\"\n", lab.WebVIP)
	fmt.Fprintf(&b, "  check %q {\n    every = %q\n    timeout = \"1s\"\n    initial = \"up\"\n  }\n", m.kind, every)
	for i := range m.ports.open {
		fmt.Fprintf(&b, "  server \"s%d\" {\n    address = %q\n  }\n", i, m.ports.at(i))
	}
	b.WriteString("}\n")
	return b.String()
}

// config is the document in keepalived's words.
func (m measurement) config() string {
	check := "TCP_CHECK {\n      connect_timeout 1\n    }"
	if m.kind == "http" {
		check = "HTTP_GET {\n      url {\n        path /\n        status_code 200\n      }\n      connect_timeout 1\n    }"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "global_defs {\n  router_id checks\n}\nvirtual_server %s 80 {\n  delay_loop 1\n  lvs_sched rr\n  lvs_method NAT\n  protocol TCP\n", lab.WebVIP)
	for i := range m.ports.open {
		fmt.Fprintf(&b, "  real_server %s %d {\n    weight 1\n    %s\n  }\n", m.ports.at(i).Addr(), m.ports.at(i).Port(), check)
	}
	b.WriteString("}\n")
	return b.String()
}

// keepalived measures Debian's checker, which is a process of its own.
func (m measurement) keepalived() (s spent, err error) {
	dir, err := os.MkdirTemp("", "checks-")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	conf, pidFile := filepath.Join(dir, "conf"), filepath.Join(dir, "checkers")
	if err := os.WriteFile(conf, []byte(m.config()), 0o644); err != nil {
		return s, err
	}
	if err := m.r.Spawn("keepalived", "--check", "--dont-fork", "--log-console", "--no-syslog", "--use-file="+conf,
		"--pid="+filepath.Join(dir, "pid"), "--checkers_pid="+pidFile); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, m.r.Kill(), m.r.Wait(m.ctx)) }()
	var pid int
	if err := lab.Eventually(m.ctx, settled, func(context.Context) error {
		n, err := lab.PIDIn(pidFile)
		pid = n
		return err
	}); err != nil {
		return s, err
	}
	return m.watch(pid)
}
