package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// Fault is what can happen to a director.
type Fault int

// The faults: its segments lose it, its process dies, is told to end, or freezes.
const (
	CutOff Fault = iota + 1
	Killed
	Terminated
	Frozen
)

// String is the fault in a sentence about the director.
func (f Fault) String() string {
	switch f {
	case CutOff:
		return "cut off"
	case Killed:
		return "killed"
	case Terminated:
		return "terminated"
	case Frozen:
		return "stopped"
	default:
		panic("lab: unknown fault")
	}
}

// How long after its lease's end the kernel may answer for an address whose process can do nothing about it: with the
// fence, and with no more than the address's own lifetime of two whole seconds.
const (
	Fenced  = 50 * time.Millisecond
	DeadMan = 2500 * time.Millisecond
)

// Profiles are the lease lengths by profile: design, section 6.
func Profiles() map[string]time.Duration {
	return map[string]time.Duration{
		"fast": 150 * time.Millisecond, "lan": 400 * time.Millisecond, "vm": 1500 * time.Millisecond, "wan": 3 * time.Second,
	}
}

// DefaultProfile is the timing to run with: $POLSO_LAB_PROFILE, else the product's default, or under emulation the one
// for machines that are kept waiting: there a busy host alone would cost a shorter lease.
func DefaultProfile() string {
	switch {
	case os.Getenv("POLSO_LAB_PROFILE") != "":
		return os.Getenv("POLSO_LAB_PROFILE")
	case os.Getenv("POLSO_LAB_EMULATED") != "":
		return "vm"
	default:
		return "lan"
	}
}

// Bound is how long after a fault a second holder would be a defect, given the longest lease and what takes an address
// down when the process cannot (Fenced or DeadMan). A router that is cut off is out of the segment's sight and one that is
// told to end lets go before anybody else may hold: never.
func (f Fault) Bound(lease, kernel time.Duration) time.Duration {
	switch f {
	case CutOff, Terminated:
		return 0
	case Killed, Frozen:
		return lease + kernel
	default:
		panic("lab: unknown fault")
	}
}

// Strike lets the fault happen to a router and returns when it began and when it was complete.
func (l *Lab) Strike(ctx context.Context, f Fault, r *Router) (began, done time.Time, err error) {
	began = time.Now()
	switch f {
	case CutOff:
		err = l.Cut(ctx, r.Node)
	case Killed:
		err = r.Kill()
	case Terminated:
		err = r.Term()
	case Frozen:
		err = r.Stop()
	}
	return began, time.Now(), err
}

// Repair undoes the fault: heals the segment, or has the agent running again.
func (l *Lab) Repair(ctx context.Context, f Fault, r *Router) error {
	switch f {
	case CutOff:
		return l.Heal(ctx, r.Node)
	case Frozen:
		return r.Cont()
	case Killed, Terminated:
		if err := r.Wait(ctx); err != nil {
			return err
		}
		return r.Start(ctx)
	default:
		panic("lab: unknown fault")
	}
}

// Successor waits until a router other than old has an address in its kernel. It asks the kernels, not the agents: a
// process for every question would itself slow down what is measured.
func (l *Lab) Successor(ctx context.Context, old *Router, addr netip.Addr) (next *Router, err error) {
	err = eventually(ctx, often, startupTimeout, func(context.Context) error {
		for _, r := range l.Routers {
			if r == old || !r.Running() {
				continue
			}
			has, err := r.Has(addr)
			if err != nil {
				return err
			}
			if has {
				next = r
				return nil
			}
		}
		return fmt.Errorf("no other router has taken %v", addr)
	})
	return next, err
}

// Has tells whether an address is on one of the node's devices.
func (n *Node) Has(addr netip.Addr) (has bool, err error) {
	err = n.Do(func() error {
		addrs, err := net.InterfaceAddrs()
		for _, a := range addrs {
			if p, perr := netip.ParsePrefix(a.String()); perr == nil && p.Addr() == addr {
				has = true
			}
		}
		return err
	})
	return has, err
}

// Neighbour is the hardware address that a node's kernel has for an address; "" if it knows none.
func (n *Node) Neighbour(ctx context.Context, addr string) (mac string, err error) {
	text, err := n.Run(ctx, "ip", "neigh", "show", addr)
	if err != nil {
		return "", err
	}
	if _, rest, ok := strings.Cut(text, "lladdr "); ok {
		return strings.Fields(rest)[0], nil
	}
	return "", nil
}
