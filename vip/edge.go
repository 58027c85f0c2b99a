package vip

import (
	"context"
	"net/netip"
	"time"
)

// Edge is the kernel as a Keeper needs it: Kernel, or Fake. Every method may be called from any goroutine, no call waits
// for another's, and each ends within a few seconds unless the kernel itself is stuck. Once a call has returned, its write is in the
// kernel or never will be.
type Edge interface {
	// Links lists the links but for the loopback device, without prefixes, in any order.
	Links() (Links, error)
	// Placed lists the addresses of those links.
	Placed() ([]Placed, error)
	// Add puts addr, as a host address with Polso's mark, on the link of that index for valid (whole seconds). The
	// error is EEXIST when that link carries it already, ENODEV when there is no such link.
	Add(addr netip.Addr, link int, valid time.Duration) error
	// Renew sets the time that is left of each address on its link to valid, one after the other, and returns an error or nil
	// for each. Like the kernel it adds an address that is not there, so who calls has made sure that they are.
	Renew(list []Site, valid time.Duration) []error
	// Remove takes addr off the link. The error is EADDRNOTAVAIL when it is not there.
	Remove(addr netip.Addr, bits, link int) error
	// Announce tells the segment once, in every form it may listen to, that addr lives at this link. It asks still right
	// before each frame leaves, when all that may take time is behind it: once that says no nothing leaves any more, and
	// the error is ErrExpired. still must not block.
	Announce(addr netip.Addr, link int, still func() bool) error
	// Claims calls tell for each claim that others send on a link, until ctx ends (then it returns nil) or that cannot be
	// heard. tell must not block.
	Claims(ctx context.Context, tell func(Claim)) error
	// Subscribe calls tell for each change of an address or a link until ctx ends (then it returns nil) or changes may
	// have been missed. tell must not block.
	Subscribe(ctx context.Context, tell func(Event)) error
}

// Site is an address on the link of that index.
type Site struct {
	Addr netip.Addr
	Link int
}

// Event is a change that the kernel reports.
type Event struct {
	Kind  EventKind
	Addr  netip.Addr // of AddrAdded and AddrRemoved
	Bits  int
	Index int  // of the link
	Link  Link // of LinkChanged, without prefixes
}

// EventKind is what changed.
type EventKind int

// The kinds of events.
const (
	AddrAdded EventKind = iota + 1 // or its lifetime or flags changed
	AddrRemoved
	LinkChanged
	LinkRemoved
)
