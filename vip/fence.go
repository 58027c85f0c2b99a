package vip

import (
	"errors"
	"net/netip"
	"time"
)

// ErrShut means that the fence had closed by itself before it was to stay open for longer.
var ErrShut = errors.New("the fence has closed")

// ErrNoFence means that the fence is not there: never raised, or somebody took it away.
var ErrNoFence = errors.New("the fence is not there")

// Guarded is one address behind the fence.
type Guarded struct {
	Addr netip.Addr
	Link string // the device that announcements leave by
}

// Fence is a gate in the kernel: what is for a guarded address, what comes from it and what claims it passes only while the
// gate is open, and it is open for a time that was said in advance. So nobody is answered for an address beyond a lease's
// end, whatever has become of this process. It is KernelFence, or FakeFence. Every method may be called from any goroutine
// and ends within a few seconds unless the kernel itself is stuck; an error other than those above is the kernel's.
type Fence interface {
	// Raise builds the fence anew, shut, around these addresses, in one step.
	Raise(around []Guarded) error
	// Guard puts exactly these addresses behind the fence and leaves the gate as it is. The error may be ErrNoFence.
	Guard(around []Guarded) error
	// Open puts exactly these addresses behind the fence and opens the gate for d, whether it was shut or not, in one step:
	// for when none of them is up. The error may be ErrNoFence.
	Open(around []Guarded, d time.Duration) error
	// Renew has the open gate close in d from now. Once it has closed it stays so: that is ErrShut.
	Renew(d time.Duration) error
	// Shut puts exactly these addresses behind the fence and closes the gate now, in one step. The error may be ErrNoFence.
	Shut(around []Guarded) error
	// Raze takes the fence away.
	Raze() error
}
