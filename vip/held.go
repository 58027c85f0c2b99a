// Package vip holds virtual addresses on links, each until its own end, and tells the segment where they live.
//
// Nothing here decides who should hold an address; see director. A Keeper does the holding: what it takes up, it takes
// down at its end whatever else is stuck, and the kernel lets go of it by itself two seconds after the process has died.
// It works on an Edge: the Kernel, or a Fake with the kernel's manners.
package vip

import (
	"net"
	"net/netip"
	"time"
)

// Instant is a moment on this node's boot clock (CLOCK_BOOTTIME, which counts suspend): time since boot. Instants of
// two nodes, or of two boots, cannot be compared.
type Instant time.Duration

// Clock tells the present Instant. It is handed in so that tests own time.
type Clock func() Instant

// Held is an address that this node is to hold on a link until an end.
type Held struct {
	Addr  netip.Addr
	Link  string  // the device
	Until Instant // the kernel must have let go of it by then unless it is extended
	Epoch uint64  // the holding it belongs to; announcements are keyed by it
}

// Link is one network device as the director needs to know it.
type Link struct {
	Name     string
	Index    int
	Up       bool             // administratively up and with carrier
	MAC      net.HardwareAddr // empty for a device that has none
	Own      []netip.Prefix   // its own addresses, each with its subnet's length, without those that Polso put there
	Prefixes []netip.Prefix   // their subnets, masked, each once
}

// Links is a snapshot of the node's links, by name. The loopback device is not among them: no segment hears it.
type Links []Link
