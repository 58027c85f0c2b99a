package agent

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"polso/fsm"
)

// claim decides whether the services in this node's kernel are its own. They are when the kernel had none when the node
// first looked, when an earlier process of the same boot had claimed them, or when the operator gave them up (`polso apply
// --adopt`). Until it is decided the director touches no table; what was there before is never taken for ours by mistake.
type claim struct {
	path  string // of the marker, which holds the boot's ID
	table table
	state func() *fsm.Snapshot
	ring  func()
	log   *slog.Logger

	seen    uint64 // Adopted when the services were first seen; run's goroutine only
	own     atomic.Bool
	foreign atomic.Bool // neither: not decided
}

const claimEvery = 200 * time.Millisecond

// run looks until the services are this node's own, then waits for ctx's end.
func (c *claim) run(ctx context.Context) error {
	tick := time.NewTicker(claimEvery)
	defer tick.Stop()
	for !c.look() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	c.foreign.Store(false)
	c.own.Store(true)
	c.ring()
	<-ctx.Done()
	return ctx.Err()
}

// look reports whether the services are this node's own.
func (c *claim) look() bool {
	if claimed(c.path) {
		return true
	}
	have, _, err := c.table.Table()
	if err != nil {
		return false // the director says so too
	}
	if len(have.Services) > 0 && !c.givenUp(len(have.Services)) {
		return false
	}
	if err := os.WriteFile(c.path, []byte(bootID()), 0o600); err != nil {
		c.log.Error("claim", "err", err)
		return false
	}
	return true
}

// claimed tells whether a process of this boot has found the services to be this node's own.
func claimed(path string) bool {
	boot := bootID()
	text, err := os.ReadFile(path)
	return err == nil && boot != "" && string(text) == boot
}

// givenUp reports whether the operator gave the services up since this node first saw them. What was given up before then,
// on other routers, does not count; so nothing counts until this process knows what was committed.
func (c *claim) givenUp(services int) bool {
	s := c.state()
	if !s.Known {
		return false
	}
	if !c.foreign.Load() {
		c.seen = s.Adopted
		c.foreign.Store(true)
		c.log.Warn("the kernel has services that are not Polso's; not directing", "services", services)
		c.ring()
	}
	return s.Adopted > c.seen
}

// bootID names this boot of the kernel (random(4)); "" where there is none.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// claimFile is where the marker lies: beside the socket, as what is known of the kernel's addresses, not with the node's data.
// Who loses the data, or leaves one cluster for another, still has the kernel in which the services are its own.
func claimFile(o Options) string { return filepath.Join(filepath.Dir(o.Socket), o.Name+".claimed") }
