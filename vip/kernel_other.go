//go:build !linux

package vip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"
)

var started = time.Now()

// Boottime is a Clock for simulated kernels: time since this process began.
func Boottime() Instant { return Instant(time.Since(started)) }

var errOther = errors.New("virtual addresses need Linux")

// Kernel is the Edge to the kernel: there is one for Linux only.
type Kernel struct{}

// Open fails: virtual addresses need Linux.
func Open() (*Kernel, error) { return nil, errOther }

// Close does nothing.
func (*Kernel) Close() {}

// Links implements Edge.
func (*Kernel) Links() (Links, error) { return nil, errOther }

// Placed implements Edge.
func (*Kernel) Placed() ([]Placed, error) { return nil, errOther }

// Add implements Edge.
func (*Kernel) Add(netip.Addr, int, time.Duration) error { return errOther }

// Renew implements Edge.
func (*Kernel) Renew(list []Site, _ time.Duration) []error {
	return slices.Repeat([]error{errOther}, len(list))
}

// Remove implements Edge.
func (*Kernel) Remove(netip.Addr, int, int) error { return errOther }

// Announce implements Edge.
func (*Kernel) Announce(netip.Addr, int, func() bool) error { return errOther }

// Claims implements Edge.
func (*Kernel) Claims(context.Context, func(Claim)) error { return errOther }

// Subscribe implements Edge.
func (*Kernel) Subscribe(context.Context, func(Event)) error { return errOther }

// Probe fails: it needs Linux.
func Probe(context.Context, string, netip.Addr) (net.HardwareAddr, bool, error) {
	return nil, false, errOther
}

// KernelFence is the Fence in the kernel: there is one for Linux only.
type KernelFence struct{}

// Raise implements Fence.
func (*KernelFence) Raise([]Guarded) error { return errOther }

// Guard implements Fence.
func (*KernelFence) Guard([]Guarded) error { return errOther }

// Open implements Fence.
func (*KernelFence) Open([]Guarded, time.Duration) error { return errOther }

// Renew implements Fence.
func (*KernelFence) Renew(time.Duration) error { return errOther }

// Shut implements Fence.
func (*KernelFence) Shut([]Guarded) error { return errOther }

// Raze implements Fence.
func (*KernelFence) Raze() error { return errOther }
